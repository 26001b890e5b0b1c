"""Browser sessions from request to end. Every change of hands is one conditional UPDATE judged by its row count.

A session that saves its changes holds its profile's lease for as long as it lives, so a second writer is refused at
once, and one whose lease was lost cannot overwrite anything (R31).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTransform

from flows.errors import SessionConflict, SessionInvalid, SessionNotFound
from flows.models import BrowserSession
from flows.services.allowlists import AllowlistChange, allowlist_changed, start_check
from vault.audit import audit_append, audit_committed
from vault.errors import NotFound, RateLimited
from vault.models import Profile, Project
from vault.principal import Principal
from vault.profiles import Lease, profile_get, profile_lease, profile_lease_renew, profile_release
from vault.text import lookup_clean, name_clean, searchable

KIND = "browsers"
USE = "browsers:use"
START_SECONDS = 45
BUSY_SECONDS = 5
Ending = BrowserSession.Ending
State = BrowserSession.State


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChoice:
    """A profile by exactly one of id and name."""

    id: str = ""
    name: str = ""
    save_changes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """What a caller asks for. `options` are echoed as they are: `headless`, `stealth`, `kiosk_mode`, `viewport`,
    `start_url`, `proxy`, `location`, `network`, and what means nothing to this installation."""

    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    profile: ProfileChoice | None = None
    timeout_seconds: int = 60


def session_create(principal: Principal, new: NewSession, *, now: datetime) -> BrowserSession:
    """A session for a worker to start, on record. Raises `RateLimited` when the project has its share already,
    `SessionConflict` for a name in use and for a profile that another writer holds, `NotFound` for no such profile."""
    session = BrowserSession(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        name=name_clean(new.name, what="name", forbidden="/") if new.name else "",
        tags=tags_stored(new.tags),
        options=dict(new.options),
        timeout_seconds=new.timeout_seconds,
        created_by=principal.actor,
        created_at=now,
        last_activity_at=now,
        lease_expires_at=now + timedelta(seconds=START_SECONDS),
    )
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=principal.project_id)
        most = project.limits.get("max_concurrent_sessions")
        if most and sessions_active(principal).count() >= most:
            raise RateLimited(f"This project may have {most} browsers at a time", retry_after=BUSY_SECONDS)
        if new.profile is not None:
            _profile_take(principal, session, new.profile, now=now)
        _save(session)
        _record(session, actor=principal.actor, action="browser.create")
    return session


def session_profile_set(
    principal: Principal, session: BrowserSession, chosen: ProfileChoice, *, now: datetime
) -> BrowserSession:
    """Choose the profile of a session that has none. Raises as `session_create`, `SessionInvalid` when it has one."""
    with transaction.atomic():
        fresh = BrowserSession.objects.select_for_update().get(pk=session.pk)
        if fresh.profile_id is not None:
            raise SessionInvalid("profile: this browser has a profile loaded already", code="profile_loaded")
        _profile_take(principal, fresh, chosen, now=now)
        fresh.save(update_fields=["profile", "save_changes", "profile_fence"])
        _record(fresh, actor=principal.actor, action="browser.update")
    return fresh


def session_profile_drop(session: BrowserSession) -> None:
    """Undo `session_profile_set` when the profile could not be loaded."""
    lease = session_lease(session)
    if lease is not None:
        profile_release(lease)
    BrowserSession.objects.filter(pk=session.pk).update(profile=None, save_changes=False, profile_fence=None)


def session_change(
    principal: Principal,
    session: BrowserSession,
    *,
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    allowlist: AllowlistChange | None = None,
) -> BrowserSession:
    """Absent arguments stay; an empty name clears it; `options` are laid over the present ones, `None` removes one.
    Raises `SessionInvalid` and `SessionConflict`, for an allowlist as `allowlist_changed` does."""
    with transaction.atomic():
        fresh = BrowserSession.objects.select_for_update(of=("self",)).select_related("profile").get(pk=session.pk)
        if name is not None:
            fresh.name = name_clean(name, what="name", forbidden="/") if name else ""
        if tags is not None:
            fresh.tags = tags_stored(tags)
        laid = {**fresh.options, **(options or {})}
        if allowlist is not None:
            laid["network"] = allowlist_changed(laid.get("network") or {}, allowlist) or None
        start_check((options or {}).get("start_url"), laid.get("network") or {}, ssrf_allow=settings.SSRF_ALLOW)
        fresh.options = {key: value for key, value in laid.items() if value is not None}
        _save(fresh, fields=["name", "tags", "options"])
        _record(fresh, actor=principal.actor, action="browser.update")
    return fresh


def session_get(principal: Principal, id_or_name: str, *, include_deleted: bool = False) -> BrowserSession:
    """By id, else by the name of an active one. Raises `SessionNotFound`."""
    wanted = lookup_clean(id_or_name)
    rows = BrowserSession.objects.for_principal(principal).select_related("profile")
    if not include_deleted:
        rows = rows.filter(ended_at=None)
    found = rows.filter(pk=wanted).first()
    if found is None and wanted:
        found = rows.filter(name=wanted).order_by("-created_at").first()
    if found is None:
        raise SessionNotFound("No such browser")
    return found


def session_list(
    principal: Principal, *, status: str, query: str | None, tags: Mapping[str, str], region: str | None = None
) -> "QuerySet[BrowserSession]":
    """Newest first. `status` is active, deleted or all; every tag must be there as given."""
    rows = BrowserSession.objects.for_principal(principal).select_related("profile")
    if not all(searchable(text) for text in (query or "", *tags, *tags.values())):
        return rows.none()
    if status != "all":
        rows = rows.filter(ended_at__isnull=status == "active")
    if region:
        rows = rows.filter(options__region=region)
    if query:
        profile = Q(profile__name__icontains=query) | Q(profile_id=query)
        rows = rows.filter(Q(name__icontains=query) | Q(pk=query) | profile | Q(options__proxy__id=query))
    for number, (key, value) in enumerate(tags.items()):
        rows = rows.alias(**{f"tag_{number}": KeyTransform("=" + key, "tags")}).filter(**{f"tag_{number}": value})
    return rows.order_by("-created_at", "pk")


def sessions_active(principal: Principal) -> "QuerySet[BrowserSession]":
    return BrowserSession.objects.for_principal(principal).filter(ended_at=None)


def session_use_record(session: BrowserSession, *, actor: str, action: str) -> None:
    """On record for good before an address is shown or a client let in (R9, R35)."""
    with audit_committed():
        _record(session, actor=actor, action=action)


# --- the worker's side -------------------------------------------------------------------------------------------


def session_claim(session_id: str, *, holder: str, now: datetime) -> BrowserSession | None:
    """Become the worker of a session that nobody started yet."""
    free = BrowserSession.objects.filter(pk=session_id, state=State.STARTING, lease_holder="", stop_requested_at=None)
    if not free.filter(lease_expires_at__gt=now).update(lease_holder=holder):
        return None
    return BrowserSession.objects.select_related("profile").get(pk=session_id)


def session_waiting(session_id: str, *, now: datetime) -> bool:
    """Whether nobody started it yet, and somebody still may."""
    rows = BrowserSession.objects.filter(pk=session_id, state=State.STARTING, lease_holder="")
    return rows.filter(lease_expires_at__gt=now).exists()


def session_started(session_id: str, *, holder: str, address: str, live_address: str = "", now: datetime) -> bool:
    """Note where it runs. False when it is no longer the holder's."""
    changed = _held(session_id, holder).update(
        state=State.RUNNING,
        address=address,
        live_address=live_address,
        started_at=now,
        last_activity_at=now,
        lease_expires_at=now + timedelta(seconds=settings.FLOW_LEASE_SECONDS),
    )
    return changed == 1


