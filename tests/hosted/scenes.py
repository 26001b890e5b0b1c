"""Every step of the hosted page as a flow that stands at it, for pictures and for the accessibility checks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from flows.engine.contract import AskedChoice, AskedField, ErrorCode, FieldReason, Pause
from flows.engine.reading.model import ChoiceKind, FieldRole, MfaType
from flows.models import Connection, Flow, SiteIcon
from flows.page_options import PageOptions
from flows.services.flows import flow_cancel, flow_end, flow_move, flow_progress
from flows.services.handoff import page_token, page_token_hash
from flows.transitions import FlowInput
from flows.views.cookies import session_name
from tests.flows.factories import make_connection, make_flow, make_principal
from tests.hosted.factories import GOOGLE, SMS, ask, code_of, take
from vault.branding import branding_update
from vault.images import image_png
from vault.models import Project
from vault.principal import Principal

DOMAIN = "portal.harbour.example"
EMAIL = AskedField(
    id="f1", ref="username", role=FieldRole.EMAIL, name="email", label="E-mail address", html_type="email",
    placeholder="you@company.example",
)  # fmt: skip
PASSWORD = AskedField(id="f2", ref="password", role=FieldRole.PASSWORD, name="pw", label="Password")
REMEMBER = AskedField(
    id="f3", ref="remember", role=FieldRole.CHECKBOX, name="r", label="Keep me signed in", required=False
)
CODE = AskedField(id="f4", ref="code", role=FieldRole.TOTP, name="otp", label="Code", hint="6 digits, sent to •••• 42")
MICROSOFT = replace(GOOGLE, id="c3", label="Continue with Microsoft", provider="microsoft")
COMPANY = replace(GOOGLE, id="c4", label="Continue with company sign-in", provider="saml")
MAIL = AskedChoice(
    id="c5", kind=ChoiceKind.MFA_METHOD, label="E-mail", mfa_type=MfaType.EMAIL, masked_destination="a••@mail.example"
)
APP = AskedChoice(id="c6", kind=ChoiceKind.MFA_METHOD, label="Authenticator app", mfa_type=MfaType.TOTP)
PUSH = AskedChoice(id="c7", kind=ChoiceKind.MFA_METHOD, label="Approve on my phone", mfa_type=MfaType.PUSH)


PLAIN = PageOptions()


@dataclass(frozen=True, slots=True)
class Scene:
    """How a flow gets to the step. `consent` is the one before the link is spent."""

    name: str
    arrange: Callable[[Flow], object]
    options: PageOptions = PLAIN
    branded: bool = False


def pause(*fields: AskedField, **options: Any) -> Pause:
    return Pause(url=f"https://{DOMAIN}/login", title="Sign in", fields=fields, **options)


def asked(*fields: AskedField, **options: Any) -> Callable[[Flow], object]:
    return lambda flow: ask(take(flow), pause(*fields, **options))


def submitted(flow: Flow) -> None:
    claim = take(flow)
    ask(claim, pause(EMAIL, PASSWORD))
    flow_progress(claim, FlowInput.ACT, now=timezone.now())


def failed(code: ErrorCode, words: str = "") -> Callable[[Flow], object]:
    def end(flow: Flow) -> None:
        take(flow)
        flow_end(flow.id, FlowInput.FAIL, now=timezone.now(), code=code, website_error=words or None)

    return end


def succeeded(flow: Flow) -> None:
    take(flow)
    flow_move(flow.id, FlowInput.SUCCEED, now=timezone.now())


def expired(flow: Flow) -> None:
    flow_end(flow.id, FlowInput.EXPIRE, now=timezone.now(), code=ErrorCode.FLOW_EXPIRED)


SCENES = (
    Scene("consent", lambda flow: None),
    Scene("consent-branded", lambda flow: None, branded=True),
    Scene("queued", lambda flow: None),
    Scene("discovering", take),
    Scene("form", asked(EMAIL, PASSWORD, REMEMBER, choices=(GOOGLE, MICROSOFT, COMPANY))),
    Scene("form-branded", asked(EMAIL, PASSWORD, choices=(GOOGLE,)), branded=True),
    Scene("rejected", asked(
        EMAIL, replace(PASSWORD, reason=FieldReason.REJECTED), website_error="The e-mail address or password is wrong."
    )),
    Scene("website-says", asked(EMAIL, PASSWORD, website_error="Signing in is slow today. Please be patient.")),
    Scene("code", asked(CODE, choices=(replace(SMS, label="Send the code again"),))),
    Scene("methods", asked(choices=(APP, SMS, MAIL, PUSH))),
    Scene("external", asked(
        choices=(replace(APP, label="Use a code instead"),),
        instruction="Open the Harbour app on your phone and pick the number 42.",
    )),
    Scene("captcha", asked(instruction="The site shows a captcha. The login goes on by itself once it is solved.")),
    Scene("submitting", submitted),
    Scene("success", succeeded),
    Scene("success-onward", succeeded, PageOptions(success_url="https://app.example/done"), branded=True),
    Scene("success-refused", succeeded, PageOptions(success_url="https://elsewhere.example/done")),
    Scene("failed", failed(ErrorCode.ACCOUNT_LOCKED, "Too many attempts. Try again in an hour.")),
    Scene("failed-ours", failed(ErrorCode.INTERNAL_ERROR)),
    Scene("expired", expired),
    Scene("canceled", lambda flow: flow_cancel(flow.id, now=timezone.now())),
    Scene("closed", lambda flow: None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """How a browser gets there: an address and, with it, a cookie."""

    path: str
    cookie: tuple[str, str] | None


def scene_open(scene: Scene, principal: Principal) -> Opening:
    """Make the flow and the session of the browser that looks at it."""
    connection = make_connection(principal, domain=DOMAIN, profile_name=scene.name)
    flow = make_flow(connection, now=timezone.now())
    scene.arrange(flow)
    path = f"/login/{flow.id}"
    if scene.name.startswith("consent"):
        return Opening(path=f"{path}?code={code_of(flow)}", cookie=None)
    if scene.name == "closed":
        return Opening(path=path, cookie=None)
    token = page_token()
    Flow.objects.filter(pk=flow.pk).update(
        used_generation=1, page_session_hash=page_token_hash(token), page_options=scene.options.to_dict()
    )
    return Opening(path=path, cookie=(session_name(flow.id), token))


def principals_make() -> tuple[Principal, Principal]:
    """A plain tenant, and one with a look of its own. The site has an icon."""
    plain, branded = make_principal("Northwind Logistics"), make_principal("Northwind Freight GmbH")
    project = Project.objects.get(pk=branded.project_id)
    project.allowed_origins = ["https://app.example"]
    project.save()
    branding_update(
        branded,
        project,
        {
            "name": "Freightwise",
            "accent": "#0f7b6c",
            "privacy_url": "https://freightwise.example/privacy",
            "terms_url": "https://freightwise.example/terms",
            "support_url": "mailto:help@freightwise.example",
            "welcome": "Connect your harbour account once, and Freightwise books your slots from then on.",
            "farewell": "Your first bookings appear within a minute.",
        },
    )
    branding = project.branding
    branding.logo = image_png(_logo(), width=320, height=96)
    branding.save()
    SiteIcon.objects.update_or_create(pk=DOMAIN, defaults={"image": _icon(), "fetched_at": timezone.now()})
    return plain, branded


def connections_forget(principal: Principal) -> None:
    Connection.objects.for_principal(principal).delete()


def _logo() -> bytes:
    image = Image.new("RGBA", (320, 320))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((20, 20, 300, 300), 70, fill="#0f7b6c")
    draw.line((90, 215, 160, 110, 230, 215), fill="white", width=34, joint="curve")
    return _png(image)


def _icon() -> bytes:
    image = Image.new("RGBA", (64, 64))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, 60, 60), fill="#1d3f72")
    draw.line((32, 16, 32, 48), fill="white", width=5)
    draw.arc((16, 24, 48, 52), 20, 160, fill="white", width=5)
    return _png(image)


def _png(image: Image.Image) -> bytes:
    written = BytesIO()
    image.save(written, format="PNG")
    return written.getvalue()
