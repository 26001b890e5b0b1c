"""Rules for both ends of a login: finding its page, and being through."""

from flows.engine.actions import Action, Finish, GiveUp, Memory, Press, Return, Visit, Wait, Why
from flows.engine.contract import ErrorCode
from flows.engine.decide.asking import fillable, website_error
from flows.engine.decide.forms import CODE_REFS, FORM_KINDS, TOTP_TRIES, too_often
from flows.engine.decide.passkeys import passkey_only
from flows.engine.matching import TOTP_CODE
from flows.engine.plan import digest
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import PageKind, Reading

START = "/"
PATHS = (
    "/login", "/signin", "/sign-in", "/user/login", "/accounts/login", "/users/sign_in", "/auth/login",
    "/account/login", "/wp-login.php", START,
)  # fmt: skip
LATE_WAITS = 6  # some pages draw their form seconds after they stand still: a worker or a database starts first
EARLY_WAITS = 2
RETURNS = 6  # to the form, in one login
BARE = 40  # more than this to press is an application, whose words are not about the login
REFUSED = frozenset({400, 401, 403, 422})
LINKS = 3  # links to a login page followed, at most
DOWN = frozenset({429, 500, 502, 503, 504, 520, 521, 522, 523, 524})


def signed_in(reading: Reading, memory: Memory) -> Action | None:
    """Nobody is signed in before a login was sent or a state was brought along, whatever the page looks like."""
    possible = memory.started or memory.had_state
    return Finish() if possible and reading.kind is PageKind.SIGNED_IN else None


def too_early(reading: Reading, memory: Memory) -> Action | None:
    """An application may show itself before it asks who is there: its own buttons are not to be pressed."""
    if reading.kind is PageKind.SIGNED_IN and not memory.started and memory.waits < EARLY_WAITS:
        return Wait("nobody is signed in yet")
    return None


def turned_away(reading: Reading, memory: Memory) -> Action | None:
    """A page of its own that says no to what was sent. Back at the form it shows whether that is so: who was let in
    finds none there, and the form again, unchanged, is a refusal."""
    said = website_error(reading) or ""
    if memory.sent is None or memory.returns >= RETURNS or not _is_dead_end(reading):
        return None
    # A wrong code may be no more than a bad request, in words that nobody knows.
    answered = memory.sent.refs <= CODE_REFS and memory.status in REFUSED and reading.kind is PageKind.ERROR
    if "rejected" not in concepts_of(said) and not answered:
        return None
    if memory.waits < 1:
        return Wait("is this all the site says?")
    codes = memory.sent.refs & CODE_REFS
    if TOTP_CODE in memory.sent.stored and memory.totp_tries < TOTP_TRIES:
        codes = frozenset()  # the next one may fit (R15)
    if (often := too_often(codes, memory)) is not None:
        return GiveUp(ErrorCode.CREDENTIALS_INVALID, often, said, rejected=codes)
    return Return(said, codes)


def _is_dead_end(reading: Reading) -> bool:
    kinds = (PageKind.OTHER, PageKind.ERROR)
    return reading.kind in kinds and reading.sign_out is None and not fillable(reading) and reading.pressable <= BARE


def arrived(reading: Reading, memory: Memory) -> Action | None:
    """After a login was sent, a page without a form is the other side, once it has settled."""
    if not memory.started or (fillable(reading) and reading.kind in FORM_KINDS):
        return None
    if reading.kind is PageKind.CODE and memory.waits < 3:
        return Wait("the code has been requested")
    if reading.kind is PageKind.ERROR:
        if memory.waits < 3:
            return Wait("the site shows an error")
        return GiveUp(ErrorCode.SITE_UNREACHABLE, "The site answered with an error.", website_error(reading))
    if digest(memory.page) in memory.doubted:
        return GiveUp(ErrorCode.VERIFICATION_FAILED, "The site shows a page that is not the other side of the login.")
    return Finish() if memory.waits >= 1 or reading.signed_in_score >= 0.5 else Wait("is this the other side?")


def search(reading: Reading, memory: Memory) -> Action | None:
    """Look for the login page: its link on this page, the start page, the usual paths."""
    if memory.started:
        return None
    if memory.links < LINKS:
        for control in reading.login_links:
            if not memory.pressed_here(control):
                return Press(control, Why.LINK)
    for control in reading.account_openers:
        if not memory.pressed_here(control):
            return Press(control, Why.OPENER)
    if passkey_only(reading):
        return GiveUp(ErrorCode.UNSUPPORTED_AUTH_METHOD, "The site lets people in with passkeys only.")
    if memory.searching and not _is_down(memory):
        for path in PATHS:  # the last is where to wait, and where a person can go on
            if path not in memory.tried:
                return Visit(path)
    if reading.kind is not PageKind.ERROR and memory.waits < LATE_WAITS:
        return Wait("nothing to do here yet")
    if reading.kind is PageKind.ERROR and _is_down(memory):
        return GiveUp(
            ErrorCode.SITE_UNREACHABLE, f"The site answered with error {memory.status}.", website_error(reading)
        )
    if reading.kind is PageKind.ERROR:
        return GiveUp(ErrorCode.LOGIN_PAGE_NOT_FOUND, "The site answered with an error.", website_error(reading))
    return None


def _is_down(memory: Memory) -> bool:
    """The site itself, not this address, is in trouble."""
    return memory.status in DOWN
