"""Whose page it is: names, pictures, colours and links, as plain values for the templates."""

import base64
from dataclasses import dataclass

from flows.models import Flow
from flows.services.icons import icon_of
from flows.views.languages import isolated
from vault.colours import accent_dark, accent_light
from vault.models import Branding

_VARIABLES = "--accent:{plain};--accent-deep:{deep};--tint:{tint}"


@dataclass(frozen=True, slots=True)
class Look:
    """`name` asks; `organization` is said besides where it has another name. Pictures are `data:` addresses."""

    name: str
    organization: str
    project: str
    domain: str
    shown: str  # the domain, safe inside a sentence of the other direction
    icon: str
    logo: str
    accent: str  # rrggbb
    theme: str
    privacy_url: str
    terms_url: str
    support_url: str
    welcome: str
    farewell: str

    @property
    def initial(self) -> str:
        return _initial(self.name)

    @property
    def site_initial(self) -> str:
        return _initial(self.domain.removeprefix("www."))


def look_of(flow: Flow) -> Look:
    """Of a flow that comes with its organization, project and branding loaded."""
    branding = getattr(flow.project, "branding", None) or Branding()
    organization = flow.organization.name
    name = branding.name or organization
    icon = icon_of(flow.connection.domain)
    return Look(
        name=name,
        organization=organization if organization != name else "",
        project="" if flow.project.is_default or flow.project.name == name else flow.project.name,
        domain=flow.connection.domain,
        shown=isolated(flow.connection.domain),
        icon=_picture(icon),
        logo=_picture(bytes(branding.logo) if branding.logo is not None else None),
        accent=branding.accent.removeprefix("#"),
        theme=branding.theme,
        privacy_url=branding.privacy_url,
        terms_url=branding.terms_url,
        support_url=branding.support_url,
        welcome=branding.welcome,
        farewell=branding.farewell,
    )


def _initial(name: str) -> str:
    return next((letter for letter in name if letter.isalnum()), "?").upper()


def _picture(png: bytes | None) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}" if png is not None else ""


def accent_css(colour: str) -> str:
    """Both themes of one colour, each moved until it can be read there."""
    light, dark = accent_light(colour), accent_dark(colour)
    bright = _VARIABLES.format(plain=light.plain, deep=light.deep, tint=light.tint)
    dim = _VARIABLES.format(plain=dark.plain, deep=dark.deep, tint=dark.tint)
    return (
        f":root{{{bright}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dim}}}}}\n"
        f":root[data-theme=dark]{{{dim}}}\n"
    )
