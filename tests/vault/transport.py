"""The SDK against this very process: requests go through Django's test client, inside the test's transaction."""

import httpx
from django.test import Client


def django_transport() -> httpx.MockTransport:
    return httpx.MockTransport(_answer)


def _answer(request: httpx.Request) -> httpx.Response:
    answer = Client(raise_request_exception=False).generic(
        request.method,
        request.url.raw_path.decode(),
        request.content,
        content_type=request.headers.get("content-type", ""),
        headers=dict(request.headers),
    )
    return httpx.Response(answer.status_code, headers=list(answer.items()), content=answer.content)
