"""What a debugger from outside may ask: the machine stays out of reach, the browser is its own."""

from typing import Any

import pytest

from flows.engine.cdp_rules import Answer, Leave, Pass, Refuse, address_allowed, command_judge, target_allowed


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Page.navigate", {"url": "file:///etc/passwd"}),
        ("Page.navigate", {"url": " f\tile:///etc/passwd"}),
        ("Page.navigate", {"url": "view-source:file:///etc/passwd"}),
        ("Page.navigate", {"url": "chrome://settings"}),
        ("Page.navigate", {"url": "about:settings"}),
        ("Target.createTarget", {"url": "devtools://devtools/bundled/inspector.html"}),
        ("Network.loadNetworkResource", {"url": "file:///proc/self/environ"}),
        ("Fetch.continueRequest", {"requestId": "1", "url": "file:///etc/passwd"}),
        ("DOM.setFileInputFiles", {"files": ["/etc/passwd"]}),
        ("Input.dispatchDragEvent", {"data": {"files": ["/etc/passwd"]}}),
        ("Target.createBrowserContext", {"proxyServer": "direct://"}),
        ("Target.createBrowserContext", {"proxyBypassList": "*"}),
        ("Target.exposeDevToolsProtocol", {"targetId": "1"}),
        ("Target.sendMessageToTarget", {"message": "{}"}),
        ("Extensions.loadUnpacked", {"path": "folder"}),
        ("Tethering.bind", {"port": 9}),
    ],
)
def test_r32_the_machine_is_out_of_reach(method: str, params: dict[str, Any]) -> None:
    assert isinstance(command_judge(method, params), Refuse)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Page.navigate", {"url": "https://example.com/?next=file:///x"}),
        ("Page.navigate", {"url": "about:blank"}),
        ("Page.navigate", {"url": "data:text/html,hello"}),
        ("Target.createTarget", {"url": ""}),
        ("Runtime.evaluate", {"expression": "'file:///etc/passwd'"}),
        ("Network.setCookie", {"name": "a", "value": "b", "url": "https://example.com"}),
        ("Target.createBrowserContext", {"disposeOnDetach": True}),
    ],
)
def test_what_concerns_pages_passes_unchanged(method: str, params: dict[str, Any]) -> None:
    assert command_judge(method, params) == Pass(params)


def test_downloads_are_denied_whatever_folder_a_driver_names() -> None:
    wanted = {"behavior": "allowAndName", "downloadPath": "/etc/cron.d", "browserContextId": "C", "eventsEnabled": True}
    assert command_judge("Browser.setDownloadBehavior", wanted) == Pass({"behavior": "deny", "browserContextId": "C"})
    assert command_judge("Page.setDownloadBehavior", {"behavior": "allow"}) == Answer()


def test_every_session_is_a_flat_one_so_that_no_message_hides_in_another() -> None:
    judged = command_judge("Target.attachToTarget", {"targetId": "1", "flatten": False})
    assert judged == Pass({"targetId": "1", "flatten": True})


def test_closing_lets_go_of_the_browser() -> None:
    assert command_judge("Browser.close", {}) == Leave()


@pytest.mark.parametrize("url", [None, "", 7, "/relative", "HTTPS://example.com", "about:blank#x", "blob:https://a/1"])
def test_addresses_that_are_allowed(url: object) -> None:
    assert address_allowed(url)


def test_r32_the_inside_of_the_browser_is_no_target() -> None:
    assert target_allowed({"type": "page", "url": "https://example.com"})
    assert not target_allowed({"type": "browser_ui", "url": "chrome://omnibox-popup.top-chrome/"})
    assert not target_allowed({"type": "page", "url": "chrome://settings"})
    assert not target_allowed({"type": "page", "url": "CHROME-UNTRUSTED://x"})
