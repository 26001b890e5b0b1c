"""A KV version 2 engine of HashiCorp Vault or OpenBao."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import hvac
from hvac.exceptions import Forbidden, InvalidPath, Unauthorized
from hvac.exceptions import VaultError as ServerError
from requests import RequestException

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
from vault.sources.outbound import guarded_session
from vault.sources.vault_kv.fields import item_read, urls_read

SECONDS = 8.0
ITEMS_MOST = 1000


class VaultKvKind:
    name: ClassVar[str] = "vault_kv"
    needs_server: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = frozenset({"mount", "namespace"})

    def open(self, config: SourceConfig) -> Source:
        return VaultKvSource(config)


class VaultKvSource:
    """The engine's mount is the vault; a secret's path in it is the item. Its addresses are in its custom metadata,
    under `url` or, separated by spaces, `urls`: looking for a domain opens no secret."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._mount = config.options.get("mount") or "secret"

    def folders(self) -> list[Folder]:
        with self._engine() as engine:
            self._names(engine, "")
        return [self._folder]

    def items(self) -> list[ItemRef]:
        with self._engine() as engine:
            return [self._ref(engine, path) for path in self._paths(engine, "")]

    def item(self, ref: ItemRef) -> Item:
        with self._engine() as engine:
            answer = engine.read_secret_version(path=ref.id, mount_point=self._mount, raise_on_deleted_version=True)
            return item_read(answer["data"], ref=ref)

    @property
    def _folder(self) -> Folder:
        return Folder(id=self._mount, name=self._mount)

    def _ref(self, engine: Any, path: str) -> ItemRef:
        described = engine.read_secret_metadata(path=path, mount_point=self._mount)
        return ItemRef(id=path, title=path, folder=self._folder, urls=urls_read(described["data"]))

    def _paths(self, engine: Any, prefix: str) -> list[str]:
        found: list[str] = []
        for name in self._names(engine, prefix):
            found += self._paths(engine, prefix + name) if name.endswith("/") else [prefix + name]
            if len(found) > ITEMS_MOST:
                raise SourceUnavailable(f"The mount holds more than {ITEMS_MOST} secrets")
        return found

    def _names(self, engine: Any, prefix: str) -> list[str]:
        try:
            listed = engine.list_secrets(path=prefix, mount_point=self._mount)
        except InvalidPath:  # nothing there: an empty engine says so too
            return []
        return [str(name) for name in listed["data"]["keys"]]

    @contextmanager
    def _engine(self) -> Iterator[Any]:
        session = guarded_session()
        client = hvac.Client(
            url=self._config.server_url,
            token=self._config.token.reveal(),
            namespace=self._config.options.get("namespace") or None,
            timeout=SECONDS,
            allow_redirects=False,
            session=session,
        )
        try:
            yield client.secrets.kv.v2
        except InvalidPath:
            raise ItemNotFound from None
        except (Forbidden, Unauthorized):
            raise SourceDenied from None
        except (ServerError, RequestException, LookupError, TypeError, ValueError, AttributeError):
            raise SourceUnavailable("The key-value engine gave no sensible answer") from None
        finally:
            session.close()
