"""Passwords that a site has refused (R16): none is sent to it again for the same account, whoever types it and in
whichever login, and after some of them the next has to wait, longer each time, so that the site locks nobody out.

What was typed is known by its fingerprint under the organization's data key. A password counts with the user name
that went with it: the right password for another name is another matter. All of it is forgotten with the next
successful login, else after a day.
"""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction

from flows.engine.contract import AskedField
from flows.engine.matching import IDENTIFIER_ROLES, PASSWORD, USERNAME, meant_by
from flows.engine.reading.model import FieldRole
from flows.errors import SubmissionRefused
from flows.models import Flow, RefusedPassword
from flows.services.breaker import reauth_pause
from vault.sealing import fingerprint
from vault.secret import Secret

KEPT = timedelta(days=1)
FREE = 5  # refused passwords of one account after which the next one waits
PURPOSE = "refused password"


def typed_note(flow_id: str, name: str, value: Secret) -> None:
    """Remember what is about to be typed, so that a refusal can be put down to it."""
    meant = meant_by(name)
    if meant not in (USERNAME, PASSWORD):
        return
    with transaction.atomic():
        flow = Flow.objects.select_for_update().get(pk=flow_id)
        made = _print_name if meant == USERNAME else _print
        prints = {**flow.prints, meant: made(flow.organization_id, value.reveal())}
        Flow.objects.filter(pk=flow_id).update(prints=prints)


def password_refused(flow: Flow, names: Collection[str], *, now: datetime) -> None:
    """The site refused what was typed under these names."""
    password = flow.prints.get(PASSWORD)
    if password is None or PASSWORD not in map(meant_by, names):
        return
    RefusedPassword.objects.get_or_create(
        connection_id=flow.connection_id,
        account=flow.prints.get(USERNAME, ""),
        password=password,
        defaults={"organization_id": flow.organization_id, "project_id": flow.project_id, "created_at": now},
    )


def refusals_forget(connection_id: str) -> None:
    """The account is open again."""
    RefusedPassword.objects.filter(connection_id=connection_id).delete()


def refusals_expire(*, now: datetime) -> None:
    RefusedPassword.objects.filter(created_at__lte=now - KEPT).delete()


def submission_allow(flow: Flow, asked: Collection[AskedField], given: Mapping[str, str], *, now: datetime) -> None:
    """Raises `SubmissionRefused` for values, by field id, with a password that was refused before or comes too soon."""
    password = next((given[item.id] for item in asked if item.role is FieldRole.PASSWORD and item.id in given), None)
    if password is None:
        return
    name = next((given[item.id] for item in asked if item.role in IDENTIFIER_ROLES and item.id in given), None)
    account = _print_name(flow.organization_id, name) if name is not None else flow.prints.get(USERNAME)
    refused = _refused(flow, account, now=now)
    if not refused:
        return
    if _print(flow.organization_id, password) in {row.password for row in refused}:
        raise SubmissionRefused(
            "The site has refused this password for this account before, so it is not sent again",
            code="already_refused",
        )
    wait = _pause(refused) - (now - refused[-1].created_at)
    if wait > timedelta(0):
        minutes = -int(-wait.total_seconds() // 60)
        raise SubmissionRefused(
            f"The site has refused {len(refused)} passwords for this account. To keep it from locking the account, "
            f"the next one can be sent in {minutes} min",
            code="too_many_refusals",
        )


def stored_refused(flow: Flow, name: str, value: Secret, *, now: datetime) -> bool:
    """Whether this stored value is a password that was refused before for the account that it goes with."""
    if meant_by(name) != PASSWORD:
        return False
    refused = _refused(flow, flow.prints.get(USERNAME), now=now)
    return bool(refused) and _print(flow.organization_id, value.reveal()) in {row.password for row in refused}


def _refused(flow: Flow, account: str | None, *, now: datetime) -> list[RefusedPassword]:
    """Oldest first. Without an account those of all: a stored name goes with the password, as it did before."""
    rows = RefusedPassword.objects.filter(connection_id=flow.connection_id, created_at__gt=now - KEPT)
    if account is not None:
        rows = rows.filter(account=account)
    return list(rows.order_by("created_at"))


def _pause(refused: list[RefusedPassword]) -> timedelta:
    """None for the first ones, then as unattended logins pause; the jitter of one refusal stays the same."""
    if len(refused) < FREE:
        return timedelta(0)
    share = int(hashlib.sha256(refused[-1].password.encode()).hexdigest()[:4], 16) / 0xFFFF
    return reauth_pause(len(refused) - FREE + 1, share=share)


def _print(organization_id: str, text: str) -> str:
    return fingerprint(organization_id=organization_id, purpose=PURPOSE, text=text)


def _print_name(organization_id: str, name: str) -> str:
    """Of a user name: to sites its case and the space around it make no other account."""
    return _print(organization_id, name.strip().casefold())
