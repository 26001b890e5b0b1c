"""Who calls."""

from django.http import HttpRequest

from vault.principal import Principal


def caller(request: HttpRequest) -> Principal:
    """What the authentication found out."""
    principal: Principal = request.auth  # type: ignore[attr-defined]  # ninja sets it on an untyped request
    return principal
