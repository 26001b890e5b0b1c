"""One try of a login in one browser, from the first page to the proof: observe, read, decide, act."""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from flows.engine import state
from flows.engine.act import Hands, Typing
from flows.engine.actions import Ask, FillAndSubmit, Finish, GiveUp, Memory, Pick, Press, Return, Step, Visit, Why
from flows.engine.boundary import Boundary
from flows.engine.browser_process import Session
from flows.engine.browsers import Browsers
from flows.engine.contract import (
    ErrorCode,
    Failed,
    FieldReason,
    Host,
    LoggedIn,
    LoginRequest,
    Outcome,
    Picked,
    ProfileState,
    Progress,
    ValueUnavailable,
)
from flows.engine.decide import decide
from flows.engine.decide.asking import fillable, website_error
from flows.engine.decide.forms import CODE_REFS
from flows.engine.dialogue import Dialogue
from flows.engine.doubt import doubted
from flows.engine.entrance import Entrance
from flows.engine.errors import FieldRefused, NoSuchEntry, OriginRefused, Unreachable
from flows.engine.judging import judged
from flows.engine.ledger import Ledger
from flows.engine.lent_passkeys import LentPasskeys
from flows.engine.limits import StepLimit
from flows.engine.marks import lasting_url
from flows.engine.matching import CODE_ROLES
from flows.engine.observe import StaleElement
from flows.engine.origins import origin_of
from flows.engine.outside import Outside
from flows.engine.picture import picture_take
from flows.engine.reading.model import Control, Field, PageKind
from flows.engine.tabs import SHORT_PATIENCE, Sight, Tabs
from flows.engine.told import Told
from flows.engine.verify import Proven, Unproven, prove

log = logging.getLogger(__name__)

MAX_STEPS = 40
STEP_SECONDS = 180.0  # far above what any step needs that a browser answers to
PROOF_SECONDS = 240.0
CODE_RETURNS = 2  # to a code's own page, which may be there still though its login is over
MISHAPS = 4  # presses and fills that failed in a row
PAGE_ERRORS = (StaleElement, FieldRefused)


