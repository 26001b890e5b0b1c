"""What a person types or picks on the page."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from flows.engine.contract import FieldReason, Pause
from flows.models import Flow, Interaction
from flows.services.flows import flow_cancel, flow_start
from flows.services.submissions import values_open
from flows.transitions import FlowState
from tests.flows.factories import CODE, PASSWORD, make_connection, make_pause, make_principal
from tests.hosted.factories import GOOGLE, SMS, Person, ask, make_live_flow, opened, take
from vault.errors import Sealed

pytestmark = pytest.mark.django_db
TYPED = {"value.f1": "  ada ", "value.f2": " pass word "}


def asked(*, pause: Pause | None = None) -> tuple[Person, Interaction, Flow]:
    flow = make_live_flow()
    claim = take(flow)
    return opened(flow), ask(claim, pause), flow


def state(flow: Flow) -> str:
    return Flow.objects.get(pk=flow.pk).state


def test_an_answer_reaches_the_flow_sealed_and_leads_back_to_the_page() -> None:
    person, interaction, flow = asked()
    answer = person.post("answer", {"interaction_id": interaction.id, **TYPED})
    assert (answer.status_code, answer["Location"]) == (303, person.page)
    interaction.refresh_from_db()
    assert {name: value.reveal() for name, value in values_open(interaction).items()} == {
        "f1": "ada",
        "f2": " pass word ",  # a password is never touched
    }
    assert state(flow) == FlowState.SUBMITTING
    assert "Waiting for what example.com says" in person.text()
    assert "pass word" not in person.text()


def test_blanks_in_a_pasted_code_are_cut() -> None:
    person, interaction, _ = asked(pause=make_pause(CODE))
    person.post("answer", {"interaction_id": interaction.id, "value.f3": " 123 456\n"})
    interaction.refresh_from_db()
    assert values_open(interaction)["f3"].reveal() == "123456"


def test_a_choice_is_picked_by_its_button() -> None:
    person, interaction, _ = asked(pause=make_pause(choices=(SMS, GOOGLE)))
    text = person.text()
    assert 'value="c1"' in text
    assert "•••• 42" in text
    assert person.post("answer", {"interaction_id": interaction.id, "choice": "c2"}).status_code == 303
    interaction.refresh_from_db()
    assert interaction.picked == "c2"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"interaction_id": "int_old", **TYPED}, "has moved on"),
        ({"value.f1": "a", "value.f2": "b"}, "has moved on"),
        ({"interaction_id": "", "value.f1": "a"}, "has moved on"),
        ({"value.f1": "a", "interaction_id": "OPEN"}, "fill in every field"),
        ({"interaction_id": "OPEN"}, "fill in every field"),
        ({**TYPED, "value.nope": "x", "interaction_id": "OPEN"}, "did not fit"),
        ({"choice": "nope", "interaction_id": "OPEN"}, "did not fit"),
        ({"value.f1": "x" * 5000, "value.f2": "y", "interaction_id": "OPEN"}, "did not fit"),
    ],
)
def test_a_refused_answer_changes_nothing_and_says_why(data: dict[str, str], words: str) -> None:
    person, interaction, flow = asked()
    filled = {name: interaction.id if value == "OPEN" else value for name, value in data.items()}
    assert person.post("answer", filled).status_code == 303
    assert state(flow) == FlowState.AWAITING_INPUT
    interaction.refresh_from_db()
    assert interaction.sealed_values is None
    assert words in person.text()
    assert words not in person.text()  # said once


def test_a_second_answer_to_the_same_question_is_refused() -> None:
    person, interaction, _ = asked()
    person.post("answer", {"interaction_id": interaction.id, **TYPED})
    person.post("answer", {"interaction_id": interaction.id, "value.f1": "other", "value.f2": "x"})
    interaction.refresh_from_db()
    assert values_open(interaction)["f1"].reveal() == "ada"
    assert "has moved on" in person.text()


def test_an_ended_login_answers_no_question_of_the_next_one() -> None:
    connection = make_connection(make_principal())
    flow = make_live_flow(connection)
    person = opened(flow)
    flow_cancel(flow.id, now=timezone.now())
    following, _ = flow_start(connection, now=timezone.now())
    interaction = ask(take(following))
    person.post("answer", {"interaction_id": interaction.id, **TYPED})
    interaction.refresh_from_db()
    assert interaction.state == Interaction.State.OPEN


def test_an_answer_without_a_session_is_not_taken() -> None:
    person, interaction, flow = asked()
    del person.client.cookies[f"login-{flow.id}"]
    person.post("answer", {"interaction_id": interaction.id, **TYPED})
    assert state(flow) == FlowState.AWAITING_INPUT
    assert person.look().status_code == 404


def test_a_sealed_vault_refuses_politely(monkeypatch: pytest.MonkeyPatch) -> None:
    person, interaction, flow = asked()

    def refuse(**_: object) -> bytes:
        raise Sealed

    monkeypatch.setattr("flows.services.submissions.seal", refuse)
    person.post("answer", {"interaction_id": interaction.id, **TYPED})
    assert state(flow) == FlowState.AWAITING_INPUT
    assert "could not be stored safely" in person.text()


def test_cancel_ends_the_login_and_destroys_what_was_typed() -> None:
    person, interaction, flow = asked()
    person.post("answer", {"interaction_id": interaction.id, **TYPED})
    assert person.post("cancel").status_code == 303
    assert state(flow) == FlowState.CANCELED
    interaction.refresh_from_db()
    assert interaction.sealed_values is None
    assert "Canceled" in person.text()
    assert person.post("cancel").status_code == 303  # again is harmless


def test_an_overdue_login_is_shown_as_expired() -> None:
    person, interaction, flow = asked()
    Flow.objects.filter(pk=flow.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Time is up" in person.text()
    person.post("answer", {"interaction_id": interaction.id, **TYPED})
    assert state(flow) == FlowState.AWAITING_INPUT
    assert "Time is up" in person.text()


def test_a_rejected_value_is_shown_beside_its_field() -> None:
    pause = make_pause(replace(PASSWORD, reason=FieldReason.REJECTED), website_error="Wrong password, Ada")
    person, _, _ = asked(pause=pause)
    text = person.text()
    assert text.count("Wrong password, Ada") == 1
    assert 'aria-invalid="true"' in text
    assert 'aria-describedby="e1 "' in text
