"""What a live view costs, and whether a recording shows what was typed.

    uv run python -m tests.bench.live [--rounds 30] [--seconds 5] [--json]

A program looks at a browser through its live view, as the page's script does. Latency is from a press of the mouse sent
to the first frame that shows what it did, beside a press and a screenshot over plain CDP; bytes a second are counted of
a page that stands still and of one that moves all the time.

Then a login is recorded at a site that shows its password in plain magenta letters, fills it in again after refusing
it, answers slowly and asks for a code. Every frame is searched for magenta pixels and, where tesseract is on PATH, for
the words; both probes are first shown to find them in a screenshot.
"""

import argparse
import asyncio
import io
import json
import shutil
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from kernel import Kernel
from PIL import Image
from playwright.async_api import Page, async_playwright
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from flows.engine.chromium import headless_shell_path
from tests.service.driving import Account, drive
from tests.service.stack import Stack, running
from tests.sites.server import Request, Response, SiteServer, redirect
from tests.videos import coloured, frames

WORD, CODE_WORD = "Canary4711", "739155"
HEADING = "Welcome to Example"
MAGENTA = (255, 0, 255)
PRESSED = """<body style='margin: 0; height: 100vh; background: #000'><script>let turn = 0;
document.body.onmousedown = () => { document.body.style.background = `hsl(${turn += 90} 100% 50%)`; };</script>"""
MOVING = """<h1 style='position: absolute; font-size: 90px'>moving</h1><script>let at = 0; const move = () => {
document.querySelector("h1").style.left = `${at = (at + 9) % 700}px`; requestAnimationFrame(move); }; move()</script>"""
STYLE = "<style>h1 { color: #00a000 } input { color: #f0f; font: 30px monospace; margin: 10px; display: block }</style>"
SLOW_SECONDS = 1.5


class Watcher:
    """A live view's other end."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.bytes = 0
        self.frames = 0

    async def next(self) -> Image.Image:
        """The next frame, acknowledged."""
        while True:
            message = await self.socket.recv()
            self.bytes += len(message)
            if isinstance(message, bytes):
                self.frames += 1
                await self.say(t="ack")
                return Image.open(io.BytesIO(message[4:])).convert("RGB")

    async def calm(self, seconds: float = 0.5) -> None:
        """Until no frame comes for a while."""
        while True:
            try:
                async with asyncio.timeout(seconds):
                    await self.next()
            except TimeoutError:
                return

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))


@asynccontextmanager
async def watching(stack: Stack, address: str) -> AsyncIterator[Watcher]:
    page, _, token = address.partition("#")
    socket_url = page.replace("http", "ws", 1) + "/socket"
    async with connect(socket_url, origin=Origin(stack.url), proxy=None, max_size=None) as socket:
        watcher = Watcher(socket)
        await watcher.say(t="hello", token=token)
        await watcher.say(t="size", w=1280, h=720, d=1)
        await watcher.next()
        yield watcher


def middle(picture: Image.Image) -> tuple[int, ...]:
    pixel = picture.getpixel((picture.width // 2, picture.height // 2))
    return tuple(round(value / 64) for value in pixel) if isinstance(pixel, tuple) else ()


async def through_the_view(watcher: Watcher, rounds: int) -> list[float]:
    times: list[float] = []
    shown: tuple[int, ...] = (0, 0, 0)
    at = {"x": 500, "y": 400}
    for _ in range(rounds):
        await watcher.calm()
        begun = time.perf_counter()
        await watcher.say(t="mouse", e="down", **at)
        while middle(picture := await watcher.next()) == shown:
            pass
        times.append(time.perf_counter() - begun)
        shown = middle(picture)
        await watcher.say(t="mouse", e="up", **at)
    return times


async def over_cdp(page: Page, rounds: int) -> list[float]:
    times = []
    cdp = await page.context.new_cdp_session(page)
    for _ in range(rounds):
        begun = time.perf_counter()
        await page.mouse.down()
        await cdp.send("Page.captureScreenshot", {"format": "jpeg", "quality": 75})
        times.append(time.perf_counter() - begun)
        await page.mouse.up()
    return times


async def flowing(watcher: Watcher, seconds: float) -> dict[str, float]:
    """What comes in a while."""
    watcher.bytes = watcher.frames = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                await watcher.next()
    except TimeoutError:
        return {"bytes_per_s": round(watcher.bytes / seconds), "frames_per_s": round(watcher.frames / seconds, 1)}


async def view_cost(stack: Stack, client: Kernel, *, rounds: int, seconds: float) -> dict[str, Any]:
    made = await asyncio.to_thread(
        lambda: client.browsers.create(viewport={"width": 1280, "height": 800}, timeout_seconds=300)
    )
    address = made.browser_live_view_url
    if address is None:
        raise RuntimeError("a browser with a window has no live view")
    async with async_playwright() as playwright:
        page = (await playwright.chromium.connect_over_cdp(made.cdp_ws_url)).contexts[0].pages[0]
        await page.set_content(PRESSED)
        async with watching(stack, address) as watcher:
            pressed = await through_the_view(watcher, rounds)
            still = await flowing(watcher, seconds)
            await page.set_content(MOVING)
            moving = await flowing(watcher, seconds)
        await page.set_content(PRESSED)
        plain = await over_cdp(page, rounds)
    await asyncio.to_thread(client.browsers.delete_by_id, made.session_id)
    return {"input_to_frame_ms": spread(pressed), "cdp_ms": spread(plain), "still": still, "moving": moving}


def spread(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=20)
    return {"median": round(statistics.median(times) * 1000), "p95": round(cuts[18] * 1000)}


# --- the search ----------------------------------------------------------------------------------------------------


def login_form(value: str = "", note: str = "") -> str:
    return (
        f"{STYLE}<h1>{HEADING}</h1><p role=alert>{note}</p><form method=post action=/login>"
        "<label>Email <input name=username autocomplete=username></label>"
        f"<label>Password <input name=password type=password autocomplete=current-password value='{value}'></label>"
        "<button>Sign in</button></form>"
        "<script>const word = document.querySelector('[name=password]');"
        "const show = () => { word.type = 'text' }; document.forms[0].addEventListener('submit', show);"
        "if (word.value) show()</script>"
    )


def code_form() -> str:
    return (
        f"{STYLE}<h1>{HEADING}</h1><p>Enter the 6-digit code we sent to your phone</p><form method=post action=/code>"
        "<label>Code <input name=code autocomplete=one-time-code inputmode=numeric></label>"
        "<button>Verify</button></form>"
    )


def site_build(site: SiteServer) -> None:
    async def login(request: Request) -> Response | str:
        if request.method == "GET":
            return login_form()
        await asyncio.sleep(SLOW_SECONDS)  # what was typed stands there
        if request.form.get("password") != WORD:
            return login_form(value=WORD, note="The password is wrong. Try again.")
        request.session["half"] = True
        return redirect("/code")

    async def code(request: Request) -> Response | str:
        if request.method == "GET":
            return code_form()
        await asyncio.sleep(SLOW_SECONDS)
        request.session["in"] = request.form.get("code") == CODE_WORD
        return redirect("/home")

    def home(request: Request) -> Response | str:
        if not request.session.get("in"):
            return redirect("/login")
        return f"{STYLE}<h1>{HEADING}</h1><p>Signed in as Ada</p><a href=/logout>Sign out</a>"

    site.on("/login", login)
    site.on("/code", code)
    site.on("/home", home)
    site.page("/", f"<h1>{HEADING}</h1><a href=/login>Sign in</a>")


def words_in(picture: Image.Image) -> str:
    """What tesseract reads; empty where there is none."""
    program = shutil.which("tesseract")
    if program is None:
        return ""
    written = io.BytesIO()
    picture.save(written, "PNG")
    read = subprocess.run([program, "-", "-", "--psm", "11"], input=written.getvalue(), capture_output=True, check=True)
    return read.stdout.decode()


async def probes_work() -> dict[str, bool]:
    """Both probes find what is not covered."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(args=["--no-sandbox"], executable_path=headless_shell_path())
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.set_content(login_form(value=WORD))
        picture = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
        await browser.close()
    return {"pixels": coloured(picture, MAGENTA) > 0, "words": WORD in words_in(picture)}


async def search(stack: Stack, client: Kernel) -> dict[str, Any]:
    async with SiteServer() as site:
        site_build(site)
        connection = await asyncio.to_thread(
            lambda: client.auth.connections.create(
                domain=site.domain,
                login_url=f"{site.url}/login",
                profile_name="searched",
                record_session=True,
                health_checks=False,
                save_credentials=False,
            )
        )
        run = await asyncio.to_thread(drive, client, connection, _Hesitant(), mode="programmatic")
        (event,) = (await asyncio.to_thread(client.auth.connections.timeline, connection.id)).items
        video = await asyncio.to_thread(_video, client, str(event.browser_session_id))
    pictures = frames(video)
    texts = [words_in(picture) for picture in pictures]
    return {
        "login": run.status,
        "asked": run.asked,
        "probes_find_what_is_not_covered": await probes_work(),
        "frames": len(pictures),
        "bytes": len(video),
        "frames_with_the_heading": sum(HEADING in text for text in texts),
        "frames_with_magenta": sum(coloured(picture, MAGENTA) > 0 for picture in pictures),
        "frames_with_the_password": sum(WORD.casefold() in text.casefold() for text in texts),
        "frames_with_the_code": sum(CODE_WORD in text for text in texts),
    }


class _Hesitant(Account):
    """Mistypes the password once."""

    def __init__(self) -> None:
        super().__init__(username="ada@example.test", password=WORD)
        self.tries = 0

    def value(self, kind: str, label: str, *, since: float) -> str:
        if kind != "password":
            return super().value(kind, label, since=since)
        self.tries += 1
        return f"{WORD}x" if self.tries == 1 else WORD

    def code(self) -> str:
        return CODE_WORD


def _video(client: Kernel, browser_id: str) -> bytes:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        (replay,) = client.browsers.replays.list(browser_id)
        if replay.finished_at is not None:
            return client.browsers.replays.download(replay.replay_id, id_or_name=browser_id).read()
        time.sleep(0.2)
    raise TimeoutError("the recording was not finished")


async def measure(stack: Stack, *, rounds: int, seconds: float) -> dict[str, Any]:
    client = stack.client(max_retries=0, timeout=120)
    cost = await view_cost(stack, client, rounds=rounds, seconds=seconds)
    return {"view": cost, "recording": await search(stack, client)}


def main(say: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with running() as stack:
        figures = asyncio.run(measure(stack, rounds=given.rounds, seconds=given.seconds))
    say(json.dumps(figures, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
