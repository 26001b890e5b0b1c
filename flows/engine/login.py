"""One login, to its proof: a try, and another where the first ended on a page that only seemed to be the other side."""

from flows.engine.actions import Memory
from flows.engine.attempt import Attempt, sentence
from flows.engine.browsers import Browsers
from flows.engine.contract import ErrorCode, Failed, Host, LoginRequest, Outcome
from flows.engine.errors import BasicAuth, BrowserUnavailable, Unreachable
from flows.engine.lent_passkeys import LentPasskeys
from flows.engine.origins import InvalidDomain, site_parse


async def login(browsers: Browsers, request: LoginRequest, host: Host) -> Outcome:
    """Log in as `request` says, with `host` for everything that is not the browser.

    Raises FlowStopped as the host does, and BrowserLost when the browser dies: what was typed then counts as sent.
    """
    try:
        site_parse(request.domain)
    except InvalidDomain:
        return Failed(ErrorCode.SITE_UNREACHABLE, "The domain is not a host name.")
    try:
        outcome, doubt = await _once(browsers, request, host, None)
        if doubt is not None:
            outcome, _ = await _once(browsers, request, host, doubt)
        return outcome
    except BrowserUnavailable as error:
        return Failed(ErrorCode.INTERNAL_ERROR, str(error))
    except BasicAuth as error:
        return Failed(ErrorCode.UNSUPPORTED_AUTH_METHOD, sentence(str(error)))
    except Unreachable as error:
        return Failed(ErrorCode.SITE_UNREACHABLE, sentence(str(error)))
    finally:
        host.live.hide()
        browsers.prepare(request.settings)


async def _once(
    browsers: Browsers, request: LoginRequest, host: Host, doubt: Memory | None
) -> tuple[Outcome, Memory | None]:
    """How it ended and, where it ended on a page that seemed to be the other side and is not, what to know when it is
    tried again."""
    async with browsers.open(request.settings, request.state) as session:
        passkeys = LentPasskeys(session.context, request.state.passkeys if request.state is not None else ())
        await passkeys.attach(session.page)
        run = Attempt(browsers, request, host, session, passkeys, doubt)
        ended = await run.drive()
        if isinstance(ended, Failed):
            return await run.pictured(ended), None
        outcome = await run.proven(ended)
        astray = isinstance(outcome, Failed) and outcome.code is ErrorCode.VERIFICATION_FAILED
        return outcome, await run.doubt(ended) if astray and doubt is None else None
