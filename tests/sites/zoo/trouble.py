"""Sites that are slow, broken, guarded or restless, and the odd places where sessions live."""

import asyncio
import secrets
from typing import Any

from tests.sites.server import Request, Response, as_json, redirect
from tests.sites.zoo.passwords import form, judge, plain
from tests.sites.zoo.site import USER, Go, Stay, Visit, Zoo, waiting


def captcha(zoo: Zoo) -> None:
    """A challenge between the password and the other side; the page goes on once it is solved."""
    plain(zoo, then="/challenge")
    zoo.screen(
        "/challenge",
        lambda visit: (
            "<h1>Please verify you are a human</h1><p>Access to this page has been denied because we believe "
            "you are using "
            "automation tools to browse the website.</p><div class='h-captcha' data-sitekey='10000000-ffff-ffff-ffff-"
            f"000000000001' style='width:303px;height:78px;border:1px solid'>I am human</div>{waiting()}"
        ),
    )


def bot_wall(zoo: Zoo) -> None:
    zoo.server.on(
        "/login",
        lambda request: Response(
            "<!doctype html><title>Just a moment...</title><h1>example.com</h1><p>Verifying you are human. "
            "This may take a "
            "few seconds.</p><div id='challenge-stage'></div><p>example.com needs to review the security of "
            "your connection "
            "before proceeding.</p><div>Ray ID: <code>8f2c</code></div>",
            403,
        ),
    )


def maintenance(zoo: Zoo) -> None:
    zoo.server.on("/login", lambda request: Response(_down(), 503, {"Retry-After": "3600"}))


def circles(zoo: Zoo) -> None:
    """Each address leads to the other."""
    zoo.server.on("/login", lambda request: redirect("/sso"))
    zoo.server.on("/sso", lambda request: redirect("/login"))


def basic_auth(zoo: Zoo) -> None:
    headers = {"WWW-Authenticate": 'Basic realm="Staff"'}
    zoo.server.on("/login", lambda request: Response("Unauthorized", 401, headers))


def download(zoo: Zoo) -> None:
    headers = {"Content-Type": "application/zip", "Content-Disposition": "attachment; filename=a.zip"}
    zoo.server.on("/login", lambda request: Response(b"PK", 200, headers))


def _down() -> str:
    return (
        "<!doctype html><title>We'll be back soon</title><h1>Down for maintenance</h1><p>Sorry for the "
        "inconvenience. We are "
        "performing scheduled maintenance.</p>"
    )


def hiccup(zoo: Zoo) -> None:
    """Two gateway errors, then the site is back."""
    plain(zoo)
    inner = zoo.server.handler("/login")

    def unsteady(request: Request) -> Any:
        zoo.facts["calls"] = int(zoo.facts.get("calls", 0)) + 1
        if zoo.facts["calls"] <= 2:
            return Response("<html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1><hr>nginx</html>", 502)
        return inner(request)

    zoo.server.on("/login", unsteady)


def slow(zoo: Zoo) -> None:
    """Every answer of the form's address takes three seconds."""
    plain(zoo)
    inner = zoo.server.handler("/login")

    async def late(request: Request) -> Any:
        await asyncio.sleep(3)
        return inner(request)

    zoo.server.on("/login", late)


def half_loaded(zoo: Zoo) -> None:
    """A picture and a script that never arrive: the page never fires load."""
    zoo.server.on("/never", _never)
    plain(zoo, before="<img src='/never?img' width='1' height='1' alt=''><script async src='/never?js'></script>")


async def _never(request: Request) -> str:
    await asyncio.Event().wait()
    return ""


def restless(zoo: Zoo) -> None:
    """The form is rendered anew shortly after it appeared and once more when somebody begins to type."""
    redraw = (
        "<script>{let left=1;const draw=()=>{const f=ui.querySelector('form');const c=f.cloneNode(true);"
        "c.querySelectorAll('input').forEach((i)=>{i.value=''});f.replaceWith(c);c.addEventListener('input',()=>{"
        "if(left-->0)setTimeout(draw,0)})};setTimeout(draw,350)}</script>"
    )
    plain(zoo, before=redraw)


def new_tab(zoo: Zoo) -> None:
    """The start page opens the login in a tab of its own."""
    plain(zoo)
    zoo.screen("/", lambda visit: "<h1>Example</h1><nav><a href='/login' target='_blank'>Log in</a></nav>")


