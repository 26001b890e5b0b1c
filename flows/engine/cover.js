() => {
  // Where a page may show what was typed, in the pixels of its window; and how to tell that nothing moved meanwhile.
  const areas = [];
  const seen = TAGS.map(() => 0); // how many of each were looked at
  const kinds = TAGS.map((tag) => tag.replace(/[<>]/g, ""));
  const view = window.visualViewport;
  const add = (rect, at) => {
    if (rect.width < 1 || rect.height < 1) return;
    const place = (side, length, from, offset) =>
      [Math.floor((from + side * at.scale - offset) * view.scale), Math.ceil(length * at.scale * view.scale)];
    const [x, width] = place(rect.x, rect.width, at.x, view.offsetLeft);
    const [y, height] = place(rect.y, rect.height, at.y, view.offsetTop);
    if (x < innerWidth && y < innerHeight && x + width > 0 && y + height > 0) areas.push([x, y, width, height]);
  };
  const framed = (frame, at) => {
    const rect = frame.getBoundingClientRect();
    let inside = null;
    try { inside = frame.contentDocument; } catch { /* somebody else's */ }
    if (!inside || !inside.documentElement) return add(rect, at); // what cannot be looked into is covered
    const scale = at.scale * (frame.offsetWidth ? rect.width / frame.offsetWidth : 1);
    look(inside, {
      x: at.x + rect.x * at.scale + frame.clientLeft * scale,
      y: at.y + rect.y * at.scale + frame.clientTop * scale,
      scale,
    });
  };
  const look = (root, at) => {
    for (const element of root.querySelectorAll("*")) {
      const kind = kinds.indexOf(element.localName);
      if (kind >= 0) seen[kind]++;
      else if (element.hasAttribute("contenteditable")) seen[kinds.indexOf("contenteditable")]++;
      if (element.shadowRoot) look(element.shadowRoot, at);
      else if (element.localName.includes("-") && !element.childNodes.length) add(element.getBoundingClientRect(), at);
      if (/^i?frame$|^object$|^embed$/.test(element.localName)) framed(element, at);
      else if (element.matches(SELECTOR)) {
        add(element.getBoundingClientRect(), at);
        if (element.isContentEditable) {
          const range = element.ownerDocument.createRange();
          range.selectNodeContents(element);
          for (const rect of range.getClientRects()) add(rect, at);
        }
      }
    }
  };
  look(document, { x: 0, y: 0, scale: 1 });
  globalThis.known ??= `${Math.random()}`;
  return JSON.stringify({ document: globalThis.known, window: [innerWidth, innerHeight], areas, seen });
}
