"""Which values a flow may use, and releasing them one at a time: recorded first, then opened, then typed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from flows.engine.matching import PASSWORD, entry_named
from flows.engine.reading.model import FieldRole
from flows.models import Connection, Flow, Interaction
from flows.pauses import field_from_json, is_code
from flows.services.refusals import password_refused, stored_refused, typed_note
from flows.services.submissions import values_open
from vault.audit import audit_committed
from vault.credentials import (
    TotpWait,
    credential_names,
    credential_rejected,
    credential_rejected_names,
    credential_save,
    credential_totp_reveal,
    credential_value_reveal,
)
from vault.provider_items import Found, Wanted, item_find, item_rejected, item_rejected_names, item_value
from vault.secret import Secret
from vault.sources.base import SourceError
from vault.totp import TOTP_NAME, TotpCode
from vault.use import Use

log = logging.getLogger(__name__)

MAX_SENDS = 2  # a value whose outcome was not seen counts as one attempt; after two it is asked again


@dataclass(frozen=True, slots=True)
class Usable:
    """Names of the values a login may use unasked, and of those the site has refused."""

    known: frozenset[str]
    rejected: frozenset[str]


def values_usable(flow: Flow) -> Usable:
    """From the credential, stored or outside, and from what was typed earlier in this flow (before a worker was lost).

    An outside source in trouble offers nothing: the person is asked."""
    stored: frozenset[str] = frozenset()
    refused = frozenset(flow.rejected)
    credential = flow.connection.credential
    if credential is not None:
        stored = credential_names(credential)
        refused |= credential_rejected_names(credential)
    elif (found := _outside(flow)) is not None:
        stored = found.names
        refused |= item_rejected_names(found)
    spent = frozenset(ref for ref, count in flow.sent.items() if count >= MAX_SENDS and ref != TOTP_NAME)
    return Usable(known=stored | frozenset(_given_earlier(flow)), rejected=refused | spent)


def _wanted(flow: Flow) -> Wanted | None:
    """The connection's reference to an outside source, if it has one."""
    connection = flow.connection
    if not connection.credential_source:
        return None
    return Wanted.parse(
        connection.credential_source, organization_id=connection.organization_id, domain=connection.domain
    )


def _outside(flow: Flow) -> Found | None:
    """The outside item with its values as they are now, to know what it offers."""
    wanted = _wanted(flow)
    if wanted is None:
        return None
    try:
        return item_find(wanted, use=use_of(flow))
    except SourceError as error:
        log.warning("no values from outside: %s", error.code, extra={"flow_id": flow.id})
        return None


def _given_earlier(flow: Flow) -> dict[str, tuple[Interaction, str]]:
    """ref -> where its newest value was submitted; codes are good for one use and are left out. A password that was
    chosen because the site wanted a new one is the password from then on."""
    found: dict[str, tuple[Interaction, str]] = {}
    chosen: tuple[Interaction, str] | None = None
    rows = Interaction.objects.filter(flow=flow, sealed_values__isnull=False).order_by("created_at")
    for interaction in rows:
        for field in map(field_from_json, interaction.fields):
            if field.id in interaction.given and not is_code(field) and field.ref not in flow.rejected:
                found[field.ref] = (interaction, field.id)
                if field.role is FieldRole.NEW_PASSWORD:
                    chosen = (interaction, field.id)
    return found if chosen is None else {**found, PASSWORD: chosen}


def use_of(flow: Flow, *, origin: str = "") -> Use:
    """How the audit log names this flow's use of a secret."""
    return Use(
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        connection_id=flow.connection_id,
        flow_id=flow.id,
        origin=origin,
    )


def _sent(flow: Flow, ref: str) -> None:
    with transaction.atomic():
        fresh = Flow.objects.select_for_update().get(pk=flow.pk)
        Flow.objects.filter(pk=flow.pk).update(sent={**fresh.sent, ref: fresh.sent.get(ref, 0) + 1})


def value_stored(flow_id: str, name: str, *, origin: str, now: datetime) -> Secret | TotpWait:
    """One stored value by name; for a one-time code possibly the time to wait first. Raises `KeyError` for one that is
    not there, and for a password that the site has refused."""
    flow = Flow.objects.select_related("connection__credential").get(pk=flow_id)
    credential = flow.connection.credential
    use = use_of(flow, origin=origin)
    if name == TOTP_NAME and credential is not None:
        result = credential_totp_reveal(credential_id=credential.id, use=use, now=now)
        return result.code if isinstance(result, TotpCode) else result
    earlier = _given_earlier(flow).get(name)
    if earlier is not None:
        _sent(flow, name)
        return value_given(earlier[0].id, earlier[1], origin=origin)
    if (wanted := _wanted(flow)) is not None:
        return _value_outside(flow, wanted, name, use=use, now=now)
    if credential is None:
        raise KeyError(name)
    _sent(flow, name)
    value = credential_value_reveal(credential_id=credential.id, name=name, use=use)
    return _typed(flow, name, value, now=now)