def dialogs(zoo: Zoo) -> None:
    """Alerts on the way in, a question on the way out."""
    plain(
        zoo,
        before=(
            "<script>setTimeout(()=>alert('Welcome to the new portal!'),100);addEventListener('beforeunload',(e)=>{"
            "e.preventDefault();e.returnValue='';});</script>"
        ),
    )


def rotating(zoo: Zoo) -> None:
    """A refresh token that is good once; the second use of one ends the whole session."""
    families: dict[str, str] = {}  # user -> the one token that is good

    def fresh(who: str) -> str:
        families[who] = secrets.token_urlsafe(9)
        return f"rt={who}.{families[who]}; Path=/; HttpOnly; Max-Age=86400"

    def take(visit: Visit) -> Go | Stay:
        answer = judge(visit)
        if isinstance(answer, Go):
            visit.session.pop("user")
            visit.session["fresh"] = USER
        return answer

    def home(request: Request) -> Response:
        who = request.session.pop("fresh", "")
        sent = next((part for part in request.headers.get("cookie", "").split("; ") if part.startswith("rt=")), "")
        if not who and sent:
            who, _, token = sent.removeprefix("rt=").partition(".")
            if families.get(who) != token:
                families.pop(who, None)
                zoo.facts["reused"] = True
                who = ""
        if not who:
            return redirect("/login")
        return Response(
            f"<!doctype html><title>Home</title><h1>Home</h1><p id='who'>{who}</p><a href='/logout'>Log out</a>",
            headers={"Set-Cookie": fresh(who)},
        )

    zoo.screen("/login", form, take)
    zoo.server.on("/home", home)


KEEP = {
    "local": "const get=async()=>localStorage.getItem('t'),put=async(t)=>localStorage.setItem('t',t);",
    "session": "const get=async()=>sessionStorage.getItem('t'),put=async(t)=>sessionStorage.setItem('t',t);",
    "indexed": (
        "const db=()=>new Promise((ok,no)=>{const r=indexedDB.open('auth',1);r.onupgradeneeded=()=>"
        "r.result.createObjectStore('kv');r.onsuccess=()=>ok(r.result);r.onerror=no});"
        "const req=(r)=>new Promise((ok)=>{r.onsuccess=()=>ok(r.result)});"
        "const get=async()=>req((await db()).transaction('kv').objectStore('kv').get('t'));"
        "const put=async(t)=>req((await db()).transaction('kv','readwrite').objectStore('kv').put(t,'t'));"
    ),
}


def token_in(place: str, zoo: Zoo) -> None:
    """A single-page application whose only session is a token that it keeps in `place`."""
    page = (
        "<!doctype html><title>Board</title><div id='app'>Loading…</div><script>"
        + KEEP[place]
        + """
const app = document.getElementById("app");
function ask(error) {
  app.innerHTML = "<h1>Log in</h1><p class='error' role='alert'></p><form><label>Username "
    + "<input name='username'></label>"
    + "<label>Password <input name='password' type='password'></label><button>Log in</button></form>";
  app.querySelector("p").textContent = error || "";
  app.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
    const answer = await (await fetch("/api/token", {method: "POST", body})).json();
    if (!answer.token) return ask(answer.error);
    await put(answer.token); show();
  });
}
async function show() {
  const token = await get();
  const answer = token && await (await fetch("/api/me", {headers: {authorization: "Bearer " + token}})).json();
  if (!answer || !answer.user) return ask();
  app.innerHTML = "<h1>Board</h1><p>" + answer.user + "</p><button>Sign out</button>";
}
show();
</script>"""
    )
    token = secrets.token_urlsafe(12)

    def issue(request: Request) -> Response:
        data = request.json
        if not zoo.password_right(data["username"], data["password"]):
            return as_json({"error": "Invalid credentials"}, 401)
        return as_json({"token": token})

    def me(request: Request) -> Response:
        known = request.headers.get("authorization") == f"Bearer {token}"
        return as_json({"user": USER} if known else {}, 200 if known else 401)

    for path in ("/", "/login"):
        zoo.server.page(path, page)
    zoo.server.on("/api/token", issue)
    zoo.server.on("/api/me", me)


def expired_form(zoo: Zoo) -> None:
    """The form carries a token that the site forgot: the first submission is answered with the form and an excuse."""

    def take(visit: Visit) -> Go | Stay:
        if not visit.zoo.facts.get("excused"):
            visit.zoo.facts["excused"] = True
            return Stay("Your session has expired. Please try again.")
        return judge(visit)

    zoo.screen("/login", form, take)
