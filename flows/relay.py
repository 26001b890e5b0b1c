"""Reaching a browser session from another process: the worker that holds it listens at the address in its row."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from flows.browser_links import relay_token
from flows.errors import SessionConflict
from flows.models import BrowserSession

OPEN_SECONDS = 5.0
CONTROL_SECONDS = 30.0
HEADER = "Authorization"
TROUBLE = (OSError, TimeoutError, WebSocketException)


async def relay_open(session: BrowserSession, door: str) -> ClientConnection:
    """A connection to one door of the session's worker: `cdp` speaks the protocol of its browser, `control` takes our
    own commands. Raises one of `TROUBLE` when the worker is not there or does not know the session."""
    return await connect(
        f"ws://{session.address}/{session.id}/{door}",
        additional_headers={HEADER: f"Bearer {relay_token(session.id)}"},
        compression=None,
        max_size=None,
        open_timeout=OPEN_SECONDS,
        close_timeout=1.0,
        proxy=None,
    )


async def relay_control(session: BrowserSession, command: Mapping[str, Any]) -> None:
    """Have the worker carry out one command. Raises `SessionConflict` when it could not: `browser_gone`."""
    try:
        async with asyncio.timeout(CONTROL_SECONDS):
            async with await relay_open(session, "control") as connection:
                await connection.send(json.dumps(command))
                answer = json.loads(await connection.recv())
    except TROUBLE:
        raise SessionConflict("The browser does not answer", code="browser_gone") from None
    if "error" in answer:
        raise SessionConflict(str(answer["error"]), code="browser_gone")
