/* Takes one snapshot of one frame. Evaluated as a function in the isolated world where the driver has one.
 *
 * Gives back {json, refs, at(i)}: `json` is the snapshot as text (values of fields are never read into it), `refs`
 * weak references to the elements it names. Everything is bounded: elements, text, depth and time. Positions are in
 * CSS pixels of this frame's viewport.
 */
(arg) => {
  "use strict";
  const started = performance.now();
  const closed = new Map((arg && arg.closed ? arg.closed : []).map((root) => [root.host, root]));
  const MAX = { walk: 7000, nodes: 2500, controls: 1200, hidden: 250, text: 40000, depth: 350, ms: 600, hits: 160 };
  const doc = document;
  const view = { w: innerWidth, h: innerHeight };
  const scroller = doc.scrollingElement || doc.documentElement;
  const extent = { w: Math.max(view.w, scroller ? scroller.scrollWidth : 0), h: Math.max(view.h, scroller ? scroller.scrollHeight : 0) };

  const SKIP = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "HEAD", "META", "LINK", "TITLE", "OBJECT", "EMBED",
    "AUDIO", "VIDEO", "CANVAS", "MAP", "DATALIST", "OPTION", "OPTGROUP", "RP", "RT"]);
  const BOXES = new Set(["FORM", "FIELDSET", "DIALOG", "NAV", "HEADER", "FOOTER", "MAIN", "ASIDE", "SECTION", "ARTICLE",
    "TABLE", "TR", "UL", "OL", "LI", "DETAILS"]);
  const BOX_ROLES = new Set(["form", "search", "dialog", "alertdialog", "alert", "status", "navigation", "banner",
    "contentinfo", "main", "group", "radiogroup", "listbox", "list", "menu", "tablist", "tabpanel", "region"]);
  const CLICK_ROLES = new Set(["button", "link", "tab", "option", "radio", "checkbox", "switch", "menuitem",
    "menuitemradio", "textbox", "searchbox", "combobox", "treeitem"]);
  const ALERT = /(^|[^a-z])([a-z]*error[a-z]*|err|alert|invalid|danger|warning|warn|messages?|msg|notice|flash|toast|feedback|fail(ed|ure)?|validation|snackbar|problem|callout)([^a-z]|$)/i;
  const INLINE = /^(SPAN|B|I|EM|STRONG|A|FONT|U|SMALL|MARK|SLOT)$/;
  const LIGATURES = /(^|[^a-z])material-(icons|symbols)/; // icon fonts whose icons are words, such as "visibility_off"
  const OVERLAY = /modal|dialog|popup|pop-up|overlay|lightbox|cookie|consent|gdpr|onetrust|cmp|drawer|offcanvas/i;

  const cut = (value, limit) => {
    const text = typeof value === "string" ? value.slice(0, limit * 4).replace(/\s+/g, " ").trim() : "";
    return text.length > limit ? text.slice(0, limit) : text;
  };
  const attr = (el, name, limit) => cut(el.getAttribute ? el.getAttribute(name) || "" : "", limit);
  const classOf = (el, limit) => attr(el, "class", limit);
  const shadows = []; // the first of the shadow roots that were walked through
  const rootOf = (el) => {
    try { return el.shadowRoot || closed.get(el) || null; } catch (_) { return null; }
  };
  /* The tree as it is: component libraries without shadow roots give their hosts properties of their own that show
     slotted children only, and where there is no isolated world those would be read instead. */
  const native = (kind, name) => {
    const { get } = Object.getOwnPropertyDescriptor(kind.prototype, name);
    return (node) => get.call(node);
  };
  const firstOf = native(Node, "firstChild");
  const nextOf = native(Node, "nextSibling");
  const parentOf = native(Node, "parentNode");
  const firstElement = native(Element, "firstElementChild");
  const firstElementOf = (node) => (node.nodeType === 1 ? firstElement(node) : node.firstElementChild);
  const nextElementOf = native(Element, "nextElementSibling");
  const flatParent = (node) => node.assignedSlot || parentOf(node) || node.host || null;
  const composedContains = (outer, inner) => {
    for (let at = inner, i = 0; at && i < 600; at = flatParent(at), i++) if (at === outer) return true;
    return false;
  };

  /* What people typed must not come back as page text: sites echo it, and password fields may be of type text. */
  const typed = [];
  const noteTyped = (el) => {
    const value = el.value;
    if (typeof value !== "string" || value.length < 4 || value.length > 400 || typed.length > 40) return;
    if (el.type === "password" || value !== el.defaultValue || /[@\d]/.test(value)) typed.push(value.replace(/\s+/g, " ").trim());
  };
  const scrub = (text) => {
    for (const value of typed) if (value && text.includes(value)) text = text.split(value).join("…");
    return text;
  };

  // ---- paths: every ancestor once, as [parent, step]
  const paths = [];
  const pathIndex = new WeakMap();
  const steps = new WeakMap();
  const numberChildren = (parent) => {
    const counts = new Map();
    for (let child = firstElementOf(parent); child; child = nextElementOf(child)) {
      const n = (counts.get(child.localName) || 0) + 1;
      counts.set(child.localName, n);
      steps.set(child, n);
    }
  };
  const pathOf = (el) => {
    const known = pathIndex.get(el);
    if (known !== undefined) return known;
    const chain = [];
    for (let at = el; at && at.nodeType === 1 && pathIndex.get(at) === undefined; ) {
      chain.push(at);
      const parent = parentOf(at);
      at = parent && parent.nodeType === 11 && parent.host ? parent.host : parent;
      if (chain.length > 700) break;
    }
    for (let i = chain.length - 1; i >= 0; i--) {
      const at = chain[i];
      const parent = parentOf(at);
      const inShadow = !!(parent && parent.nodeType === 11 && parent.host);
      const up = parent ? pathIndex.get(inShadow ? parent.host : parent) : undefined;
      const name = CSS.escape(at.localName);
      let step = name;
      if (at !== doc.documentElement && at !== doc.body && parent) {
        if (!steps.has(at)) numberChildren(parent);
        step = `${name}:nth-of-type(${steps.get(at) || 1})`;
      }
      paths.push(inShadow ? [up === undefined ? -1 : up, step, 1] : [up === undefined ? -1 : up, step]);
      pathIndex.set(at, paths.length - 1);
    }
    return pathIndex.get(el);
  };

  // ---- text of one element, as a person reads it, without any field's content
  const textOf = (el, limit, isLabel) => {
    let out = "";
    let visits = 0;
    const go = (node, depth) => {
      if (out.length > limit || depth > 40 || ++visits > 400) return;
      if (node.nodeType === 3) { out += node.data.length > limit ? node.data.slice(0, limit) : node.data; return; }
      if (node.nodeType !== 1 || SKIP.has(node.tagName)) return;
      const tag = node.tagName;
      if (tag === "INPUT") { if (/^(submit|button|reset)$/.test(node.type)) out += ` ${node.value} `; return; }
      if (tag === "TEXTAREA" || tag === "SELECT" || node.isContentEditable) return;
      if (tag === "IMG") { out += ` ${node.getAttribute("alt") || ""} `; return; }
      if (isLabel && depth > 0 && LIGATURES.test(classOf(node, 120))) return;
      if (tag === "svg") { const t = node.querySelector("title"); if (t) out += ` ${t.textContent} `; return; }
      if (tag === "BR") { out += " "; return; }
      if (depth > 0 && node.checkVisibility && !node.checkVisibility() && tag !== "SLOT" && getComputedStyle(node).display === "none") return;
      const root = rootOf(node);
      const apart = !INLINE.test(tag) || (depth > 0 && /^(block|flex|grid|list-item|table)/.test(getComputedStyle(node).display));
      if (apart) out += " ";
      const before = out.length;
      if (root) for (const child of root.childNodes) go(child, depth + 1);
      else if (tag === "SLOT" && node.assignedNodes().length) for (const child of node.assignedNodes()) go(child, depth + 1);
      else for (let child = firstOf(node); child; child = nextOf(child)) go(child, depth + 1);
      if (out.length > before && apart) out += " ";
    };
    go(el, 0);
    return cut(scrub(out), limit);
  };
  const byIds = (el, name, limit) => {
    const ids = el.getAttribute(name);
    if (!ids) return "";
    const root = el.getRootNode();
    const parts = [];
    for (const id of ids.split(/\s+/).slice(0, 5)) {
      const target = id && root.getElementById ? root.getElementById(id) : null;
      if (target && target !== el) parts.push(textOf(target, limit));
    }
    return cut(parts.join(" "), limit);
  };
  const labelText = (el) => {
    const parts = [];
    if (el.labels) for (const label of Array.prototype.slice.call(el.labels, 0, 4)) parts.push(textOf(label, 160, true));
    return cut(parts.join(" "), 200);
  };
  const iconOf = (el) => {
    const parts = [];
    let n = 0;
    const walker = doc.createTreeWalker(el, 1);
    for (let at = el; at && n < 12; at = walker.nextNode(), n++) {
      if (at !== el) parts.push(typeof at.className === "string" ? at.className.slice(0, 60) : "");
      const src = at.getAttribute("src") || at.getAttribute("href") || at.getAttribute("xlink:href") || "";
      if (at !== el && src && !src.startsWith("data:")) parts.push(src.split(/[?#]/)[0].split("/").pop() + (src[0] === "#" ? src : ""));
    }
    return cut(parts.join(" "), 120);
  };
  const dataOf = (el) => {
    const parts = [];
    const attributes = el.attributes;
    for (let i = 0; i < attributes.length && i < 30; i++) {
      const { name, value } = attributes[i];
      if (name.startsWith("data-") && value && value.length < 60 && !/[{}<]/.test(value) && /test|qa|cy|provider|action|method|type|name|id$|social|strategy|e2e|automation|track/.test(name)) parts.push(`${name.slice(5)}=${value}`);
      else if (/^(formcontrolname|ng-model|v-model|data-bind|ng-click|\(click\)|onclick|jsname)$/.test(name)) parts.push(`${name}=${value.slice(0, 60)}`);
      if (parts.length > 5) break;
    }
    return cut(parts.join(" "), 140);
  };

  // ---- visibility
  const rectOf = (el) => {
    const r = el.getBoundingClientRect();
    return [Math.round(r.left), Math.round(r.top), Math.round(r.width), Math.round(r.height)];
  };
  /* Where words stand whose element has no box of its own: `display: contents`, usual for hosts of slots. */
  const rectOfText = (node) => {
    const range = doc.createRange();
    range.selectNode(node);
    return rectOf(range);
  };
  const red = (color) => {
    const m = /rgba?\((\d+), (\d+), (\d+)/.exec(color);
    return !!m && +m[1] > 140 && +m[2] < 100 && +m[3] < 110 && +m[1] - Math.max(+m[2], +m[3]) > 60;
  };
  const clipped = (style, rect) => {
    if (style.clip && style.clip !== "auto" && (style.position === "absolute" || style.position === "fixed")) {
      const m = /rect\(([-\d.]+)px,? ([-\d.]+)px,? ([-\d.]+)px,? ([-\d.]+)px\)/.exec(style.clip);
      if (m && (m[3] - m[1] < 3 || m[2] - m[4] < 3)) return true;
    }
    const path = style.clipPath;
    if (path && path !== "none") {
      const m = /inset\(([\d.]+)(%|px)/.exec(path);
      if (m && ((m[2] === "%" && +m[1] >= 50) || (m[2] === "px" && +m[1] * 2 >= Math.min(rect[2], rect[3])))) return true;
      if (/circle\(0|polygon\(0(px|%)? 0(px|%)?, 0(px|%)? 0/.test(path)) return true;
    }
    return false;
  };
  const seeThrough = (style) => {
    const m = style.filter && style.filter !== "none" ? /opacity\(([\d.]+)(%?)\)/.exec(style.filter) : null;
    return !!m && +m[1] / (m[2] ? 100 : 1) < 0.06;
  };
  const outOf = (rect, box) => rect[0] + rect[2] <= box[0] + 1 || rect[1] + rect[3] <= box[1] + 1 || rect[0] >= box[2] - 1 || rect[1] >= box[3] - 1;
  const offscreen = (rect, fixed) => {
    const dx = fixed ? 0 : scrollX;
    const dy = fixed ? 0 : scrollY;
    const w = fixed ? view.w : extent.w;
    const h = fixed ? view.h : extent.h;
    return rect[0] + rect[2] + dx <= 0 || rect[1] + rect[3] + dy <= 0 || rect[0] + dx >= w || rect[1] + dy >= h;
  };
  const whyHidden = (el, style, ctx, rect) => {
    if (ctx.none || style.display === "none") return "none";
    if (ctx.inert) return "inert";
    if (style.visibility !== "visible") return "visibility";
    if (style.display !== "contents") {
      const least = el.tagName === "INPUT" && !/^(checkbox|radio|image|file)$/.test(el.type) ? 9 : 3; // nobody types into less
      if (rect[2] < least || rect[3] < least) return "size";
      if (ctx.opacity * (+style.opacity) < 0.06 || seeThrough(style)) return "opacity";
      if (ctx.cut || clipped(style, rect)) return "clip";
      if (ctx.clip && outOf(rect, ctx.clip)) return "clip";
      if (offscreen(rect, ctx.fixed || style.position === "fixed")) return "offscreen";
    }
    return "";
  };

  // ---- big documents: fields and what leads to them are always walked, the rest while there is budget
  const keep = new Set();
  let budget = MAX.walk;
  const isBig = doc.getElementsByTagName("*").length > MAX.walk;
  if (isBig) {
    const wanted = [];
    for (const el of doc.querySelectorAll("input:not([type=hidden]),select,textarea")) { wanted.push(el); if (wanted.length >= 150) break; }
    for (const el of doc.querySelectorAll("button,input[type=submit],[role=button],[role=alert],h1,h2,form a")) { wanted.push(el); if (wanted.length >= 300) break; }
    for (const el of wanted) {
      for (let at = el; at && !keep.has(at); at = at.parentElement) keep.add(at);
      for (let at = el.previousElementSibling, i = 0; at && i < 3; at = at.previousElementSibling, i++) keep.add(at);
      if (el.labels) for (const label of el.labels) for (let at = label; at && !keep.has(at); at = at.parentElement) keep.add(at);
    }
  }
  for (const el of Array.prototype.slice.call(doc.querySelectorAll("input,textarea"), 0, 300)) {
    if (!/^(hidden|submit|button|reset|checkbox|radio|file|image)$/.test(el.type)) noteTyped(el);
  }

  let modal = null;
  try { const open = doc.querySelectorAll("dialog:modal"); modal = open[open.length - 1] || null; } catch (_) { modal = null; }

  const forms = [];
  const formIndex = new Map();
  const formOf = (form) => {
    if (!formIndex.has(form)) {
      formIndex.set(form, forms.length);
      let action = "";
      try { const raw = form.getAttribute("action"); action = raw === null ? "" : new URL(raw, doc.baseURI).href; } catch (_) { action = ""; }
      forms.push({ a: cut(action, 300), m: attr(form, "method", 10).toLowerCase(), i: attr(form, "id", 80), c: classOf(form, 100), n: attr(form, "name", 80), r: attr(form, "role", 20), l: attr(form, "aria-label", 80), d: dataOf(form) });
    }
    return formIndex.get(form);
  };

  const refs = [];
  let controls = 0;
  let hiddenCount = 0;
  let nodes = 0;
  let textBudget = MAX.text;
  let more = false;
  const opaque = [];
  const hits = [];

  const kindOf = (el, tag, role, style, ctx) => {
    if (tag === "INPUT") return el.type === "hidden" ? "" : "field";
    if (tag === "SELECT" || tag === "TEXTAREA") return "field";
    if (tag === "BUTTON" || tag === "SUMMARY") return "button";
    if (tag === "IFRAME" || tag === "FRAME") return "frame";
    if (el.isContentEditable && !(el.parentElement && el.parentElement.isContentEditable)) return "field";
    if (role === "textbox" || role === "searchbox") return rootOf(el) || el.querySelector("input,textarea") ? "" : "field";
    if (tag === "A") return el.hasAttribute("href") || role || el.hasAttribute("onclick") || el.hasAttribute("tabindex") || style.cursor === "pointer" ? "button" : "";
    if (role && CLICK_ROLES.has(role)) return "button";
    if (tag === "LABEL" || tag === "BODY" || tag === "HTML" || tag === "FORM") return "";
    if (el.hasAttribute("onclick") || (el.hasAttribute("tabindex") && el.tabIndex >= 0)) return "maybe";
    if (style.cursor === "pointer" && !ctx.pointer && !ctx.label) return "maybe";
    return "";
  };
  const INNER = "input:not([type=hidden]),select,textarea,button,a[href],[role=button],[role=link],[role=radio],[role=option]";
  const leafText = (el) => {
    if (rootOf(el) || el.querySelector(INNER)) return false;
    return el.childElementCount < 30 && el.textContent.length < 400;
  };

  const hostOf = (el) => {
    const root = el.getRootNode();
    const host = root && root.nodeType === 11 ? root.host : null;
    const custom = host || (el.parentElement && el.parentElement.localName.includes("-") && el.parentElement.querySelectorAll("input,button,textarea").length === 1 ? el.parentElement : null);
    if (!custom) return null;
    const out = { t: custom.localName };
    for (const [key, name] of [["y", "type"], ["n", "name"], ["i", "id"], ["l", "label"], ["p", "placeholder"], ["a", "autocomplete"], ["h", "href"], ["s", "slot"], ["x", "text"]]) {
      const value = attr(custom, name, 120);
      if (value) out[key] = value;
    }
    const aria = attr(custom, "aria-label", 120) || (custom.getAttribute("aria-labelledby") ? byIds(custom, "aria-labelledby", 120) : "");
    if (aria) out.b = aria;
    if (custom.hasAttribute("required")) out.r = 1;
    if (custom.hasAttribute("disabled")) out.d = 1;
    const outer = custom.getRootNode();
    if (outer && outer.nodeType === 11 && outer.host && outer.host.localName.includes("-")) {
      for (const [key, name] of [["n", "name"], ["l", "label"], ["y", "type"], ["p", "placeholder"]]) {
        const value = attr(outer.host, name, 120);
        if (value && !out[key]) out[key] = value;
      }
    }
    return out;
  };

  /* Some fields are transparent until they are focused, while their label rests in their place: a person sees it
     there. What fades with its label is just invisible. */
  const isUnderLabel = (el) => {
    const words = attr(el, "aria-label", 160) || labelText(el);
    const above = [];
    for (let at = el; words && at && above.length < 9; at = flatParent(at)) if (at.nodeType === 1) above.push(at);
    let faded = above.length - 1;
    while (faded >= 0 && +getComputedStyle(above[faded]).opacity >= 0.06) faded--;
    if (faded < 0 || textOf(above[faded], 200).includes(words)) return false;
    for (const at of above.slice(faded + 1)) {
      if (at.getBoundingClientRect().height > 140) return false;
      if (textOf(at, 200).includes(words)) return at.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    }
    return false;
  };

  const isOverCells = /* cells.js */ () => false;

  const element = (el, tag, kind, ctx, style, out) => {
    let rect = ctx.none ? [0, 0, 0, 0] : rectOf(el);
    let why = ctx.none ? "none" : whyHidden(el, style, ctx, rect);
    const type = tag === "INPUT" ? el.type : tag === "BUTTON" ? el.type : "";
    let target = el;
    if (why && why !== "none" && why !== "inert" && (type === "radio" || type === "checkbox") && el.labels) {
      // Styled boxes hide the real one: what a person presses is its label.
      for (const label of el.labels) {
        const box = rectOf(label);
        if (box[2] > 4 && box[3] > 4 && getComputedStyle(label).visibility === "visible") { target = label; rect = box; why = ""; break; }
      }
    }
    if (why === "opacity" && kind === "field" && (isUnderLabel(el) || (ctx.opacity >= 0.06 && isOverCells(el)))) why = "";
    if (!why && kind === "field" && ctx.hiddenAria && el.tabIndex < 0 && !/^(checkbox|radio|submit|button|image|password)$/.test(type)) why = "inert"; // no reader tells of it, no key reaches it
    if (why && tag === "A" && why === "size" && el.firstElementChild) {
      const box = rectOf(el.firstElementChild);
      if (box[2] >= 3 && box[3] >= 3) { rect = box; why = ""; }
    }
    if (why && ++hiddenCount > MAX.hidden) return;
    if (++controls > MAX.controls && !keep.has(el)) { more = true; return; }
    const node = { e: tag.toLowerCase(), x: refs.length, s: pathOf(el), b: rect };
    refs.push(target);
    if (why) node.w = why;
    if (ctx.form >= 0) node.f = ctx.form;
    if (el.form && el.form.nodeType === 1) node.f = formOf(el.form);
    const put = (key, value) => { if (value) node[key] = value; };
    put("y", type);
    put("i", attr(el, "id", 100));
    put("c", classOf(el, 100));
    put("r", attr(el, "role", 20) || (kind === "field" && el.isContentEditable ? "textbox" : ""));
    put("al", attr(el, "aria-label", 160) || byIds(el, "aria-labelledby", 160));
    put("ti", attr(el, "title", 120));
    put("dt", dataOf(el));
    if (el.disabled === true || (el.matches && el.matches(":disabled")) || el.getAttribute("aria-disabled") === "true") node.ds = 1;
    if (ctx.hiddenAria) node.ah = 1;
    if (kind === "field") {
      put("n", attr(el, "name", 100));
      put("ac", attr(el, "autocomplete", 60).toLowerCase());
      put("ph", attr(el, "placeholder", 120) || attr(el, "data-placeholder", 120));
      put("lb", labelText(el));
      put("im", attr(el, "inputmode", 20).toLowerCase());
      put("pt", attr(el, "pattern", 60));
      put("dc", scrub(byIds(el, "aria-describedby", 200) || byIds(el, "aria-errormessage", 200)));
      if (el.maxLength > 0 && el.maxLength < 10000) node.ml = el.maxLength;
      if (el.required || el.getAttribute("aria-required") === "true") node.rq = 1;
      if (el.readOnly) node.ro = 1;
      if (el.getAttribute("aria-invalid") === "true") node.iv = 1;
      if (el.hasAttribute("autofocus") || doc.activeElement === el) node.af = 1;
      if (type === "checkbox" || type === "radio") { if (el.checked) node.ck = 1; put("v", type === "radio" ? attr(el, "value", 60) : ""); }
      else if (tag === "SELECT") {
        node.op = [];
        for (const option of Array.prototype.slice.call(el.options, 0, 40)) {
          node.op.push([cut(option.textContent, 80), refs.length, option.disabled ? 1 : 0, attr(option, "value", 40)]);
          refs.push(option);
        }
        const at = el.options[el.selectedIndex];
        if (at && at.value && !at.disabled && /^\s*[\p{L}\p{N}](?!.*(\.{3}|…)\s*$)/u.test(at.textContent)) node.fl = 1; // no "Please choose…"
      } else if (/^(submit|button|reset)$/.test(type)) put("tx", cut(el.value || (type === "submit" ? "Submit" : ""), 120));
      else if (type === "image") put("tx", attr(el, "alt", 100));
      else if (tag !== "INPUT" && tag !== "TEXTAREA" ? el.textContent.length > 0 : el.value !== "") node.fl = 1;
      if (type === "submit" || type === "image") put("fa", attr(el, "formaction", 200));
      if (style && style.webkitTextSecurity && style.webkitTextSecurity !== "none") node.ts = 1;
    } else if (kind === "frame") {
      put("n", attr(el, "name", 100));
      put("hr", cut(el.src || "", 300));
    } else {
      put("n", attr(el, "name", 100));
      put("tx", textOf(el, 160));
      put("ic", iconOf(el));
      if (tag === "A") put("hr", cut(el.href && typeof el.href === "string" ? el.href : "", 240));
      if (tag === "BUTTON") { put("fa", attr(el, "formaction", 200)); put("v", attr(el, "value", 60)); }
      const expanded = el.getAttribute("aria-expanded");
      if (expanded) node.ex = expanded === "true" ? 1 : 2;
      if (el.getAttribute("aria-checked") === "true" || el.getAttribute("aria-selected") === "true" || el.getAttribute("aria-pressed") === "true") node.ck = 1;
      put("hp", attr(el, "aria-haspopup", 20));
      put("dc", byIds(el, "aria-describedby", 160));
      if (kind === "maybe") node.mb = 1;
      if (style) {
        const bg = style.backgroundColor;
        if (bg && bg !== "transparent" && !/, 0\)$/.test(bg) && !/rgb\(2[2-5]\d, 2[2-5]\d, 2[2-5]\d\)/.test(bg)) node.bg = 1;
      }
    }
    const host = hostOf(el);
    if (host) node.ho = host;
    if (!why && hits.length < MAX.hits && kind !== "frame") hits.push([target, node]);
    nodes++;
    out.push(node);
  };

  // ---- the walk: pieces of a tree, boxes that group nothing are left out
  const run = { text: "", el: null, at: null, ctx: null };
  const flush = (out) => {
    if (!run.text) return;
    const text = cut(run.text, 300);
    const { el, at, ctx } = run;
    run.text = "";
    run.el = null;
    if (!text || !/[\p{L}\p{N}]/u.test(text)) return;
    if (textBudget <= 0 && !keep.has(el)) { more = true; return; }
    textBudget -= text.length;
    const style = getComputedStyle(el);
    const rect = style.display === "contents" ? rectOfText(at) : rectOf(el);
    if (ctx.opacity < 0.06 || ctx.cut || style.visibility !== "visible" || (rect[2] < 2 && rect[3] < 2)) return;
    const node = { t: scrub(text), b: rect };
    if (ctx.heading) node.h = ctx.heading;
    if (ctx.alert) node.a = ctx.alert;
    if (ctx.label) node.l = 1;
    if (ctx.hiddenAria) node.ah = 1;
    if (red(style.color) || ctx.redBox) node.rd = 1;
    if (clipped(style, rect) || offscreen(rect, ctx.fixed) || (ctx.clip && outOf(rect, ctx.clip))) node.sr = 1;
    const size = parseFloat(style.fontSize) || 16;
    node.z = Math.round(size);
    nodes++;
    out.push(node);
  };

  const walkChildren = (parent, ctx, out) => {
    const root = rootOf(parent);
    if (root && shadows.length < 30) shadows.push(root);
    if (root) { walkNodes(firstOf(root), ctx, out); return; }
    if (parent.tagName === "SLOT") {
      const assigned = parent.assignedNodes();
      if (assigned.length) { for (const node of assigned) walkNode(node, ctx, out); return; }
    }
    walkNodes(firstOf(parent), ctx, out);
  };
  const walkNodes = (first, ctx, out) => {
    for (let node = first; node; node = nextOf(node)) walkNode(node, ctx, out);
  };
  const walkNode = (node, ctx, out) => {
    if (node.nodeType === 3) {
      if (!ctx.none && !ctx.noText && run.text.length < 600 && node.data.trim()) {
        if (!run.el) { run.el = node.parentElement || (node.parentNode && node.parentNode.host) || doc.body; run.at = node; run.ctx = ctx; }
        run.text += node.data.length > 600 ? node.data.slice(0, 600) : node.data;
      } else if (run.text) run.text += " ";
      return;
    }
    if (node.nodeType !== 1) return;
    const tag = node.tagName;
    if (SKIP.has(tag)) return;
    if (tag === "BR") { run.text += run.text ? " " : ""; return; }
    if (nodes > MAX.nodes && !keep.has(node)) { more = true; return; }
    if (isBig || budget < 500) {
      if (budget <= 0 && !keep.has(node)) { more = true; return; }
      if ((budget & 63) === 0 && performance.now() - started > MAX.ms) { budget = 0; if (!keep.has(node)) { more = true; return; } }
    }
    budget--;
    if (ctx.depth > MAX.depth) { more = true; return; }
    if (tag === "IMG" || tag === "svg") return;

    const folded = ctx.none || (ctx.shut && tag !== "SUMMARY");
    const style = folded ? null : getComputedStyle(node);
    const none = folded || style.display === "none";
    if (none && hiddenCount > MAX.hidden) return;
    const role = attr(node, "role", 20).toLowerCase();
    const kind = none && !/^(INPUT|SELECT|TEXTAREA|BUTTON|A|IFRAME)$/.test(tag) ? (role === "button" ? "button" : "") : kindOf(node, tag, role, style || {}, ctx);
    if (kind === "field" || kind === "button" || kind === "frame" || (kind === "maybe" && leafText(node))) {
      if (none && !ctx.none) ctx = { ...ctx, none: true };
      const nested = kind === "button" && !/^(BUTTON|A|SUMMARY)$/.test(tag) && node.querySelector("input:not([type=hidden]),select,textarea");
      if (!nested) {
        if (kind === "button" && tag === "A" && !none && style.display === "inline" && run.text) {
          // A link in running text: the sentence stays whole, the link is listed too.
          const words = textOf(node, 160);
          element(node, tag, kind, ctx, style, out);
          run.text += " " + words + " ";
          return;
        }
        flush(out);
        element(node, tag, kind, ctx, style, out);
        return;
      }
    }

    const special = BOXES.has(tag) || BOX_ROLES.has(role) || node.hasAttribute("aria-modal");
    const named = `${classOf(node, 120)} ${attr(node, "id", 60)} ${attr(node, "part", 60)} ${tag.includes("-") ? node.localName : ""}`;
    const fixed = !none && (style.position === "fixed" || style.position === "sticky");
    const overlay = !none && (fixed || (style.position === "absolute" && +style.zIndex > 0)) ;
    const inner = { ...ctx, depth: ctx.depth + 1, none: none || style.contentVisibility === "hidden", shut: tag === "DETAILS" && !node.open };
    if (tag === "FORM") inner.form = formOf(node);
    if (!none) {
      inner.opacity = seeThrough(style) ? 0 : ctx.opacity * (+style.opacity);
      if (style.display !== "contents") {
        if (fixed) { inner.fixed = true; inner.clip = null; }
        if ((style.clip !== "auto" || style.clipPath !== "none") && clipped(style, rectOf(node))) inner.cut = true;
        if (tag !== "BODY" && tag !== "HTML" && (style.overflowX === "hidden" || style.overflowX === "clip" || style.overflowY === "hidden" || style.overflowY === "clip")) {
          const r = rectOf(node);
          const box = [r[0], r[1], r[0] + r[2], r[1] + r[3]];
          inner.clip = ctx.clip && style.position !== "fixed" ? [Math.max(ctx.clip[0], box[0]), Math.max(ctx.clip[1], box[1]), Math.min(ctx.clip[2], box[2]), Math.min(ctx.clip[3], box[3])] : box;
        } else if (style.position === "absolute" && ctx.clip && !ctx.clipHolds) inner.clip = null;
        if (style.position !== "static") inner.clipHolds = true;
      }
      if (node.inert || node.hasAttribute("inert") || (modal && modal === node)) inner.inert = modal === node ? false : true;
      if (node.getAttribute("aria-hidden") === "true") inner.hiddenAria = true;
      if (style.cursor === "pointer") inner.pointer = true;
      if (/^H[1-6]$/.test(tag)) inner.heading = +tag[1];
      else if (tag === "LEGEND" || tag === "CAPTION") inner.heading = 6;
      else if (role === "heading") inner.heading = Math.min(6, +node.getAttribute("aria-level") || 2);
      if (tag === "LABEL") inner.label = true;
      if (role === "alert" || node.getAttribute("aria-live") === "assertive") inner.alert = 3;
      else if (role === "status" || node.hasAttribute("aria-live")) inner.alert = Math.max(ctx.alert, 2);
      else if (ctx.alert < 2 && tag !== "BODY" && tag !== "HTML" && tag !== "FORM" && ALERT.test(named)) inner.alert = 1;
      if (inner.alert && !ctx.redBox && (red(style.backgroundColor) || red(style.borderLeftColor) && style.borderLeftWidth !== "0px" || /(^|[^a-z])(error|danger|invalid|err)/i.test(named))) inner.redBox = true;
    } else if (modal === node) inner.inert = false;
    if (node.localName.includes("-") && !none && !rootOf(node) && !node.childElementCount && opaque.length < 20) {
      const r = rectOf(node);
      if (r[2] > 8 && r[3] > 8) opaque.push(refs.push(node) - 1);
    }
    if (node.isContentEditable || tag === "PRE" || tag === "CODE") inner.noText = node.isContentEditable;

    const inline = !none && (style.display === "inline" || style.display === "contents") && !special;
    const isBox = special || fixed || overlay || (OVERLAY.test(named) && !inline);
    if (inline && !rootOf(node)) {
      const pieces = [];
      const before = run.text;
      if (before && inner.alert > ctx.alert) flush(out);
      walkChildren(node, inner, pieces);
      if (pieces.length) out.push(...pieces);
      return;
    }
    flush(out);
    const pieces = [];
    walkChildren(node, inner, pieces);
    flush(pieces);
    if (!pieces.length) return;
    if (!isBox && pieces.length === 1) { out.push(pieces[0]); return; }
    const box = { g: tag.toLowerCase(), k: pieces };
    if (isBox) {
      if (role) box.r = role;
      const id = attr(node, "id", 60);
      if (id) box.i = id;
      const cls = classOf(node, 80);
      if (cls) box.c = cls;
      if (tag === "FORM") box.f = inner.form;
      if (fixed) box.fx = 1;
      const label = attr(node, "aria-label", 80);
      if (label) box.l = label;
      if (node.hasAttribute("aria-modal") || tag === "DIALOG" || role === "dialog" || role === "alertdialog") box.m = 1;
      if (!none) box.b = rectOf(node);
      if (!none && +style.zIndex) box.z = +style.zIndex;
      box.x = refs.push(node) - 1;
    }
    out.push(box);
  };

  let top = [];
  const base = { depth: 0, none: false, inert: !!modal, opacity: 1, clip: null, clipHolds: false, cut: false, fixed: false, heading: 0, alert: 0,
    shut: false, label: false, pointer: false, form: -1, hiddenAria: false, noText: false, redBox: false };
  let failed = "";
  try {
    if (doc.body) { walkNode(doc.body, base, top); flush(top); }
  } catch (error) { failed = String(error && error.name); }

  // ---- covered: does a person's click reach it?
  const boxOfElement = new Map();
  const hitAt = (x, y) => {
    let hit = doc.elementFromPoint(x, y);
    for (let i = 0; hit && i < 20; i++) {
      const root = rootOf(hit);
      const inner = root && root.elementFromPoint ? root.elementFromPoint(x, y) : null;
      if (!inner || inner === hit) break;
      hit = inner;
    }
    return hit;
  };
  const near = (el, hit) => {
    if (composedContains(el, hit) || composedContains(hit, el)) return true;
    if (el.labels) for (const label of el.labels) if (composedContains(label, hit)) return true;
    let wrap = el;
    for (let i = 0; i < 2 && wrap; i++) wrap = flatParent(wrap);
    if (wrap && wrap.nodeType === 11) wrap = wrap.host;
    if (!wrap || wrap === doc.body || wrap === doc.documentElement || !wrap.getBoundingClientRect) return false;
    const outer = wrap.getBoundingClientRect();
    return composedContains(wrap, hit) && outer.height < 140 && !/^(BUTTON|A|INPUT)$/.test(hit.tagName);
  };
  const holders = new Set();
  try {
    for (const [el, node] of hits) {
      const r = el.getBoundingClientRect();
      const points = [[0.5, 0.5], [0.15, 0.5], [0.85, 0.5]];
      let reached = false;
      let coverer = null;
      let tried = 0;
      for (const [fx, fy] of points) {
        const x = r.left + r.width * fx;
        const y = r.top + r.height * fy;
        if (x < 0 || y < 0 || x >= view.w || y >= view.h) continue;
        tried++;
        const hit = hitAt(x, y);
        if (!hit || near(el, hit)) { reached = true; break; }
        coverer = coverer || hit;
      }
      if (tried && !reached) {
        node.w = "covered";
        let at = coverer;
        for (let i = 0; at && at !== doc.body && i < 60; i++, at = flatParent(at)) {
          if (at.nodeType === 1 && at.parentNode === doc.body) break;
          if (at.nodeType === 1) { const p = getComputedStyle(at).position; if (p === "fixed") break; }
        }
        if (at && at.nodeType === 1) { holders.add(at); boxOfElement.set(node, at); }
      }
    }
  } catch (error) { failed = failed || String(error && error.name); }
  const cover = [...holders].slice(0, 8).map((el) => ({ i: attr(el, "id", 60), c: classOf(el, 80), b: rectOf(el), m: el.getAttribute("aria-modal") === "true" || el.getAttribute("role") === "dialog" ? 1 : 0, s: pathOf(el), t: textOf(el, 200) }));
  const holderList = [...holders];
  for (const [node, el] of boxOfElement) { const at = holderList.indexOf(el); if (at >= 0 && at < 8) node.cv = at; }

  // ---- what the page loads and marks that tells of captchas and bot walls
  const MARKS = [".g-recaptcha", ".grecaptcha-badge", ".h-captcha", ".cf-turnstile", "[data-sitekey]", "altcha-widget", ".frc-captcha",
    "#px-captcha", "[class*=geetest]", "#FunCaptcha", "#arkose", "[id^=arkose]", ".mtcaptcha", "#captcha-container", "#awswaf-captcha", "awswaf-captcha",
    "[name=cf-turnstile-response]", "[name=g-recaptcha-response]", "[name=h-captcha-response]", "[name=fc-token]", "#challenge-form", "#challenge-stage", "#challenge-running",
    "#cf-challenge-running", ".cf-error-details", "#sec-if-container", "#ddv1-captcha-container", "img[src*=captcha i]", "img[id*=captcha i]", "img[alt*=captcha i]",
    "img[class*=captcha i]", "canvas[id*=captcha i]", "[class*=yidun]", "#nc_1_n1z", ".nc-container", "[class*=tcaptcha]", "#procaptcha", ".procaptcha", "cap-widget", ".lemin-captcha", "[data-captcha-enable]"];
  const marks = [];
  try {
    for (const selector of MARKS) {
      let el = doc.querySelector(selector);
      for (let i = 0; !el && i < shadows.length; i++) el = shadows[i].querySelector(selector);
      if (!el) continue;
      const rect = rectOf(el);
      const shown = rect[2] > 10 && rect[3] > 10 && (!el.checkVisibility || el.checkVisibility({ visibilityProperty: true, opacityProperty: true }));
      marks.push([selector, shown ? 1 : 0, attr(el, "data-size", 20), rect]);
    }
  } catch (_) { /* an old selector engine: marks are only hints */ }
  const scripts = [];
  for (const el of Array.prototype.slice.call(doc.scripts, 0, 200)) {
    if (el.src && /captcha|challenge|turnstile|arkose|funcaptcha|datadome|geetest|perimeterx|px-c|human|awswaf|token\.awswaf|kasada|imperva|incapsula|_Incapsula|akam|distil|altcha|friendlycaptcha|mtcaptcha|hsts|ips\.js|cdn-cgi/i.test(el.src)) scripts.push(cut(el.src.split("?")[0], 160));
    if (scripts.length > 20) break;
  }
  let status = 0;
  try { status = performance.getEntriesByType("navigation")[0].responseStatus || 0; } catch (_) { status = 0; }

  // ---- flat preorder lists out of the tree
  const list = [];
  const stack = [[top, -1]];
  const emit = (pieces, parent) => {
    for (const piece of pieces) {
      const at = list.length;
      const inner = piece.k;
      if (inner) delete piece.k;
      piece.p = parent;
      list.push(piece);
      if (inner) emit(inner, at);
    }
  };
  try { emit(top, -1); } catch (error) { failed = failed || String(error && error.name); }
  void stack;
  const loading = doc.readyState !== "complete" ? doc.readyState : "";
  let busy = 0;
  try {
    for (const root of [doc, ...shadows]) {
      for (const el of root.querySelectorAll("[aria-busy=true],[role=progressbar],[class*=spinner i],[class*=loading i],[class*=loader i],progress")) {
        const r = el.getBoundingClientRect();
        if (r.width > 4 && r.height > 4 && el.checkVisibility({ visibilityProperty: true, opacityProperty: true })) { busy = 1; break; }
      }
      if (busy) break;
    }
  } catch (_) { busy = 0; }
  const json = JSON.stringify({
    v: 1, url: location.href.slice(0, 2000), title: cut(scrub(doc.title || ""), 200), lang: attr(doc.documentElement, "lang", 20), dir: doc.dir || "",
    view: [view.w, view.h], size: [extent.w, extent.h], state: loading, busy, status, forms, paths, cover, marks, scripts, opaque, more: more ? 1 : 0,
    ms: Math.round(performance.now() - started), failed, nodes: list,
  });
  const held = refs.map((el) => new WeakRef(el));
  return { json, at: (i) => { const el = held[i] && held[i].deref(); return el && el.isConnected ? el : null; } };
}
