"""Webhooks: signed by the specification, told once per change, tried until they arrive, never with a value."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from kernel import BadRequestError
from standardwebhooks import Webhook, WebhookVerificationError

from authsvc.webhooks import services, tasks
from authsvc.webhooks.models import Delivery, Endpoint
from authsvc.webhooks.outbox import WAITS, deliveries_hand_over, delivery_try, wait_after
from authsvc.webhooks.secrets import endpoint_secrets
from authsvc.webhooks.services import endpoint_create, endpoint_test
from authsvc.webhooks.tasks import deliver
from flows.engine.contract import ErrorCode
from flows.models import Connection, Flow
from flows.services.flows import connection_authenticated, flow_claim, flow_end, flow_pause, flow_start
from flows.transitions import FlowInput
from tests.contract.tenants import Tenant
from tests.contract.test_keys import webhook_make
from tests.flows.factories import make_pause, make_principal
from tests.vault.standin import Asked, StandIn, serve
from vault.models import AuditRecord, Project
from vault.seal import vault_seal, vault_unseal

LOOPBACK = ("127.0.0.0/8",)


class Receiver:
    """A customer's server: keeps what comes, answers as told."""

    def __init__(self) -> None:
        self.status = 204
        self.stand_in: StandIn

    def answer(self, _: Asked) -> tuple[int, Any]:
        return self.status, {}

    @property
    def url(self) -> str:
        return f"{self.stand_in.url}/hook"

    @property
    def messages(self) -> list[Asked]:
        return self.stand_in.asked


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.SSRF_ALLOW = LOOPBACK
    made = Receiver()
    with serve(made.answer) as stand_in:
        made.stand_in = stand_in
        yield made


def deliver_all(sent: list[tuple[str, str]]) -> None:
    """What a worker would do with the tasks."""
    tasks = [row_id for name, row_id in sent if name == "webhooks.deliver"]
    sent.clear()
    for delivery_id in tasks:
        deliver(delivery_id)


def test_a_login_is_told_and_verifies(owner: Tenant, sent: list[tuple[str, str]], receiver: Receiver) -> None:
    made = webhook_make(owner.sdk, url=receiver.url)
    connection_id = owner.sdk.auth.connections.create(domain="example.com", profile_name="work").id
    now = timezone.now()
    flow, _ = flow_start(Connection.objects.get(pk=connection_id), now=now)
    claim = flow_claim(flow.id, holder="w", now=now)
    assert claim is not None
    flow_pause(claim, make_pause(), now=now)
    flow_end(flow.id, FlowInput.FAIL, now=now, code=ErrorCode.CREDENTIALS_INVALID, website_error="canary words")
    connection_authenticated(Flow.objects.get(), now=now, post_login_url="", auth_check=None)
    deliver_all(sent)
    told = [Webhook(made["secret"]).verify(asked.body, asked.headers) for asked in receiver.messages]
    assert [message["type"] for message in told] == [
        "flow.awaiting_input",
        "flow.failed",
        "connection.authenticated",
    ]
    assert told[1]["data"] == {
        "connection_id": connection_id,
        "domain": "example.com",
        "profile_name": "work",
        "status": "NEEDS_AUTH",
        "flow_id": flow.id,
        "flow_type": "LOGIN",
        "flow_status": "FAILED",
        "flow_step": "COMPLETED",
        "error_code": "credentials_invalid",
    }
    assert "canary" not in json.dumps(told)
    states = {item["state"] for item in listed(owner, made["id"])}
    assert states == {"delivered"}


def listed(tenant: Tenant, webhook_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tenant.sdk.get(f"/webhooks/{webhook_id}/deliveries", cast_to=list[dict[str, Any]])
    return found


def test_only_what_is_wanted_is_told(owner: Tenant, sent: list[tuple[str, str]], receiver: Receiver) -> None:
    webhook_make(owner.sdk, url=receiver.url, events=["connection.needs_auth"])
    quiet = webhook_make(owner.sdk, url=receiver.url)
    owner.sdk.patch(f"/webhooks/{quiet['id']}", cast_to=object, body={"enabled": False})
    connection_id = owner.sdk.auth.connections.create(domain="example.com", profile_name="work").id
    flow, _ = flow_start(Connection.objects.get(pk=connection_id), now=timezone.now())
    flow_end(flow.id, FlowInput.FAIL, now=timezone.now(), code=ErrorCode.CANCELED)
    assert not Delivery.objects.exists()


def test_r29_both_secrets_sign_during_a_rotation(
    owner: Tenant,
    sent: list[tuple[str, str]],
    receiver: Receiver,
) -> None:
    old = webhook_make(owner.sdk, url=receiver.url)
    new = owner.sdk.post(f"/webhooks/{old['id']}/rotate", cast_to=dict[str, Any], body={"grace_seconds": 60})
    owner.sdk.post(f"/webhooks/{old['id']}/test", cast_to=object)
    deliver_all(sent)
    Endpoint.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    owner.sdk.post(f"/webhooks/{old['id']}/test", cast_to=object)
    deliver_all(sent)
    during, after = receiver.messages
    assert new["secret"] != old["secret"]
    for secret in (old["secret"], new["secret"]):
        Webhook(secret).verify(during.body, during.headers)
    Webhook(new["secret"]).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old["secret"]).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new["secret"]).verify(after.body + b" ", after.headers)


