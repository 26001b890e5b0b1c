"""One request for a hosted page: whose flow this browser may see, what its link asked for, and how that shows in the
response's headers (R17, R21)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation

from flows.models import Flow
from flows.page_options import NAMES, Display, PageOptions, options_read, parent_allowed
from flows.services.handoff import page_flow, session_flow
from flows.views import cookies
from flows.views.languages import language_choose


@dataclass(frozen=True, slots=True)
class Visit:
    """`flow` is there once this browser has exchanged its link."""

    flow_id: str
    flow: Flow | None
    options: PageOptions
    parent: str  # the origin that may frame this page or opened it, empty for none

    @property
    def framed(self) -> bool:
        return bool(self.parent) and self.options.display is Display.FRAME

    @property
    def popped_up(self) -> bool:
        return bool(self.parent) and self.options.display is Display.POPUP


View = Callable[[HttpRequest, Visit], HttpResponse]


def visit_read(request: HttpRequest, flow_id: str) -> Visit:
    """A link's own words count until it is exchanged, then those that were stored."""
    flow = session_flow(flow_id, cookies.session_read(request, flow_id))
    if flow is not None and "code" not in request.GET:
        options = options_read(flow.page_options)
    elif not NAMES.isdisjoint(request.GET):
        options = options_read(request.GET.dict())
    elif "code" in request.GET:  # a bare link: nothing of an earlier one holds
        options = PageOptions()
    else:
        options = cookies.options_read(request, flow_id)
    return Visit(flow_id=flow_id, flow=flow, options=options, parent=_parent(options, flow, flow_id))


def _parent(options: PageOptions, flow: Flow | None, flow_id: str) -> str:
    if options.display is Display.PAGE:
        return ""
    known = flow or page_flow(flow_id)
    return parent_allowed(options, known.project.allowed_origins) if known is not None else ""


def visited(view: View) -> Callable[..., HttpResponseBase]:
    """Give a view its visit and the person's language, and its response the headers that go with them."""

    @wraps(view)
    def visiting(request: HttpRequest, flow_id: str) -> HttpResponseBase:
        visit = visit_read(request, flow_id)
        with translation.override(language_choose(request, visit.options.language)):
            response = view(request, visit)
        response.headers["Content-Language"] = language_choose(request, visit.options.language)
        return _dressed(response, visit)

    return visiting


def _dressed(response: HttpResponse, visit: Visit) -> HttpResponse:
    if visit.framed:
        response.xframe_options_exempt = True  # read by Django's middleware
        response._csp_replace = {"frame-ancestors": [visit.parent]}  # type: ignore[attr-defined]  # and by django-csp's
        response.for_frame = True  # type: ignore[attr-defined]  # and by ours
    if visit.popped_up:
        response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return response
