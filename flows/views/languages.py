"""The language of the hosted page: what the link asks for, else what the browser prefers among ours."""

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.translation import get_language_bidi, get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

Handler = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def isolated(text: str) -> str:
    """`text` from left to right whatever stands around it, where sentences run from right to left."""
    return f"\u2066{text}\u2069" if get_language_bidi() else text


def language_choose(request: HttpRequest, wanted: str = "") -> str:
    """A code of `settings.LANGUAGES`."""
    accepted = [code for code, _ in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    for code in [wanted, *accepted]:
        if code == "*":
            break
        try:
            if code:
                return get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


class LanguageMiddleware:
    """Pages under `/login/` speak the person's language, refusals by middleware included; the rest of the house is
    English, whatever thread served a person before."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler | AsyncHandler) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._acall(request)
        with translation.override(_language(request)):
            return cast(Handler, self.get_response)(request)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        with translation.override(_language(request)):
            return await cast(AsyncHandler, self.get_response)(request)


def _language(request: HttpRequest) -> str:
    return language_choose(request) if request.path.startswith("/login/") else settings.LANGUAGE_CODE
