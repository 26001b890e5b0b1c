"""A passkey through the whole service: made in a browser, kept in its profile, used by a login and by the next one."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NoReturn

import pytest
from kernel import Kernel
from kernel.types.auth import ManagedAuth
from playwright.async_api import async_playwright

from tests.service.driving import Account, Run, drive
from tests.service.stack import Stack, running
from tests.service.test_canaries import Recorder, command_lines, files
from tests.sites.passkeys import PASSWORD, USER, PasskeySite
from tests.sites.server import SiteServer

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]
PROFILE = "holder"
LIMIT_MS = 60_000


@pytest.fixture(scope="module")
def talkative() -> Iterator[Stack]:
    with running(env={"AUTHSVC_LOG_LEVEL": "DEBUG"}) as service:
        yield service


def nobody(state: Any) -> NoReturn:
    raise AssertionError(f"somebody was asked: {state.fields} {state.choices}")


def connect(client: Kernel, site: PasskeySite) -> ManagedAuth:
    return client.auth.connections.create(
        domain=site.server.domain, login_url=site.login_url, profile_name=PROFILE, health_checks=False
    )


def log_in(client: Kernel, connection: ManagedAuth) -> Run:
    return drive(client, connection, Account("", ""), mode="programmatic", on_ask=nobody)


async def in_browser(client: Kernel, site: PasskeySite, *steps: str) -> None:
    """Start a browser from the profile, sign in with the password where that is a step, run the rest on the page."""
    made = await asyncio.to_thread(
        client.browsers.create, profile={"name": PROFILE, "save_changes": True}, headless=True
    )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(made.cdp_ws_url)
        page = await browser.contexts[0].new_page()
        page.set_default_timeout(LIMIT_MS)
        await page.goto(site.login_url if "password" in steps else site.server.url + "/home")
        for step in steps:
            if step == "password":
                await page.fill("[name=username]", USER)
                await page.fill("[name=password]", PASSWORD)
                await page.click("form button")
                await page.wait_for_url("**/home")
            else:
                assert await asyncio.wait_for(page.evaluate(step), LIMIT_MS / 1000) == {"ok": True}
        await page.goto(site.server.url + "/logout")
        await browser.close()
    await asyncio.to_thread(client.browsers.delete_by_id, made.session_id)


async def test_r09_a_passkey_is_kept_used_and_never_shown(talkative: Stack) -> None:
    answers: list[str] = []
    with ExitStack() as at_end:
        client = talkative.client(http_client=at_end.enter_context(Recorder(answers)), max_retries=0)
        async with SiteServer(host="localhost") as server:
            site = PasskeySite(server)
            client.profiles.create(name=PROFILE)
            await in_browser(client, site, "password", "make()")
            connection = await asyncio.to_thread(connect, client, site)
            run = await asyncio.to_thread(log_in, client, connection)
            assert (run.status, run.asked) == ("SUCCESS", [])
            state = await asyncio.to_thread(client.auth.connections.retrieve, connection.id)
            assert (state.can_reauth, state.can_reauth_reason) == (True, "requirements_satisfiable")
            await in_browser(client, site, "use()")
            run = await asyncio.to_thread(log_in, client, connection)
            assert (run.status, run.asked) == ("SUCCESS", [])
        assert len(site.counts) == 3
        assert site.counts == sorted(set(site.counts))
        assert site.refusals == []
        list(client.profiles.list())
        client.profiles.retrieve(PROFILE)
        client.audit_logs.list(limit=100, start="2026-01-01T00:00:00Z", end="2100-01-01T00:00:00Z")
        shown = "\n".join([*answers, talkative.log, command_lines(talkative)])
        exported: Any = client.profiles.download(PROFILE).json()
    (passkey,) = exported["passkeys"]
    assert passkey["signCount"] == site.counts[-1]
    assert len(passkey["privateKey"]) >= 64
    for secret in (passkey["privateKey"], passkey["credentialId"]):
        assert secret not in shown
        assert secret.encode() not in files(talkative)
