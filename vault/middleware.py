"""What our middleware has in common: it serves a request in whichever way, sync or async, the server calls it."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

SyncHandler: TypeAlias = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class HybridMiddleware:
    """Subclasses say what they do around the rest of the stack, once for each way of calling it."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: SyncHandler | AsyncHandler) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self.arespond(request, cast(AsyncHandler, self.get_response))
        return self.respond(request, cast(SyncHandler, self.get_response))

    def respond(self, request: HttpRequest, handler: SyncHandler) -> HttpResponseBase:
        raise NotImplementedError

    async def arespond(self, request: HttpRequest, handler: AsyncHandler) -> HttpResponseBase:
        raise NotImplementedError