def test_r29_what_does_not_arrive_is_tried_for_a_day(
    owner: Tenant,
    sent: list[tuple[str, str]],
    receiver: Receiver,
) -> None:
    made = webhook_make(owner.sdk, url=receiver.url)
    receiver.status = 500
    owner.sdk.post(f"/webhooks/{made['id']}/test", cast_to=object)
    delivery, began = Delivery.objects.get(), timezone.now()
    now = began
    for number in range(len(WAITS)):
        delivery_try(delivery.id, clock=lambda: now)  # noqa: B023  # called at once
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts, delivery.last_status) == ("pending", number + 1, 500)
        assert delivery.due_at is not None
        assert delivery.due_at > now
        delivery_try(delivery.id, clock=lambda: now)  # noqa: B023  # not due yet: nothing is sent
        assert len(receiver.messages) == number + 1
        now = delivery.due_at
    assert timedelta(hours=20) < now - began < timedelta(hours=36)
    delivery_try(delivery.id, clock=lambda: now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.due_at) == ("failed", None)
    assert {asked.headers["webhook-id"] for asked in receiver.messages} == {delivery.id}
    receiver.status = 200
    owner.sdk.post(f"/webhooks/{made['id']}/deliveries/{delivery.id}/resend", cast_to=object)
    sent[:] = [(name, row) for name, row in sent if row != delivery.id]
    deliver_all(sent)
    assert [item["state"] for item in listed(owner, made["id"])] == ["delivered", "failed"]
    assert wait_after(0, share=0.5) == WAITS[0]


def test_slow_receivers_leave_threads_to_logins(owner: Tenant, sent: list[tuple[str, str]], receiver: Receiver) -> None:
    webhook_make(owner.sdk, url=receiver.url)
    owner.sdk.post(f"/webhooks/{Endpoint.objects.get().id}/test", cast_to=object)
    taken = [tasks._sending.acquire(blocking=False) for _ in range(tasks.SENDING_MOST)]
    deliver_all(list(sent))  # every place is taken by slow receivers
    assert receiver.messages == []
    for _ in taken:
        tasks._sending.release()
    deliver_all(sent)
    assert len(receiver.messages) == 1


def test_gone_switches_the_webhook_off(owner: Tenant, sent: list[tuple[str, str]], receiver: Receiver) -> None:
    made = webhook_make(owner.sdk, url=receiver.url)
    receiver.status = 410
    owner.sdk.post(f"/webhooks/{made['id']}/test", cast_to=object)
    deliver_all(sent)
    assert owner.sdk.get(f"/webhooks/{made['id']}", cast_to=dict[str, Any])["enabled"] is False


def test_r06_a_sealed_vault_sends_later(owner: Tenant, sent: list[tuple[str, str]], receiver: Receiver) -> None:
    made = webhook_make(owner.sdk, url=receiver.url)
    owner.sdk.post(f"/webhooks/{made['id']}/test", cast_to=object)
    vault_seal(by="test", now=timezone.now())
    try:
        deliver_all(sent)
    finally:
        vault_unseal(by="test", now=timezone.now())
    assert Delivery.objects.get().state == "pending"
    assert deliveries_hand_over(now=timezone.now()) == 1
    deliver_all(sent)
    assert Delivery.objects.get().state == "delivered"


@pytest.mark.parametrize(
    "url", ["http://example.com/hook", "https://10.0.0.1/", "https://169.254.169.254/", "ftp://example.com/", "x"]
)
def test_r30_addresses_that_may_not_be_are_refused(owner: Tenant, url: str) -> None:
    with pytest.raises(BadRequestError):
        webhook_make(owner.sdk, url=url)


def test_r30_a_name_is_checked_again_when_connecting(
    owner: Tenant,
    sent: list[tuple[str, str]],
    receiver: Receiver,
    settings: Any,
) -> None:
    made = webhook_make(owner.sdk, url=receiver.url)
    owner.sdk.post(f"/webhooks/{made['id']}/test", cast_to=object)
    settings.SSRF_ALLOW = ()
    deliver_all(sent)
    assert receiver.messages == []
    assert Delivery.objects.get().last_error == "the address cannot be resolved, or is a private one"


def test_an_unknown_event_is_refused_by_name(owner: Tenant) -> None:
    with pytest.raises(BadRequestError, match=r"Unknown event: flow\.begun"):
        webhook_make(owner.sdk, events=["flow.begun"])


def test_the_secret_is_shown_once(owner: Tenant) -> None:
    made = webhook_make(owner.sdk)
    assert made["secret"].startswith("whsec_")
    shown = owner.sdk.get(f"/webhooks/{made['id']}", cast_to=dict[str, Any])
    assert "secret" not in shown
    assert datetime.fromisoformat(shown["created_at"]).tzinfo in (UTC, datetime.fromisoformat("2026-01-01T00Z").tzinfo)


