/* Whether a person types into this transparent input by the cells drawn under it: see docs/adr/cells-under-an-input.md.
 * Put into the observer's script and into the probe right before typing, so that both ask the same.
 */
(el) => {
  if (el.localName !== "input" || !/^(text|tel|number)$/.test(el.type) || el.disabled || el.readOnly || el.tabIndex < 0) return false;
  const own = getComputedStyle(el);
  const plain = own.visibility === "visible" && own.pointerEvents !== "none" && own.clip === "auto" && own.clipPath === "none";
  if (!plain || el.closest("[aria-hidden=true],[inert]")) return false;
  const seen = (one) => one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const clear = (color) => color === "transparent" || /, 0\)$/.test(color);
  const box = el.getBoundingClientRect();
  const page = document.scrollingElement || document.documentElement;
  if (box.left + scrollX < 0 || box.top + scrollY < 0 || box.right + scrollX > Math.max(page.scrollWidth, innerWidth) + 1) return false;
  const root = el.getRootNode();
  const within = (x, y) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
  for (let wrap = el.parentElement, up = 0; wrap && up < 3 && wrap !== document.body; wrap = wrap.parentElement, up++) {
    if (!seen(wrap) || wrap.querySelectorAll("input:not([type=hidden]),textarea,select,[contenteditable]").length !== 1) return false;
    const around = getComputedStyle(wrap).backgroundColor;
    const drawn = Array.from(wrap.querySelectorAll("*")).slice(0, 80).filter((one) => {
      const b = one.getBoundingClientRect();
      if (one === el || b.width < 14 || b.width > 100 || b.height < 14 || b.height > 110 || !seen(one)) return false;
      const style = getComputedStyle(one);
      const lined = style.borderBottomStyle !== "none" && parseFloat(style.borderBottomWidth) > 0 && !clear(style.borderBottomColor);
      return lined || (!clear(style.backgroundColor) && style.backgroundColor !== around);
    });
    const cells = drawn.filter((one) => !drawn.some((other) => other !== one && other.contains(one))).map((one) => one.getBoundingClientRect());
    if (cells.length < 4 || cells.length > 10 || (el.maxLength > 0 && el.maxLength !== cells.length)) continue;
    const first = cells[0];
    const left = Math.min(...cells.map((b) => b.left));
    const right = Math.max(...cells.map((b) => b.right));
    const fits = Math.abs(box.left - left) <= 24 && Math.abs(box.right - right) <= 24 && box.height <= first.height + 24;
    const inRow = cells.every((b) => Math.abs(b.top - first.top) <= 4 && Math.abs(b.width - first.width) <= 6 && Math.abs(b.height - first.height) <= 6);
    const hit = cells.every((b) => {
      const x = b.left + b.width / 2;
      const y = b.top + b.height / 2;
      return within(x, y) && (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight || root.elementFromPoint(x, y) === el);
    });
    if (fits && inRow && hit) return true;
  }
  return false;
}
