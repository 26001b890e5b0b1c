"""Scripts that ask one element what stands before it is filled or pressed."""

from flows.engine.observe import OVER_CELLS

# Whether a person could use the element now; scrolls to it first. `hit`: nothing that can be seen lies over its
# middle.
PROBE = """(el) => {
  if (!el.isConnected) return null;
  let box = el.getBoundingClientRect();
  const inside = (b) => b.top >= 0 && b.left >= 0 && b.bottom <= innerHeight && b.right <= innerWidth;
  if (!inside(box)) {
    el.scrollIntoView({block: "center", inline: "nearest", behavior: "instant"});
    box = el.getBoundingClientRect();
  }
  const cells = !el.checkVisibility({checkOpacity: true}) && inside(box) && (OVER_CELLS)(el);
  const visible = box.width > 2 && box.height > 2
    && (cells || el.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}));
  const faded = !visible && el.checkVisibility({checkVisibilityCSS: true});
  const root = el.getRootNode();
  const at = root.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const top = at.find((one) => one === el || one.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}));
  const labels = el.labels ? [...el.labels] : [];
  const hit = !!top && (top === el || el.contains(top) || labels.some((label) => label.contains(top)));
  const disabled = el.disabled === true || el.getAttribute("aria-disabled") === "true";
  return {visible, cells, faded, hit, disabled, readonly: el.readOnly === true, tag: el.localName};
}""".replace("OVER_CELLS", OVER_CELLS)
# Whether keys go to the element now. Its content is selected, so that typing replaces it.
FOCUSED = """(el) => {
  const active = el.getRootNode().activeElement;
  if (!document.hasFocus() || !active || !(active === el || el.contains(active))) return false;
  if (typeof el.select === "function") el.select();
  return true;
}"""
ENTRIES = '(el) => [...el.options].map((option) => option.disabled ? ["", ""] : [option.label, option.value])'
FOCUS = "(el) => el.focus()"
# How much a field holds, never what.
HELD = """(el) => {
  const value = typeof el.value === "string" ? el.value : (el.textContent || "");
  return [value.length, (value.match(/[\\p{L}\\p{N}]/gu) || []).length];
}"""
# Where the form would be sent: the address, "" for the page itself or a script.
ACTION = """(el, submitter) => {
  const form = el.form || el.closest("form");
  const own = submitter && submitter.getAttribute ? submitter.getAttribute("formaction") : null;
  const said = own !== null ? own : (form ? form.getAttribute("action") : null);
  return said ? new URL(said, document.baseURI).href : "";
}"""
