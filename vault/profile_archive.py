"""A profile's state in the forms it can be taken away in."""

import io
import json
import tarfile
from datetime import datetime

import zstandard

MEMBER = "storage_state.json"
EMPTY_STATE = json.dumps({"cookies": [], "origins": [], "session_storage": {}}).encode()


def archive_tar(state: bytes, *, changed_at: datetime) -> bytes:
    """A tar archive with the state as `storage_state.json`."""
    member = tarfile.TarInfo(MEMBER)
    member.size = len(state)
    member.mtime = int(changed_at.timestamp())
    member.mode = 0o600
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(state))
    return buffer.getvalue()


def archive_tar_zst(state: bytes, *, changed_at: datetime) -> bytes:
    """The same archive, compressed."""
    return zstandard.ZstdCompressor().compress(archive_tar(state, changed_at=changed_at))
