"""How a project's hosted pages look: name, logo, colour, legal links, own words."""

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.db import transaction

from vault.audit import audit_append
from vault.colours import HEX
from vault.errors import Invalid
from vault.images import image_png
from vault.models import Branding, Project
from vault.principal import Principal
from vault.text import name_clean

TEXTS = {"name": 80, "welcome": 500, "farewell": 500}
LINKS = ("privacy_url", "terms_url", "support_url")
LINK_LENGTH = 500
LOGO_BYTES = 512 * 1024
LOGO_WIDTH, LOGO_HEIGHT = 320, 96
_DATA = re.compile(r"data:image/[a-z0-9.+-]+;base64,(?P<data>[A-Za-z0-9+/=\s]+)", re.ASCII)


def branding_get(project: Project) -> Branding:
    """The project's, or one with nothing set."""
    return Branding.objects.filter(project=project).first() or Branding(project=project)


def branding_update(principal: Principal, project: Project, changes: Mapping[str, str]) -> Branding:
    """Change what is given; an empty value takes a member away. Raises `Invalid`, and changes nothing then."""
    branding = branding_get(project)
    for name, value in branding_clean(changes).items():
        setattr(branding, name, value)
    with transaction.atomic():
        branding.save()
        audit_append(
            organization_id=project.organization_id,
            project_id=project.id,
            actor=principal.actor,
            action="project.branding",
            resource_type="project",
            resource_id=project.id,
            details={"names": sorted(changes)},
        )
    return branding


def branding_clean(changes: Mapping[str, str]) -> dict[str, str | bytes | None]:
    """Members as they are stored."""
    clean: dict[str, str | bytes | None] = {}
    for name, value in changes.items():
        if name == "logo":
            clean[name] = logo_png(_decoded(value)) if value else None
        elif not value:
            clean[name] = Branding.Theme.AUTO if name == "theme" else ""
        elif name in TEXTS:
            clean[name] = name_clean(value, what=name, length=TEXTS[name])
        elif name in LINKS:
            clean[name] = link_clean(value, what=name)
        elif name == "accent":
            clean[name] = accent_clean(value)
        elif name == "theme" and value in Branding.Theme.values:
            clean[name] = value
        else:
            raise Invalid(f"{name} cannot be set to this")
    return clean


def accent_clean(value: str) -> str:
    """`#rrggbb`."""
    colour = value.strip().lower()
    if not HEX.fullmatch(colour):
        raise Invalid("accent must be a colour like #2251cc")
    return colour


def link_clean(value: str, *, what: str) -> str:
    """An https address, or `mailto:` for support."""
    clean = name_clean(value, what=what, length=LINK_LENGTH, forbidden="\\\"'<> ")
    try:
        parts = urlsplit(clean)
    except ValueError:
        raise Invalid(f"{what} is not an address") from None
    mail = what == "support_url" and parts.scheme == "mailto" and "@" in parts.path
    if not mail and (parts.scheme != "https" or not parts.hostname or "@" in parts.netloc):
        raise Invalid(f"{what} must begin with https://")
    return clean


def logo_png(data: bytes) -> bytes:
    """A picture as it is shown: PNG of at most 320 by 96 pixels."""
    if len(data) > LOGO_BYTES:
        raise Invalid(f"logo must have at most {LOGO_BYTES // 1024} kB")
    return image_png(data, width=LOGO_WIDTH, height=LOGO_HEIGHT)


def _decoded(value: str) -> bytes:
    match = _DATA.fullmatch(value.strip())
    if match is None:
        raise Invalid("logo must be a data: address of a picture, base64")
    try:
        return base64.b64decode(match["data"], validate=False)
    except (binascii.Error, ValueError):
        raise Invalid("logo is not base64") from None
