"""Pictures of what is in the way: for the person who was let in and the operator, sealed, for some hours."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.utils import timezone

from flows.engine.contract import ErrorCode
from flows.models import Flow, HealthCheck, Interaction, Picture
from flows.services.checks import check_begin, check_end
from flows.services.flows import flow_end
from flows.services.pictures import picture_open, pictures_forget
from flows.tasks import tick
from flows.transitions import FlowInput
from tests.flows.factories import make_connection, make_pause, make_principal
from tests.hosted.factories import ask, make_live_flow, opened, take
from vault.models import AuditRecord
from vault.seal import vault_seal, vault_unseal

pytestmark = pytest.mark.django_db
IMAGE = b"\xff\xd8 what the site shows \xff\xd9"


def walled() -> tuple[Flow, Interaction]:
    flow = make_live_flow()
    return flow, ask(take(flow), make_pause(instruction="Solve it.", picture=IMAGE))


def test_r12_only_the_browser_that_was_let_in_is_shown_the_picture() -> None:
    flow, interaction = walled()
    person = opened(flow)
    address = f"/login/{flow.id}/picture"
    assert f'src="{address}?of={interaction.id}"' in person.text()
    shown = person.client.get(address)
    assert (shown.content, shown.headers["Content-Type"]) == (IMAGE, "image/jpeg")
    assert "no-store" in shown.headers["Cache-Control"]
    assert Client().get(address).status_code == 404
    other = make_live_flow(make_connection(make_principal("other"), domain="other.example"))
    assert opened(other).client.get(f"/login/{other.id}/picture").status_code == 404


def test_r12_a_picture_is_sealed_and_kept_for_some_hours_only(settings) -> None:
    _, interaction = walled()
    assert IMAGE not in bytes(Picture.objects.get().sealed_image)
    settings.PICTURE_HOURS = 2
    assert pictures_forget(now=timezone.now() + timedelta(hours=1)) == 0
    assert picture_open(interaction.id) == IMAGE
    Picture.objects.update(created_at=timezone.now() - timedelta(hours=3))
    tick()
    assert picture_open(interaction.id) is None


def test_no_picture_is_kept_where_they_are_turned_off(settings) -> None:
    settings.PICTURE_HOURS = 0
    flow, _ = walled()
    assert not Picture.objects.exists()
    assert "<figure" not in opened(flow).text()


def test_the_operator_sees_it_on_record() -> None:
    flow, interaction = walled()
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    address = f"/admin/flows/flow/{quote(flow.id)}/picture/{quote(interaction.id)}"
    assert address in client.get(f"/admin/flows/flow/{quote(flow.id)}/change/").content.decode()
    assert not AuditRecord.objects.filter(action="picture.open").exists()
    assert client.get(address).content == IMAGE
    assert AuditRecord.objects.get(action="picture.open").resource_id == interaction.id
    assert client.get(address + "x").status_code == 404
    stranger = Client()
    stranger.force_login(User.objects.create_user("helper", is_staff=True))
    assert stranger.get(address).status_code == 403


async def status_async(client: Client, address: str) -> int:
    """As the server asks, which is async."""
    other = AsyncClient()
    other.cookies = client.cookies
    return (await other.get(address)).status_code


@pytest.mark.django_db(transaction=True)
def test_r06_a_sealed_vault_shows_no_picture_and_says_so() -> None:
    flow, interaction = walled()
    person, operator = opened(flow).client, Client()
    operator.force_login(User.objects.create_superuser("operator"))
    of_operator = f"/admin/flows/flow/{quote(flow.id)}/picture/{quote(interaction.id)}"
    vault_seal(by="test", now=timezone.now())
    try:
        for client, address in ((person, f"/login/{flow.id}/picture"), (operator, of_operator)):
            refused = client.get(address)
            assert (refused.status_code, refused.json()["code"]) == (503, "sealed")
            assert async_to_sync(status_async)(client, address) == 503
    finally:
        vault_unseal(by="test", now=timezone.now())
    assert person.get(f"/login/{flow.id}/picture").content == IMAGE


def test_the_operator_sees_where_a_login_ended_and_what_a_check_saw() -> None:
    flow = make_live_flow()
    claim, now = take(flow), timezone.now()
    flow_end(
        flow.id,
        FlowInput.FAIL,
        now=now,
        attempt=claim.attempt,
        code=ErrorCode.VERIFICATION_FAILED,
        picture=IMAGE,
    )
    check, _ = check_begin(flow.connection, now=now)
    check_end(check.id, HealthCheck.Result.LOGGED_OUT, now=now, way="browser", picture=IMAGE)
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    for kind, pk, shown in (("flow", flow.id, flow.id), ("connection", flow.connection_id, check.id)):
        address = f"/admin/flows/{kind}/{quote(pk)}/picture/{quote(shown)}"
        assert address in client.get(f"/admin/flows/{kind}/{quote(pk)}/change/").content.decode()
        assert client.get(address).content == IMAGE
        assert AuditRecord.objects.filter(action="picture.open", resource_id=shown).count() == 1
    assert client.get(f"/admin/flows/flow/{quote(flow.id)}/picture/{quote(check.id)}").status_code == 404
