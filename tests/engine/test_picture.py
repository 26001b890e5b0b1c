"""What a picture shows, on a real page: everything but what somebody could have typed."""

import base64

import pytest

from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings
from flows.engine.picture import picture_take
from tests.sites.accounts import document
from tests.sites.server import SiteServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
# Whatever holds text is green all over; the wall itself is blue.
GREEN = "style='background:#0f0;color:#0f0;border:0;height:40px;width:200px;display:block'"
FIELDS = (
    f"<input type=password {GREEN} value=x><input name=user {GREEN} value=x><input type=tel {GREEN} value=123456>"
    f"<textarea {GREEN}>x</textarea><select {GREEN}><option>x</select><div contenteditable {GREEN}>x</div>"
    f"<div role=textbox {GREEN}>x</div>"
)
PAGE = (
    "<div id=wall style='background:#00f;height:60px;width:200px'></div>"
    + FIELDS
    + "<iframe src=/inner height=60></iframe>"
    "<div id=host></div><div id=closed></div><script>"
    f'const inside = "<input {GREEN} value=x>";'
    "document.getElementById('host').attachShadow({mode:'open'}).innerHTML = inside;"
    "document.getElementById('closed').attachShadow({mode:'closed'}).innerHTML = inside;</script>"
)
COUNT = """async (data) => {
  const image = new Image();
  image.src = "data:image/jpeg;base64," + data;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  let [green, blue] = [0, 0];
  for (let at = 0; at < pixels.length; at += 4) {
    const [r, g, b] = pixels.slice(at, at + 3);
    if (g > 150 && r < 110 && b < 110) green++;
    if (b > 150 && r < 110 && g < 110) blue++;
  }
  return [green, blue];
}"""


async def test_r12_a_picture_covers_whatever_can_be_typed_into(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    site.on("/", lambda request: document("Wall", PAGE))
    site.on("/inner", lambda request: document("Inner", f"<input type=password {GREEN} value=x>"))
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        image = await picture_take(session.page)
        assert image is not None
        green, blue = await session.page.evaluate(COUNT, base64.b64encode(image).decode())
        bare = await session.page.screenshot(type="jpeg")
        seen, _ = await session.page.evaluate(COUNT, base64.b64encode(bare).decode())
    assert seen > 10_000  # the fields are on the screen
    assert green == 0
    assert blue > 5_000


async def test_a_page_that_is_gone_gives_no_picture(browsers: Browsers, plain: BrowserSettings) -> None:
    async with browsers.open(plain) as session:
        page = session.page
    assert await picture_take(page) is None
