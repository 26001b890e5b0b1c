"""For everybody: nothing that axe-core finds, at any step, in both themes, narrow and wide; and all of it by keyboard.

`python -m tests.hosted.gallery FOLDER --axe` examines every combination of device, theme and language besides."""

from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from flows.engine.contract import FieldReason
from tests.flows.factories import make_pause
from tests.hosted.axe import STAY, axe_findings
from tests.hosted.conftest import OPEN, Visit, tell
from tests.hosted.factories import ask
from tests.hosted.scenes import CODE, EMAIL, PASSWORD, SCENES, principals_make, scene_open
from tests.hosted.test_browser import given, start
from vault.aio import run_db

pytestmark = pytest.mark.django_db(transaction=True)
LOOKS: list[tuple[Any, int]] = [("light", 320), ("dark", 1920)]


async def test_axe_finds_nothing_on_any_step(service: str, browser: Browser) -> None:
    plain, branded = await run_db(principals_make)
    contexts = [
        await browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900})
        for theme, width in LOOKS
    ]
    found = []
    for scene in SCENES:
        opening = await run_db(scene_open, scene, branded if scene.branded else plain)
        for context, (theme, width) in zip(contexts, LOOKS, strict=True):
            if opening.cookie is not None:
                await context.add_cookies([{"name": opening.cookie[0], "value": opening.cookie[1], "url": service}])
            page = await context.new_page()
            await page.add_init_script(STAY)  # no step moves on by itself
            await page.goto(f"{service}{opening.path}")
            found += [f"{scene.name}, {theme}, {width}: {finding}" for finding in await axe_findings(page)]
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{scene.name} scrolls sideways at {width}"
            nameless = await page.locator("input:not([type=hidden]), button, a").evaluate_all(
                "all => all.filter(e => !((e.labels?.[0] ?? e).innerText.trim() || e.ariaLabel)).map(e => e.outerHTML)"
            )
            assert nameless == []
            await page.close()
    for context in contexts:
        await context.close()
    assert found == []


async def test_a_whole_login_by_keyboard(visit: Visit) -> None:
    flow, claim = await start()
    visitor = await visit()
    page = visitor.page
    keyboard = page.keyboard
    await visitor.enter_consent(flow)
    await keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Continue")).to_be_focused()
    await keyboard.press("Enter")
    await visitor.heading("Opening example.com")
    await tell(flow, ask, claim, make_pause(EMAIL, PASSWORD))
    await visitor.heading("Sign in to example.com")
    await expect(page.get_by_label("E-mail address")).to_be_focused()
    await keyboard.type("ada@mail.example")
    await keyboard.press("Tab")
    await keyboard.type("wrong")
    await keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Show password")).to_be_focused()
    await keyboard.press("Space")
    await expect(page.get_by_label("Password", exact=True)).to_be_focused()
    await keyboard.press("Enter")
    await visitor.heading("Signing in to example.com")

    rejected = replace(PASSWORD, reason=FieldReason.REJECTED)
    await tell(flow, ask, claim, make_pause(EMAIL, rejected, website_error="Wrong password."))
    password = page.get_by_label("Password", exact=True)
    await expect(password).to_be_focused(timeout=OPEN)
    described = await password.get_attribute("aria-describedby")
    assert await page.locator(f"#{described}").inner_text() == "Wrong password."
    await keyboard.type("right")
    await keyboard.press("Shift+Tab")
    await keyboard.type("ada@mail.example")
    await keyboard.press("Enter")
    await visitor.heading("Signing in to example.com")
    assert await given(flow) == {"f1": "ada@mail.example", "f2": "right"}

    await tell(flow, ask, claim, make_pause(CODE))
    code = page.get_by_label("Code")
    await expect(code).to_be_focused(timeout=OPEN)
    await code.evaluate("(e, text) => { e.value = text }", " 123 456 ")  # as a paste leaves it
    await keyboard.press("Enter")
    await visitor.heading("Signing in to example.com")
    assert await given(flow) == {"f4": "123456"}


async def test_large_text_still_fits(visit: Visit) -> None:
    flow, claim = await start()
    await run_db(ask, claim, make_pause(EMAIL, PASSWORD))
    visitor = await visit(viewport={"width": 390, "height": 844})
    await visitor.enter(flow)
    await visitor.heading("Sign in to example.com")
    session = await visitor.page.context.new_cdp_session(visitor.page)
    await session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    assert await visitor.page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") == 32
    assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    await visitor.shot("large-text")


async def test_a_phone_put_to_sleep_and_a_second_tab_show_the_same_step(visit: Visit) -> None:
    flow, claim = await start()
    visitor = await visit()
    await visitor.enter(flow)
    await visitor.heading("Opening example.com")
    second = await visitor.page.context.new_page()
    await second.goto(visitor.page.url)
    await tell(flow, ask, claim, make_pause(EMAIL, PASSWORD))
    for page in (visitor.page, second):
        await page.get_by_label("Password", exact=True).wait_for(timeout=OPEN)
    await second.reload()
    await second.get_by_label("E-mail address").fill("ada@mail.example")
    await second.get_by_label("Password", exact=True).fill("x")
    await second.get_by_role("button", name="Continue").click()
    await visitor.heading("Signing in to example.com")  # the first tab follows
    await second.close()
