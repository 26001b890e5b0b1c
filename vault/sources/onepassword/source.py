"""1Password's cloud through a service account. Its SDK finds the server by the token, so there is no address here."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from onepassword.client import Client
from onepassword.errors import RateLimitExceededException

from vault.sources.base import (
    Folder,
    Item,
    ItemNotFound,
    ItemRef,
    Source,
    SourceConfig,
    SourceDenied,
    SourceError,
    SourceUnavailable,
)
from vault.sources.onepassword.fields import USABLE, item_read, ref_read

SECONDS = 8.0
INTEGRATION = "authsvc"
VERSION = "v1.0.0"
DENIED = ("token", "auth", "permission", "forbidden", "access")
ABSENT = ("not found", "no item", "doesn't exist")

T = TypeVar("T")
Connect = Callable[[str], Awaitable[Any]]


async def _authenticate(token: str) -> Any:
    return await Client.authenticate(auth=token, integration_name=INTEGRATION, integration_version=VERSION)


class OnePasswordKind:
    name: ClassVar[str] = "onepassword"
    needs_server: ClassVar[bool] = False
    options: ClassVar[frozenset[str]] = frozenset()

    def open(self, config: SourceConfig) -> Source:
        return ServiceAccountSource(config)


class ServiceAccountSource:
    """`connect` makes a client from a token; the SDK's own unless a test says otherwise."""

    def __init__(self, config: SourceConfig, *, connect: Connect = _authenticate) -> None:
        self._config = config
        self._connect = connect

    def folders(self) -> list[Folder]:
        return self._run(self._folders)

    def items(self) -> list[ItemRef]:
        return self._run(self._items)

    def item(self, ref: ItemRef) -> Item:
        async def read(client: Any) -> Item:
            return item_read(await client.items.get(ref.folder.id, ref.id), ref=ref)

        return self._run(read)

    async def _folders(self, client: Any) -> list[Folder]:
        return [Folder(id=vault.id, name=vault.title) for vault in await client.vaults.list()]

    async def _items(self, client: Any) -> list[ItemRef]:
        folders = await self._folders(client)
        found = [(folder, overview) for folder in folders for overview in await client.items.list(folder.id)]
        return [ref_read(overview, folder=folder) for folder, overview in found if overview.category in USABLE]

    def _run(self, work: Callable[[Any], Awaitable[T]]) -> T:
        async def carry() -> T:
            async with asyncio.timeout(SECONDS):
                return await work(await self._connect(self._config.token.reveal()))

        try:
            return asyncio.run(carry())
        except (TimeoutError, RateLimitExceededException):
            raise SourceUnavailable("1Password does not answer in time") from None
        except SourceError:
            raise
        except Exception as error:  # the SDK raises bare Exception for everything else, told apart by its words only
            raise _refusal(str(error)) from None


def _refusal(words: str) -> SourceError:
    lower = words.lower()
    if any(word in lower for word in ABSENT):
        return ItemNotFound()
    return SourceDenied() if any(word in lower for word in DENIED) else SourceUnavailable()
