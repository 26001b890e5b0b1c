"""Profiles: sealed browser state in versions, one writer at a time."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import zstandard
from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError, Q, QuerySet

from vault import crypto
from vault.audit import audit_append, audit_committed
from vault.crypto import Place
from vault.errors import Conflict, Invalid, LeaseLost, NotFound, TamperedError
from vault.ids import new_id
from vault.keys import keys_open
from vault.models import Profile, ProfileVersion
from vault.principal import Principal
from vault.text import lookup_clean, name_clean, searchable
from vault.use import Use

VERSIONS_KEPT = 5
STATE_BYTES_MOST = 256 * 1024 * 1024
TABLE = "vault_profileversion"
COMPRESSION_LEVEL = 3
ROLLBACK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write a profile, until a later lease has a higher `fence`."""

    profile_id: str
    holder: str
    fence: int


def profile_get(principal: Principal, id_or_name: str) -> Profile:
    """One profile of the principal's project by id, else by name. Raises `NotFound`."""
    wanted = lookup_clean(id_or_name)
    rows = Profile.objects.for_principal(principal)
    found = rows.filter(id=wanted).first() or rows.filter(name=wanted).first()
    if found is None:
        raise NotFound("No such profile")
    return found


def profile_list(principal: Principal, *, name: str | None = None, query: str | None = None) -> QuerySet[Profile]:
    """Newest first. `name` is a whole name whatever its case, `query` part of a name or id."""
    rows = Profile.objects.for_principal(principal)
    if not searchable(name or "") or not searchable(query or ""):
        return rows.none()
    if name:
        rows = rows.filter(name__iexact=name)
    if query:
        rows = rows.filter(Q(name__icontains=query) | Q(id__icontains=query))
    return rows.order_by("-created_at", "id")


def profile_create(principal: Principal, *, name: str | None = None) -> Profile:
    """An empty profile. Raises `Invalid`, and `Conflict` for a name that is taken."""
    clean = name_clean(name, what="name") if name is not None else None
    profile = Profile(organization_id=principal.organization_id, project_id=principal.project_id, name=clean)
    with transaction.atomic():
        _save(profile, force_insert=True)
        _record(profile, actor=principal.actor, action="profile.create")
    return profile


def profile_get_or_create(principal: Principal, name: str) -> Profile:
    """The project's profile of that name, made when there is none. Raises `Invalid`."""
    clean = name_clean(name, what="profile name")
    found = Profile.objects.for_principal(principal).filter(name=clean).first()
    if found is not None:
        return found
    try:
        return profile_create(principal, name=clean)
    except Conflict:  # somebody else made it meanwhile
        return Profile.objects.for_principal(principal).get(name=clean)


def profile_rename(principal: Principal, id_or_name: str, *, name: str) -> Profile:
    """Raises `NotFound`, `Invalid`, and `Conflict` for a name that is taken."""
    with transaction.atomic():
        profile = profile_get(principal, id_or_name)
        profile.name = name_clean(name, what="name")
        _save(profile, fields=["name", "updated_at"])
        _record(profile, actor=principal.actor, action="profile.rename")
    return profile


def profile_delete(principal: Principal, id_or_name: str) -> None:
    """Destroy the profile with every version and their keys; a writer that is still at it cannot bring it back.

    Raises `NotFound`, and `Conflict` while something else needs the profile.
    """
    with transaction.atomic():
        profile = profile_get(principal, id_or_name)
        _record(profile, actor=principal.actor, action="profile.delete")
        try:
            profile.delete()
        except ProtectedError:
            raise Conflict("This profile is used by a connection: delete that first") from None


def profile_lease(profile_id: str, *, holder: str, seconds: float, now: datetime) -> Lease | None:
    """Become the profile's one writer for `seconds`, or `None` while somebody else is.

    A holder that asks again gets a new lease, which outdates its old one. Raises `NotFound`.
    """
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lte=now) | Q(lease_holder=holder)
    with transaction.atomic():
        changed = Profile.objects.filter(free, id=profile_id).update(
            lease_holder=holder, lease_expires_at=now + timedelta(seconds=seconds), fence=F("fence") + 1
        )
        fence = Profile.objects.filter(id=profile_id).values_list("fence", flat=True).first()
    if fence is None:
        raise NotFound("No such profile")
    return Lease(profile_id=profile_id, holder=holder, fence=fence) if changed else None


def profile_lease_renew(lease: Lease, *, seconds: float, now: datetime) -> bool:
    """Hold on for `seconds` more. False when the lease is lost: another one was given out or it was released."""
    changed = _held(lease).update(lease_expires_at=now + timedelta(seconds=seconds))
    return changed == 1


def profile_release(lease: Lease) -> bool:
    """Let others write. False when the lease was lost before."""
    return _held(lease).update(lease_holder="", lease_expires_at=None) == 1


def profile_leased(profile_id: str, *, now: datetime) -> bool:
    """Whether a writer holds the profile."""
    return Profile.objects.filter(id=profile_id, lease_expires_at__gt=now).exists()


def profile_save(lease: Lease, state: bytes, *, now: datetime) -> int:
    """Store `state` as the newest version and give its number; older versions beyond the last few go.

    Raises `LeaseLost` when the lease is no longer the newest, and then nothing has changed; `Invalid` when the state
    is too big.
    """
    if len(state) > STATE_BYTES_MOST:
        raise Invalid(f"A profile holds at most {STATE_BYTES_MOST // 2**20} MiB")
    compressed = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compress(state)
    with transaction.atomic():
        if not _held(lease).update(latest_number=F("latest_number") + 1, updated_at=now, last_used_at=now):
            raise LeaseLost
        profile = Profile.objects.get(id=lease.profile_id)
        version = _version_seal(profile, compressed=compressed, size=len(state), now=now)
        version.save(force_insert=True)
        ProfileVersion.objects.filter(profile=profile, number__lte=version.number - VERSIONS_KEPT).delete()
        audit_append(
            organization_id=profile.organization_id,
            project_id=profile.project_id,
            actor=f"writer:{lease.holder}"[:128],
            action="profile.save",
            resource_type="profile",
            resource_id=profile.id,
            details={"version": version.number, "sha256": hashlib.sha256(version.sealed).hexdigest()},
            now=now,
        )
    return version.number


