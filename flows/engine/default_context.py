"""Putting a profile into the context that every client of a browser finds first, and taking it out again.

The driver is connected only meanwhile. It knows the storage of the origins it has seen itself, so it is shown an empty
page of each origin that the session visited; nothing of the sites is loaded.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from flows.engine import state
from flows.engine.contract import ProfileState
from flows.engine.drivers import DRIVER_ERRORS, WAIT_ERRORS, Drivers
from flows.engine.errors import BrowserLost
from flows.engine.passkeys import Passkey

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
LOAD_SECONDS = 25.0
CAPTURE_SECONDS = 20.0


async def profile_load(drivers: Drivers, endpoint: str, headers: Mapping[str, str], profile: ProfileState) -> None:
    """Raises `BrowserLost`."""
    async with _connected(drivers, endpoint, headers, seconds=LOAD_SECONDS) as context:
        blank = next((page for page in context.pages if page.url == "about:blank"), None)
        page = blank or await context.new_page()
        await state.restore(context, page, profile)


async def profile_capture(
    drivers: Drivers,
    endpoint: str,
    headers: Mapping[str, str],
    *,
    origins: Iterable[str],
    base: ProfileState | None,
    passkeys: tuple[Passkey, ...] = (),
) -> ProfileState:
    """What the browser holds of `origins`, and all its cookies. Session storage is what open tabs hold, over `base`'s;
    `passkeys` are kept beside it. Raises `BrowserLost`."""
    async with _connected(drivers, endpoint, headers, seconds=CAPTURE_SECONDS) as context:
        found = await asyncio.gather(*(state.session_storage(page) for page in context.pages))
        kept = dict(base.session_storage) if base is not None else {}
        for tab in found:
            kept |= tab
        stored = [str(entry["origin"]) for entry in (base.storage.get("origins", ()) if base is not None else ())]
        scratch = await context.new_page()
        try:
            session = await context.new_cdp_session(scratch)
            await session.send("Network.enable")
            await session.send("Network.setBypassServiceWorker", {"bypass": True})
            await scratch.route("**/*", state.show_blank)
            for origin in dict.fromkeys([*stored, *sorted(origins)]):
                with contextlib.suppress(*DRIVER_ERRORS):
                    await scratch.goto(origin + "/", wait_until="commit")
            storage = await context.storage_state(indexed_db=True)
        finally:
            with contextlib.suppress(*DRIVER_ERRORS):
                await scratch.close()
        storage = json.loads(json.dumps(storage))
        return ProfileState(storage=storage, session_storage=kept, passkeys=passkeys)


@contextlib.asynccontextmanager
async def _connected(
    drivers: Drivers, endpoint: str, headers: Mapping[str, str], *, seconds: float
) -> AsyncIterator[Any]:
    try:
        async with asyncio.timeout(seconds):
            driver = await drivers.get(stealth=False)
            browser = await driver.chromium.connect_over_cdp(
                endpoint, headers=dict(headers), timeout=CONNECT_SECONDS * 1000
            )
            try:
                yield browser.contexts[0]
            finally:
                with contextlib.suppress(*DRIVER_ERRORS):
                    await browser.close()
    except WAIT_ERRORS as error:
        # A driver's message may quote a page; its kind and its first words say what was tried.
        log.warning("the profile could not be carried over: %s %s", type(error).__name__, str(error)[:60])
        await drivers.dropped(stealth=False)
        raise BrowserLost("the profile could not be carried over") from None
