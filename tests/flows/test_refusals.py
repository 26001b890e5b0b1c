"""Passwords that a site refused are not sent again (R16)."""

from datetime import datetime, timedelta

import pytest

from flows.engine.contract import ErrorCode
from flows.errors import SubmissionRefused
from flows.models import Connection, Flow, Interaction, RefusedPassword
from flows.services.flows import Claim, connection_authenticated, flow_claim, flow_end, flow_pause
from flows.services.refusals import FREE, KEPT, refusals_expire
from flows.services.submissions import submission_accept
from flows.services.values import value_given, value_stored, values_rejected
from flows.submissions import Submission
from flows.transitions import FlowInput
from tests.flows.factories import NOW, PASSWORD, USERNAME, make_connection, make_flow, make_pause, make_principal
from vault.credentials import credential_save
from vault.secret import Secret

pytestmark = pytest.mark.django_db

CANARY = "canary-1f4e"


def login_begin(connection: Connection, *, now: datetime = NOW) -> Claim:
    claim = flow_claim(make_flow(connection, now=now).id, holder="w", now=now)
    assert claim is not None
    return claim


def attempt(claim: Claim, name: str, password: str, *, now: datetime = NOW) -> None:
    """Asked, answered, typed and refused by the site."""
    given(claim, name, password, now=now)
    refuse(claim, now=now)


def given(claim: Claim, name: str, password: str, *, now: datetime = NOW) -> None:
    fields = (USERNAME, PASSWORD) if name else (PASSWORD,)
    interaction = flow_pause(claim, make_pause(*fields), now=now)
    assert interaction is not None
    flow = Flow.objects.select_related("connection").get(pk=claim.flow_id)
    values = {"f1": name, "f2": password} if name else {"f2": password}
    submission_accept(flow.connection, Submission(interaction.id, field_values=values), now=now)
    for field in fields:
        value_given(interaction.id, field.id, origin="https://example.com")


def refuse(claim: Claim, *, now: datetime = NOW) -> None:
    values_rejected(claim.flow_id, frozenset({"password"}), now=now)


def refusal(claim: Claim, name: str, password: str, *, now: datetime = NOW) -> str:
    with pytest.raises(SubmissionRefused) as refused:
        given(claim, name, password, now=now)
    assert CANARY not in str(refused.value)
    return refused.value.code


def test_the_same_password_is_refused_and_another_or_another_account_is_not() -> None:
    claim = login_begin(make_connection(make_principal()))
    attempt(claim, "ada", CANARY)
    assert refusal(claim, "ada", CANARY) == "already_refused"
    assert Interaction.objects.get(flow=claim.flow_id, state=Interaction.State.OPEN)  # still to be answered
    given(claim, "grace", CANARY)
    given(claim, "ada", "another")


def test_later_logins_know_it_until_one_succeeds() -> None:
    connection = make_connection(make_principal())
    claim = login_begin(connection)
    attempt(claim, "ada", CANARY)
    flow_end(claim.flow_id, FlowInput.CANCEL, now=NOW, code=ErrorCode.CANCELED)
    later = login_begin(connection)
    assert refusal(later, "ada", CANARY) == "already_refused"
    flow = Flow.objects.get(pk=later.flow_id)
    connection_authenticated(flow, now=NOW, post_login_url="", auth_check=None)
    given(later, "ada", CANARY)


def test_a_day_later_it_may_be_tried_again() -> None:
    connection = make_connection(make_principal())
    claim = login_begin(connection)
    attempt(claim, "ada", CANARY)
    flow_end(claim.flow_id, FlowInput.CANCEL, now=NOW, code=ErrorCode.CANCELED)
    tomorrow = NOW + KEPT
    given(login_begin(connection, now=tomorrow), "ada", CANARY, now=tomorrow)
    refusals_expire(now=tomorrow)
    assert not RefusedPassword.objects.exists()


def test_other_connections_are_their_own_affair() -> None:
    principal = make_principal()
    attempt(login_begin(make_connection(principal)), "ada", CANARY)
    given(login_begin(make_connection(principal, profile_name="other")), "ada", CANARY)