def profile_state(profile_id: str, *, use: Use | None = None) -> bytes | None:
    """The newest version, whole and untampered; `None` for a profile nothing was saved to.

    With `use` it goes on record first: give it whenever the state leaves for a browser or a person. Without, the
    state only goes back into the vault (merging), which may happen inside a transaction. Raises `NotFound` for a
    profile that is not there or not in the tenant of `use`, `TamperedError`, and with `use` `AuditUnavailable`.
    """
    profile = Profile.objects.filter(id=profile_id).first()
    if profile is None or (
        use and (use.organization_id, use.project_id) != (profile.organization_id, profile.project_id)
    ):
        raise NotFound("No such profile")
    if use is not None:
        with audit_committed():
            use.record(action="profile.use", resource_type="profile", resource_id=profile.id)
    return _latest_open(profile)


def profile_export(principal: Principal, id_or_name: str, *, now: datetime) -> tuple[Profile, bytes | None]:
    """A profile and its state for the caller to take away; the export is on record first. Raises as `profile_state`."""
    profile = profile_get(principal, id_or_name)
    with audit_committed():
        _record(profile, actor=principal.actor, action="profile.export")
    return profile, _latest_open(profile)


def profile_rollback(profile_id: str, *, number: int, actor: str, now: datetime) -> int:
    """Make the state of an earlier version the newest again, as a new version, and give that version's number.

    The versions between stay, so a rollback can itself be rolled back. Raises `NotFound` for a version that is not
    kept, `Conflict` while a writer holds the profile, and `TamperedError`.
    """
    version = ProfileVersion.objects.select_related("profile").filter(profile_id=profile_id, number=number).first()
    if version is None:
        raise NotFound("No such version of this profile")
    lease = profile_lease(profile_id, holder=f"rollback:{new_id('rb')}", seconds=ROLLBACK_SECONDS, now=now)
    if lease is None:
        raise Conflict("This profile is being written: try again when that is done")
    try:
        with transaction.atomic():
            _record(version.profile, actor=actor, action="profile.rollback", details={"to": number})
            return profile_save(lease, _version_open(version), now=now)
    finally:
        profile_release(lease)


def profile_used(profile_id: str, *, now: datetime) -> None:
    """Note that the profile was loaded into a browser."""
    Profile.objects.filter(id=profile_id).update(last_used_at=now)


def _held(lease: Lease) -> QuerySet[Profile]:
    """The profile, if the lease is still its newest. A lapsed lease that nobody took over is still good."""
    return Profile.objects.filter(id=lease.profile_id, fence=lease.fence, lease_holder=lease.holder)


def version_place(version: ProfileVersion, *, field: str) -> Place:
    """Bound to profile and number too: an old version does not open as the newest."""
    return Place(
        organization_id=version.organization_id,
        table=TABLE,
        record_id=f"{version.profile_id}/{version.number}/{version.id}",
        field=field,
    )


def _version_seal(profile: Profile, *, compressed: bytes, size: int, now: datetime) -> ProfileVersion:
    version = ProfileVersion(
        id=new_id("pver"),
        organization_id=profile.organization_id,
        project_id=profile.project_id,
        profile=profile,
        number=profile.latest_number,
        size=size,
        created_at=now,
    )
    key = crypto.key_new()
    version.wrapped_key = keys_open().wrap(key=key, place=version_place(version, field="wrapped_key"))
    version.kek_id = crypto.envelope_parse(version.wrapped_key).key_id
    place = version_place(version, field="sealed")
    body = crypto.encrypt(
        key=key, plaintext=compressed, associated=crypto.associated_data(key_id=version.id, place=place)
    )
    version.sealed = crypto.Envelope(version=crypto.VERSION, key_id=version.id, body=body).to_bytes()
    return version


def _latest_open(profile: Profile) -> bytes | None:
    """A profile that has a number but not that version was tampered with, like one that does not open."""
    if profile.latest_number == 0:
        return None
    version = ProfileVersion.objects.filter(profile=profile, number=profile.latest_number).first()
    if version is None:
        raise TamperedError
    return _version_open(version)


def _version_open(version: ProfileVersion) -> bytes:
    key = keys_open().unwrap(wrapped=bytes(version.wrapped_key), place=version_place(version, field="wrapped_key"))
    envelope = crypto.envelope_parse(bytes(version.sealed))
    place = version_place(version, field="sealed")
    associated = crypto.associated_data(key_id=envelope.key_id, place=place)
    compressed = crypto.decrypt(key=key, body=envelope.body, associated=associated)
    return zstandard.ZstdDecompressor().decompress(compressed, max_output_size=STATE_BYTES_MOST)


def _save(profile: Profile, *, force_insert: bool = False, fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            profile.save(force_insert=force_insert, update_fields=fields)
    except IntegrityError:
        raise Conflict(f"A profile named {profile.name!r} exists already") from None


def _record(profile: Profile, *, actor: str, action: str, details: Mapping[str, object] | None = None) -> None:
    audit_append(
        organization_id=profile.organization_id,
        project_id=profile.project_id,
        actor=actor,
        action=action,
        resource_type="profile",
        resource_id=profile.id,
        details={"name": profile.name or "", **(details or {})},
    )
