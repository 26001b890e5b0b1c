"""Captcha vendors and bot walls, by what their documentation has sites put on a page."""

from dataclasses import dataclass

from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.page import PageView

# Where the vendor's script or frame comes from, its vendor, and the marks that show it.
_ADDRESSES: tuple[tuple[str, str], ...] = (
    ("hcaptcha.com", "hcaptcha"),
    ("challenges.cloudflare.com", "turnstile"),
    ("/cdn-cgi/challenge-platform", "cloudflare"),
    ("arkoselabs.com", "arkose"),
    ("funcaptcha.com", "arkose"),
    ("captcha-delivery.com", "datadome"),
    ("datadome.co", "datadome"),
    ("perimeterx.net", "human"),
    ("px-cdn.net", "human"),
    ("px-cloud.net", "human"),
    ("px-captcha", "human"),
    ("humansecurity.com", "human"),
    ("geetest.com", "geetest"),
    ("awswaf.com", "aws-waf"),
    ("captcha.awswaf", "aws-waf"),
    ("friendlycaptcha", "friendly-captcha"),
    ("frcapi.com", "friendly-captcha"),
    ("altcha", "altcha"),
    ("mtcaptcha.com", "mtcaptcha"),
    ("procaptcha", "prosopo"),
    ("prosopo.io", "prosopo"),
    ("kasada", "kasada"),
    ("/ips.js", "kasada"),
    ("incapsula", "imperva"),
    ("_incapsula_resource", "imperva"),
    ("dun.163", "netease"),
    ("captcha.qq.com", "tencent"),
    ("captcha.gtimg.com", "tencent"),
    ("recaptcha", "recaptcha"),
)
_MARKS: tuple[tuple[str, str], ...] = (
    (".g-recaptcha", "recaptcha"),
    (".grecaptcha-badge", "recaptcha"),
    ("[name=g-recaptcha-response]", "recaptcha"),
    (".h-captcha", "hcaptcha"),
    ("[name=h-captcha-response]", "hcaptcha"),
    (".cf-turnstile", "turnstile"),
    ("[name=cf-turnstile-response]", "turnstile"),
    ("#challenge-form", "cloudflare"),
    ("#challenge-stage", "cloudflare"),
    ("#challenge-running", "cloudflare"),
    ("#cf-challenge-running", "cloudflare"),
    (".cf-error-details", "cloudflare"),
    ("altcha-widget", "altcha"),
    (".frc-captcha", "friendly-captcha"),
    ("#px-captcha", "human"),
    ("[class*=geetest]", "geetest"),
    ("#FunCaptcha", "arkose"),
    ("#arkose", "arkose"),
    ("[id^=arkose]", "arkose"),
    ("[name=fc-token]", "arkose"),
    (".mtcaptcha", "mtcaptcha"),
    ("#captcha-container", "aws-waf"),
    ("#awswaf-captcha", "aws-waf"),
    ("awswaf-captcha", "aws-waf"),
    ("#sec-if-container", "akamai"),
    ("#ddv1-captcha-container", "datadome"),
    ("[class*=yidun]", "netease"),
    ("#nc_1_n1z", "aliyun"),
    (".nc-container", "aliyun"),
    ("[class*=tcaptcha]", "tencent"),
    ("#procaptcha", "prosopo"),
    (".procaptcha", "prosopo"),
    ("cap-widget", "cap"),
    (".lemin-captcha", "lemin"),
    ("img[src*=captcha i]", "image"),
    ("img[id*=captcha i]", "image"),
    ("img[alt*=captcha i]", "image"),
    ("img[class*=captcha i]", "image"),
    ("canvas[id*=captcha i]", "image"),
)
_MARK_VENDOR = dict(_MARKS)
_CHALLENGES = frozenset(
    {
        "#challenge-form", "#challenge-stage", "#challenge-running", "#cf-challenge-running", ".cf-error-details",
        "#px-captcha", "#sec-if-container", "#ddv1-captcha-container",
    }
)  # fmt: skip
_BLOCKED_STATUS = frozenset({403, 405, 406, 429, 503})


@dataclass(frozen=True, slots=True)
class Captcha:
    """`in_the_way` tells a puzzle a person must solve from one that works unseen."""

    vendor: str
    in_the_way: bool
    reasons: tuple[str, ...]


def find(page: PageView) -> Captcha | None:
    """The captcha of the page, the visible one first."""
    found: list[Captcha] = []
    for view in page.frames:
        frame = view.frame
        for mark in frame.marks:
            vendor = _MARK_VENDOR.get(mark.selector)
            if vendor is None:
                continue
            big = mark.visible and mark.rect.w >= 60 and mark.rect.h >= 20
            quiet = (
                mark.size == "invisible" or mark.selector == ".grecaptcha-badge" or mark.selector.startswith("[name=")
            )
            found.append(Captcha(vendor, big and not quiet, (f"{mark.selector} on the page",)))
        for item in view.items:
            e = item.element
            if e.tag == "iframe" and e.href:
                vendor = vendor_of(e.href)
                if vendor is not None:
                    badge = "size=invisible" in e.href or e.rect.w <= 80 or ("bframe" in e.href and e.hidden != "")
                    shown = not e.hidden and e.rect.w >= 60 and e.rect.h >= 40 and not badge
                    found.append(Captcha(vendor, shown, (f"frame of {vendor}",)))
        for script in frame.scripts:
            vendor = vendor_of(script)
            if vendor is not None:
                found.append(Captcha(vendor, False, (f"script of {vendor}",)))
    if not found:
        return None
    return max(found, key=lambda one: one.in_the_way)


def vendor_of(address: str) -> str | None:
    """The vendor behind a script's or frame's address."""
    lowered = address.lower()
    return next((vendor for part, vendor in _ADDRESSES if part in lowered), None)


def bot_wall(page: PageView, captcha: Captcha | None) -> tuple[str, ...]:
    """Why the page looks like a wall against programs; empty if it does not."""
    top = page.snapshot.top
    reasons: list[str] = []
    spoken = [text for text in page.seen_texts if text.heading or len(text.text) < 200][:40]
    if "blocked" in page.title_concepts or any("blocked" in concepts_of(text.text) for text in spoken):
        reasons.append("says blocked or checking")
    if top.status in _BLOCKED_STATUS:
        reasons.append(f"status {top.status}")
    strong = any(mark.selector in _CHALLENGES for mark in top.marks)
    if strong:
        reasons.append("challenge markup")
    if captcha is not None and captcha.vendor in (
        "cloudflare",
        "datadome",
        "human",
        "imperva",
        "kasada",
        "aws-waf",
        "akamai",
    ):
        reasons.append(f"vendor {captcha.vendor}")
    small = len(page.texts) < 40 and sum(item.reachable for item in page.items) < 25
    enough = len(reasons) >= 2 or strong or (len(reasons) == 1 and reasons[0].startswith("says") and small)
    return tuple(reasons) if enough and small else ()
