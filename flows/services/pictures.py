"""Pictures of what is in the way of logins: sealed when taken, opened for the person and the operator, soon gone."""

import logging
from datetime import datetime, timedelta

from django.conf import settings

from flows.models import Interaction, Picture
from vault.errors import VaultError
from vault.sealing import open_sealed, seal

log = logging.getLogger(__name__)

TABLE = "flows_picture"
FIELD = "sealed_image"
MOST_BYTES = 2_000_000


def picture_keep(interaction: Interaction, image: bytes, *, now: datetime) -> None:
    """Seal the picture beside its question; nothing when pictures are turned off or the vault is sealed."""
    if settings.PICTURE_HOURS == 0 or len(image) > MOST_BYTES:
        return
    try:
        sealed = seal(
            organization_id=interaction.organization_id,
            table=TABLE,
            record_id=interaction.id,
            field=FIELD,
            plaintext=image,
        )
    except VaultError as error:
        log.warning("a picture was not kept: %s", error.code)
        return
    Picture.objects.create(
        organization_id=interaction.organization_id,
        project_id=interaction.project_id,
        interaction=interaction,
        sealed_image=sealed,
        created_at=now,
    )


def picture_open(interaction_id: str, *, flow_id: str) -> bytes | None:
    """The JPEG, or None when there is none (any more)."""
    found = Picture.objects.filter(interaction_id=interaction_id, interaction__flow_id=flow_id).first()
    if found is None:
        return None
    return open_sealed(
        organization_id=found.organization_id,
        table=TABLE,
        record_id=interaction_id,
        field=FIELD,
        sealed=bytes(found.sealed_image),
    )


def pictures_forget(*, now: datetime) -> int:
    """Delete what is older than it may be; gives how many."""
    old = Picture.objects.filter(created_at__lte=now - timedelta(hours=settings.PICTURE_HOURS))
    return old.delete()[0]
