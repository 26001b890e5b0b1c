"""Hands on real pages: what is filled, what is refused, and what frameworks make of it."""

import asyncio
from typing import Any

import pytest

from flows.engine.act import Hands, Typing
from flows.engine.browser_process import Session
from flows.engine.browsers import Browsers
from flows.engine.contract import BrowserSettings
from flows.engine.errors import FieldRefused, OriginRefused
from flows.engine.observe import StaleElement, observe
from flows.engine.origins import OriginPolicy, policy_for
from flows.engine.reading import read
from flows.engine.reading.model import FieldRole
from tests.engine.hosts import TestSecret
from tests.sites.accounts import document
from tests.sites.server import SiteServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
FORM = (
    "<form method=post action=/take><p><label>Username <input name=username></label></p>"
    "<p><label>Password <input type=password name=password></label></p><button>Log in</button></form>"
)


class Values:
    """Gives values and remembers for which origins they were asked."""

    def __init__(self, value: str = "s3cret word") -> None:
        self.value = value
        self.origins: list[str] = []

    async def __call__(self, origin: str) -> TestSecret:
        self.origins.append(origin)
        return TestSecret(self.value)


async def fill(
    session: Session, source: Values, *, change: str = "", policy: OriginPolicy | None = None, pace_ms: int = 0
) -> None:
    """Fill the password field as it was read, after the page did `change`; nothing is sent."""
    observation = await observe(session.page)
    reading = read(observation.snapshot)
    field = reading.field_by_role(FieldRole.PASSWORD)
    assert field is not None
    if change:
        await session.page.evaluate(change)
    allowed = policy or policy_for(domain="127.0.0.1")
    hands = Hands(session.page, observation, policy=allowed, pace_ms=pace_ms)
    await hands.fill_and_submit([Typing(field, source)], (), None)


async def held(session: Session, selector: str = "input[type=password]") -> Any:
    return await session.page.input_value(selector)


@pytest.mark.parametrize(
    "change",
    [
        "document.querySelector('[type=password]').style.display = 'none'",
        "document.querySelector('[type=password]').style.opacity = 0",
        "document.querySelector('form').style.visibility = 'hidden'",
        "document.querySelector('[type=password]').disabled = true",
        "document.querySelector('[type=password]').readOnly = true",
        "document.querySelector('[type=password]').style.cssText = 'width:1px;height:1px;padding:0;border:0'",
    ],
)
async def test_r10_a_field_that_became_unusable_gets_nothing(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer, change: str
) -> None:
    site.page("/", document("Log in", FORM))
    source = Values()
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        with pytest.raises(FieldRefused):
            await fill(session, source, change=change)
        assert await held(session) == ""
    assert source.origins == []


