"""A person's path in a real browser: narrow and wide, light and dark, with and without JavaScript."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from flows.engine.contract import AskedField, ErrorCode, FieldReason, Pause
from flows.engine.reading.model import FieldRole
from flows.models import Flow, Interaction
from flows.services.flows import Claim, flow_cancel, flow_end, flow_move, flow_pause, flow_progress, flow_start
from flows.services.handoff import link_exchange, page_token
from flows.services.submissions import values_open
from flows.transitions import FlowInput
from tests.flows.factories import CODE, PASSWORD, USERNAME, make_pause
from tests.hosted.conftest import OPEN, Visit, Visitor, tell
from tests.hosted.factories import GOOGLE, SMS, ask, code_of, make_live_flow, take
from vault.aio import run_db

pytestmark = pytest.mark.django_db(transaction=True)

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 568}}
WIDE: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}
TYPED_PASSWORD = "hunter2 {{x}} <b>"


async def start() -> tuple[Flow, Claim]:
    flow = await run_db(make_live_flow)
    return flow, await run_db(take, flow)


async def asked(visit: Visit, pause: Pause | None = None, **options: Any) -> tuple[Visitor, Flow, Claim]:
    """A person in front of an open question."""
    flow, claim = await start()
    await run_db(ask, claim, pause)
    visitor = await visit(**options)
    await visitor.enter(flow)
    await visitor.page.locator("form.ask, form.choose").first.wait_for(timeout=OPEN)
    return visitor, flow, claim


async def given(flow: Flow) -> dict[str, str]:
    """The values of the latest answer."""

    def read() -> dict[str, str]:
        interaction = Interaction.objects.filter(flow=flow, state="answered").latest("answered_at")
        return {name: value.reveal() for name, value in values_open(interaction).items()}

    return await run_db(read)


async def wide_as_the_window(visitor: Visitor) -> bool:
    """Whether nothing has to be scrolled sideways."""
    size = visitor.page.viewport_size
    box = await visitor.page.locator("html").bounding_box()
    assert size is not None
    assert box is not None
    scrolled = await visitor.page.locator("main").bounding_box()
    assert scrolled is not None
    return box["width"] <= size["width"] and scrolled["x"] >= 0 and scrolled["x"] + scrolled["width"] <= size["width"]


REFUSED = make_pause(
    USERNAME,
    replace(PASSWORD, reason=FieldReason.REJECTED),
    website_error="The user name or password is wrong.",
)
MORE = AskedField(id="f9", ref="remember", role=FieldRole.CHECKBOX, name="r", label="Keep me signed in", required=False)


@pytest.mark.parametrize(
    ("name", "options", "scripts"),
    [
        ("phone-light-js", {**PHONE, "color_scheme": "light"}, True),
        ("phone-dark-plain", {**PHONE, "color_scheme": "dark"}, False),
        ("desktop-light-plain", {**DESKTOP, "color_scheme": "light"}, False),
        ("desktop-dark-js", {**DESKTOP, "color_scheme": "dark", "reduced_motion": "reduce"}, True),
    ],
)
async def test_a_whole_login(visit: Visit, name: str, options: dict[str, Any], scripts: bool) -> None:
    flow = await run_db(make_live_flow)
    visitor: Visitor = await visit(**options, java_script_enabled=scripts)
    page = visitor.page
    await visitor.enter_consent(flow)
    await visitor.shot(f"{name}-1-consent")
    assert page.url.endswith(f"/login/{flow.id}")
    await page.get_by_role("button", name="Continue").click()
    await visitor.heading("Starting a browser")
    claim = await tell(flow, take, flow)
    await visitor.heading("Opening example.com")
    await visitor.shot(f"{name}-2-discovering")

    await tell(flow, ask, claim, make_pause(USERNAME, PASSWORD, MORE, choices=(GOOGLE,)))
    await visitor.heading("Sign in to example.com")
    await visitor.shot(f"{name}-3-form")
    assert await wide_as_the_window(visitor)
    await page.get_by_label("Login").fill("ada")
    await page.get_by_label("Password", exact=True).fill("wrong")
    await page.get_by_label("Keep me signed in").check()
    await page.get_by_role("button", name="Continue", exact=True).click()
    await visitor.heading("Signing in to example.com")
    assert await given(flow) == {"f1": "ada", "f2": "wrong", "f9": "true"}

    await tell(flow, ask, claim, REFUSED)
    await page.get_by_text("The user name or password is wrong.").wait_for(timeout=OPEN)
    await visitor.shot(f"{name}-4-refused")
    password = page.get_by_label("Password", exact=True)
    assert await password.input_value() == ""
    await page.get_by_label("Login").fill("ada")
    await password.fill(TYPED_PASSWORD)
    await page.keyboard.press("Enter")
    await visitor.heading("Signing in to example.com")
    assert await given(flow) == {"f1": "ada", "f2": TYPED_PASSWORD}

    await tell(flow, ask, claim, make_pause(replace(CODE, hint="6 digits from the text message"), choices=(SMS,)))
    await page.get_by_label("Code").wait_for(timeout=OPEN)
    await visitor.shot(f"{name}-5-code")
    await page.get_by_role("button", name="Text message").click()
    await visitor.heading("Signing in to example.com")

    push = make_pause(CODE, instruction="Open the Example app on your phone and tap 42.")
    await tell(flow, ask, claim, push)
    await visitor.heading("Confirm it is you")
    await visitor.shot(f"{name}-6-external")
    assert await wide_as_the_window(visitor)

    await tell(flow, flow_move, flow.id, FlowInput.SUCCEED, now=timezone.now())
    if not scripts:  # the page holds a field, so it does not reload by itself
        await page.get_by_role("link", name="look again").click()
    await visitor.heading("You are signed in to example.com")
    await visitor.shot(f"{name}-7-success")


@pytest.mark.parametrize("options", [NARROW, WIDE], ids=["320", "1920"])
async def test_no_width_scrolls_sideways(visit: Visit, options: dict[str, Any]) -> None:
    long = replace(USERNAME, label="Donaudampfschifffahrtsgesellschaftskapitän" * 4, hint="x" * 200)
    visitor, _, _ = await asked(visit, make_pause(long, choices=(GOOGLE, SMS), website_error="y" * 300), **options)
    await visitor.shot(f"width-{options['viewport']['width']}")
    assert await wide_as_the_window(visitor)


async def test_typing_survives_an_update_that_asks_nothing_else(visit: Visit) -> None:
    visitor, flow, claim = await asked(visit)
    page = visitor.page
    await page.get_by_label("Login").fill("half ty")
    before = len(visitor.addresses)
    async with page.expect_event("request", timeout=OPEN) as heard:  # the stream is asked again after a sleep
        await tell(flow, flow_pause, claim, make_pause(), now=timezone.now())
        await page.evaluate("dispatchEvent(new Event('online'))")
    assert (await heard.value).url.endswith("/events")
    await tell(flow, Flow.objects.filter(pk=flow.pk).update, website_error="unrelated")
    await page.get_by_label("Login").press_sequentially("ped")
    assert await page.get_by_label("Login").input_value() == "half typed"
    assert [url for url in visitor.addresses[before:] if not url.endswith("/events")] == []
    await tell(flow, flow_cancel, flow.id, now=timezone.now())
    await visitor.heading("Canceled")


async def test_the_page_asks_as_the_site_does(visit: Visit) -> None:
    email = AskedField(
        id="a", ref="username", role=FieldRole.EMAIL, name="m", label="Work e-mail", html_type="email",
        placeholder="you@corp.example", hint="Not your private one",
    )  # fmt: skip
    totp = AskedField(id="b", ref="totp_code", role=FieldRole.TOTP, name="t", label="")
    visitor, _, _ = await asked(visit, make_pause(email, PASSWORD, totp))
    page = visitor.page

    async def attributes(label: str, *names: str) -> list[str | None]:
        field = page.get_by_label(label, exact=True)
        return [await field.get_attribute(name) for name in names]

    common = ("type", "autocomplete", "inputmode", "placeholder")
    assert await attributes("Work e-mail", *common) == ["email", "username", "email", "you@corp.example"]
    assert await attributes("Password", *common) == ["password", "current-password", None, None]
    assert await attributes("Code from your authenticator app", *common) == ["text", "one-time-code", "numeric", None]
    described = await page.get_by_label("Work e-mail").get_attribute("aria-describedby")
    assert await page.locator(f"#{described}").inner_text() == "Not your private one"
    assert await page.get_by_label("Work e-mail").evaluate("e => e === document.activeElement")


async def test_a_password_can_be_shown(visit: Visit) -> None:
    visitor, _, _ = await asked(visit)
    field = visitor.page.get_by_label("Password", exact=True)
    button = visitor.page.get_by_role("button", name="Show password")
    await button.click()
    assert (await field.get_attribute("type"), await button.get_attribute("aria-pressed")) == ("text", "true")
    await button.click()
    assert (await field.get_attribute("type"), await button.get_attribute("aria-pressed")) == ("password", "false")


async def test_the_site_speaks_where_no_field_is_to_blame(visit: Visit) -> None:
    visitor, _, _ = await asked(visit, make_pause(website_error="We could not verify you."))
    summary = visitor.page.get_by_role("alert").filter(has_text="example.com says:")
    assert "We could not verify you." in await summary.inner_text()
    assert await summary.evaluate("e => e === document.activeElement")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_a_late_answer_is_refused_in_plain_words(visit: Visit, scripts: bool) -> None:
    flow, claim = await start()
    await run_db(ask, claim)
    visitor = await visit(java_script_enabled=scripts)
    page = visitor.page
    await page.route("**/events", lambda _: None)  # the news never arrives
    await visitor.enter(flow)
    await page.get_by_label("Login").fill("ada")
    await page.get_by_label("Password", exact=True).fill("x")
    await run_db(flow_progress, claim, FlowInput.ACT, now=timezone.now())
    await run_db(ask, claim, make_pause(CODE))
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("alert").filter(has_text="moved on").wait_for(timeout=OPEN)
    await page.get_by_label("Code").wait_for(timeout=OPEN)
    state = await run_db(lambda: Flow.objects.get(pk=flow.pk).state)
    assert state == "AWAITING_INPUT"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_the_back_button_is_harmless(visit: Visit, scripts: bool) -> None:
    visitor, flow, _ = await asked(visit, java_script_enabled=scripts)
    page = visitor.page
    await page.get_by_label("Login").fill("ada")
    await page.get_by_label("Password", exact=True).fill("x")
    await page.get_by_role("button", name="Continue").click()
    await visitor.heading("Signing in to example.com")
    await page.go_back()
    await page.reload()
    await page.goto(f"{page.url.split('/login/')[0]}/login/{flow.id}")
    await visitor.heading("Signing in to example.com")
    assert await given(flow) == {"f1": "ada", "f2": "x"}


async def test_r17_a_stolen_link_opens_nothing_in_a_second_browser(visit: Visit) -> None:
    flow, _ = await start()
    code = await run_db(code_of, flow)
    owner, thief = await visit(), await visit()
    await owner.enter(flow)
    await owner.heading("Opening example.com")
    await thief.page.goto(f"{owner.page.url}?code={code}")
    await thief.heading("This link is no longer valid")
    await thief.shot("closed")
    assert code not in thief.page.url
    thief.complaints.clear()  # the browser notes the 404


@pytest.mark.parametrize("listening", [True, False], ids=["later", "at-once"])
async def test_an_open_page_notices_that_another_browser_took_over(visit: Visit, listening: bool) -> None:
    flow, claim = await start()
    visitor = await visit()
    if listening:
        async with visitor.page.expect_response(lambda answer: answer.url.endswith("/events")):
            await visitor.enter(flow)
    else:
        await visitor.page.route("**/events", lambda route: route.fulfill(status=404))
        await visitor.enter(flow)
    await visitor.heading("Opening example.com")
    await run_db(lambda: flow_start(Flow.objects.get(pk=flow.pk).connection, now=timezone.now()))
    code = await run_db(code_of, flow)
    await run_db(link_exchange, flow.id, code, token=page_token(), address="", now=timezone.now())
    await tell(flow, ask, claim)
    await visitor.heading("This link is no longer valid")
    visitor.complaints.clear()  # the browser notes the 404


@pytest.mark.parametrize("code", [ErrorCode.CREDENTIALS_INVALID, ErrorCode.SITE_UNREACHABLE, ErrorCode.INTERNAL_ERROR])
async def test_a_failure_says_what_to_do(visit: Visit, code: ErrorCode) -> None:
    flow, _ = await start()
    visitor = await visit(**PHONE)
    await visitor.enter(flow)
    await tell(
        flow, flow_end, flow.id, FlowInput.FAIL, now=timezone.now(), code=code, website_error="No <b>way</b>"
    )  # fmt: skip
    await visitor.heading("The sign-in did not work")
    await visitor.shot(f"failed-{code.value}")
    text = await visitor.page.locator("main").inner_text()
    assert "What you can do" in text
    assert "No <b>way</b>" in text
    assert code.value in text


async def test_an_expired_login_says_so_without_a_reload(visit: Visit) -> None:
    visitor, flow, _ = await asked(visit)
    await tell(flow, flow_end, flow.id, FlowInput.EXPIRE, now=timezone.now(), code=ErrorCode.FLOW_EXPIRED)
    await visitor.heading("Time is up")
    await visitor.shot("expired")


async def test_r13_hostile_words_run_nothing(visit: Visit) -> None:
    hostile = "\"><img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    field = replace(USERNAME, label=hostile, hint=hostile, placeholder=f"a{hostile}")
    visitor, flow, claim = await asked(visit, make_pause(field, website_error=hostile))
    pause = make_pause(field, choices=(replace(GOOGLE, label=hostile),), instruction=hostile)
    await tell(flow, ask, claim, pause)  # once more as a fragment
    await visitor.heading("Confirm it is you")
    assert await visitor.page.title() == "Confirm it is you"
    assert await visitor.page.locator("img:not([src^='/static/hosted/marks/'])").count() == 0
    assert hostile in await visitor.page.locator(".instruction").inner_text()


async def test_a_lost_connection_is_said_and_healed(visit: Visit) -> None:
    visitor, _, claim = await asked(visit)
    page = visitor.page
    await page.context.set_offline(True)
    await page.get_by_label("Login").fill("ada")
    await page.get_by_label("Password", exact=True).fill("x")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("alert").filter(has_text="interrupted").wait_for(timeout=OPEN)
    assert await page.get_by_label("Login").input_value() == "ada"
    await run_db(ask, claim, make_pause(CODE))
    await page.context.set_offline(False)
    await page.get_by_label("Code").wait_for(timeout=OPEN)
    assert not await page.get_by_text("interrupted").is_visible()
    visitor.complaints.clear()  # the browser notes that it was offline


async def test_every_control_has_a_name_and_the_keyboard_reaches_it(visit: Visit) -> None:
    visitor, flow, _ = await asked(visit, make_pause(USERNAME, PASSWORD, MORE, choices=(GOOGLE, SMS)))
    page = visitor.page
    names = await page.locator("input:not([type=hidden]), button, a").evaluate_all(
        "all => all.map(e => (e.labels?.[0] ?? e).innerText.trim() || e.getAttribute('aria-label'))"
    )
    assert len(names) == 3 + 1 + 1 + 2 + 1
    assert all(names)
    await page.keyboard.type("ada")
    await page.keyboard.press("Tab")
    await page.keyboard.type("secret")
    await page.keyboard.press("Enter")
    await visitor.heading("Signing in to example.com")
    assert json.dumps(await given(flow), sort_keys=True) == json.dumps({"f1": "ada", "f2": "secret"})
