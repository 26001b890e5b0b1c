"""A project's look: what it may be, and that it can be read."""

import base64
import itertools
import re
from io import BytesIO
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, PngImagePlugin

from flows.models import Flow
from tests.contract.tenants import tenant_make
from tests.flows.factories import make_connection
from tests.hosted.factories import code_of, make_live_flow, make_person, opened
from vault.colours import accent_dark, accent_light, contrast
from vault.errors import Invalid
from vault.images import image_png
from vault.models import AuditRecord, Branding, Project

STEPS = ("00", "33", "80", "cc", "ff")


def picture(size: tuple[int, int] = (400, 200), kind: str = "PNG") -> bytes:
    image = Image.new("RGB", size, "#204080")
    note = PngImagePlugin.PngInfo()
    note.add_text("comment", "<script>hidden</script>")
    written = BytesIO()
    image.save(written, format=kind, **({"pnginfo": note} if kind == "PNG" else {}))
    return written.getvalue()


def data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def test_every_colour_can_be_read_in_both_themes() -> None:
    for parts in itertools.product(STEPS, repeat=3):
        colour = "#" + "".join(parts)
        light, dark = accent_light(colour), accent_dark(colour)
        for shown, card, ink in ((light, "#ffffff", "#ffffff"), (dark, "#181c24", "#0b1020")):
            assert contrast(shown.plain, card) >= 4.5, colour
            assert contrast(shown.plain, shown.tint) >= 4.5, colour
            assert contrast(shown.plain, ink) >= 4.5, colour
            assert contrast(shown.deep, ink) >= 4.5, colour
    assert accent_light("#0f5b52").plain == "#0f5b52"  # one that can be read stays


def test_pictures_are_written_anew() -> None:
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "ICO"):
        png = image_png(picture(kind=kind), width=64, height=64)
        assert png.startswith(b"\x89PNG")
        assert b"script" not in png
        with Image.open(BytesIO(png)) as image:
            assert max(image.size) <= 64


@pytest.mark.parametrize(
    "content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\nbroken", b"%PDF"]
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        image_png(content, width=64, height=64)


def test_a_picture_that_unpacks_to_too_much_is_refused() -> None:
    written = BytesIO()
    Image.new("1", (20_000, 20_000)).save(written, format="PNG")
    assert len(written.getvalue()) < 100_000
    with pytest.raises(Invalid):
        image_png(written.getvalue(), width=64, height=64)


