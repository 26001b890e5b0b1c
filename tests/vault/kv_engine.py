"""A KV version 2 engine that knows only the documented calls, and says so of any other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.vault.standin import Answer, Asked, StandIn, serve

TOKEN = "hvs.kv-token"
MOUNT = "apps"
STAMP = "2026-03-01T12:00:00.000000Z"


@dataclass(slots=True)
class KvEngine:
    """`secrets` by path; `mode` plays trouble; `broken` collects requests that the real one does not know."""

    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    mode: str = ""
    broken: list[str] = field(default_factory=list)
    server: StandIn = field(default_factory=StandIn)

    def add(self, path: str, *, urls: tuple[str, ...] = (), **values: str) -> None:
        self.secrets[path] = {"version": 1, "urls": " ".join(urls), "data": values}

    def answer(self, asked: Asked) -> Answer:
        if self.mode == "slow":
            self.server.release.wait(30)
        if self.mode == "down":
            return 503, {"errors": ["Vault is sealed"]}
        if self.mode == "garbage":
            return 200, ["what is this"]
        if asked.headers.get("x-vault-token") != TOKEN or self.mode == "denied":
            return 403, {"errors": ["permission denied"]}
        if asked.query or asked.body not in (b"", b"{}", b"null"):
            self.broken.append(f"{asked.method} {asked.path}: unexpected query or body")
        verb, _, path = asked.path.removeprefix(f"/v1/{MOUNT}/").partition("/")
        match asked.method, verb:
            case "LIST", "metadata":
                return self._list(path.strip("/"))
            case "GET", "metadata" if path in self.secrets:
                urls = self.secrets[path]["urls"]
                custom = {"urls": urls} if urls else None
                return 200, {"data": {"current_version": self.secrets[path]["version"], "custom_metadata": custom}}
            case "GET", "data" if path in self.secrets:
                secret = self.secrets[path]
                metadata = {"version": secret["version"], "created_time": STAMP, "deletion_time": ""}
                return 200, {"data": {"data": secret["data"], "metadata": metadata}}
            case "GET", ("metadata" | "data"):
                return 404, {"errors": []}
        self.broken.append(f"{asked.method} {asked.path}: not a call of this engine")
        return 405, {"errors": ["unsupported operation"]}

    def _list(self, folder: str) -> Answer:
        prefix = f"{folder}/" if folder else ""
        rest = [path.removeprefix(prefix) for path in self.secrets if path.startswith(prefix)]
        keys = sorted({name.split("/")[0] + ("/" if "/" in name else "") for name in rest})
        return (200, {"data": {"keys": keys}}) if keys else (404, {"errors": []})


@contextmanager
def kv_engine() -> Iterator[KvEngine]:
    engine = KvEngine()
    with serve(engine.answer) as server:
        engine.server = server
        yield engine
    assert engine.broken == []