def _typed(flow: Flow, name: str, value: Secret, *, now: datetime) -> Secret:
    """The stored value, which is about to be typed."""
    if stored_refused(flow, name, value, now=now):
        raise KeyError(name)
    typed_note(flow.id, name, value)
    return value


def _value_outside(
    flow: Flow, wanted: Wanted, name: str, *, use: Use, now: datetime, sends: bool = True
) -> Secret | TotpWait:
    if sends and name != TOTP_NAME:
        _sent(flow, name)
    value = item_value(wanted, name, use=use, now=now)
    if isinstance(value, Secret):
        return _typed(flow, name, value, now=now)
    return value.code if isinstance(value, TotpCode) else value


def value_match(
    flow_id: str, names: frozenset[str], texts: Sequence[Sequence[str]], *, origin: str, now: datetime
) -> int | None:
    """The one entry of a list that shows one of these stored values. Nothing is typed, so nothing counts as sent."""
    flow = Flow.objects.select_related("connection__credential").get(pk=flow_id)
    for name in sorted(names):
        value = _value_compared(flow, name, use=use_of(flow, origin=origin), now=now)
        if value is not None and (at := entry_named(value.reveal(), texts)) is not None:
            return at
    return None


def _value_compared(flow: Flow, name: str, *, use: Use, now: datetime) -> Secret | None:
    earlier, credential = _given_earlier(flow).get(name), flow.connection.credential
    if earlier is not None:
        return _submitted(earlier[0], earlier[1], name, use=use)
    if (wanted := _wanted(flow)) is not None:
        value = item_value(wanted, name, use=use, now=now)
        return value if isinstance(value, Secret) else None
    if credential is None:
        return None
    return credential_value_reveal(credential_id=credential.id, name=name, use=use)


def value_given(interaction_id: str, field_id: str, *, origin: str) -> Secret:
    """One value of an answered interaction; its use is on record before it is opened."""
    interaction = Interaction.objects.select_related("flow").get(pk=interaction_id)
    field = next(item for item in map(field_from_json, interaction.fields) if item.id == field_id)
    if not is_code(field):
        _sent(interaction.flow, field.ref)
    value = _submitted(interaction, field_id, field.ref, use=use_of(interaction.flow, origin=origin))
    typed_note(interaction.flow_id, field.ref, value)
    return value


def _submitted(interaction: Interaction, field_id: str, ref: str, *, use: Use) -> Secret:
    with audit_committed():
        use.record(action="submission.use", resource_type="interaction", resource_id=interaction.id, names=(ref,))
    return values_open(interaction)[field_id]


def values_rejected(flow_id: str, names: frozenset[str], *, now: datetime) -> None:
    """The site refused these: neither the flow nor the credential sends them again."""
    _outside_rejected(flow_id, names)
    with transaction.atomic():
        flow = Flow.objects.select_related("connection__credential").get(pk=flow_id)
        password_refused(flow, names, now=now)
        earlier = _given_earlier(flow)
        Flow.objects.filter(pk=flow_id).update(rejected=sorted({*flow.rejected, *names}))
        credential = flow.connection.credential
        stored = names - set(earlier) - {TOTP_NAME}
        if credential is not None and stored & credential_names(credential):
            credential_rejected(credential.id, stored & credential_names(credential))


def _outside_rejected(flow_id: str, names: frozenset[str]) -> None:
    """Marked at the outside item as it is now. Where it cannot be reached, the flow's own list has to do."""
    flow = Flow.objects.select_related("connection").get(pk=flow_id)
    stored = names - set(_given_earlier(flow)) - {TOTP_NAME}
    found = _outside(flow) if stored else None
    if found is not None and stored & found.names:
        item_rejected(found, stored & found.names)


def value_accepted_again(flow_id: str, names: frozenset[str]) -> None:
    """A person gave new values for refused refs: the new ones may be sent."""
    with transaction.atomic():
        flow = Flow.objects.get(pk=flow_id)
        Flow.objects.filter(pk=flow_id).update(
            rejected=[name for name in flow.rejected if name not in names],
            sent={ref: count for ref, count in flow.sent.items() if ref not in names},
        )


def values_save(flow: Flow, *, given: frozenset[str], name: str) -> None:
    """Keep what was typed in a successful login in the connection's credential, never codes."""
    connection = flow.connection
    if not connection.save_credentials or connection.credential_source:
        return
    typed = {ref: values_open(where)[field_id] for ref, (where, field_id) in _given_earlier(flow).items()}
    keep = {ref: value for ref, value in typed.items() if ref in given}
    if not keep:
        return
    credential = credential_save(
        organization_id=connection.organization_id,
        project_id=connection.project_id,
        domain=connection.domain,
        name=connection.credential.name if connection.credential is not None else name,
        values=keep,
    )
    Connection.objects.filter(pk=connection.pk).update(credential=credential)
