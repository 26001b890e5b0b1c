"""What became of a form: what its document tells of it, and whether a script sent it before anything was pressed."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any, Self

from flows.engine.contract import Secret
from flows.engine.drivers import DRIVER_ERRORS, WAIT_ERRORS

LOOK_SECONDS = 1.0
PROMPT_SECONDS = 0.12  # in which a page that sends a code by itself has begun to
SHORTEST = 4  # fewer characters are in many a request by chance

# Tells, later, what became of a form: whether it was submitted, and whether it still works on that. It listens where
# it is asked, since a submit event does not leave a shadow root.
WATCH = """(el, presser) => {
  let submits = 0;
  el.getRootNode().addEventListener("submit", () => { submits += 1; }, {capture: true});
  const off = (one) => !!one && (one.disabled === true || one.getAttribute("aria-disabled") === "true");
  const shown = (one) => one.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  return () => {
    if (!el.isConnected || !shown(el)) return {gone: true, heard: submits > 0, working: false};
    const held = typeof el.value === "string" && el.value !== "";
    const form = el.form || el.closest("form");
    const spins = form ? [...form.querySelectorAll("[role=progressbar],[aria-busy=true],progress")].some(shown) : false;
    const still = el.readOnly === true || el.matches(":disabled") || el.closest("[aria-busy=true],[inert]") !== null;
    return {gone: false, heard: submits > 0, working: still || spins || (held && off(presser))};
  };
}"""


@dataclass(frozen=True, slots=True)
class Sending:
    """What became of a form after it was sent. `heard`: its submit event was seen. `working`: it is blocked, or says
    that it is busy. `gone`: it is not seen on the page any more."""

    heard: bool
    working: bool
    gone: bool


async def look(watched: Any) -> Sending | None:
    """Ask what `WATCH` gave; None when its document is gone."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            found = await watched.evaluate("(look) => look()")
    except WAIT_ERRORS:
        return None
    return Sending(heard=found["heard"], working=found["working"], gone=found["gone"])


class Overheard:
    """The requests of a page while `secret` is typed into it: one that carries the value was sent by the page itself,
    as many do with a code as soon as it is complete. Pressing the button then would send the form a second time."""

    def __init__(self, page: Any) -> None:
        self.secret: Secret | None = None
        self._page = page
        self._requests: list[Any] = []

    def __enter__(self) -> Self:
        self._page.on("request", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._page.remove_listener("request", self._note)
        self._requests.clear()

    def _note(self, request: Any) -> None:
        self._requests.append(request)

    @property
    def went(self) -> bool:
        value = self.secret.reveal() if self.secret is not None else ""
        if len(value) < SHORTEST:
            return False
        forms = {value, "".join(filter(str.isalnum, value))}  # boxes take no dashes
        wanted = b"|".join(re.escape(form.encode()) for form in forms if form)
        whole = re.compile(rb"(?<![0-9A-Za-z])(?:" + wanted + rb")(?![0-9A-Za-z])")
        return any(whole.search(_content(request)) for request in self._requests)


def _content(request: Any) -> bytes:
    try:
        return bytes(request.url.encode() + b"\n" + (request.post_data_buffer or b""))
    except DRIVER_ERRORS:
        return b""
