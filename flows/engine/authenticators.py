"""The virtual authenticator of one page (the `WebAuthn` domain of Chromium's protocol).

A page has one as long as the debugging session that made it lasts. But whenever any other session of the same page
ends, Chromium takes it away, and a ceremony without an authenticator never ends: whoever lets go of a page says so to
`keep`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from flows.engine.drivers import DRIVER_ERRORS
from flows.engine.errors import BrowserLost
from flows.engine.passkeys import Keyring, Passkey

log = logging.getLogger(__name__)

LINE_ERRORS: tuple[type[Exception], ...] = (BrowserLost, *DRIVER_ERRORS)
# A passkey in a sealed profile is one that is backed up and moves between devices, and says so.
OPTIONS = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
    "defaultBackupEligibility": True,
    "defaultBackupState": True,
}


class Line(Protocol):
    """A debugging session with a page: a driver's, or one of our own."""

    async def send(self, method: str, params: dict[str, Any] | None = None) -> Any: ...

    def on(self, event: str, handler: Callable[[Any], None]) -> Any: ...


def _nothing(authenticator: "Authenticator", key: str) -> None: ...


class Authenticator:
    """What it makes, uses and loses is noted in `ring`. `noted` is told its id each time. The methods raise
    LINE_ERRORS when the page is gone."""

    def __init__(self, line: Line, ring: Keyring, noted: Callable[["Authenticator", str], None] = _nothing) -> None:
        self._line = line
        self._ring = ring
        self._noted = noted
        self._id = ""
        self._holds: dict[str, None] = {}  # ids
        self._moving: set[str] = set()  # taken out by us
        self._lock = asyncio.Lock()
        line.on("WebAuthn.credentialAdded", self._added)
        line.on("WebAuthn.credentialAsserted", self._asserted)
        line.on("WebAuthn.credentialUpdated", self._updated)
        line.on("WebAuthn.credentialDeleted", self._deleted)

    async def begin(self, passkeys: Iterable[Passkey] = ()) -> None:
        async with self._lock:
            await self._begin(passkeys)

    async def keep(self) -> None:
        """Have it again, with what was in it, if it was taken away."""
        async with self._lock:
            try:
                await self._send("getCredentials")
            except LINE_ERRORS:
                held = [passkey for key in self._holds if (passkey := self._ring.get(key)) is not None]
                self._holds = {}
                await self._begin(held)

    async def renew(self, *keys: str) -> None:
        """Have these as the ring has them, with counters that are not behind."""
        async with self._lock:
            for key in keys:
                await self._take_out(key)
                if (passkey := self._ring.get(key)) is not None:
                    await self._put_in(passkey)

    async def unload(self) -> None:
        """Take out all that is in it."""
        async with self._lock:
            for key in tuple(self._holds):
                await self._take_out(key)

    async def _begin(self, passkeys: Iterable[Passkey]) -> None:
        await self._line.send("WebAuthn.enable", {"enableUI": False})
        made = await self._line.send("WebAuthn.addVirtualAuthenticator", {"options": OPTIONS})
        self._id = made["authenticatorId"]
        for passkey in passkeys:
            await self._put_in(passkey)

    async def _put_in(self, passkey: Passkey) -> None:
        await self._send("addCredential", credential=self._ring.loaded(passkey).to_json())
        self._holds[passkey.id] = None

    async def _take_out(self, key: str) -> None:
        if key not in self._holds:
            return
        self._moving.add(key)
        try:
            await self._send("removeCredential", credentialId=key)
        finally:
            self._moving.discard(key)
            self._holds.pop(key, None)

    async def _send(self, command: str, **params: Any) -> Any:
        return await self._line.send(f"WebAuthn.{command}", {"authenticatorId": self._id, **params})

    def _added(self, event: Any) -> None:
        passkey = Passkey.from_json(event["credential"])
        log.info("a passkey was made for %s", passkey.rp_id)
        self._holds[passkey.id] = None
        self._ring.made(passkey)
        self._noted(self, passkey.id)

    def _asserted(self, event: Any) -> None:
        passkey = Passkey.from_json(event["credential"])
        log.info("a passkey was used at %s", passkey.rp_id)
        self._ring.used(passkey)
        self._noted(self, passkey.id)

    def _updated(self, event: Any) -> None:
        self._ring.changed(Passkey.from_json(event["credential"]))

    def _deleted(self, event: Any) -> None:
        """The site withdrew it, or another took its place; what we take out ourselves is only moved."""
        key = event["credentialId"]
        if key not in self._moving:
            self._holds.pop(key, None)
            self._ring.forget(key)
            self._noted(self, key)
