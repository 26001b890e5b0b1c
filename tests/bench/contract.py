"""Calls every in-scope method of the unmodified SDK with every documented parameter, against a running service.

    uv run python -m tests.bench.contract [--npm] [--json]

Responses are parsed strictly, and every item of a list again with its model. A row is a method: which of its
documented parameters were sent, those inside of others included, how often it was called, and what it never was called
with (a gap). With `--npm` the npm package runs its own such program afterwards (`tests.bench.contract_npm`).
"""

import argparse
import inspect
import json
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from kernel import APIStatusError, Kernel
from kernel._models import BaseModel
from kernel._resource import SyncAPIResource
from kernel.pagination import SyncOffsetPagination, SyncPageTokenPagination
from typing_extensions import get_type_hints, is_typeddict

from tests.bench.contract_npm import npm_walk
from tests.bench.contract_program import Counter, everything
from tests.service.stack import Stack, running

RESOURCES = (
    "api_keys",
    "audit_logs",
    "auth.connections",
    "auth.context",
    "credential_providers",
    "credentials",
    "profiles",
    "projects",
    "projects.limits",
    "proxies",
)
# Methods of these resources that are not part of the contract here: exporting the audit log.
OUTSIDE = frozenset({"audit_logs.download", "audit_logs.export_chunk"})
TRANSPORT = frozenset({"self", "extra_headers", "extra_query", "extra_body", "timeout", "idempotency_key"})


@dataclass
class Row:
    """One method of the SDK. Parameters inside of others are written `browser.proxy.mode`."""

    method: str
    parameters: list[str]
    sent: set[str] = field(default_factory=set)
    calls: int = 0
    refused: int = 0

    @property
    def missing(self) -> list[str]:
        return [name for name in self.parameters if name not in self.sent]

    @property
    def whole(self) -> bool:
        return self.calls > 0 and not self.missing


class Walker:
    """Stands before a resource, notes each call and looks at its result."""

    def __init__(self, target: Any, rows: dict[str, Row], path: str = "") -> None:
        self._target, self._rows, self._path = target, rows, path

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        path = f"{self._path}.{name}" if self._path else name
        if isinstance(value, SyncAPIResource):
            return Walker(value, self._rows, path)
        row = self._rows[path]

        def call(*args: Any, **options: Any) -> Any:
            given = inspect.signature(value).bind(*args, **options).arguments
            row.calls += 1
            row.sent |= set(members(given))
            try:
                return checked(value(*args, **options))
            except APIStatusError:
                row.refused += 1
                raise

        return call


def members(given: Any, prefix: str = "") -> Iterable[str]:
    """The names of everything given, those inside of others with a path."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            yield f"{prefix}{name}"
            yield from members(value, f"{prefix}{name}.")
    elif isinstance(given, list):
        for item in given:
            yield from members(item, prefix)


def documented(name: str, hint: Any) -> Iterable[str]:
    """A parameter and, where its type is a dictionary with known members, those."""
    yield name
    for part in parts(hint):
        for member, inner in get_type_hints(part).items():
            yield from documented(f"{name}.{member}", inner)


def parts(hint: Any) -> Iterable[Any]:
    """The typed dictionaries in a union, or in a list of them."""
    if is_typeddict(hint):
        yield hint
    for argument in typing.get_args(hint):
        yield from parts(argument)


def checked(result: Any) -> Any:
    """Every item of a list parsed again: the SDK does not look at them. Raises pydantic's ValidationError."""
    if isinstance(result, SyncOffsetPagination | SyncPageTokenPagination):
        for item in result.items:
            type(item).model_validate(item.model_dump(mode="json", exclude_unset=True))
    elif isinstance(result, BaseModel):
        type(result).model_validate(result.model_dump(mode="json", exclude_unset=True))
    return result


def functions(sdk: Kernel) -> dict[str, Callable[..., Any]]:
    """Every method of the resources in scope, as the SDK itself declares them."""
    found: dict[str, Callable[..., Any]] = {}
    for path in RESOURCES:
        resource: Any = sdk
        for part in path.split("."):
            resource = getattr(resource, part)
        for name, function in inspect.getmembers(type(resource), inspect.isfunction):
            if not name.startswith("_") and f"{path}.{name}" not in OUTSIDE:
                found[f"{path}.{name}"] = function
    return found


def methods(sdk: Kernel) -> dict[str, Row]:
    rows = {}
    for path, function in functions(sdk).items():
        hints = get_type_hints(function)
        names = [name for name in inspect.signature(function).parameters if name not in TRANSPORT]
        parameters = [item for name in names for item in dict.fromkeys(documented(name, hints.get(name)))]
        rows[path] = Row(method=path, parameters=parameters)
    return rows


def contract_walk(stack: Stack) -> list[Row]:
    """Call everything. Raises where an answer does not parse or a refusal is not the documented one."""
    counter = Counter()
    client = httpx.Client(event_hooks={"request": [counter]}, timeout=60)
    sdk = stack.client(http_client=client, _strict_response_validation=True)
    rows = methods(sdk)
    everything(Walker(sdk, rows), stack, counter)
    sdk.close()
    return list(rows.values())


def table(rows: list[Row]) -> str:
    width = max(len(row.method) for row in rows)
    lines = [f"{'method'.ljust(width)}  calls  refused  parameters  gaps"]
    lines += [
        f"{row.method.ljust(width)}  {row.calls:5}  {row.refused:7}  "
        f"{len(row.parameters) - len(row.missing):4}/{len(row.parameters):<5}  "
        f"{', '.join(row.missing) or ('-' if row.calls else 'never called')}"
        for row in rows
    ]
    whole = sum(row.whole for row in rows)
    return "\n".join([*lines, f"{whole} of {len(rows)} methods whole"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--npm", action="store_true", help="the npm package too; downloads it to a temporary folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with running(arguments=()) as stack:
        rows = contract_walk(stack)
        told = npm_walk(stack, functions(stack.client())) if options.npm else []
    if options.json:
        shown = [{"method": row.method, "calls": row.calls, "missing": row.missing} for row in rows]
        sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join([table(rows), *told]) + "\n")


if __name__ == "__main__":
    main()