@pytest.mark.django_db
def test_a_project_sets_its_look_over_the_api() -> None:
    tenant = tenant_make("acme")
    sdk: Any = tenant.sdk
    path = f"/org/projects/{tenant.principal.project_id}/branding"
    assert sdk.get(path, cast_to=object)["accent_shown"] is None
    given = {
        "name": "Freightwise",
        "accent": "#FFEE00",
        "theme": "dark",
        "logo": data(picture()),
        "privacy_url": "https://f.example/p",
        "support_url": "mailto:help@f.example",
        "welcome": "Hello <b>you</b>",
        "farewell": "Bye",
    }
    answer = sdk.patch(path, cast_to=object, body=given)
    assert answer == sdk.get(path, cast_to=object)
    assert (answer["accent"], answer["has_logo"], answer["terms_url"]) == ("#ffee00", True, "")
    assert contrast(answer["accent_shown"]["light"], "#ffffff") >= 4.5
    record = AuditRecord.objects.get(action="project.branding")
    assert record.details == {"names": sorted(given)}

    flow = make_live_flow(make_connection(tenant.principal))
    person = make_person(flow.id)
    person.follow_link(code_of(flow))
    consent = person.text()
    assert "Freightwise asks you to sign in to example.com" in consent
    assert "(acme)" in consent  # R23: who is behind the name
    assert "Hello &lt;b&gt;you&lt;/b&gt;" in consent
    assert 'data-theme="dark"' in consent
    assert '<link rel="stylesheet" href="/login/accent/ffee00.css">' in consent
    assert '<a href="https://f.example/p" target="_blank" rel="noopener">Privacy</a>' in consent
    assert 'src="data:image/png;base64,' in consent
    person.post("continue")
    assert 'class="logo"' in person.text()

    sdk.patch(path, cast_to=object, body={"accent": "", "logo": "", "theme": "", "name": ""})
    answer = sdk.get(path, cast_to=object)
    assert (answer["accent"], answer["has_logo"], answer["theme"], answer["name"]) == ("", False, "auto", "")
    assert "acme asks" not in person.text()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accent", "red"),
        ("accent", "#12345"),
        ("accent", "#123456;}*{display:none"),
        ("privacy_url", "javascript:alert(1)"),
        ("privacy_url", "http://f.example/"),
        ("terms_url", "mailto:a@b.example"),
        ("support_url", "https://me@f.example/"),
        ("logo", "https://f.example/logo.png"),
        ("logo", "data:image/svg+xml;base64,PHN2Zy8+"),
        ("logo", "data:image/png;base64,!!!!"),
        ("name", "x" * 81),
        ("welcome", "a\x00b"),
    ],
)
def test_a_look_that_cannot_be_changes_nothing(name: str, value: str) -> None:
    tenant = tenant_make("acme")
    client = Client(headers={"Authorization": f"Bearer {tenant.token}"})
    path = f"/org/projects/{tenant.principal.project_id}/branding"
    answer = client.patch(path, {"farewell": "Bye", name: value}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert not Branding.objects.exists()


@pytest.mark.django_db
def test_r26_nobody_else_reaches_it() -> None:
    owner, other = tenant_make("acme"), tenant_make("globex")
    client = Client(headers={"Authorization": f"Bearer {other.token}"})
    path = f"/org/projects/{owner.principal.project_id}/branding"
    assert client.get(path).status_code == 404
    assert client.patch(path, {"name": "x"}, content_type="application/json").status_code == 404


@pytest.mark.django_db
def test_the_colours_stylesheet() -> None:
    answer = Client().get("/login/accent/0f7b6c.css")
    assert answer["Content-Type"] == "text/css"
    assert "max-age=86400" in answer["Cache-Control"]
    text = answer.content.decode()
    assert accent_light("#0f7b6c").plain in text
    assert accent_dark("#0f7b6c").plain in text
    for bad in ("red", "0f7b6", "0F7B6C", "0f7b6c00"):
        assert Client().get(f"/login/accent/{bad}.css").status_code == 404


@pytest.mark.django_db
def test_an_operator_sets_it_in_the_admin() -> None:
    tenant = tenant_make("acme")
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator"))
    address = f"/admin/vault/project/{quote(tenant.principal.project_id)}/change/"
    project = Project.objects.get(pk=tenant.principal.project_id)
    form = {
        "organization": project.organization_id,
        "name": project.name,
        "status": "active",
        "limits": "{}",
        "allowed_origins": '["https://app.example/"]',
        "branding-TOTAL_FORMS": "1",
        "branding-INITIAL_FORMS": "0",
        "branding-0-project": project.id,
        "branding-0-name": "Freightwise",
        "branding-0-accent": "#0F7B6C",
        "branding-0-theme": "auto",
        "branding-0-picture": SimpleUploadedFile("logo.png", picture(), content_type="image/png"),
    }
    assert "branding-0-accent" in operator.get(address).content.decode()
    refused = operator.post(address, form | {"branding-0-accent": "reddish", "allowed_origins": '["nothing"]'})
    assert refused.status_code == 200
    text = refused.content.decode()
    assert "accent must be a colour like #2251cc" in text
    assert "is not an origin" in text
    form["branding-0-picture"] = SimpleUploadedFile("logo.png", picture(), content_type="image/png")
    saved = operator.post(address, form)
    assert saved.status_code == 302, re.findall(r"errorlist[^<]*(?:<[^<]*){4}", saved.content.decode())
    branding = Branding.objects.get(project=project)
    assert (branding.accent, branding.logo is not None) == ("#0f7b6c", True)
    project.refresh_from_db()
    assert project.allowed_origins == ["https://app.example"]


@pytest.mark.django_db
def test_without_a_look_the_page_is_ours() -> None:
    flow: Flow = make_live_flow()
    text = opened(flow).text()
    assert "data-theme" not in text
    assert "accent/" not in text
    assert 'class="legal"' not in text