@pytest.fixture
def operator(settings: Any) -> Client:
    settings.SSRF_ALLOW = LOOPBACK
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.mark.django_db
def test_r29_the_admin_makes_a_webhook_and_shows_its_secret_once(operator: Client) -> None:
    project = Project.objects.get(pk=make_principal().project_id)
    form = {"project": project.id, "url": "https://hooks.example/a", "events": ["flow.failed"]}
    made = operator.post("/admin/webhooks/endpoint/add/", form)
    secret = made.context["secret"]
    assert secret.startswith("whsec_")
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    endpoint = Endpoint.objects.get()
    assert (endpoint.organization_id, endpoint.events) == (project.organization_id, ["flow.failed"])
    assert endpoint_secrets(endpoint, now=timezone.now())[0].reveal() == secret
    assert AuditRecord.objects.get(action="webhook.create").actor == "admin:boss"
    place = f"/admin/webhooks/endpoint/{quote(endpoint.id)}"
    for page in ("/admin/webhooks/endpoint/", f"{place}/change/", f"{place}/history/"):
        shown = operator.get(page)
        assert shown.status_code == 200
        assert secret not in shown.content.decode()


@pytest.mark.django_db
def test_the_admin_changes_rotates_tries_and_removes_a_webhook(operator: Client) -> None:
    principal = make_principal()
    endpoint, secret = endpoint_create(
        principal, url="https://hooks.example/a", events=[], ssrf_allow=(), now=timezone.now()
    )
    place, rows = f"/admin/webhooks/endpoint/{quote(endpoint.id)}", "/admin/webhooks/endpoint/"
    change = {"url": "https://hooks.example/b", "events": ["flow.succeeded"]}
    assert operator.post(f"{place}/change/", change).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.events, endpoint.enabled) == ("https://hooks.example/b", ["flow.succeeded"], False)
    chosen = {"_selected_action": [endpoint.id]}
    new = operator.post(rows, chosen | {"action": "rotate"}).context["secret"]
    endpoint.refresh_from_db()
    assert [item.reveal() for item in endpoint_secrets(endpoint, now=timezone.now())] == [new, secret.reveal()]
    operator.post(rows, chosen | {"action": "test"})
    assert Delivery.objects.get().type == "test"
    operator.post(f"{place}/delete/", {"post": "yes"})
    assert not Endpoint.objects.exists()
    actions = AuditRecord.objects.filter(actor="admin:boss").order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["webhook.update", "webhook.rotate", "webhook.test", "webhook.delete"]


@pytest.mark.django_db
def test_the_admin_sends_again_for_who_may_change_webhooks_and_on_record(operator: Client) -> None:
    principal, now = make_principal(), timezone.now()
    endpoint, _ = endpoint_create(principal, url="https://hooks.example/a", events=[], ssrf_allow=(), now=now)
    told = endpoint_test(principal, endpoint, now=now)
    rows, chosen = "/admin/webhooks/delivery/", {"_selected_action": [told.id], "action": "send_again"}
    helper, reader = Client(), User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_delivery"))
    helper.force_login(reader)
    assert "send_again" not in helper.get(rows).content.decode()
    helper.post(rows, chosen)
    assert Delivery.objects.count() == 1
    operator.post(rows, chosen)
    assert [delivery.payload for delivery in Delivery.objects.all()] == [told.payload] * 2
    assert AuditRecord.objects.get(action="webhook.resend").actor == "admin:boss"


@pytest.mark.django_db
def test_r06_the_admin_makes_no_webhook_while_the_vault_is_sealed(operator: Client) -> None:
    form = {"project": make_principal().project_id, "url": "https://hooks.example/a"}
    vault_seal(by="test", now=timezone.now())
    try:
        refused = operator.post("/admin/webhooks/endpoint/add/", form)
    finally:
        vault_unseal(by="test", now=timezone.now())
    assert (refused.status_code, refused.json()["code"]) == (503, "sealed")
    assert not Endpoint.objects.exists()


@pytest.mark.django_db
def test_the_admin_refuses_a_webhook_too_many(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ENDPOINTS_MOST", 1)
    form = {"project": make_principal().project_id, "url": "https://hooks.example/a"}
    operator.post("/admin/webhooks/endpoint/add/", form)
    refused = operator.post("/admin/webhooks/endpoint/add/", form)
    assert "A project has at most 1 webhooks" in refused.content.decode()
    assert Endpoint.objects.count() == 1


@pytest.mark.django_db
def test_the_admin_refuses_addresses_that_the_api_refuses(operator: Client) -> None:
    project = make_principal().project_id
    for url in ("http://hooks.example/", "https://10.0.0.1/", "https://u:p@hooks.example/", "nonsense"):
        refused = operator.post("/admin/webhooks/endpoint/add/", {"project": project, "url": url})
        assert refused.context["errors"], url
    assert not Endpoint.objects.exists()
