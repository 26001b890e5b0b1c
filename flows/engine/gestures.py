"""What a person does in a live view, as events of the browser: trusted, in order, nothing but pointer, keys and text.

A message says where in the page's own pixels. A finger works the mouse unless the page itself was made for fingers:
sites that saw no touch screen when they loaded listen to the mouse only, and would find a sudden touch strange.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

BUTTONS = {"left": 1, "right": 2, "middle": 4}
MOUSE = {"down": "mousePressed", "up": "mouseReleased", "move": "mouseMoved"}
TOUCH = {"start": "touchStart", "move": "touchMove", "end": "touchEnd", "cancel": "touchCancel"}
TEXT_LIMIT = 4096
KEY_LIMIT = 32
FINGERS = 5
SIDE_LIMIT = 20_000  # pixels
ALT, CONTROL, META, SHIFT = 1, 2, 4, 8
# Editing commands that Chromium leaves to the platform's key bindings.
COMMANDS = {"a": "selectAll", "z": "undo", "y": "redo"}
HAS_TOUCH = {"expression": "navigator.maxTouchPoints > 0", "returnByValue": True}
TOUCH_SECONDS = 2.0  # a page with a dialog open answers nothing


class Gestures:
    """Performs on one page through `cdp`, a debugging session of its own."""

    def __init__(self, cdp: Any) -> None:
        self._cdp = cdp
        self._touch = False
        self._pressed = ""
        self._at = (0.0, 0.0)
        self._fingers = False

    async def start(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(TOUCH_SECONDS):
                found = await self._cdp.send("Runtime.evaluate", HAS_TOUCH)
                self._touch = bool(found["result"].get("value"))

    async def perform(self, message: Mapping[str, Any], allowed: Callable[[], bool]) -> bool:
        """Do it; True when something was typed. Raises what the driver raises, and KeyError, TypeError or ValueError
        for what cannot be read. `allowed` is asked again right before each event."""
        kind = str(message["t"])
        if kind == "mouse":
            await self._mouse(message, allowed)
        elif kind == "wheel":
            await self._wheel(message, allowed)
        elif kind == "touch":
            await self._touched(message, allowed)
        elif kind == "key":
            await self._key(message, allowed)
            return True
        elif kind == "text":
            await self._send("Input.insertText", {"text": str(message["s"])[:TEXT_LIMIT]}, allowed)
            return True
        return False

    async def let_go(self) -> None:
        """Release what is held down."""
        if self._pressed:
            await self._mouse_event("up", self._at, self._pressed, 1, 0, _always)
        if self._fingers:
            self._fingers = False
            await self._cdp.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})

    async def _send(self, method: str, parameters: Mapping[str, Any], allowed: Callable[[], bool]) -> bool:
        if not allowed():
            return False
        await self._cdp.send(method, dict(parameters))
        return True

    # --- pointer ---------------------------------------------------------------------------------------------

    async def _mouse(self, message: Mapping[str, Any], allowed: Callable[[], bool]) -> None:
        button = str(message.get("b", "left"))
        if button not in BUTTONS:
            raise ValueError(button)
        clicks = min(max(int(message.get("n", 1)), 1), 3)
        await self._mouse_event(str(message["e"]), _place(message), button, clicks, _modifiers(message), allowed)

    async def _mouse_event(
        self, event: str, at: tuple[float, float], button: str, clicks: int, modifiers: int, allowed: Callable[[], bool]
    ) -> None:
        moving = event == "move"
        parameters = {
            "type": MOUSE[event],
            "x": at[0],
            "y": at[1],
            "modifiers": modifiers,
            "button": (self._pressed or "none") if moving else button,
            "buttons": BUTTONS.get(button, 0) if event == "down" else BUTTONS.get(self._pressed, 0) if moving else 0,
            "clickCount": 0 if moving else clicks,
        }
        if await self._send("Input.dispatchMouseEvent", parameters, allowed):
            self._at = at
            self._pressed = button if event == "down" else "" if event == "up" else self._pressed

    async def _wheel(self, message: Mapping[str, Any], allowed: Callable[[], bool]) -> None:
        x, y = _place(message)
        amounts = {"deltaX": _number(message["dx"]), "deltaY": _number(message["dy"])}
        parameters = {"type": "mouseWheel", "x": x, "y": y, "modifiers": _modifiers(message), **amounts}
        await self._send("Input.dispatchMouseEvent", parameters, allowed)

    async def _touched(self, message: Mapping[str, Any], allowed: Callable[[], bool]) -> None:
        event = str(message["e"])
        fingers = [_place(finger) for finger in message["p"][:FINGERS]]
        if self._touch:
            points = [] if event in ("end", "cancel") else [{"x": x, "y": y} for x, y in fingers]
            if await self._send("Input.dispatchTouchEvent", {"type": TOUCH[event], "touchPoints": points}, allowed):
                self._fingers = bool(points)
            return
        at = fingers[0] if fingers else self._at
        if event == "start":
            await self._mouse_event("move", at, "left", 1, 0, allowed)
        as_mouse = {"start": "down", "move": "move", "end": "up", "cancel": "up"}[event]
        if as_mouse != "up" or self._pressed:
            await self._mouse_event(as_mouse, at, "left", 1, 0, allowed)

    # --- keys ------------------------------------------------------------------------------------------------

    async def _key(self, message: Mapping[str, Any], allowed: Callable[[], bool]) -> None:
        """One key down or up. A printable one types, unless a modifier makes a command of it."""
        key, modifiers = str(message["k"])[:KEY_LIMIT], _modifiers(message)
        number = min(max(int(message.get("n", 0)), 0), 255)
        parameters: dict[str, Any] = {
            "key": key,
            "code": str(message.get("c", ""))[:KEY_LIMIT],
            "windowsVirtualKeyCode": number,
            "modifiers": modifiers,
        }
        if message["e"] == "up":
            await self._send("Input.dispatchKeyEvent", {"type": "keyUp", **parameters}, allowed)
            return
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        if modifiers & (CONTROL | META):
            command = COMMANDS.get(key.casefold())
            text, parameters["commands"] = "", [command] if command else []
        parameters |= {"type": "keyDown" if text else "rawKeyDown"} | ({"text": text} if text else {})
        await self._send("Input.dispatchKeyEvent", parameters, allowed)


def _always() -> bool:
    return True


def _number(value: Any) -> float:
    number = float(value)
    if not -SIDE_LIMIT <= number <= SIDE_LIMIT:  # also no NaN
        raise ValueError("out of range")
    return number


def _place(message: Mapping[str, Any]) -> tuple[float, float]:
    return _number(message["x"]), _number(message["y"])


def _modifiers(message: Mapping[str, Any]) -> int:
    return int(message.get("m", 0)) & (ALT | CONTROL | META | SHIFT)
