"""Pictures of what is in the way of logins and checks: sealed when taken, opened for the person and the operator, soon
gone."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from flows.models import Flow, HealthCheck, Interaction, Picture
from vault.errors import VaultError
from vault.sealing import open_sealed, seal

log = logging.getLogger(__name__)

TABLE = "flows_picture"
FIELD = "sealed_image"
MOST_BYTES = 2_000_000
Shown = Interaction | Flow | HealthCheck
OWNERS: dict[type[Shown], str] = {Interaction: "interaction", Flow: "flow", HealthCheck: "health_check"}


def picture_keep(shown: Shown, image: bytes, *, now: datetime) -> None:
    """Seal the picture beside what it shows; nothing when pictures are turned off or the vault is sealed."""
    if settings.PICTURE_HOURS == 0 or len(image) > MOST_BYTES:
        return
    try:
        sealed = seal(
            organization_id=shown.organization_id,
            table=TABLE,
            record_id=shown.id,
            field=FIELD,
            plaintext=image,
        )
    except VaultError as error:
        log.warning("a picture was not kept: %s", error.code)
        return
    Picture.objects.create(
        organization_id=shown.organization_id,
        project_id=shown.project_id,
        sealed_image=sealed,
        created_at=now,
        **{OWNERS[type(shown)]: shown},
    )


def picture_find(shown_id: str) -> Picture | None:
    """By the id of the question, login or check."""
    owned = Q(interaction_id=shown_id) | Q(flow_id=shown_id) | Q(health_check_id=shown_id)
    return Picture.objects.filter(owned).first()


def picture_open(shown_id: str) -> bytes | None:
    """The JPEG, or None when there is none (any more)."""
    found = picture_find(shown_id)
    if found is None:
        return None
    return open_sealed(
        organization_id=found.organization_id,
        table=TABLE,
        record_id=found.shown_id,
        field=FIELD,
        sealed=bytes(found.sealed_image),
    )


def pictures_forget(*, now: datetime) -> int:
    """Delete what is older than it may be; gives how many."""
    old = Picture.objects.filter(created_at__lte=now - timedelta(hours=settings.PICTURE_HOURS))
    return old.delete()[0]
