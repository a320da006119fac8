// A marker on the threshold × gap map and on the threshold curve: mouse, touch, arrow keys or sliders move it over the points of
// the sweep, and a table says what holds there. Without this script the pictures and the tables of the page say the rest.
(() => {
  'use strict';
  const source = document.getElementById('explorer');
  if (!source) return;
  const grid = JSON.parse(source.textContent);
  const SVG = 'http://www.w3.org/2000/svg';
  const width = grid.gaps.length;

  // Wilson's interval at 95 %.
  const wilson = (k, n) => {
    const z2 = 1.959963984540054 ** 2, p = k / n;
    const middle = (p + z2 / (2 * n)) / (1 + z2 / n);
    const half = Math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n);
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  };
  const percent = (share) => (100 * share).toFixed(1);
  const rate = (k, n) => {
    if (n === 0) return { text: 'n/a', note: '' };
    const [low, high] = wilson(k, n);
    return { text: `${percent(k / n)} %`, note: `${percent(low)}–${percent(high)}` };
  };
  const plain = (text) => ({ text, note: '' });
  const setting = (value) => String(Math.round(value * 1e4) / 1e4);

  const at = (i, j) => {
    const cell = i * width + j;
    const accepted = grid.accepted[cell], right = grid.right[cell], strange = grid.strange[cell];
    return [
      ['threshold', plain(setting(grid.thresholds[i]))],
      ['gap', plain(setting(grid.gaps[j]))],
      ['coverage', rate(accepted, grid.n)],
      ['selective accuracy', rate(right, accepted)],
      ['system accuracy', rate(right + grid.out_of_domain - strange, grid.n)],
      ['false accepts', rate(strange, grid.out_of_domain)],
      ['mean price', plain(grid.price.length ? grid.price[cell].toPrecision(4) : 'no prices')],
    ];
  };
  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const row = (name, figures) => {
    const line = document.createElement('tr');
    line.append(element('th', name, { scope: 'row' }));
    for (const [key, { text, note }] of figures) {
      const cell = element('td', text, { class: 'number', 'data-figure': key });
      if (note) cell.append(' ', element('small', note));
      line.append(cell);
    }
    return line;
  };
  const nearest = (axis, value) => {
    let best = 0;
    axis.forEach((v, k) => { if (Math.abs(v - value) < Math.abs(axis[best] - value)) best = k; });
    return best;
  };

  const start = (panel) => {
    const figure = panel.closest('figure');
    const picture = figure.querySelector('svg');
    const plane = (picture.dataset.plane || '').split(' ').map(Number);
    if (plane.length !== 8) return;
    const [left, top, right, bottom, x0, x1, y0, y1] = plane;
    const map = panel.dataset.marker === 'map';
    const first = grid.marks[0] || { i: 0, j: 0 };
    let { i, j } = first;

    const px = (v) => left + (right - left) * Math.min(1, Math.max(0, (v - x0) / (x1 - x0)));
    const py = (v) => bottom + (top - bottom) * Math.min(1, Math.max(0, (v - y0) / (y1 - y0)));
    const crosses = ['cross halo', 'cross'].map((name) => {
      const path = document.createElementNS(SVG, 'path');
      path.setAttribute('class', name);
      picture.append(path);
      return path;
    });
    const sliders = [...panel.querySelectorAll('input')];
    for (const slider of sliders) {
      slider.min = 0;
      slider.max = (slider.dataset.axis === 'gap' ? grid.gaps : grid.thresholds).length - 1;
      slider.step = 1;
    }
    const table = panel.querySelector('table');
    const head = document.createElement('tr');
    head.append(element('th', `on split ${grid.split}`, { scope: 'col' }));
    for (const [key] of at(i, j)) head.append(element('th', key, { scope: 'col', class: 'number' }));
    table.tHead.append(head);

    const show = (spoken) => {
      const figures = at(i, j);
      const x = px(grid.thresholds[i]), y = py(grid.gaps[j]);
      const shape = map
        ? `M${left} ${y}H${x - 130}M${x + 130} ${y}H${right}M${x} ${top}V${y - 130}M${x} ${y + 130}V${bottom}` +
          `M${x - 80} ${y}a80 80 0 1 0 160 0a80 80 0 1 0 -160 0`
        : `M${x} ${top}V${bottom}`;
      for (const cross of crosses) cross.setAttribute('d', shape);
      const rows = [row('at the marker', figures)];
      rows[0].className = 'here';
      for (const mark of grid.marks) rows.push(row(mark.name === 'current' ? 'today' : mark.name, at(mark.i, mark.j)));
      table.tBodies[0].replaceChildren(...rows);
      for (const slider of sliders) {
        const gap = slider.dataset.axis === 'gap';
        slider.value = gap ? j : i;
        const value = setting(gap ? grid.gaps[j] : grid.thresholds[i]);
        slider.setAttribute('aria-valuetext', value);
        slider.nextElementSibling.textContent = value;
      }
      if (spoken) {
        panel.querySelector('.said').textContent =
          figures.map(([key, { text }]) => `${key} ${text}`).join(', ');
      }
    };
    const move = (di, dj) => {
      i = Math.min(grid.thresholds.length - 1, Math.max(0, i + di));
      if (map) j = Math.min(width - 1, Math.max(0, j + dj));
      show(true);
    };
    const point = (event) => {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
      const x = x0 + (x1 - x0) * (place.x - left) / (right - left);
      const y = y0 + (y1 - y0) * (bottom - place.y) / (bottom - top);
      i = nearest(grid.thresholds, x);
      if (map) j = nearest(grid.gaps, y);
      show(false);
    };

    picture.classList.add('markable');
    // Keys go to the marker rather than to a screen reader's own moves; the sliders do the same without.
    picture.setAttribute('role', 'application');
    picture.setAttribute('tabindex', '0');
    picture.setAttribute('aria-describedby', `how-${figure.id}`);
    panel.querySelector('.how').id = `how-${figure.id}`;
    picture.addEventListener('pointerdown', (event) => {
      point(event);
      if (event.pointerType === 'mouse') picture.setPointerCapture(event.pointerId);
    });
    picture.addEventListener('pointermove', (event) => { if (event.buttons & 1) point(event); });
    picture.addEventListener('keydown', (event) => {
      const step = event.shiftKey ? 10 : 1;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      const by = moves[event.key];
      if (!by || (!map && by[0] === 0)) return;
      event.preventDefault();
      move(...by);
    });
    for (const slider of sliders) {
      slider.addEventListener('input', () => {
        if (slider.dataset.axis === 'gap') j = Number(slider.value);
        else i = Number(slider.value);
        show(false);
      });
    }
    panel.hidden = false;
    show(false);
  };
  document.querySelectorAll('[data-marker]').forEach(start);
})();
