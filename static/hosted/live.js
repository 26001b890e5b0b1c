// Shows a login's page, frame by frame, and sends what the person does in it. The token of an address stands behind
// its "#" and goes into the first message; on the hosted page the session cookie speaks for the person.
(() => {
  "use strict";
  const GIVEN_UP = 4404;
  const OVER = 1000;
  const SENTINEL = " "; // so that phones have something to delete
  const modifiers = (event) => (event.altKey ? 1 : 0) | (event.ctrlKey ? 2 : 0) | (event.metaKey ? 4 : 0) | (event.shiftKey ? 8 : 0);

  const fragment = new URLSearchParams(location.hash.replace(/^#/, "token=").replace("?", "&"));
  const asked = new URLSearchParams(location.search);
  const hello = { t: "hello" };
  if (fragment.get("token")) {
    hello.token = fragment.get("token");
    history.replaceState(null, "", location.pathname + location.search); // not for whoever looks over the shoulder
  }
  hello.readOnly = [asked, fragment].some((from) => ["true", "1", ""].includes(from.get("readOnly")));

  class Stage {
    constructor(root) {
      this.root = root;
      this.canvas = root.querySelector(".live-page");
      this.keys = root.querySelector(".live-keys");
      this.said = root.querySelector(".live-said");
      this.size = { w: 1280, h: 800 };
      this.acts = false;
      this.fingers = new Map();
      this.wait = 1000;
      this.move = null;
      this.listen();
      root.hidden = false;
      this.say("waiting");
      this.open();
    }

    say(what) { this.said.textContent = this.root.dataset[what]; }

    // --- the line ---
    open() {
      if (this.gone || this.socket || document.visibilityState === "hidden") return;
      const socket = new WebSocket(location.origin.replace(/^http/, "ws") + this.root.dataset.socket);
      socket.binaryType = "arraybuffer";
      this.socket = socket;
      socket.addEventListener("open", () => {
        this.write(hello);
        this.resized();
      });
      socket.addEventListener("message", (event) => {
        if (typeof event.data === "string") this.told(JSON.parse(event.data));
        else this.drawn(event.data, socket);
      });
      socket.addEventListener("close", (event) => this.closed(event, socket));
    }

    write(message) {
      if (this.socket && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    }

    closed(event, socket) {
      if (this.socket !== socket) return;
      this.socket = null;
      this.state({ acts: false, looks: false });
      if (event.code === OVER || event.code === GIVEN_UP) {
        this.gone = true;
        this.say(event.code === OVER ? "over" : "refused");
        return;
      }
      this.say("waiting");
      if (document.visibilityState === "hidden") return;
      this.again = setTimeout(() => this.open(), this.wait);
      this.wait = Math.min(2 * this.wait, 8000);
    }

    close() {
      clearTimeout(this.again);
      const socket = this.socket;
      this.socket = null;
      if (!socket) return;
      if (socket.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => socket.close());
      else socket.close();
    }

    told(notice) {
      if (notice.t !== "state") return;
      this.wait = 1000;
      this.state(notice);
      this.say(notice.hidden ? "covered" : notice.acts ? "yours" : notice.looks ? "looking" : "locked");
    }

    state({ acts, looks }) {
      this.acts = acts;
      this.root.toggleAttribute("data-acts", acts);
      this.root.toggleAttribute("data-looks", looks);
    }

    async drawn(data, socket) {
      const head = new DataView(data);
      this.size = { w: head.getUint16(0), h: head.getUint16(2) };
      const picture = await createImageBitmap(new Blob([new Uint8Array(data, 4)], { type: "image/jpeg" }));
      if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
        this.canvas.width = picture.width;
        this.canvas.height = picture.height;
      }
      this.canvas.getContext("2d").drawImage(picture, 0, 0);
      picture.close();
      this.root.dataset.frames = Number(this.root.dataset.frames || 0) + 1;
      if (this.socket === socket) this.write({ t: "ack" });
    }

    resized() {
      const alone = document.body.classList.contains("live-alone");
      const h = Math.round(innerHeight * (alone ? 1 : 0.7)) - (alone ? 110 : 0);
      this.write({ t: "size", w: this.root.clientWidth, h: Math.max(320, h), d: devicePixelRatio });
    }

    // --- pointers ---
    at(event) {
      const box = this.canvas.getBoundingClientRect();
      return {
        x: Math.round(((event.clientX - box.left) / box.width) * this.size.w * 10) / 10,
        y: Math.round(((event.clientY - box.top) / box.height) * this.size.h * 10) / 10,
      };
    }

    later(message) { // moves: one for each picture of the screen, in order with everything else
      if (!this.move) requestAnimationFrame(() => this.flush());
      this.move = message;
    }

    flush() {
      const message = this.move;
      this.move = null;
      if (message) this.write(message);
    }

    now(message) {
      this.flush();
      this.write(message);
    }

    pressed(event) {
      if (!this.acts) return;
      event.preventDefault();
      this.canvas.setPointerCapture(event.pointerId);
      if (event.pointerType === "touch") return this.touched(event);
      this.keys.focus({ preventScroll: true });
      this.now({ t: "mouse", e: "down", b: ["left", "middle", "right"][event.button] || "left", n: this.clicks(event), m: modifiers(event), ...this.at(event) });
    }

    clicks(event) {
      const last = this.last || { time: 0, x: 0, y: 0, n: 0 };
      const near = event.timeStamp - last.time < 400 && Math.hypot(event.clientX - last.x, event.clientY - last.y) < 6;
      this.last = { time: event.timeStamp, x: event.clientX, y: event.clientY, n: near ? (last.n % 3) + 1 : 1 };
      return this.last.n;
    }

    moved(event) {
      if (!this.acts) return;
      if (event.pointerType === "touch") return this.dragged(event);
      this.later({ t: "mouse", e: "move", m: modifiers(event), ...this.at(event) });
    }

    lifted(event) {
      if (event.pointerType === "touch") return this.untouched(event);
      if (!this.acts) return;
      this.now({ t: "mouse", e: "up", b: ["left", "middle", "right"][event.button] || "left", n: (this.last || {}).n || 1, m: modifiers(event), ...this.at(event) });
    }

    // One finger works the page, two scroll it.
    touched(event) {
      this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (this.fingers.size === 1) this.now({ t: "touch", e: "start", p: [this.at(event)] });
      else if (this.fingers.size === 2) this.now({ t: "touch", e: "cancel", p: [] });
    }

    dragged(event) {
      const before = this.fingers.get(event.pointerId);
      if (!before) return;
      this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (this.fingers.size === 1) return this.later({ t: "touch", e: "move", p: [this.at(event)] });
      const scale = this.size.w / this.canvas.clientWidth / this.fingers.size;
      this.now({ t: "wheel", dx: (before.x - event.clientX) * scale, dy: (before.y - event.clientY) * scale, ...this.at(event) });
    }

    untouched(event) {
      const alone = this.fingers.size === 1;
      if (!this.fingers.delete(event.pointerId) || !this.acts) return;
      if (alone) this.now({ t: "touch", e: event.type === "pointercancel" ? "cancel" : "end", p: [] });
    }

    // --- keys ---
    key(event) {
      if (!this.acts || event.isComposing) return;
      if (event.key === "Escape" && !event.shiftKey) { // the way out for people who use the keyboard
        if (event.type === "keydown") this.root.querySelector(".live-tool").focus();
        return;
      }
      if (["Dead", "Process", "Unidentified"].includes(event.key) || event.keyCode === 229) return; // comes as text
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "v") return; // comes as a paste
      event.preventDefault();
      const m = event.key === "Escape" ? 0 : modifiers(event);
      this.now({ t: "key", e: event.type === "keydown" ? "down" : "up", k: event.key, c: event.code, n: event.keyCode, m });
    }

    stroke(key, n) {
      this.now({ t: "key", e: "down", k: key, c: key, n });
      this.now({ t: "key", e: "up", k: key, c: key, n });
    }

    inserted(event) {
      if (event.isComposing) return;
      const typed = this.keys.value;
      this.keys.value = SENTINEL;
      if (!this.acts) return;
      if (event.inputType === "deleteContentBackward") return this.stroke("Backspace", 8);
      if (event.inputType === "insertLineBreak") return this.stroke("Enter", 13);
      const text = typed.startsWith(SENTINEL) ? typed.slice(SENTINEL.length) : typed;
      if (text) this.now({ t: "text", s: text });
    }

    listen() {
      const { canvas, keys, root } = this;
      const middle = () => ({ x: this.size.w / 2, y: this.size.h / 2 });
      keys.value = SENTINEL;
      canvas.addEventListener("pointerdown", (event) => this.pressed(event));
      canvas.addEventListener("pointermove", (event) => this.moved(event));
      canvas.addEventListener("pointerup", (event) => this.lifted(event));
      canvas.addEventListener("pointercancel", (event) => this.lifted(event));
      canvas.addEventListener("contextmenu", (event) => event.preventDefault());
      canvas.addEventListener("wheel", (event) => {
        if (!this.acts) return;
        event.preventDefault();
        const unit = [1, 30, this.size.h][event.deltaMode];
        this.now({ t: "wheel", dx: event.deltaX * unit, dy: event.deltaY * unit, m: modifiers(event), ...this.at(event) });
      }, { passive: false });
      keys.addEventListener("keydown", (event) => this.key(event));
      keys.addEventListener("keyup", (event) => this.key(event));
      keys.addEventListener("input", (event) => this.inserted(event));
      keys.addEventListener("compositionend", () => this.inserted({ isComposing: false }));
      keys.addEventListener("paste", (event) => {
        event.preventDefault();
        if (this.acts) this.now({ t: "text", s: event.clipboardData.getData("text/plain") });
      });
      root.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button || !this.acts) return;
        if ("keyboard" in button.dataset) this.keys.focus({ preventScroll: true });
        else this.now({ t: "wheel", dx: 0, dy: Number(button.dataset.scroll), ...middle() });
      });
    }
  }

  let stage = null;
  const look = () => {
    const root = document.querySelector(".live[data-socket]");
    if (stage && stage.root === root) return;
    if (stage) stage.close();
    stage = root ? new Stage(root) : null;
  };
  document.addEventListener("htmx:afterSwap", look);
  document.addEventListener("visibilitychange", () => {
    if (!stage) return;
    if (document.visibilityState === "hidden") stage.close();
    else stage.open();
  });
  let settling = 0;
  addEventListener("resize", () => {
    clearTimeout(settling);
    settling = setTimeout(() => { if (stage) stage.resized(); }, 300);
  });
  look();
})();
