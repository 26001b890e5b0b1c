"""Asking a credential provider: which item, which names, one value at a time. Values pass through and stay nowhere.

Every question is on record before it is asked, and what came of it after; none takes longer than `DEADLINE_SECONDS`.
"""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

from django.db.models import Q

from vault.audit import audit_committed
from vault.credentials import TOTP_LEAST_SECONDS, TotpWait
from vault.models import CredentialProvider, ProviderItem
from vault.providers import provider_config
from vault.secret import Secret
from vault.sources import kind_get
from vault.sources.base import (
    Folder,
    Item,
    ItemAmbiguous,
    ItemNotFound,
    ItemRef,
    Source,
    SourceError,
    SourceUnavailable,
)
from vault.sources.matching import item_for_domain
from vault.totp import TOTP_NAME, TotpCode, TotpSeed, totp_code, totp_seconds_left, totp_step
from vault.use import Use

DEADLINE_SECONDS = 10.0
THREADS = 16
LISTS_MOST = 256
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A connection's reference: an item by `path`, or by the connection's `domain`; in the provider of that name, or
    without one in every enabled provider by priority."""

    organization_id: str
    domain: str
    provider: str = ""
    path: str = ""

    @classmethod
    def parse(cls, reference: Mapping[str, Any], *, organization_id: str, domain: str) -> "Wanted":
        return cls(
            organization_id=organization_id,
            domain=domain,
            provider=str(reference.get("provider") or ""),
            path=str(reference.get("path") or ""),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """An item of a provider, with its values as they are now."""

    provider: CredentialProvider
    item: Item

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.item.values) | ({TOTP_NAME} if self.item.totp else frozenset())


def item_find(wanted: Wanted, *, use: Use, names: Collection[str] = ()) -> Found:
    """Fetch the item; `names` are the values to be used, empty when only their names are of interest.

    Raises a `SourceError`, and `AuditUnavailable` or `Sealed` before anything is asked.
    """
    providers = _providers(wanted)
    trouble: SourceError = ItemNotFound()
    for provider in providers:
        try:
            return Found(provider=provider, item=_asked(provider, wanted, use=use, names=tuple(names)))
        except ItemNotFound as error:
            trouble = error if isinstance(trouble, ItemNotFound) else trouble
        except SourceError as error:
            trouble = error
    raise trouble


def item_value(wanted: Wanted, name: str, *, use: Use, now: datetime) -> Secret | TotpCode | TotpWait:
    """One value as it is now; for `totp_code` a code that was not used before, or how long to wait for one.

    Raises as `item_find`, and `ItemNotFound` when the item has no such value.
    """
    found = item_find(wanted, use=use, names=(name,))
    if name == TOTP_NAME and found.item.totp is not None:
        return _code(found, found.item.totp, now=now)
    value = found.item.values.get(name)
    if value is None:
        raise ItemNotFound("The item has no such value")
    return value


def item_rejected(found: Found, names: Collection[str]) -> None:
    """A site refused these values of the item. The mark stays until the item changes."""
    row, _ = ProviderItem.objects.get_or_create(provider=found.provider, item_id=found.item.ref.id)
    before = row.rejected_names if row.rejected_version == found.item.version else []
    ProviderItem.objects.filter(id=row.id).update(
        rejected_version=found.item.version, rejected_names=sorted({*before, *names})
    )


def item_rejected_names(found: Found) -> frozenset[str]:
    """Names of values that a site refused as they are now."""
    row = ProviderItem.objects.filter(provider=found.provider, item_id=found.item.ref.id).first()
    return frozenset(row.rejected_names) if row and row.rejected_version == found.item.version else frozenset()


def items_list(provider: CredentialProvider, *, use: Use) -> list[ItemRef]:
    """Every item of the provider without values; as old as its cache allows. Raises a `SourceError`."""
    return _recorded(provider, partial(_items, provider), use=use, action="credential_provider.list", names=())


def folders_list(provider: CredentialProvider, *, use: Use) -> list[Folder]:
    """What the provider's token may see, never from a cache. Raises a `SourceError`."""
    return _recorded(provider, lambda source: source.folders(), use=use, action="credential_provider.test", names=())


