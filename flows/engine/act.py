"""Hands: trusted mouse and key events on live elements, and the checks that stand right before them (R10, R11).

A value is typed in one piece into a field that was just seen to be visible and focused, in a document whose origin
was just checked. A key that changes nothing follows, for pages that listen to keys only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flows.engine.contract import Secret
from flows.engine.drivers import DRIVER_ERRORS, WAIT_ERRORS
from flows.engine.errors import FieldRefused, NoSuchEntry, OriginRefused
from flows.engine.live import Filled
from flows.engine.matching import CODE_ROLES, PASSWORD_ROLES, folded
from flows.engine.observe import Observation, StaleElement
from flows.engine.origins import OriginPolicy, origin_of
from flows.engine.probing import ACTION, ENTRIES, FOCUS, FOCUSED, HELD, PROBE
from flows.engine.reading.model import Choice, Control, Field, Submit, SubmitBy
from flows.engine.sending import PROMPT_SECONDS, WATCH, Overheard, Sending, look

log = logging.getLogger(__name__)

Source = Callable[[str], Awaitable[Secret]]
"""Gives the value to be typed at an origin."""

ENABLED_SECONDS = 2.0
SURFACE_SECONDS = 0.6
CLICK_MS = 3000
TICK_ERRORS: tuple[type[Exception], ...] = (StaleElement, FieldRefused, *DRIVER_ERRORS)


@dataclass(frozen=True, slots=True)
class Typing:
    """One field and where its value comes from."""

    field: Field
    source: Source


class Hands:
    """Acts on one observation of one page."""

    def __init__(self, page: Any, observation: Observation, *, policy: OriginPolicy, pace_ms: int = 0) -> None:
        self._page = page
        self._seen = observation
        self._policy = policy
        self._pace = pace_ms
        self._watched: Any = None
        self.filled: list[Filled] = []

    # --- filling ---------------------------------------------------------------------------------------------

    async def fill_and_submit(self, typings: Sequence[Typing], ticks: Sequence[Field], submit: Submit | None) -> None:
        """Type every value, then send the form at once, unless the page does; on any failure what was typed is
        cleared (R11).

        Raises OriginRefused, FieldRefused, StaleElement.
        """
        for tick in ticks:
            await self._tick(tick)
        done: list[Any] = []
        try:
            if not typings:
                if submit is not None and submit.by is not SubmitBy.ITSELF:
                    await self._submit(submit, None)
                return
            last = typings[-1]
            await self._watch(last.field, submit)
            for typing in typings[:-1]:
                await self._fill(typing, submit, done)
            with Overheard(self._page) as overheard:
                await self._fill_last(last, submit, done, overheard)
        except BaseException:
            await self._clear(done)
            raise

    async def _fill_last(self, last: Typing, submit: Submit | None, done: list[Any], overheard: Overheard) -> None:
        """Type the last value and send the form, once: some pages send it themselves when a code is complete."""
        try:
            handle = await self._fill(last, submit, done, overheard)
            if submit is None or submit.by is SubmitBy.ITSELF:
                return
            if last.field.role in CODE_ROLES and not overheard.went:
                await asyncio.sleep(PROMPT_SECONDS)
            if overheard.went or await self._is_heard():
                return
            await self._check_action(handle, last.field, submit)
            await self._submit(submit, last.field)
        except StaleElement:
            if not overheard.went:
                raise

    async def _is_heard(self) -> bool:
        sending = await self.sending()
        return sending is not None and sending.heard

    async def _watch(self, field: Field, submit: Submit | None) -> None:
        control = submit.control if submit is not None else None
        same = control is not None and self._seen.frame(control.ref) is self._seen.frame(field.ref)
        try:
            presser = await self._seen.handle(control.ref) if control is not None and same else None
            self._watched = await (await self._seen.handle(field.boxes[-1])).evaluate_handle(WATCH, presser)
        except TICK_ERRORS:
            self._watched = None

    async def sending(self) -> Sending | None:
        """What became of the form that was sent; None when its document is gone or was never watched."""
        return await look(self._watched) if self._watched is not None else None

    async def _fill(
        self, typing: Typing, submit: Submit | None, done: list[Any], overheard: Overheard | None = None
    ) -> Any:
        field = typing.field
        handles = [await self._seen.handle(ref) for ref in field.boxes]
        await self._surface(handles[0])
        await self._check_usable(handles[0], field)
        origin = self._check_origin(field)
        await self._check_action(handles[0], field, submit)
        secret = await typing.source(origin)
        if overheard is not None:
            overheard.secret = secret
        self._check_origin(field)
        done.extend(handles)
        self.filled.extend(Filled(handle, secret=field.role in PASSWORD_ROLES) for handle in handles)
        if len(handles) > 1:
            await self._type_boxes(handles, field, secret)
        elif await self._is_select(handles[0]):
            await self._select(handles[0], field, secret)
        else:
            await self._type(handles[0], field, secret, overheard)
        return handles[0]

    async def _surface(self, handle: Any) -> None:
        """A field under its own label fades in with the focus. One that stays unseen is refused afterwards."""
        deadline = asyncio.get_running_loop().time() + SURFACE_SECONDS
        found = await _evaluate(handle, PROBE)
        if found is not None and not found["visible"] and found["faded"]:
            await _evaluate(handle, FOCUS)
        while found is not None and found["faded"] and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.03)
            found = await _evaluate(handle, PROBE)

    async def _check_usable(self, handle: Any, field: Field) -> dict[str, Any]:
        found = await _evaluate(handle, PROBE)
        if found is None:
            raise StaleElement(field.ref)
        if not found["visible"]:
            raise FieldRefused(f"the field {field.name!r} is not visible")
        if found["cells"] and field.role not in CODE_ROLES:
            raise FieldRefused(f"the field {field.name!r} is transparent and not for a code")
        if found["disabled"] or found["readonly"]:
            raise FieldRefused(f"the field {field.name!r} cannot be changed")
        return found if isinstance(found, dict) else {}

    def _check_origin(self, field: Field) -> str:
        """The origin of the field's document, if it and the page may receive values. Raises OriginRefused."""
        frame_url = self._document_url(self._seen.frame(field.ref))
        for url in (self._page.url, frame_url):
            if not self._policy.allows_url(url):
                raise OriginRefused(str(origin_of(url) or "an unknown origin"))
        return str(origin_of(frame_url))

    def _document_url(self, frame: Any) -> str:
        """The address that gives a frame its origin: an empty frame has that of the frame around it."""
        while frame.parent_frame is not None and frame.url in ("", "about:blank", "about:srcdoc"):
            frame = frame.parent_frame
        return str(frame.url)

    async def _check_action(self, handle: Any, field: Field, submit: Submit | None) -> None:
        """The form must be sent where values may go. Raises OriginRefused."""
        frame = self._seen.frame(field.ref)
        control = submit.control if submit is not None else None
        same_frame = control is not None and self._seen.frame(control.ref) is frame
        presser = await self._seen.handle(control.ref) if control is not None and same_frame else None
        action = str(await _evaluate(handle, ACTION, presser) or "")
        page = self._document_url(frame)
        if not self._policy.allows_action(page, action):
            raise OriginRefused(str(origin_of(action) or "an unknown origin"))

    async def _focus(self, handle: Any, field: Field) -> None:
        await self._click(handle)
        if await _evaluate(handle, FOCUSED):
            return
        found = await self._check_usable(handle, field)
        if not found["hit"]:
            raise FieldRefused(f"the field {field.name!r} is covered")
        await _evaluate(handle, FOCUS)
        if not await _evaluate(handle, FOCUSED):
            raise FieldRefused(f"the field {field.name!r} does not take the focus")

    async def _type(self, handle: Any, field: Field, secret: Secret, overheard: Overheard | None) -> None:
        await self._focus(handle, field)
        await self._put(handle, field, secret.reveal())
        if await self._holds(handle, secret) or (overheard is not None and overheard.went):
            return
        # Some fields take keys only: once more, one key after another.
        await self._focus(handle, field)
        await self._page.keyboard.press("Delete")
        for character in secret.reveal():
            await self._key(handle, field, character)
        if not await self._holds(handle, secret):
            raise FieldRefused(f"the field {field.name!r} does not keep what is typed")

    async def _put(self, handle: Any, field: Field, value: str) -> None:
        if self._pace:
            for character in value:
                await self._key(handle, field, character)
                await asyncio.sleep(self._pace / 1000)
            return
        await self._page.keyboard.insert_text(value)
        await self._page.keyboard.press("End")

    async def _key(self, handle: Any, field: Field, character: str) -> None:
        """One key, into this field or not at all."""
        if not await _evaluate(handle, "(el) => document.hasFocus() && el.getRootNode().activeElement === el"):
            raise FieldRefused(f"the field {field.name!r} lost the focus")
        self._check_origin(field)
        await self._page.keyboard.type(character)

    async def _holds(self, handle: Any, secret: Secret) -> bool:
        """Whether the field holds as much as was typed; masks may add or drop what is no letter or digit."""
        value = secret.reveal()
        try:
            length, signs = await handle.evaluate(HELD)
        except DRIVER_ERRORS:
            return True  # the page went on by itself
        return bool(length == len(value) or (signs > 0 and signs == sum(map(str.isalnum, value))))

    async def _type_boxes(self, handles: Sequence[Any], field: Field, secret: Secret) -> None:
        """One character per box. Pages move the focus on by themselves or not: each box is focused anyway."""
        characters = [character for character in secret.reveal() if character.isalnum()]
        await self._focus(handles[0], field)
        for handle, character in zip(handles, characters, strict=False):
            try:
                if not await handle.evaluate(FOCUSED):
                    await handle.evaluate(FOCUS)
                    await handle.evaluate(FOCUSED)
                await self._key(handle, field, character)
            except DRIVER_ERRORS:
                if handle is handles[0]:
                    raise StaleElement(field.ref) from None
                return  # the last character sent the form

    async def _is_select(self, handle: Any) -> bool:
        return bool(await _evaluate(handle, "(el) => el.localName === 'select'"))

    async def _select(self, handle: Any, field: Field, secret: Secret) -> None:
        """The entry that the value names, by its text or its own value. Raises NoSuchEntry."""
        wanted = folded(secret.reveal())
        found = await _evaluate(handle, ENTRIES)
        for part in (0, 1):
            matching = [at for at, entry in enumerate(found) if wanted and folded(entry[part]) == wanted]
            if len(matching) == 1:
                try:
                    await handle.select_option(index=matching[0], timeout=500)
                except DRIVER_ERRORS:
                    break
                return
        raise NoSuchEntry(field.ref)

    async def _clear(self, handles: Sequence[Any]) -> None:
        for handle in handles:
            try:
                async with asyncio.timeout(1.0):
                    await handle.fill("", force=True)
            except WAIT_ERRORS:
                continue

    async def _tick(self, field: Field) -> None:
        """Best effort: a login does not fail over "remember me"."""
        try:
            handle = await self._seen.handle(field.ref)
            if await handle.is_checked():
                return
            found = await handle.evaluate(PROBE)
            if found is not None and found["visible"] and found["hit"]:
                await self._click(handle)
            if not await handle.is_checked():
                await handle.check(timeout=800)
        except TICK_ERRORS:
            log.debug("a check box was left alone")

    # --- pressing --------------------------------------------------------------------------------------------

    async def press(self, control: Control) -> None:
        """Raises StaleElement, FieldRefused."""
        await self._press(await self._seen.handle(control.ref), control.label)

    async def pick(self, choice: Choice, submit: Submit | None) -> None:
        """Choose and, where the choice is only marked so, send the form. Raises StaleElement, FieldRefused."""
        if choice.select_in is not None:
            await self._pick_option(choice)
        else:
            await self._press(await self._seen.handle(choice.ref), choice.label)
        if choice.needs_submit and submit is not None:
            await self._submit(submit, None)

    async def _pick_option(self, choice: Choice) -> None:
        owner = await self._seen.handle(choice.select_in or "")
        option = await self._seen.handle(choice.ref)
        try:
            await owner.select_option(element=option, timeout=CLICK_MS)
        except DRIVER_ERRORS:
            raise FieldRefused("the list has no such entry") from None

    async def _submit(self, submit: Submit, last: Field | None) -> None:
        if submit.by is SubmitBy.CLICK and submit.control is not None:
            await self._press(await self._seen.handle(submit.control.ref), submit.control.label)
        elif submit.by is SubmitBy.ENTER:
            await self.enter(last)

    async def enter(self, field: Field | None) -> None:
        """Press Enter, in `field` if there is one."""
        if field is not None:
            handle = await self._seen.handle(field.boxes[-1])
            if not await _evaluate(handle, FOCUSED):
                await self._click(handle)
        await self._page.keyboard.press("Enter")

    async def _press(self, handle: Any, label: str) -> None:
        found = await self._enabled(handle)
        if found is None:
            raise StaleElement(label)
        if found["visible"] and found["hit"] and not found["disabled"]:
            await self._click(handle)
            return
        # Something is in the way or still moving: the driver's own click waits for it to pass.
        try:
            await handle.click(timeout=CLICK_MS)
        except DRIVER_ERRORS:
            raise FieldRefused(f"{label[:60]!r} could not be pressed") from None

    async def _enabled(self, handle: Any) -> dict[str, Any] | None:
        """The probe of a control, as soon as it is enabled: many forms enable it once they are filled."""
        deadline = asyncio.get_running_loop().time() + ENABLED_SECONDS
        while True:
            found = await _evaluate(handle, PROBE)
            if found is None or not found["disabled"] or asyncio.get_running_loop().time() > deadline:
                return found if isinstance(found, dict) else None
            await asyncio.sleep(0.05)

    async def _click(self, handle: Any) -> None:
        try:
            box = await handle.bounding_box()
        except DRIVER_ERRORS:
            raise StaleElement("gone") from None
        if box is None:
            raise FieldRefused("the element has no place on the page")
        await self._page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


async def _evaluate(handle: Any, script: str, argument: Any = None) -> Any:
    try:
        return await handle.evaluate(script, argument)
    except DRIVER_ERRORS:
        raise StaleElement("gone") from None
