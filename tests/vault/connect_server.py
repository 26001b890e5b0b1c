"""A 1Password Connect server that validates every request and answer against 1Password's own description of it.

The description is not part of this repository: `SPEC` is where a copy of it is expected. Without one the server
answers the same and checks paths only.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tests.vault.standin import Answer, Asked, StandIn, serve

SPEC = Path(__file__).resolve().parents[3] / "shared" / "specs" / "1password-connect.yaml"
TOKEN = "connect-token-for-tests"
BARE: dict[str, Any] = {
    "components": {},
    "paths": {
        template: {"get": {"responses": {}}}
        for template in ("/vaults", "/vaults/{vaultUuid}/items", "/vaults/{vaultUuid}/items/{itemUuid}")
    },
}
STAMP = "2026-03-01T12:00:00Z"


def uuid(name: str) -> str:
    """An id as 1Password makes them: 26 lower-case letters and digits."""
    return f"{re.sub('[^a-z0-9]', '', name.lower()):x<26.26}"


@dataclass(slots=True)
class ConnectServer:
    """`vaults` by name hold items by id; `mode` plays trouble; `broken` collects what the description forbids."""

    spec: dict[str, Any] = field(repr=False)
    vaults: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {"Team": {}})
    mode: str = ""
    broken: list[str] = field(default_factory=list)
    server: StandIn = field(default_factory=StandIn)

    def add(
        self, title: str, *, vault: str = "Team", urls: tuple[str, ...] = (), number: str = "", **values: str
    ) -> str:
        """An item with `username`, `password`, `totp` and fields by other labels; gives its id."""
        item_id = uuid(f"i{number}{title}")
        self.vaults.setdefault(vault, {})[item_id] = {
            "id": item_id,
            "title": title,
            "vault": {"id": uuid(vault)},
            "category": "LOGIN",
            "urls": [{"href": url, "primary": not place} for place, url in enumerate(urls)],
            "version": 1,
            "createdAt": STAMP,
            "updatedAt": STAMP,
            "fields": [self._field(name, value) for name, value in values.items()],
        }
        return item_id

    def change(self, item_id: str, **values: str) -> None:
        item = next(items[item_id] for items in self.vaults.values() if item_id in items)
        item["version"] += 1
        item["fields"] = [self._field(name, value) for name, value in values.items()]

    def _field(self, name: str, value: str) -> dict[str, Any]:
        purpose = {"username": "USERNAME", "password": "PASSWORD"}.get(name, "")
        kind = {"totp": "TOTP", "password": "CONCEALED"}.get(name, "STRING")
        return {"id": name, "type": kind, "label": name, "value": value, "purpose": purpose}

    def answer(self, asked: Asked) -> Answer:
        template, parameters = self._route(asked)
        status, content = self._decide(asked, template, parameters)
        if self.mode not in ("garbage", "down"):
            self._check_answer(asked, template, status, content)
        return status, content

    def _route(self, asked: Asked) -> tuple[str, dict[str, str]]:
        """The described path, and whether everything about the request is described too."""
        path = asked.path.removeprefix("/v1")
        for template, operations in self.spec["paths"].items():
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
            if match and asked.method.lower() in operations:
                described = operations[asked.method.lower()].get("parameters", [])
                for parameter in described:
                    place = match.groupdict() if parameter["in"] == "path" else asked.query
                    if parameter["name"] in place:
                        self._validate(place[parameter["name"]], parameter["schema"], f"request {template}")
                unknown = set(asked.query) - {parameter["name"] for parameter in described}
                self.broken += [f"request {template}: unknown query {name}" for name in unknown]
                return template, match.groupdict()
        self.broken.append(f"request {asked.method} {asked.path}: not described")
        return "", {}

    def _decide(self, asked: Asked, template: str, parameters: dict[str, str]) -> Answer:
        if self.mode == "slow":
            self.server.release.wait(30)
        if self.mode == "down":
            return 500, None
        if self.mode == "garbage":
            return 200, "what is this"
        if asked.headers.get("authorization") != f"Bearer {TOKEN}" or self.mode == "denied":
            return 401, {"status": 401, "message": "Invalid token signature"}
        if template == "/vaults":
            return 200, [{"id": uuid(name), "name": name, "type": "USER_CREATED"} for name in self.vaults]
        items = next((items for name, items in self.vaults.items() if uuid(name) == parameters["vaultUuid"]), {})
        if template == "/vaults/{vaultUuid}/items":
            return 200, [{name: value for name, value in item.items() if name != "fields"} for item in items.values()]
        item = items.get(parameters.get("itemUuid", ""))
        return (200, item) if item else (404, {"status": 404, "message": "item not found"})

    def _check_answer(self, asked: Asked, template: str, status: int, content: Any) -> None:
        if not template or self.spec is BARE:
            return
        described = self.spec["paths"][template][asked.method.lower()]["responses"]
        if str(status) not in described:
            self.broken.append(f"answer {template}: {status} is not described")
            return
        schema = described[str(status)]["content"]["application/json"]["schema"]
        self._validate(content, schema, f"answer {template}")

    def _validate(self, value: Any, schema: dict[str, Any], what: str) -> None:
        checker = jsonschema.Draft7Validator(
            {**schema, "components": self.spec["components"]}, format_checker=jsonschema.FormatChecker()
        )
        self.broken += [f"{what}: {error.message}" for error in checker.iter_errors(value)]


@contextmanager
def connect_server() -> Iterator[ConnectServer]:
    """Fails the test at the end when anything was sent or answered that the description does not allow."""
    described = yaml.safe_load(SPEC.read_text("utf-8")) if SPEC.exists() else BARE
    connect = ConnectServer(spec=described)
    with serve(connect.answer) as server:
        connect.server = server
        yield connect
    assert connect.broken == [], connect.broken
