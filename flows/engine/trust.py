"""Authorities that one browser process trusts beside the usual ones: a customer's proxy may sign sites anew.

Chromium on Linux takes them from an NSS database below HOME, so such a process gets a HOME of its own. The database is
written by NSS itself, which every Chromium brings along, in a process of its own (`python -m flows.engine.trust DIR`):
the library keeps state per process, and a bundle it cannot digest must not take the worker along.
"""

import asyncio
import ctypes
import re
import ssl
import sys
import tempfile
from pathlib import Path

from flows.engine.errors import BrowserUnavailable

ROOT = Path(__file__).resolve().parents[2]
WRITE_SECONDS = 20.0
# Where Chromium looks: since version 140 below XDG_DATA_HOME, before and still as a fallback beside it.
PLACES = (".pki/nssdb", ".local/share/pki/nssdb")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
LIBRARY = "libnss3.so"
TRUSTED_AUTHORITY = 0x08 | 0x10  # CERTDB_VALID_CA | CERTDB_TRUSTED_CA
NO_HANDLE = 0


class TrustHome:
    """A HOME in which the certificates of a PEM bundle are trusted authorities."""

    def __init__(self, folder: "tempfile.TemporaryDirectory[str]") -> None:
        self._folder = folder

    @property
    def path(self) -> str:
        return self._folder.name

    def remove(self) -> None:
        self._folder.cleanup()


async def trust_home(bundle: str) -> TrustHome:
    """Raises BrowserUnavailable when NSS cannot be used here: a login must not silently distrust its own proxy."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="authsvc-trust-", ignore_cleanup_errors=True)
    home = TrustHome(folder)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "flows.engine.trust", home.path,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await process.communicate(bundle.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
        if process.returncode != 0:
            raise BrowserUnavailable("the proxy's certificates could not be made known to Chromium (is libnss3 there?)")
    except BaseException:
        await asyncio.to_thread(home.remove)
        raise
    return home


# --- the process of its own ------------------------------------------------------------------------------------


class _Item(ctypes.Structure):
    _fields_ = (("type", ctypes.c_uint), ("data", ctypes.c_char_p), ("len", ctypes.c_uint))


class _Trust(ctypes.Structure):
    _fields_ = (("ssl", ctypes.c_uint), ("email", ctypes.c_uint), ("signing", ctypes.c_uint))


def _library() -> ctypes.CDLL:
    """NSS with the signatures of what is used of it."""
    nss = ctypes.CDLL(LIBRARY)
    handle, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    for name, result, arguments in (
        ("NSS_InitReadWrite", number, [text]),
        ("NSS_Shutdown", number, []),
        ("PK11_GetInternalKeySlot", handle, []),
        ("PK11_InitPin", number, [handle, text, text]),
        ("PK11_ImportCert", number, [handle, handle, ctypes.c_ulong, text, number]),
        ("CERT_GetDefaultCertDB", handle, []),
        ("CERT_NewTempCertificate", handle, [handle, ctypes.POINTER(_Item), text, number, number]),
        ("CERT_ChangeCertTrust", number, [handle, handle, ctypes.POINTER(_Trust)]),
    ):
        function = getattr(nss, name)
        function.restype, function.argtypes = result, arguments
    return nss


def database_write(folder: Path, certificates: list[bytes]) -> None:
    """An NSS database in `folder` that trusts these DER certificates as authorities for TLS. Once per process."""
    folder.mkdir(parents=True, exist_ok=True)
    nss = _library()
    _done(nss.NSS_InitReadWrite(f"sql:{folder}".encode()))
    slot, database = nss.PK11_GetInternalKeySlot(), nss.CERT_GetDefaultCertDB()
    _done(nss.PK11_InitPin(slot, None, b""))
    trust = _Trust(TRUSTED_AUTHORITY, 0, 0)
    for number, der in enumerate(certificates):
        item = _Item(0, der, len(der))
        certificate = nss.CERT_NewTempCertificate(database, ctypes.byref(item), None, 0, 1)
        if not certificate:
            raise OSError("NSS does not take a certificate")
        _done(nss.PK11_ImportCert(slot, certificate, NO_HANDLE, f"authority {number}".encode(), 0))
        _done(nss.CERT_ChangeCertTrust(database, certificate, ctypes.byref(trust)))
    nss.NSS_Shutdown()


def _done(status: int) -> None:
    if status != 0:
        raise OSError("NSS refused")


def main(home: Path, bundle: str) -> None:
    certificates = [ssl.PEM_cert_to_DER_cert(found) for found in CERTIFICATE.findall(bundle)]
    first, second = (home / place for place in PLACES)
    database_write(first, certificates)
    second.mkdir(parents=True)
    for file in first.iterdir():
        (second / file.name).write_bytes(file.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.stdin.read())
