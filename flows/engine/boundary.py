"""Where the values of one login may go (R10), and the question when a form lies beyond that."""

from collections.abc import Callable

from flows.engine.contract import AskedChoice, ErrorCode, Failed, FlowStopped, Host, LoginRequest, Pause, Picked
from flows.engine.dialogue import Dialogue
from flows.engine.origins import OriginPolicy, origin_of, policy_for
from flows.engine.reading.model import ChoiceKind, Control, Field
from flows.engine.tabs import SHORT_PATIENCE, Sight, Tabs

CONSENT = "allow_origin:"
NO_PAGES = ("", "about:blank", "about:srcdoc")


class Boundary:
    """`policy` widens when the person consents to an origin."""

    def __init__(
        self,
        request: LoginRequest,
        host: Host,
        dialogue: Dialogue,
        tabs: Tabs,
        *,
        plain_http: Callable[[str, int], bool],
    ) -> None:
        self._host = host
        self._dialogue = dialogue
        self._tabs = tabs
        self.policy: OriginPolicy = policy_for(
            domain=request.domain,
            allowed_domains=request.allowed_domains,
            consented=request.consented_origins,
            plain_http=plain_http,
        )

    def beyond(self, element: Field | Control, sight: Sight) -> str | None:
        """The origin of the element's page or frame that may not receive values."""
        for url in (sight.tab.page.url, sight.observation.frame(element.ref).url):
            if (refused := self.origin_beyond(url)) is not None:
                return refused
        return None

    def origin_beyond(self, url: str) -> str | None:
        if url in NO_PAGES or self.policy.allows_url(url):
            return None
        return str(origin_of(url) or "an unknown origin")

    async def consent(self, origin: str, sight: Sight) -> Sight | Failed:
        """A form on an origin that may not receive values: only consent that names the origin allows it."""
        message = f"The login form is at {origin}, which is not among the allowed domains."
        parsed = origin_of(origin)
        if parsed is None or not self.policy.with_consent(origin).allows(parsed):
            return Failed(ErrorCode.WRONG_ORIGIN, message)
        choice = AskedChoice(
            id=CONSENT + origin,
            kind=ChoiceKind.OTHER,
            label=f"Allow {origin} to receive the login",
            description=message,
        )
        pause = Pause(url=sight.reading.url, title=sight.reading.title, choices=(choice,))
        try:
            answer = await self._dialogue.answered(pause, sight, None)
        except FlowStopped as stop:
            if stop.code is not ErrorCode.FLOW_EXPIRED:
                raise
            return Failed(ErrorCode.WRONG_ORIGIN, message)
        if isinstance(answer, Sight | Failed):
            return answer
        if isinstance(answer, Picked) and answer.choice_id == choice.id:
            await self._host.allow_origin(origin)
            self.policy = self.policy.with_consent(origin)
        return await self._tabs.settle(None, patience=SHORT_PATIENCE)
