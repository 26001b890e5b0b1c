"""The service-account source, with a client of the SDK's own types in place of 1Password's cloud."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from onepassword.errors import RateLimitExceededException
from onepassword.types import (
    AutofillBehavior,
    Item,
    ItemCategory,
    ItemField,
    ItemFieldType,
    Website,
)

from tests.vault.factories import SEED
from vault.secret import Secret
from vault.sources.base import Folder, ItemNotFound, ItemRef, SourceConfig, SourceDenied, SourceError, SourceUnavailable
from vault.sources.onepassword import source as module
from vault.sources.onepassword.source import OnePasswordKind, ServiceAccountSource

CONFIG = SourceConfig(token=Secret("ops_canary"))
FOLDER = Folder(id="v1", name="Team")
REF = ItemRef(id="i1", title="Example", folder=FOLDER, urls=("https://example.com",))


def field(name: str, value: str, kind: ItemFieldType = ItemFieldType.TEXT, *, title: str = "") -> ItemField:
    return ItemField.model_construct(id=name, title=title or name, field_type=kind, value=value)


class Overview:
    """What lists hold: an item or a vault without its content."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


SITE = Website.model_construct(url="https://example.com", label="website", autofill_behavior=AutofillBehavior.NEVER)
ITEM = Item.model_construct(
    id="i1",
    title="Example",
    category=ItemCategory.LOGIN,
    vault_id="v1",
    version=3,
    fields=[
        field("x1", "someone else", title="User name"),
        field("username", "ada"),
        field("password", "canary", ItemFieldType.CONCEALED),
        field("TOTP_1", f"otpauth://totp/x?secret={SEED}", ItemFieldType.TOTP, title="one-time password"),
        field("x2", "1234", title="PIN"),
        field("x3", "", title="empty"),
    ],
)


class Cloud:
    """The part of the SDK's client that is used; `trouble` is raised by every call."""

    def __init__(self, trouble: Callable[[], Any] | None = None) -> None:
        self.trouble = trouble
        self.vaults = self.items = self
        self.tokens: list[str] = []

    async def connect(self, token: str) -> "Cloud":
        self.tokens.append(token)
        return self

    async def list(self, vault_id: str | None = None) -> list[Overview]:
        if self.trouble is not None:
            await self.trouble()
        if vault_id is None:
            return [Overview(id="v1", title="Team")]
        note = Overview(id="i2", title="Note", category=ItemCategory.SECURENOTE, websites=[])
        return [Overview(id="i1", title="Example", category=ItemCategory.LOGIN, websites=[SITE]), note]

    async def get(self, vault_id: str, item_id: str) -> Item:
        assert (vault_id, item_id) == ("v1", "i1")
        return ITEM


def test_vaults_items_and_values_are_those_of_the_cloud():
    cloud = Cloud()
    source = ServiceAccountSource(CONFIG, connect=cloud.connect)
    assert source.folders() == [FOLDER]
    assert source.items() == [REF]
    item = source.item(REF)
    assert {name: value.reveal() for name, value in item.values.items()} == {
        "username": "ada",
        "password": "canary",
        "PIN": "1234",
    }
    assert item.totp is not None
    assert item.totp.secret.reveal() == SEED
    assert item.version == "3"
    assert set(cloud.tokens) == {"ops_canary"}
    assert "canary" not in repr(item)


def failing(error: Exception) -> Callable[[], Any]:
    async def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (Exception("invalid service account token ops_canary"), SourceDenied),
        (Exception("the item was not found"), ItemNotFound),
        (Exception("something else"), SourceUnavailable),
        (RateLimitExceededException("slow down"), SourceUnavailable),
    ],
)
def test_the_sdks_words_become_codes_and_are_not_repeated(words: Exception, error: type[SourceError]):
    source = ServiceAccountSource(CONFIG, connect=Cloud(failing(words)).connect)
    with pytest.raises(error) as caught:
        source.items()
    assert "ops_canary" not in str(caught.value)


def test_a_silent_cloud_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SECONDS", 0.05)
    source = ServiceAccountSource(CONFIG, connect=Cloud(asyncio.Event().wait).connect)
    with pytest.raises(SourceUnavailable):
        source.folders()


def test_the_real_sdk_refuses_a_token_that_cannot_be_one():
    """Nothing leaves the machine for this: the SDK reads the token first."""
    with pytest.raises(SourceError) as caught:
        OnePasswordKind().open(CONFIG).folders()
    assert "ops_canary" not in str(caught.value)
