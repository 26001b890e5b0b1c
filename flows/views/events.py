"""Telling an open page that it shows something old. The stream names the step that is current; the page fetches it."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from flows.services.handoff import page_flow, session_flow
from flows.sse import flow_updates
from flows.views.cookies import session_read
from flows.views.guard import is_same_origin
from flows.views.steps import step_of
from vault.aio import run_db

RETRY_MS = 2000


@require_GET
async def events(request: HttpRequest, flow_id: str) -> HttpResponseBase:
    """`shown` events, each with the key of the current step, the first one at once; `over` ends the stream."""
    if not is_same_origin(request):
        return HttpResponse(status=403)
    if await run_db(session_flow, flow_id, session_read(request, flow_id)) is None:
        return HttpResponse(status=404)
    response = StreamingHttpResponse(_stream(flow_id), content_type="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _stream(flow_id: str) -> AsyncIterator[bytes]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    async with aclosing(flow_updates(flow_id)) as updates:
        async for update in updates:
            if update is None:
                yield b": still here\n\n"
            else:
                yield f"event: shown\ndata: {await run_db(_key, flow_id)}\n\n".encode()
    yield b"event: over\ndata: over\n\n"


def _key(flow_id: str) -> str:
    flow = page_flow(flow_id)
    return step_of(flow, now=timezone.now()).key if flow is not None else "gone"
