"""The language of the hosted page: what the link asks for, else what the browser prefers among ours."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.translation import get_language_bidi, get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from vault.middleware import AsyncHandler, HybridMiddleware, SyncHandler


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


class LanguageMiddleware(HybridMiddleware):
    """Pages under `/login/` speak the person's language, refusals by middleware included; the rest of the house is
    English, whatever thread served a person before."""

    def respond(self, request: HttpRequest, handler: SyncHandler) -> HttpResponseBase:
        with translation.override(_language(request)):
            return handler(request)

    async def arespond(self, request: HttpRequest, handler: AsyncHandler) -> HttpResponseBase:
        with translation.override(_language(request)):
            return await handler(request)


def _language(request: HttpRequest) -> str:
    return language_choose(request) if request.path.startswith("/login/") else settings.LANGUAGE_CODE
