"""Browser sessions as the wire shows them. A login's own browser is shown too, by the id of its flow, and can only be
looked at and ended: nobody else may hold a debugger to a page where secrets are typed."""

from datetime import datetime
from typing import Any

from flows.browser_links import cdp_url
from flows.live_links import LiveRight, browser_live_url, live_url
from flows.models import BrowserSession, Flow
from flows.services.sessions import tags_shown
from vault.models import Profile

VIEWPORT = {"width": 1920, "height": 1080}
LOCALE, TIMEZONE = "en-US", "UTC"
REGION = "us-east"
ECHOED = ("start_url", "telemetry", "vaults", "proxy", "network")


def session_wire(session: BrowserSession, *, now: datetime, live: LiveRight = LiveRight.TYPE) -> dict[str, Any]:
    """The wire's browser; absent optional members are left out. `live` is the right that its live view gives."""
    options = session.options
    headless = bool(options.get("headless"))
    shown: dict[str, Any] = {
        "session_id": session.id,
        "cdp_ws_url": cdp_url(session),
        "webdriver_ws_url": "",
        "created_at": session.created_at,
        "headless": headless,
        "stealth": bool(options.get("stealth")),
        "kiosk_mode": bool(options.get("kiosk_mode")),
        "timeout_seconds": session.timeout_seconds,
        "memory": options.get("memory") or ("1GiB" if headless else "8GiB"),
        "region": options.get("region") or REGION,
        "gpu": False,
        "viewport": options.get("viewport") or VIEWPORT,
        "location": location_wire(options.get("location") or {}),
    }
    shown |= {name: options[name] for name in ECHOED if options.get(name)}
    if proxy_id := (options.get("proxy") or {}).get("id"):
        shown["proxy_id"] = proxy_id
    if url := browser_live_url(session, live, now=now):
        shown["browser_live_view_url"] = url
    if session.name:
        shown["name"] = session.name
    if session.tags:
        shown["tags"] = tags_shown(session)
    if session.profile is not None:
        shown |= {"profile": profile_wire(session.profile), "profile_save_changes": session.save_changes}
    started = session.started_at or session.created_at
    shown["usage"] = {"uptime_ms": int(((session.ended_at or now) - started).total_seconds() * 1000)}
    if session.ended_at is not None:
        shown |= {"deleted_at": session.ended_at, "usage_status": "ready"}
    return shown


def flow_browser_wire(flow: Flow, *, stealth: bool, now: datetime) -> dict[str, Any]:
    """The browser in which a login runs, as far as anybody outside may know it."""
    shown = {"browser_live_view_url": url} if (url := live_url(flow, LiveRight.LOOK, now=now)) else {}
    return {
        **shown,
        "session_id": flow.id,
        "cdp_ws_url": "",
        "webdriver_ws_url": "",
        "created_at": flow.created_at,
        "headless": not stealth,
        "stealth": stealth,
        "kiosk_mode": False,
        "timeout_seconds": max(0, int((flow.expires_at - now).total_seconds())),
        "memory": "8GiB" if stealth else "1GiB",
        "region": REGION,
        "profile": profile_wire(flow.connection.profile),
        "profile_save_changes": True,
    }


def location_wire(location: dict[str, Any]) -> dict[str, str]:
    return {
        "locale": location.get("locale") or LOCALE,
        "locale_source": "override" if location.get("locale") else "default",
        "timezone": location.get("timezone") or TIMEZONE,
        "timezone_source": "override" if location.get("timezone") else "default",
    }


def profile_wire(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "name": profile.name,
        "created_at": profile.created_at,
        "updated_at": profile.updated_at,
        "last_used_at": profile.last_used_at,
    }
