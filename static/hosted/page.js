// Keeps the page at the step the login has reached: the server names the current step, and a page that shows another
// one fetches it. What is being typed stays, because the name changes only when something else is asked.
(() => {
  "use strict";
  const page = document.getElementById("login");
  const trouble = document.getElementById("trouble");
  const said = document.getElementById("said");
  const step = () => document.getElementById("step");
  let source = null;
  let newest = "";
  let again = 0;
  let wait = 1000;

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
    look();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") follow();
  });
  addEventListener("online", follow);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveals]");
    if (!button) return;
    const input = document.getElementById(button.dataset.reveals);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    input.focus();
  });
  follow();
})();
