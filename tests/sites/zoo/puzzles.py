"""Checks that only somebody who looks and moves can pass, and a login that says nothing to a program."""

from typing import Any

from tests.sites.server import Request, as_json
from tests.sites.zoo.passwords import plain
from tests.sites.zoo.site import PASSWORD, USER, Go, Stay, Visit, Zoo, sign_in

GAP = 187  # where the piece belongs, in pixels from the left
ASK = (
    "<h1>Please verify you are a human</h1><p>Access to this page has been denied because we believe you are using "
    "automation tools to browse the website.</p>"
)
SEND = (
    "async function send(facts) { const a = await (await fetch('/solve', {method: 'POST', body: "
    "JSON.stringify(facts)})).json(); if (a.done) window.go('/home'); else { result.textContent = 'Try again'; } }"
)


def slider(zoo: Zoo) -> None:
    """A piece to be drawn into its gap with one steady movement of a trusted pointer."""
    _puzzle(
        zoo,
        f"<div id='captcha-slider' class='captcha' style='position:relative;width:300px;height:150px;background:#cde'>"
        f"<div style='position:absolute;left:{GAP}px;top:40px;width:50px;height:50px;background:#345'></div>"
        "<div id='piece' style='position:absolute;left:0;top:40px;width:50px;height:50px;background:#f60'></div></div>"
        "<div style='position:relative;width:300px;height:40px;background:#eee;margin-top:8px'>"
        "<div id='handle' style='position:absolute;left:0;width:50px;height:40px;background:#06f;touch-action:none'>"
        "</div></div><p id='result'>Drag the piece into the gap</p>",
        "let from = null, moves = 0, trusted = true; const handle = ui.querySelector('#handle');"
        "const piece = ui.querySelector('#piece'); const result = ui.querySelector('#result');"
        "handle.addEventListener('mousedown', (e) => { from = e.clientX - (parseInt(handle.style.left) || 0); "
        "moves = 0; trusted = e.isTrusted; });"
        "document.addEventListener('mousemove', (e) => { if (from === null) return; moves += 1; "
        "trusted = trusted && e.isTrusted; const x = Math.max(0, Math.min(250, e.clientX - from)); "
        "piece.style.left = handle.style.left = x + 'px'; });"
        "document.addEventListener('mouseup', () => { if (from === null) return; from = null; "
        "send({at: parseInt(piece.style.left) || 0, moves, trusted}); });",
        lambda facts: abs(facts["at"] - GAP) <= 6 and facts["moves"] >= 5 and facts["trusted"],
    )


def checkbox(zoo: Zoo) -> None:
    """A box in a closed shadow root that takes a trusted press by a pointer that came from somewhere."""
    _puzzle(
        zoo,
        "<div id='captcha-box' class='g-recaptcha' data-sitekey='6LeIxAcT' "
        "style='width:304px;height:78px;border:1px solid #999'></div>"
        "<p id='result'></p>",
        "const place = ui.querySelector('#captcha-box'), result = ui.querySelector('#result'); "
        "const inner = place.attachShadow({mode: 'closed'}); inner.innerHTML = \"<div style='display:flex;gap:12px;"
        "padding:24px'><span style='width:28px;height:28px;border:2px solid #555'></span>I'm not a robot</div>\"; "
        "let came = 0; place.addEventListener('mousemove', () => { came += 1; }); "
        "inner.firstChild.firstChild.addEventListener('click', (e) => send({came, trusted: e.isTrusted}));",
        lambda facts: facts["came"] >= 1 and facts["trusted"],
    )


def restless(zoo: Zoo) -> None:
    """The box, after a form that keeps changing its colour once it is sent and shows what was typed."""
    checkbox(zoo)
    extra = (
        "<script>ui.addEventListener('submit', (e) => { e.target.querySelector('#p').type = 'text'; "
        "let n = 0; setInterval(() => { document.body.style.background = n++ % 2 ? 'red' : 'blue'; }, 50); });</script>"
    )
    plain(zoo, then="/challenge", extra=extra)


def _puzzle(zoo: Zoo, markup: str, script: str, solved: Any) -> None:
    plain(zoo, then="/challenge")

    def solve(request: Request) -> Any:
        facts = request.json
        zoo.facts.setdefault("tries", []).append(facts)
        done = bool(solved(facts)) and "half" in request.session
        if done:
            sign_in(request.session, request.session["half"])
        return as_json({"done": done})

    zoo.server.on("/solve", solve)
    zoo.screen("/challenge", lambda visit: f"{ASK}{markup}<script>{SEND}{script}</script>")


def drawn(zoo: Zoo) -> None:
    """A login drawn on a canvas: to a program there is nothing on the page. Name, Enter, password, Enter."""

    def show(visit: Visit) -> str:
        return (
            "<h1>Members</h1><p>Type your name and your word.</p>"
            "<canvas id='c' width='360' height='200' tabindex='0' style='border:1px solid #999'></canvas>"
            "<script>const c = ui.querySelector('#c'), g = c.getContext('2d'); let line = 0; const typed = ['', ''];"
            "const draw = () => { g.clearRect(0, 0, 360, 200); g.font = '20px sans-serif'; "
            "g.fillText((line ? 'Word: ' : 'Name: ') + (line ? '*'.repeat(typed[1].length) : typed[0]), 20, 60); };"
            "c.addEventListener('keydown', async (e) => { if (e.key.length === 1) typed[line] += e.key; "
            "else if (e.key === 'Enter' && line++ === 1) { await fetch('/drawn', {method: 'POST', "
            "body: JSON.stringify(typed)}); window.go('/home'); } draw(); }); draw();</script>"
        )

    def take(request: Request) -> Any:
        if request.json == [USER, PASSWORD]:
            sign_in(request.session, USER)
        return as_json({})

    zoo.server.on("/drawn", take)
    zoo.screen("/login", show, lambda visit: Go("/home") if visit.form else Stay(), title="Welcome")
