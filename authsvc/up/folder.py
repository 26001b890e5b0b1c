"""The data directory of an embedded installation: its lock, its keys, its socket."""

import base64
import fcntl
import hashlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SOCKET_PATH_LIMIT = 100  # the system allows a little over a hundred bytes


class FolderInUse(Exception):
    """Another `up` holds the data directory; the text says which."""


@dataclass(frozen=True, slots=True)
class Folder:
    path: Path

    @property
    def secret_key_file(self) -> Path:
        return self.path / "secret_key"

    @property
    def kek_file(self) -> Path:
        return self.path / "kek"

    @property
    def redis_folder(self) -> Path:
        return self.path / "redis"

    @property
    def redis_socket(self) -> Path:
        """In the folder, or where its path is too long for a socket, in a folder of ours made for it."""
        inside = self.redis_folder / "redis.sock"
        if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
            return inside
        return Path(tempfile.gettempdir()) / f"authsvc-{os.geteuid()}-{_short(self.path)}" / "redis.sock"


def folder_open(path: Path, *, holder: str) -> tuple[Folder, IO[str]]:
    """Make the folder (0700) and hold it for as long as the returned file is open.

    `holder` says who we are to the next one that tries. Raises `FolderInUse`, or `OSError` where it cannot be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (path / "up.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        told = lock.read().strip()
        lock.close()
        raise FolderInUse(told) from None
    lock.truncate(0)
    lock.write(holder)
    lock.flush()
    folder = Folder(path)
    folder.redis_folder.mkdir(mode=0o700, exist_ok=True)
    folder.redis_socket.parent.mkdir(mode=0o700, exist_ok=True)
    return folder, lock


def keys_ensure(folder: Folder) -> None:
    """Make the secret key and the key-encryption key where there are none. Files of mode 0600, never replaced."""
    _write_once(folder.secret_key_file, secrets.token_urlsafe(48))
    kek_id = f"up{secrets.token_hex(4)}"
    _write_once(folder.kek_file, f"{kek_id}:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")


def _write_once(path: Path, text: str) -> None:
    if path.exists():
        return
    # Written beside and linked, so that a crash half-way leaves no half key under the name.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _short(path: Path) -> str:
    """A name for the folder that is the same next time."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
