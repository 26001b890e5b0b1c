"""From a link to one browser's session."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.cookies import Morsel
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from flows.models import Flow
from flows.services.flows import flow_cancel, flow_start
from flows.services.handoff import LinkOpen, LinkRefusal, link_exchange, link_look, page_token, page_token_hash
from tests.flows.factories import make_connection, make_principal
from tests.hosted.factories import code_of, exchanges, make_live_flow, make_person, opened
from vault.tenancy import project_create

pytestmark = pytest.mark.django_db


def morsel(client: Client, name: str) -> Morsel[str]:
    found: Morsel[str] = client.cookies[name]
    return found


def test_r17_looking_never_spends_the_link() -> None:
    flow = make_live_flow()
    code = code_of(flow)
    for _ in range(3):
        scanner = make_person(flow.id)
        assert scanner.client.head(scanner.page, {"code": code}).status_code == 303
        assert scanner.follow_link(code).status_code == 303
        assert scanner.look().status_code == 200
        assert scanner.client.get(f"{scanner.page}/continue").status_code == 405
    flow.refresh_from_db()
    assert (flow.used_generation, flow.page_session_hash) == (0, "")
    assert opened(flow).look().status_code == 200
    assert exchanges(flow) == [("ok", "")]


def test_r17_a_second_exchange_fails_and_is_on_record() -> None:
    flow = make_live_flow()
    code = code_of(flow)
    thief = make_person(flow.id)
    thief.follow_link(code)
    assert "asks you to sign in" in thief.text()
    owner = opened(flow)
    before = Flow.objects.get(pk=flow.pk).page_session_hash
    refused = thief.post("continue")
    assert refused.status_code == 404
    assert "no longer valid" in refused.content.decode()
    assert exchanges(flow) == [("ok", ""), ("denied", "used")]
    assert Flow.objects.get(pk=flow.pk).page_session_hash == before
    assert owner.look().status_code == 200
    assert thief.look().status_code == 404


def test_r17_the_session_is_of_one_flow() -> None:
    principal = make_principal()
    mine = make_live_flow(make_connection(principal))
    other = make_live_flow(make_connection(principal, domain="other.example"))
    owner = opened(mine)
    opened(other)
    token = morsel(owner.client, f"login-{mine.id}").value
    crossing = make_person(other.id)
    crossing.client.cookies[f"login-{other.id}"] = token
    assert crossing.look().status_code == 404
    assert crossing.client.get(f"{crossing.page}/events").status_code == 404


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "é" * 43])
def test_r17_no_other_token_opens_the_page(token: str) -> None:
    flow = make_live_flow()
    stranger = make_person(flow.id)
    stranger.client.cookies[f"login-{flow.id}"] = token
    assert stranger.look().status_code == 404  # nothing was exchanged yet: an empty hash matches nobody
    opened(flow)
    assert stranger.look().status_code == 404


def test_r17_the_token_is_stored_as_a_hash() -> None:
    flow = make_live_flow()
    token = morsel(opened(flow).client, f"login-{flow.id}").value
    flow.refresh_from_db()
    assert flow.page_session_hash == page_token_hash(token) != token


def test_r17_cookies_on_https(settings: Any) -> None:
    settings.HTTPS = True
    flow = make_live_flow()
    person = make_person(flow.id)
    person.client.get(person.page, {"code": code_of(flow)}, secure=True)
    person.client.get(person.page, secure=True)
    token = person.client.cookies["csrftoken"].value
    answer = person.client.post(
        f"{person.page}/continue", {"csrfmiddlewaretoken": token}, secure=True, headers={"Origin": "https://testserver"}
    )
    assert answer.status_code == 303
    session = morsel(person.client, f"__Host-login-{flow.id}")
    assert (session["secure"], session["httponly"], session["samesite"]) == (True, True, "Lax")
    assert (session["path"], session["domain"]) == ("/", "")
    assert 0 < int(session["max-age"]) <= 1200 + 600


@pytest.mark.django_db(transaction=True)
def test_r17_of_browsers_at_once_one_wins() -> None:
    flow = make_live_flow()
    code = code_of(flow)

    def exchange() -> bool:
        try:
            found = link_exchange(flow.id, code, token=page_token(), address="", now=timezone.now())
            return isinstance(found, LinkOpen)
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda _: exchange(), range(6))) == 1
    assert sorted(exchanges(flow)) == [("denied", "used")] * 5 + [("ok", "")]


def spend_elsewhere(flow: Flow) -> None:
    now = timezone.now()
    Flow.objects.filter(pk=flow.pk).update(used_generation=flow.generation, page_session_hash="0" * 64, updated_at=now)


def raise_generation(flow: Flow) -> None:
    flow_start(flow.connection, now=timezone.now())


def end(flow: Flow) -> None:
    flow_cancel(flow.id, now=timezone.now())


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        (spend_elsewhere, LinkRefusal.USED),
        (raise_generation, LinkRefusal.STALE),
        (end, LinkRefusal.OVER),
    ],
)
def test_r17_the_exchange_itself_judges(
    meanwhile: Callable[[Flow], None], reason: LinkRefusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens between looking at the link and spending it."""
    flow = make_live_flow()
    code = code_of(flow)
    looks: list[str] = []

    def look(*args: Any, **options: Any) -> LinkOpen | LinkRefusal:
        found = link_look(*args, **options)
        if not looks:
            meanwhile(flow)
        looks.append(code)
        return found

    monkeypatch.setattr("flows.services.handoff.link_look", look)
    token = page_token()
    assert link_exchange(flow.id, code, token=token, address="", now=timezone.now()) is reason
    assert Flow.objects.get(pk=flow.pk).page_session_hash != page_token_hash(token)
    assert exchanges(flow) == [("denied", reason.value)]


