"""The doors of the hosted page. Everything decided is decided in services; every POST ends in a redirect to the page,
so that reloading and the back button repeat nothing."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from flows.errors import NotAwaitingInput, SubmissionRefused
from flows.models import Flow
from flows.services.flows import flow_cancel
from flows.services.handoff import (
    CODE,
    LinkOpen,
    LinkRefusal,
    link_exchange,
    link_look,
    page_token,
    session_flow,
)
from flows.services.submissions import submission_accept
from flows.submissions import Submission
from flows.views import cookies
from flows.views.guard import same_origin_required
from flows.views.steps import answer_values, step_of
from flows.wake import wake_sync
from vault.errors import VaultError

UNAVAILABLE = "unavailable"
NOTICES = frozenset(
    {"interaction_stale", "not_awaiting_input", "field_required", "unknown_field", "unknown_choice",
     "invalid_submission", UNAVAILABLE}
)  # fmt: skip


@require_safe
def login(request: HttpRequest, flow_id: str) -> HttpResponse:
    """The page. With `?code=` only the way to it: the code moves to a cookie and the address is clean at once."""
    if "code" in request.GET:
        return _code_kept(request, flow_id)
    flow = session_flow(flow_id, cookies.session_read(request, flow_id))
    if flow is not None:
        return _step(request, flow)
    handoff = cookies.handoff_read(request, flow_id)
    found = LinkRefusal.STALE if handoff is None else link_look(flow_id, handoff.code, now=timezone.now())
    if isinstance(found, LinkOpen):
        return render(request, "hosted/consent.html", {"flow": found.flow, "connection": found.flow.connection})
    return _closed(request, flow_id)


def _code_kept(request: HttpRequest, flow_id: str) -> HttpResponse:
    response = _to_page(flow_id)
    code = request.GET["code"]
    if CODE.fullmatch(code):
        before = cookies.handoff_read(request, flow_id)
        token = before.token if before is not None and before.code == code else page_token()
        cookies.handoff_set(response, flow_id, cookies.Handoff(code=code, token=token))
    return response


def _to_page(flow_id: str) -> HttpResponse:
    response = HttpResponseRedirect(reverse("hosted:login", args=[flow_id]))
    response.status_code = 303
    return response


def _step(request: HttpRequest, flow: Flow) -> HttpResponse:
    notice = cookies.notice_read(request, flow.id)
    context = {
        "flow": flow,
        "connection": flow.connection,
        "step": step_of(flow, now=timezone.now()),
        "notice": notice if notice in NOTICES else "",
    }
    response = render(request, "hosted/page.html", context)
    response.headers["X-Login-Step"] = "1"
    if notice:
        cookies.notice_drop(response, flow.id)
    return response


def _closed(request: HttpRequest, flow_id: str) -> HttpResponse:
    """The same answer for a login that never was and one that is not this browser's."""
    response = render(request, "hosted/closed.html", status=404)
    response.headers["X-Login-Step"] = "1"
    if cookies.handoff_read(request, flow_id) is not None:
        cookies.handoff_drop(response, flow_id)
    return response


@require_POST
@same_origin_required
def exchange(request: HttpRequest, flow_id: str) -> HttpResponse:
    """The Continue button: the code becomes this browser's session."""
    if session_flow(flow_id, cookies.session_read(request, flow_id)) is not None:
        return _to_page(flow_id)
    handoff = cookies.handoff_read(request, flow_id)
    if handoff is None:
        return _closed(request, flow_id)
    now = timezone.now()
    address = request.META.get("REMOTE_ADDR", "")
    found = link_exchange(flow_id, handoff.code, token=handoff.token, address=address, now=now)
    if not isinstance(found, LinkOpen):
        return _closed(request, flow_id)
    response = _to_page(flow_id)
    cookies.session_set(response, found.flow, handoff.token, now=now)
    cookies.handoff_drop(response, flow_id)
    return response


@sensitive_post_parameters()
@require_POST
@same_origin_required
def answer(request: HttpRequest, flow_id: str) -> HttpResponse:
    """What the person typed or picked. A refused answer changes nothing and the page says why."""
    response = _to_page(flow_id)
    flow = session_flow(flow_id, cookies.session_read(request, flow_id))
    if flow is None:
        return response
    now = timezone.now()
    try:
        if flow.status_at(now) != "IN_PROGRESS":  # the connection's next login is not this page's business
            raise NotAwaitingInput("This login is over")
        submission_accept(flow.connection, _submission(request, flow), now=now)
    except SubmissionRefused as refused:
        cookies.notice_set(response, flow_id, refused.code)
    except VaultError:
        cookies.notice_set(response, flow_id, UNAVAILABLE)
    else:
        wake_sync(flow.id)
    return response


def _submission(request: HttpRequest, flow: Flow) -> Submission:
    interaction_id = request.POST.get("interaction_id", "")
    if "choice" in request.POST:
        return Submission(interaction_id=interaction_id, selected_choice_id=request.POST["choice"])
    return Submission(interaction_id=interaction_id, field_values=answer_values(request.POST.dict(), flow))


@require_POST
@same_origin_required
def cancel(request: HttpRequest, flow_id: str) -> HttpResponse:
    flow = session_flow(flow_id, cookies.session_read(request, flow_id))
    if flow is not None and flow_cancel(flow.id, now=timezone.now()):
        wake_sync(flow.id)
    return _to_page(flow_id)
