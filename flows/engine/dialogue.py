"""What a login says to its host and hears from it: progress, questions, and a person who goes on by hand."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from flows.engine.actions import Fill, GiveUp
from flows.engine.contract import (
    Answer,
    AskedChoice,
    ErrorCode,
    Failed,
    FlowStopped,
    Host,
    Pause,
    Picked,
    Progress,
    Secret,
)
from flows.engine.decide.asking import fillable
from flows.engine.decide.forms import FORM_KINDS
from flows.engine.ledger import Ledger
from flows.engine.limits import StepLimit
from flows.engine.matching import identifying
from flows.engine.origins import origin_of
from flows.engine.picture import picture_take
from flows.engine.reading.model import ChoiceKind, PageKind
from flows.engine.tabs import SHORT_PATIENCE, Sight, Tabs
from flows.engine.waiting import answer_or_change

SIGNED_IN = "signed_in"
# What a person may make of a page that says nothing to us.
HANDED_OVER = frozenset(
    {ErrorCode.LOGIN_PAGE_NOT_FOUND, ErrorCode.UNSUPPORTED_AUTH_METHOD, ErrorCode.VERIFICATION_FAILED}
)
READABLE = FORM_KINDS | {PageKind.SIGNED_IN, PageKind.CAPTCHA, PageKind.EXTERNAL_ACTION}


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a person left off. `over`: they say that the login is done."""

    sight: Sight
    over: bool


class Dialogue:
    """Of one login, about the page that is being looked at."""

    def __init__(self, host: Host, tabs: Tabs, ledger: Ledger, limit: StepLimit) -> None:
        """`limit` is the time of the step that this is part of."""
        self._host = host
        self._limit = limit
        self._live = host.live
        self._tabs = tabs
        self._ledger = ledger
        self._compared: set[str] = set()  # pages whose entries were compared with stored values
        self._progress: Progress | None = None

    async def say(self, progress: Progress) -> None:
        if progress is not self._progress:
            self._progress = progress
            await self._host.progress(progress)

    def source(self, fill: Fill) -> Callable[[str], Awaitable[Secret]]:
        """Where the value of a field comes from, asked at the moment of filling."""

        async def stored(origin: str) -> Secret:
            return await self._host.reveal_stored(fill.stored or fill.ref, origin=origin)

        async def given(origin: str) -> Secret:
            return await self._host.reveal_given(fill.given or fill.ref, origin=origin)

        return stored if fill.given is None else given

    async def own_entry(self, pause: Pause, sight: Sight) -> AskedChoice | None:
        """The entry of a list of accounts or organizations that a stored value names, tried once on a page."""
        entries = [choice for choice in pause.choices if choice.kind is ChoiceKind.ACCOUNT]
        memory = self._ledger.memory
        names = identifying(memory.known - memory.rejected)
        if not entries or pause.fields or not names or sight.page in self._compared:
            return None
        self._compared.add(sight.page)
        texts = [(entry.label, entry.description or "", entry.masked_destination or "") for entry in entries]
        at = await self._host.match(names, texts, origin=str(origin_of(sight.tab.page.url)))
        return entries[at] if at is not None else None

    async def answered(self, pause: Pause, sight: Sight, on_timeout: ErrorCode | None) -> Answer | Sight | Failed:
        """The person's answer, or the page as it is after it moved on by itself."""
        self._progress = None
        try:
            await self._host.pause(await self._pictured(pause, sight))
            with self._limit.suspended(), self._live.waiting():
                return await answer_or_change(self._host, self._tabs, sight, external=pause.instruction is not None)
        except FlowStopped as stop:
            if stop.code is ErrorCode.FLOW_EXPIRED and on_timeout is not None:
                return Failed(on_timeout, pause.instruction or pause.title, pause.website_error)
            raise

    async def _pictured(self, pause: Pause, sight: Sight) -> Pause:
        """What waits outside the browser, a wall or a code to scan, is shown as it is."""
        if pause.instruction is None:
            return pause
        return replace(pause, picture=await picture_take(sight.tab.page, let_go=self._tabs.let_go))

    async def handed_over(self, action: GiveUp, sight: Sight) -> Taken | Failed:
        """A page that cannot be read is not the end while somebody is there who can: the person goes on in the live
        view until a page is reached that can be read, or says to be signed in."""
        failed = Failed(action.code, action.message, action.website_error)
        if action.code not in HANDED_OVER or not await self._host.attended():
            return failed
        pause = Pause(
            url=sight.reading.url,
            title=sight.reading.title,
            choices=(AskedChoice(id=SIGNED_IN, kind=ChoiceKind.OTHER, label="I am signed in now"),),
            instruction=f"{action.message} Go on by yourself on the page below.",
            website_error=action.website_error,
        )
        while True:
            answer = await self.answered(pause, sight, action.code)
            if isinstance(answer, Failed):
                return answer
            if self._live.typed or isinstance(answer, Picked):
                self._ledger.begun()
            if isinstance(answer, Picked):
                return Taken(await self._tabs.settle(None, patience=SHORT_PATIENCE), over=True)
            if isinstance(answer, Sight):
                sight = answer
                if sight.reading.kind in READABLE and (fillable(sight.reading) or sight.reading.kind not in FORM_KINDS):
                    return Taken(sight, over=False)