async def test_r10_a_covered_field_gets_nothing(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    site.page("/", document("Log in", FORM))
    cover = (
        "document.body.insertAdjacentHTML('beforeend',"
        "'<div style=\"position:fixed;inset:0;background:white\">Win a prize!</div>')"
    )
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        with pytest.raises(FieldRefused, match="covered"):
            await fill(session, Values(), change=cover)
        assert await held(session) == ""


async def test_r10_another_origin_gets_nothing(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    """Not even where its form is sent to the right one."""
    source = Values()
    async with SiteServer() as thief, browsers.open(plain) as session:
        thief.page("/", document("Log in", FORM.replace("action=/take", f"action={site.url}/take")))
        await session.page.goto(thief.url)
        with pytest.raises(OriginRefused):
            await fill(session, source, policy=policy_for(domain=site.domain))
        assert await held(session) == ""
    assert source.origins == []


async def test_r10_the_origin_is_checked_again_after_the_value_came(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    """Releasing a value takes time; a page that went elsewhere meanwhile gets nothing."""
    site.page("/", document("Log in", FORM))
    async with SiteServer() as thief, browsers.open(plain) as session:
        thief.page("/", document("Log in", FORM))
        await session.page.goto(site.url)

        class Slow(Values):
            async def __call__(self, origin: str) -> TestSecret:
                await session.page.goto(thief.url)
                return await super().__call__(origin)

        with pytest.raises((OriginRefused, StaleElement)):
            await fill(session, Slow(), policy=policy_for(domain=site.domain))
        assert await held(session) == ""


async def test_a_focus_thief_gets_nothing(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    """Another field grabs the focus whenever the password field has it: nothing is typed into it."""
    grab = (
        "<p><input name=q id=q></p><script>document.querySelector('[type=password]')"
        ".addEventListener('focus', () => q.focus())</script>"
    )
    site.page("/", document("Log in", FORM + grab))
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        with pytest.raises(FieldRefused):
            await fill(session, Values())
        assert await held(session, "#q") == ""


async def test_r11_what_was_typed_is_cleared_when_the_form_cannot_be_sent(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    site.page("/", document("Log in", FORM))
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        observation = await observe(session.page)
        reading = read(observation.snapshot)
        field = reading.field_by_role(FieldRole.PASSWORD)
        assert field is not None
        await session.page.evaluate(
            "document.querySelector('[type=password]').addEventListener('input', "
            "() => document.querySelector('button').remove())"
        )
        hands = Hands(session.page, observation, policy=policy_for(domain="127.0.0.1"))
        with pytest.raises((StaleElement, FieldRefused)):
            await hands.fill_and_submit([Typing(field, Values())], (), reading.submit)
        assert await held(session) == ""
    assert site.posts("/take") == []


CONTROLLED = """<script>
const field = document.querySelector('[type=password]');
let state = '';
field.addEventListener('input', (e) => { if (!e.isTrusted) return; state = field.value; });
setInterval(() => { if (field.value !== state) field.value = state; }, 10);
</script>"""
KEYS_ONLY = """<script>
const field = document.querySelector('[type=password]');
field.addEventListener('beforeinput', (e) => { if (e.data && e.data.length > 1) e.preventDefault(); });
</script>"""
CHANGE_BOUND = """<script>
window.model = '';
document.querySelector('[type=password]').addEventListener('change', (e) => { window.model = e.target.value; });
</script>"""
KEYUP = """<script>
window.ups = 0;
document.querySelector('[type=password]').addEventListener('keyup', (e) => { if (e.isTrusted) window.ups++; });
</script>"""


@pytest.mark.parametrize("script", [CONTROLLED, KEYS_ONLY, CHANGE_BOUND, KEYUP])
async def test_fields_of_all_sorts_take_the_value(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer, script: str
) -> None:
    site.page("/", document("Log in", FORM + script))
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        await fill(session, Values())
        assert await held(session) == "s3cret word"
        if script is CHANGE_BOUND:
            await session.page.keyboard.press("Tab")
            assert await session.page.evaluate("window.model") == "s3cret word"
        if script is KEYUP:
            assert await session.page.evaluate("window.ups") > 0


async def test_typing_replaces_what_was_there(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    site.page("/", document("Log in", FORM.replace("name=password", "name=password value=old-value")))
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        await fill(session, Values())
        assert await held(session) == "s3cret word"


async def test_a_pace_types_key_by_key(browsers: Browsers, plain: BrowserSettings, site: SiteServer) -> None:
    site.page("/", document("Log in", FORM + KEYUP))
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        clock = asyncio.get_running_loop().time
        started = clock()
        await fill(session, Values(), pace_ms=5)
        assert clock() - started > 0.05
        assert await session.page.evaluate("window.ups") == len("s3cret word")
        assert await held(session) == "s3cret word"


RESTING = """<style>p{{position:relative;width:200px}}p b{{position:absolute}}
    input{{opacity:0}}.shown:focus{{opacity:1}}</style>
    <p><b>User</b><input class=shown name=u aria-label=User></p>
    <p><b>Password</b><input class="{}" name=p type=password aria-label=Password></p><button>Log in</button>"""


async def test_a_field_that_fades_in_with_the_focus_is_filled(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    site.page("/", document("Log in", RESTING.format("shown")))
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        await fill(session, Values())
        assert await held(session) == "s3cret word"


async def test_r10_a_field_that_stays_unseen_with_the_focus_gets_nothing(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    site.page("/", document("Log in", RESTING.format("")))
    source = Values()
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        with pytest.raises(FieldRefused):
            await fill(session, source)
    assert source.origins == []


CELLS = """<h1>Verification code</h1><form>
<div id=w style="position:relative;width:260px;height:44px;display:flex;gap:4px">
<i></i><i></i><i></i><i></i><i></i><i></i><input name=otp autocomplete=one-time-code inputmode=numeric maxlength=6
style="position:absolute;inset:0;width:100%;height:100%;opacity:0;margin:0;padding:0;border:0"></div>
<button>Verify</button></form><style>i {box-sizing:border-box;width:40px;height:44px;border:1px solid #888}</style>"""


async def coded(session: Session, source: Values) -> None:
    observation = await observe(session.page)
    field = read(observation.snapshot).field_by_role(FieldRole.CODE)
    if field is None:
        raise FieldRefused("unseen")
    hands = Hands(session.page, observation, policy=policy_for(domain="127.0.0.1"))
    await hands.fill_and_submit([Typing(field, source)], (), None)


async def test_a_transparent_input_over_drawn_cells_takes_a_code(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer
) -> None:
    site.page("/", document("Code", CELLS))
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        await coded(session, Values("123456"))
        assert await held(session, "input") == "123456"


@pytest.mark.parametrize(
    "change",
    [
        "document.querySelectorAll('i').forEach((i) => i.style.border = 'none')",  # nothing is drawn
        "document.querySelectorAll('i').forEach((i) => i.style.opacity = 0)",
        "w.style.opacity = 0",
        "w.style.left = '-4000px'",
        "w.setAttribute('aria-hidden', 'true')",
        "otp.tabIndex = -1",
        "otp.style.pointerEvents = 'none'",
        "otp.style.width = otp.style.height = '1px'",
        "otp.style.clipPath = 'inset(0 0 50% 0)'",
        "otp.style.zIndex = -1; w.style.zIndex = 0; w.style.background = 'white'",  # clicks land on the cells
        "otp.type = 'password'",
        "otp.style.height = '400px'",  # far larger than what is drawn
        "w.insertAdjacentHTML('beforeend', '<input name=second>')",
    ],
)
async def test_r10_a_transparent_input_that_nobody_types_into_gets_nothing(
    browsers: Browsers, plain: BrowserSettings, site: SiteServer, change: str
) -> None:
    site.page("/", document("Code", CELLS))
    source = Values("123456")
    async with browsers.open(plain) as session:
        await session.page.goto(site.url)
        await session.page.evaluate(f"() => {{ const otp = document.querySelector('[name=otp]'); {change}; }}")
        try:
            await coded(session, source)
        except FieldRefused:
            assert source.origins == []
        assert await held(session, "[name=otp]") == ""
