"""The doors of the hosted page. Everything decided is decided in services; every POST ends in a redirect to the page,
so that reloading and the back button repeat nothing, and so that no customer's address is ever the answer to one."""

import re

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from flows.errors import NotAwaitingInput, SubmissionRefused
from flows.models import Flow
from flows.page_options import PageOptions
from flows.selectors import flow_interaction
from flows.services.flows import flow_cancel
from flows.services.handoff import CODE, LinkOpen, LinkRefusal, link_exchange, link_look, page_token
from flows.services.pictures import picture_open
from flows.services.submissions import submission_accept
from flows.submissions import Submission
from flows.views import cookies
from flows.views.guard import same_origin_required
from flows.views.looks import accent_css, look_of
from flows.views.onward import onward_step
from flows.views.steps import answer_values, step_of
from flows.views.visits import Visit, visited
from flows.wake import wake_sync
from vault.errors import VaultError

UNAVAILABLE = "unavailable"
ONWARD_SECONDS = 1  # more than that, and browsers put the result page into the history
READING_SECONDS = 5  # why it did not work, and what to do
NOTICES = frozenset(
    {"interaction_stale", "not_awaiting_input", "field_required", "unknown_field", "unknown_choice",
     "invalid_submission", "already_refused", "too_many_refusals", UNAVAILABLE}
)  # fmt: skip
ACCENT = re.compile(r"[0-9a-f]{6}")


@require_safe
@visited
def login(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The page. With `?code=` only the way to it: the code moves to a cookie and the address is clean at once."""
    if "code" in request.GET:
        return _code_kept(request, visit)
    if visit.flow is not None:
        return _step(request, visit, visit.flow)
    handoff = cookies.handoff_read(request, visit.flow_id)
    found = LinkRefusal.STALE if handoff is None else link_look(visit.flow_id, handoff.code, now=timezone.now())
    if isinstance(found, LinkOpen):
        return render(request, "hosted/consent.html", _context(visit, found.flow))
    return _closed(request, visit)


def _code_kept(request: HttpRequest, visit: Visit) -> HttpResponse:
    response = _to_page(visit)
    code = request.GET["code"]
    if CODE.fullmatch(code):
        before = cookies.handoff_read(request, visit.flow_id)
        token = before.token if before is not None and before.code == code else page_token()
        cookies.handoff_set(response, visit.flow_id, cookies.Handoff(code=code, token=token))
        cookies.options_set(response, visit.flow_id, visit.options)
    return response


def _to_page(visit: Visit) -> HttpResponse:
    """The clean address. A frame's says that it is one, for a browser that keeps our cookies out of frames."""
    address = reverse("hosted:login", args=[visit.flow_id])
    if visit.framed:
        address += "?" + PageOptions(display=visit.options.display, parent=visit.parent).to_text()
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


def _context(visit: Visit, flow: Flow) -> dict[str, object]:
    return {"flow": flow, "connection": flow.connection, "look": look_of(flow), "visit": visit}


def _step(request: HttpRequest, visit: Visit, flow: Flow) -> HttpResponse:
    notice = cookies.notice_read(request, flow.id)
    now = timezone.now()
    context = _context(visit, flow) | {
        "step": step_of(flow, now=now),
        "onward": onward_step(flow, visit.options, now=now),
        "onward_seconds": ONWARD_SECONDS if flow.status_at(now) == "SUCCESS" else READING_SECONDS,
        "notice": notice if notice in NOTICES else "",
    }
    response = render(request, "hosted/page.html", context)
    response.headers["X-Login-Step"] = "1"
    if notice:
        cookies.notice_drop(response, flow.id)
    return response


def _closed(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The same answer for a login that never was and one that is not this browser's."""
    response = render(request, "hosted/closed.html", {"visit": visit}, status=404)
    response.headers["X-Login-Step"] = "1"
    if cookies.handoff_read(request, visit.flow_id) is not None:
        cookies.handoff_drop(response, visit.flow_id)
    return response


@require_POST
@same_origin_required
@visited
def exchange(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The Continue button: the code becomes this browser's session."""
    if visit.flow is not None:
        return _to_page(visit)
    handoff = cookies.handoff_read(request, visit.flow_id)
    if handoff is None:
        return _closed(request, visit)
    now = timezone.now()
    found = link_exchange(
        visit.flow_id,
        handoff.code,
        token=handoff.token,
        address=request.META.get("REMOTE_ADDR", ""),
        now=now,
        page_options=visit.options.to_dict(),
    )
    if not isinstance(found, LinkOpen):
        return _closed(request, visit)
    response = _to_page(visit)
    cookies.session_set(response, found.flow, handoff.token, now=now)
    cookies.handoff_drop(response, visit.flow_id)
    return response


@sensitive_post_parameters()
@require_POST
@same_origin_required
@visited
def answer(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What the person typed or picked. A refused answer changes nothing and the page says why."""
    response = _to_page(visit)
    flow = visit.flow
    if flow is None:
        return response
    now = timezone.now()
    try:
        if flow.status_at(now) != "IN_PROGRESS":  # the connection's next login is not this page's business
            raise NotAwaitingInput("This login is over")
        submission_accept(flow.connection, _submission(request, flow), now=now)
    except SubmissionRefused as refused:
        cookies.notice_set(response, flow.id, refused.code)
    except VaultError:
        cookies.notice_set(response, flow.id, UNAVAILABLE)
    else:
        wake_sync(flow.id)
    return response


def _submission(request: HttpRequest, flow: Flow) -> Submission:
    interaction_id = request.POST.get("interaction_id", "")
    if "choice" in request.POST:
        return Submission(interaction_id=interaction_id, selected_choice_id=request.POST["choice"])
    return Submission(interaction_id=interaction_id, field_values=answer_values(request.POST.dict(), flow))


@require_safe
@visited
def picture(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What is in the way now, for the browser that was let in to this login."""
    asked = flow_interaction(visit.flow) if visit.flow is not None else None
    image = picture_open(asked.id) if asked is not None else None
    if image is None:
        raise Http404
    return HttpResponse(image, content_type="image/jpeg")


@require_POST
@same_origin_required
@visited
def cancel(request: HttpRequest, visit: Visit) -> HttpResponse:
    if visit.flow is not None and flow_cancel(visit.flow.id, now=timezone.now()):
        wake_sync(visit.flow.id)
    return _to_page(visit)


@require_safe
@cache_control(public=True, max_age=86400, immutable=True)
def accent(request: HttpRequest, colour: str) -> HttpResponse:
    """The stylesheet of one colour: the policy allows no style inside a page."""
    if not ACCENT.fullmatch(colour):
        raise Http404
    return HttpResponse(accent_css(f"#{colour}"), content_type="text/css")
