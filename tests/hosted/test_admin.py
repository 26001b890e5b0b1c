"""The operator's view of connections and logins."""

from datetime import timedelta

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from flows.admin_inlines import SHOWN_FLOWS, address_plain, admin_link
from flows.engine.contract import ErrorCode
from flows.models import Connection, Flow
from flows.services.flows import connection_authenticated, flow_end, flow_move
from flows.services.submissions import submission_accept
from flows.submissions import Submission
from flows.transitions import FlowInput
from tests.flows.factories import make_connection, make_pause, make_principal
from tests.hosted.factories import GOOGLE, ask, code_of, make_live_flow, opened, take

pytestmark = pytest.mark.django_db
CANARY = "canary-4711"


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    page: str = answer.content.decode()
    return page


def finished_login() -> Flow:
    """A login with a typed value, an answer, an error of the site and a token in every address."""
    connection = make_connection(make_principal(), login_url=f"https://example.com/login?token={CANARY}")
    flow = make_live_flow(connection)
    claim = take(flow)
    interaction = ask(claim, make_pause(choices=(GOOGLE,), website_error="Try again, please"))
    values = {"f1": f"user-{CANARY}", "f2": f"pass-{CANARY}"}
    submission_accept(connection, Submission(interaction_id=interaction.id, field_values=values), now=timezone.now())
    landing = f"https://me:{CANARY}@example.com/home?sid={CANARY}#{CANARY}"
    flow_move(flow.id, FlowInput.SUCCEED, now=timezone.now(), post_login_url=landing)
    check = {"url": f"https://example.com/me?k={CANARY}", "signed_in": {"mark": CANARY}, "signed_out": {}}
    connection_authenticated(flow, now=timezone.now(), post_login_url=landing, auth_check=check)
    flow.refresh_from_db()
    return flow


def test_the_timeline_tells_the_login(operator: Client) -> None:
    flow = finished_login()
    page = text(operator, f"/admin/flows/flow/{quote(flow.id)}/change/")
    for words in ("started", "claimed", "ask", "submitted", "succeed", "AWAITING_INPUT", "SUCCESS"):
        assert words in page
    assert "Login, Password, Continue with Google" in page  # what was asked
    assert "Login (identifier, missing)" in page
    assert "site: Try again, please" in page
    assert "link 1, not opened" in page


def test_r09_no_admin_page_shows_a_value_a_link_or_a_token(operator: Client) -> None:
    flow = finished_login()
    live = make_live_flow(make_connection(make_principal("other"), domain="other.example"))
    person = opened(live)
    session = person.client.cookies[f"login-{live.id}"].value
    live.refresh_from_db()
    secrets = (CANARY, code_of(live), code_of(flow), live.page_session_hash, session)
    for address in (
        "/admin/flows/connection/",
        "/admin/flows/flow/",
        *(f"/admin/flows/connection/{quote(row.connection_id)}/change/" for row in (flow, live)),
        *(f"/admin/flows/flow/{quote(row.id)}/change/" for row in (flow, live)),
    ):
        page = text(operator, address)
        assert [secret for secret in secrets if secret in page] == [], address


def test_nothing_can_be_changed(operator: Client) -> None:
    flow = finished_login()
    for name, pk in (("flow", quote(flow.id)), ("connection", quote(flow.connection_id))):
        assert operator.get(f"/admin/flows/{name}/add/").status_code == 403
        assert operator.post(f"/admin/flows/{name}/{pk}/delete/", {"post": "yes"}).status_code == 403
        assert operator.post(f"/admin/flows/{name}/{pk}/change/", {"domain": "evil.example"}).status_code == 403
    assert Connection.objects.get(pk=flow.connection_id).domain == "example.com"


def test_searching_and_filtering(operator: Client) -> None:
    flow = finished_login()
    principal = make_principal("Globex")
    other = make_live_flow(make_connection(principal, domain="globex.example", profile_name="sales"))
    flow_end(other.id, FlowInput.FAIL, now=timezone.now(), code=ErrorCode.ACCOUNT_LOCKED)
    found = {
        f"/admin/flows/connection/?q={other.connection_id}": (other, flow),
        "/admin/flows/connection/?q=sales": (other, flow),
        "/admin/flows/connection/?q=Globex": (other, flow),
        "/admin/flows/connection/?status__exact=AUTHENTICATED": (flow, other),
        "/admin/flows/flow/?q=globex": (other, flow),
        f"/admin/flows/flow/?q={flow.id}": (flow, other),
        "/admin/flows/flow/?error_code=account_locked": (other, flow),
        "/admin/flows/flow/?state__exact=SUCCESS": (flow, other),
    }
    for address, (shown, hidden) in found.items():
        page = text(operator, address)
        kind = address.split("/")[3]
        ids = [quote(row.id if kind == "flow" else row.connection_id) for row in (shown, hidden)]
        assert [f"/admin/flows/{kind}/{pk}/change/" in page for pk in ids] == [True, False], address


def test_a_connection_links_its_profile_credential_and_latest_logins(operator: Client) -> None:
    flow = finished_login()
    connection = flow.connection
    old = timezone.now() - timedelta(days=1)
    Flow.objects.bulk_create(
        Flow(
            organization_id=flow.organization_id,
            project_id=flow.project_id,
            connection=connection,
            state="FAILED",
            created_at=old,
            updated_at=old,
            dispatched_at=old,
            expires_at=old,
        )
        for _ in range(SHOWN_FLOWS + 5)
    )
    page = text(operator, f"/admin/flows/connection/{quote(connection.id)}/change/")
    assert f"/admin/vault/profile/{quote(connection.profile_id)}/change/" in page
    assert f"/admin/flows/flow/{quote(flow.id)}/change/" in page
    assert page.count("/admin/flows/flow/flow") == SHOWN_FLOWS
    assert "found by itself" not in page


def test_lists_take_few_queries(operator: Client, django_assert_max_num_queries: object) -> None:
    for number in range(6):
        make_live_flow(make_connection(make_principal(f"org{number}"), domain=f"d{number}.example"))
    for address in ("/admin/flows/connection/", "/admin/flows/flow/"):
        with django_assert_max_num_queries(12):  # type: ignore[operator]  # pytest-django gives it no public type
            text(operator, address)


def test_outsiders_see_nothing() -> None:
    flow = make_live_flow()
    answer = Client().get(f"/admin/flows/flow/{quote(flow.id)}/change/", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h.example:8443/a/b?c=d#e", "https://h.example:8443/a/b"),
        ("", ""),
        ("no address", ""),
        ("http://[broken", "(unreadable)"),
    ],
)
def test_addresses_lose_what_may_be_secret(url: str, shown: str) -> None:
    assert address_plain(url) == shown


def test_links_survive_ids_that_look_quoted() -> None:
    assert 'href="/admin/flows/flow/flow_5F22abc/change/"' in admin_link("flows_flow_change", "flow_22abc", "x")
