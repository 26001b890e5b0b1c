"""React for a page of a test: version 18, the last that runs in a page without a build, from npm and checked by its
digest. Kept outside the repository; nothing of the product uses it."""

import base64
import hashlib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGES = {
    "react": (
        "umd/react.production.min.js",
        "wS+hAgJShR0KhEvPJArfuPVN1+Hz1t0Y6n5jLrGQbkb4urgPE/0Rve+1kMB1v/oWgHgm4WIcV+i7F2pTVj+2iQ==",
    ),
    "react-dom": (
        "umd/react-dom.production.min.js",
        "5m4nQKp+rZRb09LNH59GM4BxTh9251/ylbKIbpe7TpGxfJ+9kv6BLkLBXIjjspbgbnIBNqlI23tRnTWT0snUIw==",
    ),
}
VERSION = "18.3.1"
KEPT = Path(tempfile.gettempdir()) / f"authsvc-tests-react-{VERSION}"


def react_source() -> str | None:
    """Both scripts as one, or None where npm cannot be asked."""
    sources = [_script(name) for name in PACKAGES]
    return "\n".join(source for source in sources if source) if all(sources) else None


def _script(name: str) -> str | None:
    member, digest = PACKAGES[name]
    archive = KEPT / f"{name}-{VERSION}.tgz"
    if not archive.exists():
        KEPT.mkdir(exist_ok=True)
        try:
            packing = ["npm", "pack", "--silent", f"{name}@{VERSION}"]
            subprocess.run(packing, cwd=KEPT, check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            return None
    content = archive.read_bytes()
    assert base64.b64encode(hashlib.sha512(content).digest()).decode() == digest, f"{name} is not what was published"
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        file = package.extractfile(f"package/{member}")
        assert file is not None
        return file.read().decode()
