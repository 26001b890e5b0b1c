"""The page's four cookies. All are HttpOnly; each is named after its flow, so that two logins at once in one browser
do not put each other out.

- handoff: the unspent code and the token this browser will prove itself with, from the link to the Continue button
- options: what else the link asked for (`flows.page_options`), for as long as handoff; the flow keeps it afterwards
- session: that token, once the code was exchanged; `__Host-` wherever the service runs on HTTPS
- notice: why the last answer was not taken, a name from a closed list, read once
"""

from dataclasses import dataclass, field
from datetime import datetime
from http.cookies import Morsel
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from flows.models import Flow
from flows.page_options import PageOptions, options_parse

HANDOFF_SECONDS = 600
NOTICE_SECONDS = 60
RESULT_SECONDS = 600  # how long the outcome can be looked at again


@dataclass(frozen=True, slots=True)
class Handoff:
    code: str = field(repr=False)
    token: str = field(repr=False)


def _page_path(flow_id: str) -> str:
    return reverse("hosted:login", args=[flow_id])


def _attributes() -> dict[str, Any]:
    return {"httponly": True, "samesite": "Lax", "secure": settings.HTTPS}


def session_name(flow_id: str) -> str:
    """Browsers refuse the prefix on plain http."""
    return f"{'__Host-' if settings.HTTPS else ''}login-{flow_id}"


def session_read(request: HttpRequest, flow_id: str) -> str:
    return request.COOKIES.get(session_name(flow_id), "")


def session_set(response: HttpResponseBase, flow: Flow, token: str, *, now: datetime) -> None:
    seconds = int((flow.expires_at - now).total_seconds()) + RESULT_SECONDS
    response.set_cookie(session_name(flow.id), token, max_age=max(1, seconds), path="/", **_attributes())


def handoff_read(request: HttpRequest, flow_id: str) -> Handoff | None:
    code, _, token = request.COOKIES.get(f"handoff-{flow_id}", "").partition(".")
    return Handoff(code=code, token=token) if code and token else None


def handoff_set(response: HttpResponseBase, flow_id: str, handoff: Handoff) -> None:
    response.set_cookie(
        f"handoff-{flow_id}",
        f"{handoff.code}.{handoff.token}",
        max_age=HANDOFF_SECONDS,
        path=_page_path(flow_id),
        **_attributes(),
    )


def handoff_drop(response: HttpResponseBase, flow_id: str) -> None:
    for name in ("handoff", "options"):
        response.delete_cookie(f"{name}-{flow_id}", path=_page_path(flow_id), samesite="Lax")


def options_read(request: HttpRequest, flow_id: str) -> PageOptions:
    return options_parse(request.COOKIES.get(f"options-{flow_id}", ""))


def options_set(response: HttpResponseBase, flow_id: str, options: PageOptions) -> None:
    response.set_cookie(
        f"options-{flow_id}", options.to_text(), max_age=HANDOFF_SECONDS, path=_page_path(flow_id), **_attributes()
    )


def notice_read(request: HttpRequest, flow_id: str) -> str:
    return request.COOKIES.get(f"notice-{flow_id}", "")


def notice_set(response: HttpResponseBase, flow_id: str, code: str) -> None:
    response.set_cookie(f"notice-{flow_id}", code, max_age=NOTICE_SECONDS, path=_page_path(flow_id), **_attributes())


def notice_drop(response: HttpResponseBase, flow_id: str) -> None:
    response.delete_cookie(f"notice-{flow_id}", path=_page_path(flow_id), samesite="Lax")


class PartitionedMorsel(Morsel[str]):
    """A cookie that belongs to one pair of sites, the framing and the framed one. Python knows the attribute only from
    3.14 on."""

    def OutputString(self, attrs: Any = None) -> str:  # noqa: N802 - the base class's name
        return f"{super().OutputString(attrs)}; Partitioned"


def cookies_for_frame(response: HttpResponseBase) -> None:
    """Let every cookie of the response reach a frame on another site: nothing weaker arrives there."""
    for name, morsel in list(response.cookies.items()):
        framed = PartitionedMorsel()
        framed.set(morsel.key, morsel.value, morsel.coded_value)
        framed.update(morsel)
        framed["samesite"], framed["secure"] = "None", True
        dict.__setitem__(response.cookies, name, framed)
