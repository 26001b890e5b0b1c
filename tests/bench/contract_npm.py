"""The npm package `@onkernel/sdk` against a running service, in a temporary folder: compiled with `tsc --strict`, run
by node, and what the service answered parsed by the Python package's models.

    uv run python -m tests.bench.contract --npm

That every documented parameter is sent, the compiler proves: the program's `Whole<…>` types make each one required.
"""

import json
import shutil
import subprocess
import tempfile
import typing
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kernel import Stream
from kernel._models import BaseModel
from kernel._response import BinaryAPIResponse
from pydantic import TypeAdapter

from authsvc.demo.accounts import ACCOUNTS
from tests.service.stack import Stack
from tests.vault.connect_server import TOKEN, connect_server

SOURCE = Path(__file__).with_suffix(".ts")
PACKAGES = ("@onkernel/sdk@0.84.0", "typescript@5.9.3")
PACKAGE = {"private": True, "type": "module"}
STRICT = (
    "--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--skipLibCheck",
    "--target", "es2022", "--module", "nodenext", "--lib", "es2023,dom,dom.iterable",
)  # fmt: skip
ADA = ACCOUNTS["ada@demo.test"]


def npm_walk(stack: Stack, functions: Mapping[str, Callable[..., Any]]) -> list[str]:
    """What to tell of it, a line each. Raises where the program does not compile or fails, or an answer is wrong."""
    with tempfile.TemporaryDirectory() as name, connect_server() as outside:
        folder = Path(name)
        (folder / "package.json").write_text(json.dumps(PACKAGE))
        program = folder / "program.ts"
        shutil.copy(SOURCE, program)
        _run(folder, "npm", "install", "--no-audit", "--no-fund", "--silent", *PACKAGES)
        _run(folder, "node_modules/.bin/tsc", *STRICT, program.name)
        outside.add("Demo", urls=("https://example.com",), username="u", password="p")
        given = {
            "url": stack.url, "key": stack.api_key, "demo": stack.demo_url, "port": stack.port,
            "email": ADA.email, "password": ADA.password, "outside": outside.server.url, "token": TOKEN,
        }  # fmt: skip
        output = _run(folder, "node", "program.js", json.dumps(given))
    records = [json.loads(line) for line in output.splitlines()]
    uncalled = next(record["uncalled"] for record in records if "uncalled" in record)
    if uncalled:
        raise AssertionError(f"the npm program never calls {', '.join(uncalled)}")
    called: Counter[str] = Counter()
    for record in records:
        if "method" in record:
            called[record["method"]] += 1
            _parse(record, functions)
    return [f"npm {name:<40} {count:5}" for name, count in sorted(called.items())] + [
        f"npm: {len(called)} methods, every documented parameter (tsc), {sum(called.values())} answers parsed"
    ]


def _parse(record: dict[str, Any], functions: Mapping[str, Callable[..., Any]]) -> None:
    """By the model that the Python package has for the same method; a refusal has the documented form."""
    body, status = record["body"], record["status"]
    if status >= 400:
        if not (isinstance(body, dict) and body.get("code") and body.get("message")):
            raise AssertionError(f"{record['method']}: {status} {body}")
        return
    result = typing.get_type_hints(functions[record["method"]])["return"]
    if result in (type(None), BinaryAPIResponse):
        return
    model = typing.get_args(result)[0] if typing.get_origin(result) is Stream else result
    if isinstance(body, list):
        model = typing.get_args(result.model_fields["items"].annotation)[0]
    for item in body if isinstance(body, list) else [body]:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model.model_validate(item)
        else:
            TypeAdapter(model).validate_python(item)


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=400)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout
