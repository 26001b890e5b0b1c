"""Rewrites `constraint-dependencies` of a pyproject.toml: `empty < in > out`, or `fill VERSIONS.txt < in > out`.

Versions come as `uv export` prints them: `name==1.2 ; marker`. Nothing else in the file changes.
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^constraint-dependencies = \[.*?^\]\n", re.DOTALL | re.MULTILINE)
VERSION = re.compile(r"^[A-Za-z0-9._\-\[\],]+==\S+( ; .+)?$")


def block(lines: list[str]) -> str:
    """The setting as TOML."""
    entries = "".join(f"    {quoted(line)},\n" for line in lines)
    return f"constraint-dependencies = [\n{entries}]\n"


def quoted(line: str) -> str:
    if not VERSION.match(line):
        raise SystemExit(f"not an exact version: {line}")
    # Constraints name no extras.
    bare = re.sub(r"\[[^\]]*\]", "", line, count=1).replace(" ; ", "; ")
    return '"' + bare.replace('"', "'") + '"'


def rewrite(text: str, lines: list[str]) -> str:
    if not BLOCK.search(text):
        text = text.replace("[tool.uv]\n", "[tool.uv]\n" + block([]), 1)
    return BLOCK.sub(lambda _: block(lines), text, count=1)


def main() -> None:
    versions = sorted(Path(sys.argv[2]).read_text("utf-8").splitlines()) if sys.argv[1] == "fill" else []
    sys.stdout.write(rewrite(sys.stdin.read(), [line for line in versions if line.strip()]))


if __name__ == "__main__":
    main()
