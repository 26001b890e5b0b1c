"""A 1Password Connect server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx
from onepasswordconnectsdk.client import Client
from onepasswordconnectsdk.config import ClientConfig
from onepasswordconnectsdk.errors import OnePasswordConnectSDKError

from vault.sources.base import (
    Folder,
    Item,
    ItemNotFound,
    ItemRef,
    Source,
    SourceConfig,
    SourceDenied,
    SourceUnavailable,
)
from vault.sources.onepassword_connect.fields import USABLE, folder_read, item_read, ref_read
from vault.sources.outbound import GuardedTransport

SECONDS = 8.0


class ConnectKind:
    name: ClassVar[str] = "onepassword_connect"
    needs_server: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = frozenset()

    def open(self, config: SourceConfig) -> Source:
        return ConnectSource(config)


class ConnectSource:
    """Names and titles are compared here, not by the server's filter, in which a quote would have a meaning."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config

    def folders(self) -> list[Folder]:
        with self._client() as client:
            return [folder_read(vault) for vault in client.get_vaults()]

    def items(self) -> list[ItemRef]:
        with self._client() as client:
            vaults = [folder_read(vault) for vault in client.get_vaults()]
            return [
                ref_read(summary, folder=vault)
                for vault in vaults
                for summary in client.get_items(vault.id)
                if summary.category in USABLE
            ]

    def item(self, ref: ItemRef) -> Item:
        with self._client() as client:
            return item_read(client.get_item_by_id(ref.id, ref.folder.id), ref=ref)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        options = ClientConfig(transport=_Transport(), trust_env=False, timeout=SECONDS, follow_redirects=False)
        try:
            client = Client(self._config.server_url, self._config.token.reveal(), options)
            yield client
        except (OnePasswordConnectSDKError, httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, AttributeError):
            # The SDK's words may quote the server's, and what it cannot read ends in any of these.
            raise SourceUnavailable("The 1Password Connect server gave no sensible answer") from None


class _Transport(GuardedTransport):
    """The SDK forgets the status of some refusals, so they are told apart here."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if response.status_code in (401, 403):
            raise SourceDenied
        if response.status_code == 404:
            raise ItemNotFound
        return response
