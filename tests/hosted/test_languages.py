"""Which language the page speaks, and that it speaks it whole."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from flows.views.steps import number_in
from tests.flows.factories import make_pause
from tests.hosted.factories import ask, code_of, make_live_flow, make_person, opened, take

ROOT = Path(__file__).resolve().parents[2]
OTHERS = [code for code, _ in settings.LANGUAGES if code != "en"]


@pytest.fixture(scope="module")
def messages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messages", ROOT / ".ci" / "messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_text_is_translated_and_compiled(messages: Any) -> None:
    found = messages.texts()
    assert len(found) > 100
    assert len(messages.folders()) >= 12
    for locale, folder in messages.folders().items():
        assert messages.troubles(messages.catalogue_read(folder, locale), locale, found, folder) == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_brings_markup_of_its_own(messages: Any, language: str) -> None:
    with translation.override(language):
        for text in messages.texts():
            said = translation.gettext(text)
            assert said.count("<") == text.count("<")
            assert said.count("&") == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepted", "wanted", "language", "direction"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "", "de", "ltr"),
        ("ar-EG", "", "ar", "rtl"),
        ("zh-CN,zh;q=0.9", "", "zh-hans", "ltr"),
        ("pt-PT", "", "pt-br", "ltr"),
        ("xx, fr;q=0.3", "", "fr", "ltr"),
        ("xx", "", "en", "ltr"),
        ("en-GB,de;q=0.9", "", "en", "ltr"),
        ("*", "", "en", "ltr"),
        ("de", "ja", "ja", "ltr"),
        ("de", "xx", "de", "ltr"),
        ("de", "../../etc", "de", "ltr"),
        ("", "", "en", "ltr"),
    ],
)
def test_the_language_is_the_links_or_the_browsers(accepted: str, wanted: str, language: str, direction: str) -> None:
    flow = make_live_flow()
    person = make_person(flow.id)
    query = {"code": code_of(flow)} | ({"language": wanted} if wanted else {})
    person.client.get(person.page, query, headers={"Accept-Language": accepted})
    for step in ("consent", "queued"):
        answer = person.look({"Accept-Language": accepted})
        assert f'lang="{language}" dir="{direction}"' in answer.content.decode(), step
        assert answer["Content-Language"] == language
        person.post("continue", headers={"Accept-Language": accepted})


@pytest.mark.django_db
def test_domains_keep_their_direction_inside_other_sentences() -> None:
    flow = make_live_flow()
    person = make_person(flow.id)
    person.follow_link(code_of(flow))
    assert "\u2066example.com\u2069" in person.look({"Accept-Language": "ar"}).content.decode()
    assert "\u2066" not in person.look({"Accept-Language": "de"}).content.decode()


@pytest.mark.django_db
def test_our_own_instructions_are_translated_and_the_sites_are_not() -> None:
    flow = make_live_flow()
    claim = take(flow)
    person = opened(flow)
    for said, shown in (
        ("The site shows a captcha (recaptcha). The login goes on by itself once it is solved.", "zeigt ein Captcha"),
        ("Approve the request on your phone", "Approve the request on your phone"),
    ):
        ask(claim, make_pause(instruction=said))
        assert shown in person.look({"Accept-Language": "de"}).content.decode()


@pytest.mark.django_db
def test_refusals_on_the_way_speak_it_too_and_the_rest_of_the_house_does_not() -> None:
    german = {"Accept-Language": "de", "Accept": "text/html"}
    refused = Client(enforce_csrf_checks=True).post("/login/flow_x/cancel", headers=german)
    assert "Bitte versuchen Sie es noch einmal" in refused.content.decode()
    assert "Log in" in Client().get("/admin/login/", headers=german).content.decode()
    assert translation.get_language() == "en"


@pytest.mark.parametrize(
    ("instruction", "number"),
    [
        ("Open the app and tap 42.", "42"),
        ("Tippen Sie auf 7", "7"),
        ("在手机上选择 88", "88"),
        ("Pick 42 on your phone, then confirm 42", "42"),
        ("Choose between 12 and 42", ""),
        ("We sent a prompt to •••• 42", ""),
        ("We sent it to the number ending in 42", ""),
        ("Wait 30 seconds", ""),
        ("Enter the 6 digits", ""),
        ("It is 10:45", ""),
        ("Call +1 555 0100", ""),
        ("Approve the sign-in", ""),
    ],
)
def test_the_number_to_match_stands_out(instruction: str, number: str) -> None:
    assert number_in(instruction) == number
