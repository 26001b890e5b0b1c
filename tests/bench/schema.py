"""Schemathesis against a running service's own description, with a key and without one.

    uv run python -m tests.bench.schema [--examples 60] [--json]

Wrong is a 5xx, or a status that the description does not name. The figures are cases sent and failures found.
"""

import argparse
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass

from tests.service.stack import Stack, running

CHECKS = "not_a_server_error,status_code_conformance"
PHASES = "fuzzing"
# Schemathesis uses the ids it has seen: it is not to delete its own key, nor to make the service call strangers.
LEFT_OUT = r"/org/api_keys/|/login$|/check$|/test$|/items$"
UNLIMITED = {"AUTHSVC_KEY_REQUESTS": "0", "AUTHSVC_DOMAIN_LOGINS": "0", "AUTHSVC_LINK_TRIES": "0"}


@dataclass
class Row:
    key: bool
    cases: int
    passed: bool
    output: str

    @property
    def told(self) -> str:
        """What went wrong, as Schemathesis tells it."""
        return "" if self.passed else self.output[-6000:]


def schema_run(stack: Stack, *, with_key: bool, examples: int, seed: int = 1) -> Row:
    """One run of the command, in a process of its own."""
    headers = ["-H", f"Authorization: Bearer {stack.api_key}"] if with_key else []
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{stack.url}/openapi.json",
        "--checks", CHECKS, "--phases", PHASES, "--max-examples", str(examples),
        "--seed", str(seed), "--no-color", "--generation-database", "none",
        "--exclude-path-regex", LEFT_OUT, *headers,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=stack.data_dir)
    output = (done.stdout + done.stderr).replace(stack.api_key, "<key>")
    found = re.search(r"(\d[\d,]*) generated", output)
    cases = int(found[1].replace(",", "")) if found else 0
    return Row(key=with_key, cases=cases, passed=done.returncode == 0, output=output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with running(env=UNLIMITED) as stack:
        rows = [schema_run(stack, with_key=with_key, examples=options.examples) for with_key in (True, False)]
    if options.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
        return
    for row in rows:
        verdict = "nothing wrong" if row.passed else "FAILURES"
        sys.stdout.write(f"{'with a key' if row.key else 'without'}: {row.cases} cases, {verdict}\n{row.told}\n")


if __name__ == "__main__":
    main()
