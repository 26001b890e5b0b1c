"""Recordings show the page and never what stands in a field (R12)."""

import asyncio
from typing import Any

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings
from flows.engine.live import Filled, LiveView
from flows.engine.recorder import Recorder, RecordOptions
from tests.videos import coloured, frames

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET, PLAIN = (255, 0, 255), (0, 160, 0)
# Whatever a field shows is magenta; the page besides it green.
STYLE = """<style>body { margin: 0; background: #00a000 } iframe { border: 0; width: 300px; height: 90px }
input, textarea, [contenteditable], select { background: #f0f; color: #f0f; border: 8px solid #f0f; margin: 9px;
appearance: none; font-size: 20px } </style>"""
FIELDS = {
    "filled in by the site": "<input value=filled><input type=password value=filled><textarea>filled</textarea>",
    "in a frame": f"<iframe srcdoc='{STYLE}<input value=filled>'></iframe>",
    "in a frame that cannot be looked into": f"<iframe sandbox srcdoc='{STYLE}<input value=filled>'></iframe>",
    "in a frame that is scaled": f"<iframe style='transform: translate(90px, 40px) scale(1.4)' srcdoc='{STYLE}<input>'>"
    "</iframe>",
    "in a shadow": f"<div><template shadowrootmode=open>{STYLE}<input value=filled></template></div>",
    "in a closed shadow": "<div id=host></div><x-code> <b slot=l>Code</b></x-code><script>"
    f"const inside = `{STYLE}<input value=filled><div contenteditable>filled</div>`;"
    "document.getElementById('host').attachShadow({mode: 'closed'}).innerHTML = inside;"
    "document.querySelector('x-code').attachShadow({mode: 'closed'}).innerHTML = inside;</script>",
    "of plain elements": "<div contenteditable style='width: 40px; white-space: nowrap'>filled in</div>",
    "far down": "<p style='height: 300px'></p><input value=filled><script>scrollTo(0, 120)</script>",
}


class Still:
    """A stage with one page."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def acted(self) -> None:
        """Nobody waits for it."""

    def let_go(self, page: Any) -> None:
        """Nor for this."""


class Recording:
    """`async with Recording(page) as recording:` … `await recording.video()`."""

    def __init__(self, page: Any) -> None:
        self.view = LiveView()
        self.view.show(Still(page))
        self.recorder = Recorder(self.view, RecordOptions(framerate=20))

    async def __aenter__(self) -> "Recording":
        self.running = asyncio.create_task(self.recorder.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    async def pictures(self, count: int) -> None:
        """Until so many were taken."""
        async with asyncio.timeout(60):
            while True:
                if self.recorder.taken >= count:
                    return
                await asyncio.sleep(0.05)  # nothing tells of it

    async def video(self) -> bytes:
        self.recorder.stop()
        return await asyncio.wait_for(self.running, 60)


@pytest.mark.parametrize("kind", FIELDS)
async def test_r12_no_field_can_be_read(browsers: Browsers, plain: BrowserSettings, kind: str) -> None:
    async with browsers.open(plain) as session:
        page = session.page
        await page.set_content(STYLE + FIELDS[kind])
        async with Recording(page) as recording:
            await recording.pictures(1)
            shown = frames(await recording.video())
    assert all(coloured(picture, PLAIN) > 10_000 for picture in shown)
    assert [coloured(picture, SECRET) for picture in shown] == [0] * len(shown)


async def test_r12_a_field_that_moves_is_never_seen(browsers: Browsers, plain: BrowserSettings) -> None:
    """It jumps with every picture of the screen, then stands still."""
    async with browsers.open(plain) as session:
        page = session.page
        await page.set_content(STYLE + "<input value=filled style='position: absolute'>")
        async with Recording(page) as recording:
            await recording.pictures(1)
            await page.evaluate(
                """() => new Promise((done) => {
                  const field = document.querySelector("input");
                  let jumps = 0;
                  const jump = () => {
                    field.style.left = `${(jumps * 37) % 400}px`;
                    field.style.top = `${(jumps * 23) % 300}px`;
                    if (++jumps < 120) requestAnimationFrame(jump); else done();
                  };
                  jump();
                })"""
            )
            taken = recording.recorder.taken
            await page.evaluate("() => document.body.append('over')")
            await recording.pictures(taken + 1)
            shown = frames(await recording.video())
    assert [coloured(picture, SECRET) for picture in shown] == [0] * len(shown)


async def test_r12_nothing_is_taken_while_the_service_fills_or_what_it_typed_stands(
    browsers: Browsers, plain: BrowserSettings
) -> None:
    async with browsers.open(plain) as session:
        page = session.page
        await page.set_content("<body style='background: #00a000'><input>")
        async with Recording(page) as recording:
            await recording.pictures(1)
            async with recording.view.filling():
                await page.evaluate("() => { document.body.style.background = '#f0f' }")
                await page.fill("input", "typed")
                recording.view.hold([Filled(await page.query_selector("input"), secret=True)])
            await page.evaluate("() => { document.body.style.background = '#ff00fe' }")
            # Nothing may be taken, so nothing can be waited for: the field is emptied by what follows all that.
            await page.evaluate("() => { document.body.style.background = '#00a000' }")
            await page.evaluate("() => { document.querySelector('input').remove(); document.body.append('done') }")
            await recording.pictures(2)
            shown = frames(await recording.video())
    assert [coloured(picture, SECRET) for picture in shown] == [0] * len(shown)


async def test_a_page_that_stands_still_takes_no_pictures(browsers: Browsers, plain: BrowserSettings) -> None:
    async with browsers.open(plain) as session:
        await session.page.set_content("<h1>calm</h1>")
        async with Recording(session.page) as recording:
            await recording.pictures(1)
            video = await recording.video()
    assert len(frames(video)) >= 2  # the last picture is shown to the end
    assert len(video) < 100_000
