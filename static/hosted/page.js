// Keeps the page at the step the login has reached: the server names the current step, and a page that shows another
// one fetches it. What is being typed stays, because the name changes only when something else is asked. A page that
// embeds or opened this one, if its project lists it, is told the status and nothing else.
(() => {
  "use strict";
  const page = document.getElementById("login");
  const trouble = document.getElementById("trouble");
  const said = document.getElementById("said");
  const step = () => document.getElementById("step");
  const parentOrigin = page.dataset.parent;
  const parentWindow = parentOrigin && (window.parent !== window ? window.parent : window.opener);
  let source = null;
  let newest = "";
  let again = 0;
  let wait = 1000;
  let told = "";

  const tell = () => {
    const { status, step: name } = step().dataset;
    if (!parentWindow || !status || told === status + name) return;
    told = status + name;
    const message = { type: "authsvc.login", connection_id: page.dataset.connection, flow_status: status, flow_step: name };
    parentWindow.postMessage(message, parentOrigin);
    if (status === "SUCCESS" && window.opener === parentWindow) setTimeout(() => window.close(), 1500);
  };

  const leave = () => { // in place of this page, so that the back button does not lead here and on again
    const { onward, onwardSeconds } = step().dataset;
    if (onward) setTimeout(() => location.replace(onward), 1000 * Number(onwardSeconds));
  };

  const shown = () => {
    tell();
    leave();
  };

  const fetchStep = () => {
    const done = htmx.ajax("GET", location.pathname, { target: "#step", swap: "outerHTML" });
    done.catch(() => {}); // shown by htmx:sendError below
  };

  const look = () => {
    if (!newest || newest === step().dataset.shown) return;
    newest = ""; // once per news: whatever comes back is at least as new
    fetchStep();
  };

  const stop = () => {
    clearTimeout(again);
    if (source) source.close();
    source = null;
  };

  const follow = () => {
    stop();
    if (!step().dataset.live) return;
    source = new EventSource(page.dataset.events);
    source.addEventListener("shown", (event) => {
      trouble.hidden = true;
      newest = event.data;
      look();
    });
    source.addEventListener("over", stop);
    source.addEventListener("open", () => {
      clearTimeout(again);
      wait = 1000;
    });
    source.addEventListener("error", () => { // a dropped stream the browser opens again itself, a refused one not
      clearTimeout(again);
      again = setTimeout(() => {
        trouble.hidden = false;
        fetchStep();
        follow();
      }, source.readyState === EventSource.CLOSED ? wait : 5000);
      wait = Math.min(2 * wait, 15000);
    });
  };

  document.documentElement.classList.add("js");
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers.Accept = "text/html";
  });
  document.addEventListener("htmx:beforeSwap", (event) => { // only steps of ours: no proxy's error page
    const ours = event.detail.xhr.getResponseHeader("X-Login-Step") !== null;
    event.detail.shouldSwap = ours;
    event.detail.isError = false;
    trouble.hidden = ours;
  });
  document.addEventListener("htmx:sendError", () => { trouble.hidden = false; });
  document.addEventListener("htmx:timeout", () => { trouble.hidden = false; });
  document.addEventListener("htmx:afterSwap", () => {
    document.title = step().dataset.title;
    said.textContent = step().dataset.title;
    if (!step().dataset.live) stop();
    shown();
    look();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") follow();
  });
  addEventListener("online", follow);
  addEventListener("pageshow", (event) => { // back from the browser's memory: what it shows may be long over
    if (event.persisted) location.reload();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveals]");
    if (!button) return;
    const input = document.getElementById(button.dataset.reveals);
    const shows = input.type === "text";
    input.type = shows ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shows));
    input.focus();
  });
  follow();
  shown();
})();