def session_renew(session_id: str, *, holder: str, active_at: datetime, now: datetime) -> BrowserSession | None:
    """Hold on, with the profile's lease; gives the row as it is now, `None` when the session is no longer ours."""
    until = now + timedelta(seconds=settings.FLOW_LEASE_SECONDS)
    if not _held(session_id, holder).update(lease_expires_at=until, last_activity_at=active_at):
        return None
    session = BrowserSession.objects.get(pk=session_id)
    lease = session_lease(session)
    if lease is not None:  # whether it was lost matters when the changes are saved
        profile_lease_renew(lease, seconds=settings.FLOW_LEASE_SECONDS, now=now)
    return session


def session_stop_request(session: BrowserSession, *, now: datetime) -> None:
    """Ask its worker to end it; the worker may be another process, or gone. Without a worker it ends here."""
    if session_end(session.pk, Ending.DELETED, now=now, holder=""):
        return
    BrowserSession.objects.filter(pk=session.pk, ended_at=None, stop_requested_at=None).update(stop_requested_at=now)


def session_end(
    session_id: str, ending: BrowserSession.Ending, *, now: datetime, problem: str = "", holder: str | None = None
) -> bool:
    """End it once; with `holder` only if it is still that worker's. Lets go of the profile."""
    rows = BrowserSession.objects.filter(pk=session_id, ended_at=None)
    if holder is not None:
        rows = rows.filter(lease_holder=holder)
    changed = rows.update(state=State.ENDED, ending=ending, problem=problem[:200], ended_at=now)
    if not changed:
        return False
    session = BrowserSession.objects.get(pk=session_id)
    lease = session_lease(session)
    if lease is not None:
        profile_release(lease)
    _record(session, actor=session.created_by, action="browser.end", outcome=problem[:32] if problem else "ok")
    return True


