"""Logins at each step of the hosted page, and the browser of a person who looks at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from flows.engine.contract import AskedChoice, Pause
from flows.engine.reading.model import ChoiceKind, MfaType
from flows.links import handoff_code
from flows.models import Connection, Flow, Interaction
from flows.services.flows import Claim, flow_claim, flow_pause
from tests.flows.factories import make_connection, make_flow, make_pause, make_principal
from vault.models import AuditRecord

SMS = AskedChoice(
    id="c1", kind=ChoiceKind.MFA_METHOD, label="Text message", mfa_type=MfaType.SMS, masked_destination="•••• 42"
)
GOOGLE = AskedChoice(id="c2", kind=ChoiceKind.SSO_PROVIDER, label="Continue with Google", provider="google")


@dataclass(slots=True)
class Person:
    """A browser that checks CSRF tokens as a real one would carry them."""

    flow_id: str
    client: Client

    @property
    def page(self) -> str:
        return f"/login/{self.flow_id}"

    def follow_link(self, code: str) -> Any:
        return self.client.get(self.page, {"code": code})

    def look(self, headers: Mapping[str, str] | None = None) -> Any:
        return self.client.get(self.page, headers=headers)

    def post(
        self, where: str, data: Mapping[str, str] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        token = self.client.cookies["csrftoken"].value if "csrftoken" in self.client.cookies else ""
        return self.client.post(f"{self.page}/{where}", {**(data or {}), "csrfmiddlewaretoken": token}, headers=headers)

    def open(self, code: str) -> Any:
        """Link, consent, Continue; gives the answer to Continue."""
        self.follow_link(code)
        self.look()
        return self.post("continue")

    def text(self) -> str:
        page: str = self.look().content.decode()
        return page


def make_person(flow_id: str) -> Person:
    return Person(flow_id=flow_id, client=Client(enforce_csrf_checks=True))


def make_live_flow(connection: Connection | None = None) -> Flow:
    return make_flow(connection or make_connection(make_principal()), now=timezone.now())


def code_of(flow: Flow) -> str:
    flow.refresh_from_db()
    return handoff_code(flow_id=flow.id, generation=flow.generation)


def take(flow: Flow) -> Claim:
    """As a worker does."""
    claim = flow_claim(flow.id, holder="test", now=timezone.now())
    assert claim is not None
    return claim


def ask(claim: Claim, pause: Pause | None = None) -> Interaction:
    interaction = flow_pause(claim, pause or make_pause(), now=timezone.now())
    assert interaction is not None
    return interaction


def opened(flow: Flow) -> Person:
    person = make_person(flow.id)
    assert person.open(code_of(flow)).status_code == 303
    return person


def exchanges(flow: Flow) -> list[tuple[str, str]]:
    """(outcome, reason) of every exchange on record."""
    rows = AuditRecord.objects.filter(action="hosted.exchange", resource_id=flow.id).order_by("seq")
    return [(row.outcome, row.details.get("reason", "")) for row in rows]
