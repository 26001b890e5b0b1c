"""Colours that can be read. Pure; contrast as WCAG 2 defines it."""

import re
from dataclasses import dataclass

HEX = re.compile(r"#[0-9a-f]{6}")
READABLE = 4.5  # of normal text
STEP = 0.04

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Accent:
    """One colour as a theme shows it: as text and button, pressed, and as a faint ground. All `#rrggbb`."""

    plain: str
    deep: str
    tint: str


@dataclass(frozen=True, slots=True)
class _Ground:
    card: Rgb
    towards: Rgb  # where a colour goes that is too close to the card
    share: float  # of the accent in the tint


_LIGHT = _Ground(card=(255, 255, 255), towards=(0, 0, 0), share=0.08)
_DARK = _Ground(card=(24, 28, 36), towards=(255, 255, 255), share=0.14)


def accent_light(colour: str) -> Accent:
    """For dark text on white; white text on it can be read too."""
    return _accent(colour, _LIGHT)


def accent_dark(colour: str) -> Accent:
    """For the dark card; near-black text on it can be read too."""
    return _accent(colour, _DARK)


def contrast(first: str, second: str) -> float:
    """1 to 21."""
    lighter, darker = sorted((_luminance(_rgb(first)), _luminance(_rgb(second))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _accent(colour: str, ground: _Ground) -> Accent:
    """The nearest colour on the way to black or white that can be read on the card and on its own tint."""
    given = _rgb(colour)
    share = 0.0
    while True:
        plain = _mixed(given, ground.towards, share)
        tint = _mixed(ground.card, plain, ground.share)
        if contrast(_hex(plain), _hex(tint)) >= READABLE or share >= 1:
            return Accent(plain=_hex(plain), deep=_hex(_mixed(plain, ground.towards, 0.18)), tint=_hex(tint))
        share += STEP


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(rgb: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def _mixed(first: Rgb, second: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * min(1.0, share)) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (_linear(part / 255) for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
