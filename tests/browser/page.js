// What the test asks of the page in the browser; each function returns a list of complaints.
window.routecalTest = {
  // Nothing sticks out of the window, but for what lies in a box that scrolls by itself.
  overflow() {
    const wide = document.documentElement.clientWidth;
    const complaints = [];
    if (document.documentElement.scrollWidth > wide) complaints.push(`the page is ${document.documentElement.scrollWidth} wide`);
    for (const element of document.body.querySelectorAll('*')) {
      if (element.closest('.scroll') && !element.matches('.scroll')) continue;
      if (element.closest('.skip, .said, svg, [hidden]')) continue;
      const box = element.getBoundingClientRect();
      if (box.width && (box.right > wide + 0.5 || box.left < -0.5)) {
        complaints.push(`${element.tagName} ${element.id || element.className} ends at ${box.right}`);
      }
    }
    return complaints;
  },

  // WCAG 2: 4.5 to 1 for every text against what lies behind it.
  contrast() {
    const parse = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
    const luminance = ([r, g, b]) => {
      const linear = [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const behind = (element) => {
      for (let e = element; e; e = e.parentElement) {
        const colour = parse(getComputedStyle(e).backgroundColor);
        if (colour.length === 3 || colour[3] === 1) return colour;
      }
      return [255, 255, 255];
    };
    const ratio = (a, b) => {
      const [x, y] = [luminance(a), luminance(b)];
      return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
    };
    const complaints = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.textContent.trim() || element.closest('script, svg, option, [hidden]')) continue;
      const found = ratio(parse(getComputedStyle(element).color), behind(element));
      if (found < 4.5) complaints.add(`${element.tagName}.${element.className}: ${found.toFixed(2)}`);
    }
    // The words of a picture are shapes; those in ink or grey lie on its paper.
    for (const svg of document.querySelectorAll('.plot svg')) {
      const paper = parse(getComputedStyle(svg.querySelector('path')).fill);
      for (const path of svg.querySelectorAll('[fill="#1f2328"], [fill="#5c636c"]')) {
        const found = ratio(parse(getComputedStyle(path).fill), paper);
        if (found < 4.5) complaints.add(`${svg.closest('figure').id} ${path.getAttribute('fill')}: ${found.toFixed(2)}`);
      }
    }
    return [...complaints];
  },

  structure() {
    const complaints = [];
    const all = (selector) => [...document.querySelectorAll(selector)];
    for (const [selector, wanted] of [['h1', 1], ['main', 1], ['header', 1], ['footer', 1], ['nav', 1]]) {
      if (all(selector).length !== wanted) complaints.push(`${all(selector).length} of ${selector}`);
    }
    let level = 0;
    for (const heading of all('h1, h2, h3, h4')) {
      const own = Number(heading.tagName[1]);
      if (own > level + 1) complaints.push(`${heading.tagName} after h${level}: ${heading.textContent}`);
      level = own;
    }
    const ids = all('[id]').map((element) => element.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) complaints.push(`two of id ${id}`);
    for (const link of all('a[href]')) {
      const href = link.getAttribute('href');
      if (!href.startsWith('#') || !document.getElementById(href.slice(1))) complaints.push(`a link to ${href}`);
    }
    for (const head of all('th')) if (!head.scope) complaints.push(`th without a scope: ${head.textContent}`);
    for (const labelled of all('[aria-labelledby], [aria-describedby]')) {
      for (const name of ['aria-labelledby', 'aria-describedby']) {
        const id = labelled.getAttribute(name);
        if (id && !document.getElementById(id)) complaints.push(`${name} ${id}`);
      }
    }
    for (const svg of all('svg')) {
      const title = svg.querySelector('title'), words = svg.querySelector('desc');
      if (!svg.getAttribute('role') || !title?.textContent || !words?.textContent) complaints.push('a picture without words');
    }
    for (const figure of all('figure, .block')) {
      if (!figure.querySelector('figcaption, .explain')?.textContent.trim()) complaints.push(`${figure.id} is not explained`);
    }
    for (const control of all('input, select')) if (!control.closest('label')) complaints.push('a control without a label');
    return complaints;
  },
};