def test_the_same_browser_may_press_twice() -> None:
    flow = make_live_flow()
    person = make_person(flow.id)
    person.follow_link(code_of(flow))
    person.look()
    handoff = morsel(person.client, f"handoff-{flow.id}").value
    assert person.post("continue").status_code == 303
    del person.client.cookies[f"login-{flow.id}"]  # the answer to the first click never arrived
    person.client.cookies[f"handoff-{flow.id}"] = handoff
    assert person.post("continue").status_code == 303
    assert person.look().status_code == 200
    assert exchanges(flow) == [("ok", "")]


def test_back_to_consent_and_continue_again_is_harmless() -> None:
    flow = make_live_flow()
    code = code_of(flow)
    person = opened(flow)
    person.follow_link(code)
    assert "asks you to sign in" not in person.text()
    assert person.post("continue").status_code == 303
    assert person.look().status_code == 200
    assert exchanges(flow) == [("ok", "")]


def test_r18_the_code_leaves_the_address_at_once() -> None:
    flow = make_live_flow()
    code = code_of(flow)
    person = make_person(flow.id)
    answer = person.follow_link(code)
    assert (answer.status_code, answer["Location"]) == (303, person.page)
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "same-origin"
    kept = morsel(person.client, f"handoff-{flow.id}")
    assert kept.value.startswith(code)
    assert (kept["httponly"], kept["samesite"], kept["path"]) == (True, "Lax", person.page)
    assert 0 < int(kept["max-age"]) <= 600
    page = person.look()
    assert code not in page.content.decode() + str(page.headers)
    after = person.post("continue")
    assert code not in str(after.headers)
    assert f"handoff-{flow.id}" in after.cookies
    assert after.cookies[f"handoff-{flow.id}"]["max-age"] == 0


