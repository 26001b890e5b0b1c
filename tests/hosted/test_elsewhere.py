"""The login in other people's pages, in a real browser and across origins: framed, opened, and rebuilt with React."""

import json
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.utils import timezone
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from flows.links import handoff_code, hosted_url
from flows.models import Flow
from flows.services.flows import flow_move
from flows.transitions import FlowInput
from flows.views.cookies import session_name
from tests.hosted.conftest import OPEN, tell
from tests.hosted.factories import ask, make_live_flow, take
from tests.hosted.react import react_source
from tests.hosted.test_browser import given
from vault.aio import run_db
from vault.models import Project

pytestmark = pytest.mark.django_db(transaction=True)
COMPONENT = Path(__file__).with_name("component.js")
LISTEN = "window.told = []; addEventListener('message', e => told.push([e.origin, e.data]));"


def _heard(complaints: list[str], message: ConsoleMessage) -> None:
    complaints.append(message.text)


class Elsewhere:
    """A customer's own site: `localhost`, while the service is at `127.0.0.1`, so that they are two sites."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        elsewhere = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(elsewhere.pages.get(self.path.partition("?")[0], "").encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://localhost:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    running = Elsewhere()
    yield running
    running.server.shutdown()
    running.server.server_close()


async def flow_for(*origins: str) -> Flow:
    def make() -> Flow:
        flow = make_live_flow()
        Project.objects.filter(pk=flow.project_id).update(allowed_origins=list(origins))
        return flow

    return await run_db(make)


async def told(page: Page, status: str) -> list[Any]:
    """What the page was told, once it was told of `status`."""
    await page.wait_for_function("s => told.some(([, data]) => data.flow_status === s)", arg=status, timeout=OPEN)
    messages: list[Any] = await page.evaluate("told")
    return messages


async def test_r17_a_whole_login_in_a_frame_of_a_listed_page(
    service: str, browser: Browser, elsewhere: Elsewhere
) -> None:
    flow = await flow_for(elsewhere.origin)
    link = await run_db(hosted_url, flow)
    framed = f"{link}&display=frame&parent={elsewhere.origin}"
    elsewhere.pages["/"] = f"<script>{LISTEN}</script><iframe title=login width=400 height=700 src='{framed}'></iframe>"
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(elsewhere.origin)
    frame = page.frame_locator("iframe")
    await frame.get_by_role("button", name="Continue").click(timeout=OPEN)
    claim = await tell(flow, take, flow)
    await tell(flow, ask, claim)
    await frame.get_by_label("Login").fill("ada", timeout=OPEN)
    await frame.get_by_label("Password", exact=True).fill("secret")
    await frame.get_by_role("button", name="Continue").click()
    await frame.get_by_role("heading", name="Signing in to example.com").wait_for(timeout=OPEN)
    assert await given(flow) == {"f1": "ada", "f2": "secret"}
    await tell(flow, flow_move, flow.id, FlowInput.SUCCEED, now=timezone.now())
    messages = await told(page, "SUCCESS")
    assert {origin for origin, _ in messages} == {service}
    assert {tuple(sorted(data)) for _, data in messages} == {("connection_id", "flow_status", "flow_step", "type")}
    assert messages[-1][1]["connection_id"] == flow.connection_id
    assert "AWAITING_INPUT" in {data["flow_step"] for _, data in messages}
    assert all(cookie["sameSite"] == "None" and cookie["secure"] for cookie in await context.cookies(service))
    await context.close()


async def test_r21_another_page_cannot_frame_it(service: str, browser: Browser, elsewhere: Elsewhere) -> None:
    flow = await flow_for("https://app.example")
    link = await run_db(hosted_url, flow)
    for number, asked in enumerate(
        ("", f"&display=frame&parent={elsewhere.origin}", "&display=frame&parent=https://app.example")
    ):
        elsewhere.pages[f"/{number}"] = f"<script>{LISTEN}</script><iframe src='{link}{asked}'></iframe>"
        context = await browser.new_context()
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", partial(_heard, complaints))
        await page.goto(f"{elsewhere.origin}/{number}")
        await page.wait_for_load_state("networkidle")
        assert await page.frame_locator("iframe").get_by_role("button").count() == 0
        assert any("frame" in text for text in complaints), asked
        assert await page.evaluate("told") == []
        await context.close()
    assert (await run_db(Flow.objects.get, pk=flow.pk)).used_generation == 0


async def test_r21_a_popup_tells_its_listed_opener_and_closes(
    service: str, browser: Browser, elsewhere: Elsewhere
) -> None:
    flow = await flow_for(elsewhere.origin)
    link = await run_db(hosted_url, flow)
    opened = f"{link}&display=popup&parent={elsewhere.origin}"
    elsewhere.pages["/"] = f"<script>{LISTEN}</script><button onclick=\"window.open('{opened}')\">Go</button>"
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(elsewhere.origin)
    async with page.expect_popup() as waiting:
        await page.get_by_role("button").click()
    popup = await waiting.value
    await popup.get_by_role("button", name="Continue").click(timeout=OPEN)
    await tell(flow, take, flow)
    await popup.get_by_role("heading", name="Opening example.com").wait_for(timeout=OPEN)
    async with popup.expect_event("close", timeout=OPEN):
        await tell(flow, flow_move, flow.id, FlowInput.SUCCEED, now=timezone.now())
    assert (await told(page, "SUCCESS"))[-1][0] == service
    await context.close()


async def test_r21_an_opener_that_is_not_listed_keeps_no_hold(
    service: str, browser: Browser, elsewhere: Elsewhere
) -> None:
    flow = await flow_for()
    link = await run_db(hosted_url, flow)
    opened = f"{link}&display=popup&parent={elsewhere.origin}"
    elsewhere.pages["/"] = f"<script>{LISTEN}</script><button onclick=\"window.open('{opened}')\">Go</button>"
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(elsewhere.origin)
    async with page.expect_popup() as waiting:
        await page.get_by_role("button").click()
    popup = await waiting.value
    await popup.get_by_role("button", name="Continue").click(timeout=OPEN)
    await popup.get_by_role("heading", name="Starting a browser").wait_for(timeout=OPEN)
    assert await popup.evaluate("opener") is None
    assert await page.evaluate("told") == []
    await context.close()


async def test_r20_the_result_page_moves_on_and_the_way_back_is_harmless(
    service: str, browser: Browser, elsewhere: Elsewhere
) -> None:
    flow = await flow_for(elsewhere.origin)
    link = await run_db(hosted_url, flow)
    elsewhere.pages["/start"] = f"<a href='{link}&success_url={elsewhere.origin}/done'>Connect</a>"
    elsewhere.pages["/done"] = "<h1>Connected</h1>"
    for scripts in (True, False):
        context = await browser.new_context(java_script_enabled=scripts)
        page = await context.new_page()
        if scripts:
            await page.goto(f"{elsewhere.origin}/start")
            await page.get_by_role("link").click()
            await page.get_by_role("button", name="Continue").click(timeout=OPEN)
            await page.get_by_role("heading", name="Starting a browser").wait_for(timeout=OPEN)
            kept = [cookie for cookie in await context.cookies() if cookie["name"] == session_name(flow.id)]
            await tell(flow, take, flow)
            await tell(flow, flow_move, flow.id, FlowInput.SUCCEED, now=timezone.now())
        else:
            await context.add_cookies([{"name": kept[0]["name"], "value": kept[0]["value"], "url": service}])
            await page.goto(f"{service}/login/{flow.id}")
        await page.get_by_role("heading", name="Connected").wait_for(timeout=OPEN)
        assert page.url == f"{elsewhere.origin}/done?profile_name=work&domain=example.com"
        await context.close()


async def test_a_react_component_completes_a_login_across_origins(
    service: str, browser: Browser, elsewhere: Elsewhere
) -> None:
    react = react_source()
    if react is None:
        pytest.skip("React comes from npm, which cannot be asked here")
    flow = await flow_for(elsewhere.origin)
    code = handoff_code(flow_id=flow.id, generation=flow.generation)
    names = f"const API={json.dumps(service)}, CONNECTION={json.dumps(flow.connection_id)}, CODE={json.dumps(code)};"
    elsewhere.pages["/"] = (
        f"<div id=root></div><script>{react}</script><script>{names}{COMPONENT.read_text('utf-8')}</script>"
    )
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(elsewhere.origin)
    await page.get_by_text("DISCOVERING").wait_for(timeout=OPEN)
    claim = await tell(flow, take, flow)
    await tell(flow, ask, claim)
    await page.get_by_label("Login").fill("ada", timeout=OPEN)
    await page.get_by_label("Password").fill("secret")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("SUBMITTING").wait_for(timeout=OPEN)
    assert await given(flow) == {"f1": "ada", "f2": "secret"}
    await tell(flow, flow_move, flow.id, FlowInput.SUCCEED, now=timezone.now())
    await page.get_by_role("heading", name="SUCCESS").wait_for(timeout=OPEN)
    other = await context.new_page()  # the code is spent
    await other.goto(elsewhere.origin)
    await expect(other.get_by_role("alert")).to_have_text("400 code_used", timeout=OPEN)
    await context.close()
