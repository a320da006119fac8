// Tables that sort by a click on a column's name, and that are filtered by text and by the values of a column. Without this
// script they stand in the order of the report.
(() => {
  'use strict';

  // Only what scrolls is a stop for the keyboard.
  const stops = () => {
    for (const region of document.querySelectorAll('.scroll')) {
      if (region.scrollWidth > region.clientWidth) region.setAttribute('tabindex', '0');
      else region.removeAttribute('tabindex');
    }
  };
  addEventListener('resize', stops);

  const text = (cell) => cell.textContent.trim();
  const order = (cell) => (cell.dataset.order === undefined ? null : Number(cell.dataset.order));
  const compare = (a, b) => {
    const [x, y] = [order(a), order(b)];
    if (x !== null && y !== null) return x - y;
    if (x !== null || y !== null) return x === null ? 1 : -1;
    return text(a).localeCompare(text(b));
  };

  for (const table of document.querySelectorAll('table[data-sorts]')) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        heads.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        // A stable sort of the rows as they were written: equal ones keep their order either way.
        const sorted = [...rows].sort((a, b) => (down ? -1 : 1) * compare(a.cells[column], b.cells[column]));
        body.append(...sorted);
      });
    });

    const tools = document.querySelector(`.tools[data-for="${table.closest('.block').id}"]`);
    if (rows.length < 6) continue;
    const labelled = (name, control) => {
      const label = document.createElement('label');
      label.append(name, control);
      tools.append(label);
      return control;
    };
    const search = labelled('Search', Object.assign(document.createElement('input'), { type: 'search' }));
    const picks = heads.flatMap((head, column) => {
      if (head.dataset.pick === undefined) return [];
      const select = document.createElement('select');
      const values = [...new Set(rows.map((row) => text(row.cells[column])))].sort();
      select.append(new Option('all', ''), ...values.map((value) => new Option(value, value)));
      return [[column, labelled(text(head), select)]];
    });
    const shown = document.createElement('p');
    shown.setAttribute('role', 'status');
    tools.append(shown);
    const filter = () => {
      const wanted = search.value.trim().toLowerCase();
      let left = 0;
      for (const row of rows) {
        const fits = row.textContent.toLowerCase().includes(wanted) &&
          picks.every(([column, select]) => !select.value || text(row.cells[column]) === select.value);
        row.hidden = !fits;
        left += fits ? 1 : 0;
      }
      shown.textContent = `${left} of ${rows.length} rows`;
    };
    tools.addEventListener('input', filter);
    filter();
    tools.hidden = false;
  }
  stops();
})();