def session_saved(session_id: str, lease: Lease) -> None:
    """Its changes are in the profile, and it writes no more; in the transaction that stored them, so that a worker
    that dies afterwards takes back nothing."""
    BrowserSession.objects.filter(pk=session_id).update(profile_fence=None)
    profile_release(lease)


def session_unsaved(session: BrowserSession) -> bool:
    """Whether it ended without the changes that it was to save."""
    return bool(session.save_changes and session.profile_fence is not None and session.problem)


def sessions_holders() -> list[str]:
    """The workers that hold a browser."""
    rows = BrowserSession.objects.filter(ended_at=None).exclude(lease_holder="")
    return list(rows.values_list("lease_holder", flat=True).distinct())


def sessions_orphan(holders: Collection[str], *, now: datetime) -> int:
    """These workers are dead, and their browsers with them: the next look ends the sessions."""
    held = BrowserSession.objects.filter(lease_holder__in=holders, ended_at=None, lease_expires_at__gt=now)
    return held.update(lease_expires_at=now)


def sessions_lapsed(*, now: datetime) -> list[str]:
    """End what no worker holds any more; gives the ids. Whoever held it ends its browser when it notices."""
    due = BrowserSession.objects.filter(ended_at=None, lease_expires_at__lte=now)
    ended = []
    for session in due[:200]:
        ending = Ending.FAILED if session.state == State.STARTING else Ending.LOST
        problem = "no worker started it" if session.state == State.STARTING else "its worker was lost"
        if session_end(session.pk, ending, now=now, problem=problem):
            ended.append(session.pk)
    return ended


def session_lease(session: BrowserSession) -> Lease | None:
    """The right to write the profile that this session was given, lost or not."""
    if session.profile_fence is None or session.profile_id is None:
        return None
    return Lease(profile_id=session.profile_id, holder=session.id, fence=session.profile_fence)


def tags_stored(tags: Mapping[str, str]) -> dict[str, str]:
    return {"=" + key: value for key, value in tags.items()}


def tags_shown(session: BrowserSession) -> dict[str, str]:
    return {key[1:]: value for key, value in session.tags.items()}


def _profile_take(principal: Principal, session: BrowserSession, chosen: ProfileChoice, *, now: datetime) -> None:
    session.profile = _profile(principal, chosen)
    session.save_changes = chosen.save_changes
    if not chosen.save_changes:
        return
    lease = profile_lease(session.profile.id, holder=session.id, seconds=START_SECONDS, now=now)
    if lease is None:
        raise SessionConflict(
            "profile: another browser or login is writing this profile; without save_changes it can be read",
            code="profile_in_use",
        )
    session.profile_fence = lease.fence


def _profile(principal: Principal, chosen: ProfileChoice) -> Profile:
    if bool(chosen.id) == bool(chosen.name):
        raise SessionInvalid("profile: give exactly one of id and name")
    profile = profile_get(principal, chosen.id or chosen.name)
    if (profile.id if chosen.id else profile.name) != (chosen.id or chosen.name):
        raise NotFound("No such profile")
    return profile


def _held(session_id: str, holder: str) -> "QuerySet[BrowserSession]":
    return BrowserSession.objects.filter(pk=session_id, lease_holder=holder, ended_at=None)


def _save(session: BrowserSession, *, fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            session.save(force_insert=fields is None, update_fields=fields)
    except IntegrityError:
        raise SessionConflict(f"A browser named {session.name!r} is active already") from None


def _record(session: BrowserSession, *, actor: str, action: str, outcome: str = "ok") -> None:
    details = {"name": session.name, "profile_id": session.profile_id or "", "ending": session.ending}
    audit_append(
        organization_id=session.organization_id,
        project_id=session.project_id,
        actor=actor,
        action=action,
        resource_type="browser",
        resource_id=session.id,
        outcome=outcome,
        details={name: value for name, value in details.items() if value},
    )
