"""How a screen reaches the browser: as a document, through a single-page application, or in a web component."""

from enum import StrEnum

from tests.sites.server import Response, as_json

PART = "x-part"  # the header with which a script asks for a screen


class Variant(StrEnum):
    PLAIN = "plain"
    SPA = "spa"
    COMPONENT = "component"


STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7}main{max-width:420px;margin:48px auto;"
    "padding:32px;background:#fff;border:1px solid #ddd;border-radius:8px}h1{font-size:24px}"
    "input,select,button{font:inherit;padding:8px}.error{color:#b00020}.row{display:block;padding:10px;"
    "border:1px solid #ccc;margin:6px 0;cursor:pointer}label{display:block;margin-top:12px}"
)

# Fetches each screen, keeps the address in step, sends forms itself, as client-side routers do.
SCRIPT = """
const root = ROOT;
async function load(path, init) {
  const answer = await fetch(path, {...init, headers: {"X-Part": "1"}, credentials: "same-origin"});
  const data = await answer.json();
  if (data.away) { location.href = data.away; return; }
  if (data.path !== location.pathname) history.pushState({}, "", data.path);
  document.title = data.title;
  root.innerHTML = "<main>" + data.html + "</main>";
  for (const old of root.querySelectorAll("script")) {
    const run = document.createElement("script");
    run.textContent = "{const ui = window.__root;" + old.textContent + "}";
    old.replaceWith(run);
  }
}
window.__root = root;
root.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new URLSearchParams(new FormData(event.target, event.submitter));
  load(event.target.getAttribute("action") || location.pathname, {method: "POST", body: data});
});
root.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  if (link && !link.target) { event.preventDefault(); load(link.getAttribute("href")); }
});
window.addEventListener("popstate", () => load(location.pathname));
window.go = (path) => load(path);
load(location.pathname + location.search);
"""


def shell(variant: Variant, lang: str) -> str:
    """The one document of a scripted variant."""
    if variant is Variant.COMPONENT:
        script = SCRIPT.replace("ROOT", 'this.attachShadow({mode: "open"})')
        body = (
            "<zoo-login></zoo-login><script>customElements.define('zoo-login', class extends HTMLElement {"
            f"connectedCallback() {{ {script} root.adoptedStyleSheets=[(()=>{{const s=new CSSStyleSheet();"
            f"s.replaceSync({STYLE!r});return s}})()]; }} }});</script>"
        )
    else:
        script = SCRIPT.replace("ROOT", "document.getElementById('app')")
        body = f'<div id="app"><p>Loading…</p></div><script>{script}</script>'
    return _document(body, title="App", lang=lang)


def whole(html: str, *, title: str, lang: str) -> str:
    """The screen as a document of its own."""
    script = "<script>const ui = document; window.go = (path) => location.assign(path)</script>"
    return _document(f"{script}<main>{html}</main>", title=title, lang=lang)


def part(html: str, *, title: str, path: str) -> Response:
    return as_json({"html": html, "title": title, "path": path})


def _document(body: str, *, title: str, lang: str) -> str:
    direction = ' dir="rtl"' if lang in ("ar", "he") else ""
    return (
        f'<!doctype html><html lang="{lang}"{direction}><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title><style>{STYLE}</style></head><body>{body}</body></html>'
    )