def _providers(wanted: Wanted) -> list[CredentialProvider]:
    rows = CredentialProvider.objects.filter(organization_id=wanted.organization_id)
    if wanted.provider:
        rows = rows.filter(name=wanted.provider)
    found = list(rows.filter(enabled=True).order_by("priority", "created_at", "id"))
    if not found:
        raise SourceUnavailable("The credential provider is disabled or gone" if rows else "There is no such provider")
    return found


def _asked(provider: CredentialProvider, wanted: Wanted, *, use: Use, names: tuple[str, ...]) -> Item:
    def ask(source: Source) -> Item:
        return source.item(_choose(provider, _items(provider, source), wanted))

    action = "credential_provider.use" if names else "credential_provider.look"
    return _recorded(provider, ask, use=use, action=action, names=names)


def _choose(provider: CredentialProvider, items: list[ItemRef], wanted: Wanted) -> ItemRef:
    if not wanted.path:
        found = item_for_domain(items, wanted.domain)
        if found is None:
            raise ItemNotFound(f"{provider.name} has no item for {wanted.domain}")
        return found
    same = [item for item in items if wanted.path in (item.path, f"{item.folder.id}/{item.id}")]
    if not same:
        raise ItemNotFound(f"{provider.name} has no item {wanted.path:.200}")
    if len(same) > 1:
        raise ItemAmbiguous(f"{provider.name} has {len(same)} items {wanted.path:.200}: name it by its ids")
    return same[0]


def _recorded(
    provider: CredentialProvider, ask: Callable[[Source], T], *, use: Use, action: str, names: tuple[str, ...]
) -> T:
    """On record before the token is opened and anything is asked; a failure is on record as well."""

    def note(outcome: str) -> None:
        use.record(
            action=action,
            resource_type="credential_provider",
            resource_id=provider.id,
            names=names,
            outcome=outcome,
        )

    with audit_committed():
        note("ok")
    source = kind_get(provider.kind).open(provider_config(provider))
    try:
        return _in_time(partial(ask, source))
    except SourceError as error:
        with audit_committed():
            note(error.code)
        raise


def _code(found: Found, seed: TotpSeed, *, now: datetime) -> TotpCode | TotpWait:
    """Claim the time step for this item by one conditional UPDATE: no code is ever given twice."""
    period = seed.params.period
    left = totp_seconds_left(now=now, period=period)
    if left < min(TOTP_LEAST_SECONDS, period / 2):
        return TotpWait(seconds=left)
    step = totp_step(now=now, period=period)
    row, _ = ProviderItem.objects.get_or_create(provider=found.provider, item_id=found.item.ref.id)
    unused = Q(last_totp_step=None) | Q(last_totp_step__lt=step)
    if not ProviderItem.objects.filter(unused, id=row.id).update(last_totp_step=step):
        return TotpWait(seconds=left)
    return totp_code(seed, step=step)


# --- talking, with a deadline ----------------------------------------------------------------------------------


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="source")


def _in_time(ask: Callable[[], T]) -> T:
    """On a thread of its own, which ends by itself when its client's own time is up."""
    work = _threads().submit(ask)
    try:
        return work.result(timeout=DEADLINE_SECONDS)
    except TimeoutError:
        work.cancel()
        raise SourceUnavailable("The credential source did not answer in time") from None


# --- lists, which hold no values -------------------------------------------------------------------------------

_lists: dict[str, tuple[float, Any, list[ItemRef]]] = {}  # provider id -> good until, provider as it was, items
_lists_lock = Lock()


def _items(provider: CredentialProvider, source: Source) -> list[ItemRef]:
    """From the cache while it is good. Touches no database: this runs on a thread without a connection."""
    with _lists_lock:
        until, updated_at, items = _lists.get(provider.id, (0.0, None, []))
    if monotonic() < until and updated_at == provider.updated_at:
        return items
    items = source.items()
    with _lists_lock:
        if len(_lists) >= LISTS_MOST:
            _lists.clear()
        _lists[provider.id] = (monotonic() + provider.cache_ttl_seconds, provider.updated_at, items)
    return items