class Attempt:
    """The state of one try. Lives as long as its session."""

    def __init__(
        self,
        browsers: Browsers,
        request: LoginRequest,
        host: Host,
        session: Session,
        passkeys: LentPasskeys,
        doubt: Memory | None,
    ) -> None:
        """`doubt` is what an earlier try came to know."""
        self._request = request
        self._host = host
        self._session = session
        self._passkeys = passkeys
        self._browsers = browsers
        self._pace = browsers.options.pace_ms
        known_from_plan = frozenset(request.plan.doubted) if request.plan is not None else frozenset()
        self._ledger = Ledger(
            doubt
            or Memory(
                known=request.known,
                rejected=request.rejected,
                sso_provider=request.sso_provider,
                searching=request.login_url is None,
                had_state=not state.is_empty(request.state),
                plan=request.plan,
                doubted=known_from_plan,
            )
        )
        self._tabs = Tabs(session, passkeys, self._ledger.memory.doubted)
        self._live = host.live
        self._entrance = Entrance(self._tabs, session.egress)
        self._outside = Outside(self._ledger)
        self._login_page: str | None = None
        self._told = Told()
        self._mishaps = 0
        self._limit = StepLimit(STEP_SECONDS)
        self._dialogue = Dialogue(host, self._tabs, self._ledger, self._limit)
        self._boundary = Boundary(request, host, self._dialogue, self._tabs, plain_http=session.egress.plain_http)

    # --- the loop --------------------------------------------------------------------------------------------

    async def drive(self) -> Sight | Failed:
        """To the other side of the login, or to a clear end."""
        await self._dialogue.say(Progress.DISCOVERING)
        self._live.show(self._tabs)
        async with self._limit.step():
            sight = await self._enter()
        for _ in range(MAX_STEPS):
            self._ledger.looked(page=sight.page, status=sight.status, passkey=self._holds_passkey(sight))
            action = decide(sight.reading, self._ledger.memory)
            if isinstance(action, Ask | FillAndSubmit):
                self._ledger.answered(None)  # a choice that is gone is not taken later
            log.debug("page %s -> %s", sight.reading.kind, type(action).__name__)
            if isinstance(action, Finish):
                return sight
            if isinstance(action, GiveUp):
                await self._note_rejected(action.rejected)
                async with self._limit.step():
                    taken = await self._dialogue.handed_over(action, sight)
                if isinstance(taken, Failed) or taken.over:
                    return taken if isinstance(taken, Failed) else taken.sight
                sight = taken.sight
                continue
            try:
                async with self._limit.step():
                    after = await self._perform(action, sight)
                self._mishaps = 0
            except PAGE_ERRORS as error:
                self._mishaps += 1
                log.info("an action failed: %s", error)
                if self._mishaps >= MISHAPS:
                    return Failed(ErrorCode.LOGIN_PAGE_NOT_FOUND, "The form on the page could not be used.", None)
                async with self._limit.step():
                    after = await self._tabs.settle(None, patience=SHORT_PATIENCE)
            if isinstance(after, Failed):
                return after
            sight = after
        return Failed(ErrorCode.TOO_MANY_STEPS, "The login took more steps than any should.")

    async def pictured(self, failed: Failed) -> Failed:
        """With a picture of the page where it ended."""
        await self._live.catch_up()
        return replace(failed, picture=await picture_take(self._tabs.current.page, let_go=self._tabs.let_go))

    async def _perform(self, action: Step, sight: Sight) -> Sight | Failed:
        if isinstance(action, FillAndSubmit):
            return await self._fill(action, sight)
        if isinstance(action, Ask):
            return await self._ask(action, sight)
        if isinstance(action, Press):
            return await self._press(action, sight)
        if isinstance(action, Pick):
            return await self._pick(action, sight)
        if isinstance(action, Visit):
            return await self._visit(action, sight)
        if isinstance(action, Return):
            return await self._return(action)
        self._ledger.waited()
        return await self._tabs.settle(sight, patience=SHORT_PATIENCE)

    # --- finding the page ------------------------------------------------------------------------------------

    async def _enter(self) -> Sight:
        """The first page: the given address, else the site's start page. Raises Unreachable, BasicAuth."""
        if self._request.login_url is not None:
            return await self._go(self._request.login_url)
        sight = await self._entrance.enter_by_plan(self._request.plan, self._boundary.policy)
        if sight is None:
            sight = await self._entrance.enter(self._request.domain, self._boundary.policy)
        self._outside.note(self._entrance.asked, sight)
        return sight

    async def _go(self, url: str) -> Sight:
        sight = await self._entrance.go(url)
        self._outside.note(url, sight)
        return sight

    async def _visit(self, action: Visit, sight: Sight) -> Sight:
        self._ledger.visited(action.path)
        try:
            after = await self._go(self._entrance.site + action.path)
        except Unreachable:
            return sight
        if (after.status or 200) >= 400:
            log.debug("nothing at %s", action.path)
        return after

    async def _return(self, action: Return) -> Sight:
        """Back to the form that was sent, where its address lasts; else to where the login began. A code alone is
        asked for again on its own page, where the site still has it: what was accepted before is not sent anew."""
        sent, returns = self._ledger.memory.sent, self._ledger.memory.returns
        self._told.leaving(action.said)
        if action.codes:
            await self._note_rejected(action.codes)
        self._ledger.returned()
        lone = sent.url if sent is not None and sent.refs <= CODE_REFS and returns < CODE_RETURNS else ""
        if lone and lasting_url(lone) == lone != self._login_page:
            with contextlib.suppress(Unreachable):
                sight = await self._go(lone)
                if sight.reading.field_by_role(*CODE_ROLES) is not None:
                    return sight
        lasts = self._login_page is not None and lasting_url(self._login_page) == self._login_page
        return await self._go(self._login_page if self._login_page and lasts else self._entrance.asked)

    # --- pressing --------------------------------------------------------------------------------------------

    def _hands(self, sight: Sight) -> Hands:
        return Hands(sight.tab.page, sight.observation, policy=self._boundary.policy, pace_ms=self._pace)

    def _holds_passkey(self, sight: Sight) -> bool:
        origin = origin_of(sight.tab.page.url)
        return origin is not None and self._boundary.policy.allows(origin) and bool(self._passkeys.ring.of(origin.host))

    async def _press_passkey(self, control: Control, sight: Sight) -> Sight:
        """Lend the page what the profile holds for it, for as long as the press has an effect (R10)."""
        self._ledger.asked_for_passkey(control, sight.reading)
        origin = origin_of(sight.observation.frame(control.ref).url) or origin_of(sight.tab.page.url)
        if origin is None or self._boundary.beyond(control, sight) is not None:
            return sight
        await self._dialogue.say(Progress.SUBMITTING)
        self._login_page = self._login_page or sight.tab.page.url
        self._outside.note(sight.tab.page.url, sight)
        uses = self._passkeys.ring.uses
        async with self._passkeys.lent(sight.tab.page, origin.host):
            await self._hands(sight).press(control)
            after = await self._tabs.settle(sight)
        if self._passkeys.ring.uses > uses:
            self._ledger.begun()
        return after

    async def _press(self, action: Press, sight: Sight) -> Sight:
        if action.why == Why.PASSKEY:
            return await self._press_passkey(action.control, sight)
        is_link = action.why == Why.LINK
        if action.why == Why.DISMISS:
            self._told.closing(website_error(sight.reading))
        if action.why in Why.PASSING:
            self._ledger.passed(action.control)
        else:
            self._ledger.pressed(action.control, is_link=is_link)
        self._tabs.expect_popup(is_link or action.why == Why.OPENER)
        await self._hands(sight).press(action.control)
        patience = SHORT_PATIENCE if action.why == Why.DISMISS else 1.5
        after = await self._tabs.settle(sight, patience=patience)
        if action.why == Why.OPENER and after.tab is sight.tab and after.documents == sight.documents:
            self._outside.opened(after)
        self._outside.note(after.tab.page.url, after)
        return after

    async def _pick(self, action: Pick, sight: Sight) -> Sight:
        await self._dialogue.say(Progress.SUBMITTING)
        self._login_page = self._login_page or sight.tab.page.url
        self._outside.note(sight.tab.page.url, sight)
        self._ledger.picked(action.choice, sight.reading)
        self._tabs.expect_popup(True)
        await self._hands(sight).pick(action.choice, action.submit)
        return await self._tabs.settle(sight)

    # --- filling ---------------------------------------------------------------------------------------------

    async def _fill(self, action: FillAndSubmit, sight: Sight) -> Sight | Failed:
        refused = self._boundary.beyond(action.fills[0].field, sight)
        if refused is not None:
            return await self._boundary.consent(refused, sight)
        await self._dialogue.say(Progress.SUBMITTING)
        self._login_page = self._login_page or sight.tab.page.url
        self._outside.note(sight.tab.page.url, sight)
        self._tabs.expect_popup(False)
        before = sight.tab.watch.sent
        self._told.sending(sight)
        hands = self._hands(sight)
        typings = [Typing(fill.field, self._dialogue.source(fill)) for fill in action.fills]
        try:
            async with self._live.filling():
                try:
                    await hands.fill_and_submit(typings, action.ticks, action.submit)
                finally:
                    self._live.hold(hands.filled)
        except OriginRefused as error:
            return await self._boundary.consent(error.origin, sight)
        except NoSuchEntry as error:
            fill = next(fill for fill in action.fills if fill.field.ref == error.ref)
            self._ledger.unavailable(fill.stored or fill.ref)
            return await self._tabs.settle(None, patience=SHORT_PATIENCE)
        except ValueUnavailable as error:
            self._ledger.unavailable(error.name)
            return await self._tabs.settle(None, patience=SHORT_PATIENCE)
        self._ledger.sent(action, sight.reading, page=sight.page)
        if action.for_code:
            return await self._tabs.settle(sight)  # the form stays as it is, for the code
        if self._request.verify and not any(fill.field.role in CODE_ROLES for fill in action.fills):
            self._browsers.prepare(self._request.settings)
        enter = self._enter_in(action.fills[-1].field)
        return await judged(self._tabs, hands, sight, sent_before=before, enter=enter, news=self._told.news)

    def _enter_in(self, field: Field) -> Callable[[Sight], Awaitable[None]]:
        async def enter(sight: Sight) -> None:
            with contextlib.suppress(*PAGE_ERRORS):
                await self._hands(sight).enter(sight.reading.field_by_role(field.role))

        return enter

    # --- asking ----------------------------------------------------------------------------------------------

    async def _ask(self, action: Ask, sight: Sight) -> Sight | Failed:
        if action.pause.fields:
            refused = self._boundary.beyond(fillable(sight.reading)[0], sight)
            if refused is not None:
                return await self._boundary.consent(refused, sight)
        await self._note_rejected(action.rejected)
        may_compare = self._boundary.origin_beyond(sight.tab.page.url) is None
        if may_compare and (own := await self._dialogue.own_entry(action.pause, sight)) is not None:
            self._ledger.answered(own.id)
            return sight
        typed = self._live.typed
        pause = action.pause
        again = any(field.reason is FieldReason.REJECTED for field in pause.fields)
        if (again or action.rejected) and pause.website_error is None:
            pause = replace(pause, website_error=self._told.refusal(sight))
        answer = await self._dialogue.answered(pause, sight, action.on_timeout)
        if isinstance(answer, Sight) and self._live.typed > typed and answer.reading.kind is PageKind.SIGNED_IN:
            self._ledger.begun()  # the person signed in right on the page
        if isinstance(answer, Sight | Failed):
            return answer
        if isinstance(answer, Picked):
            self._ledger.answered(answer.choice_id)
        else:
            self._ledger.filled(action, answer)
        await self._dialogue.say(Progress.SUBMITTING)
        return await self._tabs.settle(None, patience=SHORT_PATIENCE)

    async def _note_rejected(self, refs: frozenset[str]) -> None:
        names = self._ledger.refused(refs)
        if names:
            await self._host.rejected(names)

    async def doubt(self, sight: Sight) -> Memory | None:
        """What to know for a second try, where this one ended on a page that was not the other side."""
        if not self._ledger.memory.started:
            return None
        return doubted(self._ledger, sight, attended=await self._host.attended())

    # --- the proof -------------------------------------------------------------------------------------------

    async def proven(self, sight: Sight) -> Outcome:
        async with StepLimit(PROOF_SECONDS).step():
            return await self._prove(sight)

    async def _prove(self, sight: Sight) -> Outcome:
        """Save the state, throw the context away and show that the copy is signed in."""
        await self._dialogue.say(Progress.SUBMITTING)
        page = sight.tab.page
        landed = page.url
        saved = await state.capture(self._session.context, page, self._passkeys.ring.kept)
        stored, given = self._ledger.stored, self._ledger.given
        plan = self._ledger.plan(end=sight.page)
        if not self._request.verify and self._ledger.memory.started:
            return LoggedIn(saved, landed, None, stored, given, plan, self._passkeys.ring.uses > 0)
        proof = await self._proof(saved, landed)
        if isinstance(proof, Unproven):
            reason, said = sentence(proof.reason), website_error(sight.reading)
            return Failed(ErrorCode.VERIFICATION_FAILED, reason, said, proof.picture)
        if proof.check is None and not self._ledger.memory.started:
            return Failed(ErrorCode.LOGIN_PAGE_NOT_FOUND, "No login form was found.")
        return LoggedIn(proof.state, landed, proof.check, stored, given, plan, self._passkeys.ring.uses > 0)

    async def _proof(self, saved: ProfileState, landed: str) -> Proven | Unproven:
        await self._live.catch_up()
        self._live.hide()
        await self._session.close()
        return await prove(
            self._browsers,
            self._request.settings,
            saved,
            landed=landed,
            login_page=self._login_page,
            outside=self._outside.marks,
            expected=self._request.check,
        )


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