def test_r18_the_code_reaches_no_log(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    flow = make_live_flow()
    code = code_of(flow)
    with caplog.at_level("DEBUG"):
        person = make_person(flow.id)
        person.open(code)
        person.follow_link(code[:-1] + "x")
        person.client.get(f"{person.page}/nothing", {"code": code})
    printed = capsys.readouterr()
    logged = caplog.text + printed.err + printed.out
    assert person.page in logged
    assert code[:20] not in logged


@pytest.mark.parametrize("code", ["", "x", "0" * 64, "0" * 63 + "é", "a" * 100_000, "<script>"])
def test_r18_a_wrong_code_opens_nothing(code: str) -> None:
    flow = make_live_flow()
    person = make_person(flow.id)
    assert person.follow_link(code).status_code == 303
    assert person.look().status_code == 404
    assert person.post("continue").status_code in (403, 404)
    assert Flow.objects.get(pk=flow.pk).used_generation == 0


def test_r19_a_second_login_makes_the_unused_link_stale() -> None:
    connection = make_connection(make_principal())
    flow = make_live_flow(connection)
    old = code_of(flow)
    late = make_person(flow.id)
    late.follow_link(old)
    late.look()
    joined, new = flow_start(connection, now=timezone.now())
    assert (joined.pk, new) == (flow.pk, False)
    assert late.post("continue").status_code == 404
    assert exchanges(flow) == [("denied", "stale")]
    assert make_person(flow.id).open(old).status_code in (403, 404)
    assert opened(flow).look().status_code == 200


def test_r19_a_session_outlives_a_new_link() -> None:
    connection = make_connection(make_principal())
    flow = make_live_flow(connection)
    person = opened(flow)
    flow_start(connection, now=timezone.now())
    assert person.look().status_code == 200


def test_r19_a_link_lives_no_longer_than_its_flow() -> None:
    flow = make_live_flow()
    code = code_of(flow)
    person = make_person(flow.id)
    person.follow_link(code)
    person.look()
    flow_cancel(flow.id, now=timezone.now())
    assert person.post("continue").status_code == 404
    assert exchanges(flow) == [("denied", "over")]


def test_r19_an_overdue_flow_opens_nothing() -> None:
    flow = make_live_flow()
    code = code_of(flow)
    late = flow.expires_at + timedelta(seconds=1)
    refused = link_exchange(flow.id, code, token=page_token(), address="", now=late)
    assert refused is LinkRefusal.OVER
    assert Flow.objects.get(pk=flow.pk).used_generation == 0


def test_unknown_and_foreign_logins_look_the_same() -> None:
    flow = make_live_flow()
    pages = [make_person(flow_id).look() for flow_id in (flow.id, "flow_doesnotexist", "x")]
    assert [page.status_code for page in pages] == [404, 404, 404]
    assert len({page.content for page in pages}) == 1
    assert "no longer valid" in pages[0].content.decode()
    assert "start the sign-in again" in pages[0].content.decode()
    for where in ("answer", "cancel"):
        assert make_person(flow.id).post(where).status_code == 403  # no token at all


def test_r23_consent_names_target_asker_and_what_is_kept() -> None:
    flow = make_live_flow(make_connection(make_principal("Acme & Sons"), domain="bank.example:8443"))
    person = make_person(flow.id)
    person.follow_link(code_of(flow))
    text = person.text()
    assert "bank.example:8443" in text
    assert "Acme &amp; Sons asks you" in text
    assert "cookies and site data" in text
    assert "What you type to sign in, except one-time codes" in text
    assert "recording" not in text


def test_r23_consent_says_what_is_not_kept_and_which_project() -> None:
    principal = make_principal()
    project = project_create(organization_id=principal.organization_id, name="Billing")
    connection = make_connection(principal, save_credentials=False, record_session=True)
    connection.project = project
    connection.save()
    flow = make_live_flow(connection)
    person = make_person(flow.id)
    person.follow_link(code_of(flow))
    text = person.text()
    assert "project Billing" in text
    assert "Your password is not kept" in text
    assert "A recording of the browser window" in text


def test_r24_no_address_comes_from_the_host_header(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    flow = make_live_flow()
    person = make_person(flow.id)
    answer = person.client.get(person.page, {"code": code_of(flow)}, headers={"Host": "evil.example"})
    assert answer["Location"] == person.page
    text = person.look({"Host": "evil.example"}).content.decode()
    assert "asks you to sign in" in text
    assert "evil.example" not in text
