"""The live view of a caller's browser: a person looks and types, whoever may only look does not."""

from typing import Any

import pytest
from kernel import Kernel
from kernel.types import BrowserCreateResponse
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from flows.engine.chromium import headless_shell_path
from tests.service.stack import Stack

pytestmark = pytest.mark.timeout(300)
SHOWN_MS = 60_000
CENTRE = """(field) => { const box = field.getBoundingClientRect();
  return [(box.x + box.width / 2) / innerWidth, (box.y + box.height / 2) / innerHeight]; }"""


def browser_make(client: Kernel, stack: Stack) -> BrowserCreateResponse:
    made = client.browsers.create(start_url=f"{stack.demo_url}/login", timeout_seconds=300)
    assert made.browser_live_view_url is not None
    assert made.browser_live_view_url.startswith(f"{stack.url}/live/{made.session_id}#")
    return made


def viewer(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=headless_shell_path(), args=["--no-sandbox"])


def shown(browser: Browser, url: str, state: str) -> Page:
    page = browser.new_page()
    page.goto(url)
    page.locator(f".live[{state}][data-frames]").wait_for(timeout=SHOWN_MS)
    return page


def click_field(page: Page, place: Any) -> None:
    box = page.locator(".live-page").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])


def test_a_person_types_in_the_live_view_of_a_browser_and_an_onlooker_cannot(stack: Stack) -> None:
    client = stack.client(max_retries=0, timeout=120)
    made = browser_make(client, stack)
    looking = client.browsers.retrieve(made.session_id, extra_query={"readOnly": "true"}).browser_live_view_url
    assert looking is not None
    assert made.browser_live_view_url is not None
    with sync_playwright() as playwright:
        agent = playwright.chromium.connect_over_cdp(made.cdp_ws_url).contexts[0].pages[0]
        field = agent.locator("input").first
        field.wait_for()
        place = field.evaluate(CENTRE)
        person = viewer(playwright)
        for address in (looking, f"{made.browser_live_view_url}?readOnly=true"):
            onlooker = shown(person, address, "data-looks")
            click_field(onlooker, place)
            onlooker.locator(".live-keys").focus()
            onlooker.keyboard.type("nothing")
            onlooker.close()
        typing = shown(person, made.browser_live_view_url, "data-acts")
        click_field(typing, place)
        typing.keyboard.type("by a person")
        agent.wait_for_function("() => document.querySelector('input').value === 'by a person'")
        client.browsers.delete_by_id(made.session_id)
        typing.locator(".live-said", has_text="not shown any more").wait_for(timeout=SHOWN_MS)
        late = person.new_page()
        late.goto(made.browser_live_view_url)
        late.locator(".live-said", has_text="cannot be opened").wait_for(timeout=SHOWN_MS)
        person.close()
    assert made.browser_live_view_url.partition("#")[2] not in stack.log