def test_a_name_that_was_typed_before_its_password_counts_with_it() -> None:
    claim = login_begin(make_connection(make_principal()))
    attempt(claim, "ada", CANARY)
    assert refusal(claim, "", CANARY) == "already_refused"


def test_a_stored_password_counts_as_well() -> None:
    principal = make_principal()
    credential_save(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        domain="example.com",
        name="c",
        values={"email": Secret("ada"), "passwd": Secret(CANARY)},
    )
    connection = make_connection(principal, credential={"name": "c"})
    claim = login_begin(connection)
    for name in ("email", "passwd"):
        assert isinstance(value_stored(claim.flow_id, name, origin="https://example.com", now=NOW), Secret)
    values_rejected(claim.flow_id, frozenset({"passwd"}), now=NOW)
    assert refusal(claim, "ada", CANARY) == "already_refused"
    assert refusal(claim, "", CANARY) == "already_refused"


def store(connection: Connection, password: str) -> None:
    credential_save(
        organization_id=connection.organization_id,
        project_id=connection.project_id,
        domain="example.com",
        name="c",
        values={"email": Secret("Ada "), "passwd": Secret(password)},
    )


def test_a_password_that_is_stored_after_it_was_refused_is_not_typed() -> None:
    principal = make_principal()
    store(make_connection(principal, profile_name="other"), "before")
    connection = make_connection(principal, credential={"name": "c"})
    claim = login_begin(connection)
    attempt(claim, "ada", CANARY)
    flow_end(claim.flow_id, FlowInput.CANCEL, now=NOW, code=ErrorCode.CANCELED)
    store(connection, CANARY)
    later = login_begin(connection)
    value_stored(later.flow_id, "email", origin="https://example.com", now=NOW)
    with pytest.raises(KeyError):
        value_stored(later.flow_id, "passwd", origin="https://example.com", now=NOW)
    assert "password" not in Flow.objects.get(pk=later.flow_id).prints
    store(connection, "another")
    assert isinstance(value_stored(later.flow_id, "passwd", origin="https://example.com", now=NOW), Secret)


def test_another_way_to_write_a_name_is_the_same_account() -> None:
    claim = login_begin(make_connection(make_principal()))
    attempt(claim, "ada", CANARY)
    assert refusal(claim, " Ada", CANARY) == "already_refused"


def test_after_several_refusals_the_next_one_waits_and_waits_longer_each_time() -> None:
    connection = make_connection(make_principal())
    claim = login_begin(connection)
    for number in range(FREE):
        attempt(claim, "ada", f"wrong-{number}")
    assert refusal(claim, "ada", "the-next") == "too_many_refusals"
    given(claim, "grace", "hers")
    flow_end(claim.flow_id, FlowInput.CANCEL, now=NOW, code=ErrorCode.CANCELED)
    after = NOW + timedelta(minutes=8)
    claim = login_begin(connection, now=after)
    attempt(claim, "ada", "the-next", now=after)
    assert refusal(claim, "ada", "one-more", now=after + timedelta(minutes=7)) == "too_many_refusals"


def test_codes_are_not_remembered_and_nothing_lasting_holds_the_password() -> None:
    claim = login_begin(make_connection(make_principal()))
    attempt(claim, "ada", CANARY)
    values_rejected(claim.flow_id, frozenset({"code"}), now=NOW)
    (row,) = RefusedPassword.objects.all()
    assert CANARY not in repr(vars(row))
    assert len(row.password) == len(row.account) == 64
    flow_end(claim.flow_id, FlowInput.CANCEL, now=NOW, code=ErrorCode.CANCELED)
    assert Flow.objects.get(pk=claim.flow_id).prints == {}


def test_the_same_password_looks_different_in_another_organization() -> None:
    for name in ("acme", "globex"):
        attempt(login_begin(make_connection(make_principal(name))), "ada", CANARY)
    assert len({row.password for row in RefusedPassword.objects.all()}) == 2
