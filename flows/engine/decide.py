"""What to do next: `decide(reading, memory) -> Action`. Pure.

Rules are asked in order; the first that has an answer wins.
"""

import hashlib
from collections.abc import Callable

from flows.engine.actions import (
    Action,
    Ask,
    Fill,
    FillAndSubmit,
    Finish,
    GiveUp,
    Memory,
    Pick,
    Press,
    Sent,
    Visit,
    Wait,
    Why,
)
from flows.engine.contract import AskedChoice, AskedField, ErrorCode, FieldReason, Pause
from flows.engine.matching import (
    CODE,
    CODE_ROLES,
    IDENTIFIER_ROLES,
    PASSWORD,
    PASSWORD_ROLES,
    TOTP_CODE,
    USERNAME,
    folded,
    refs_of,
    stored_name,
)
from flows.engine.reading.model import (
    CheckboxMeaning,
    Choice,
    ChoiceKind,
    Control,
    Field,
    FieldRole,
    MfaType,
    PageKind,
    Reading,
)

FORM_KINDS = frozenset({PageKind.LOGIN, PageKind.CODE})
PATHS = ("/login", "/signin", "/accounts/login", "/users/sign_in", "/auth/login", "/account/login", "/wp-login.php")
LINKS = 3  # links to a login page followed, at most
REPEATS = 3  # times the same thing is pressed on the same page
TOTP_TRIES = 2
REFUSALS = 5  # of a password, within one login
SECRET_REFS = frozenset({PASSWORD})
DOWN = frozenset({429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
PASSKEY_WORDS = ("passkey", "security key", "touch id", "face id", "fingerprint", "windows hello", "biometric")


def decide(reading: Reading, memory: Memory) -> Action:
    """The next step. Always one; never raises."""
    for rule in RULES:
        action = rule(reading, memory)
        if action is not None:
            return action
    return GiveUp(ErrorCode.LOGIN_PAGE_NOT_FOUND, "No login form was found.")


# --- ids, fields, choices ----------------------------------------------------------------------------------------


def choice_ids(choices: tuple[Choice, ...]) -> dict[str, Choice]:
    """Stable ids: kind and label name a choice, a number tells equals apart."""
    found: dict[str, Choice] = {}
    for choice in choices:
        said = "|".join((choice.kind, choice.label, choice.masked_destination or ""))
        base = f"{choice.kind.value}_{hashlib.sha256(said.encode()).hexdigest()[:10]}"
        number, key = 2, base
        while key in found:
            key, number = f"{base}_{number}", number + 1
        found[key] = choice
    return found


def fillable(reading: Reading) -> tuple[Field, ...]:
    return tuple(field for field in reading.fields if field.role is not FieldRole.CHECKBOX)


def _ticks(reading: Reading) -> tuple[Field, ...]:
    """ "Remember me" always: some sessions end with the tab without it. Other boxes only where a form needs them."""
    return tuple(
        field
        for field in reading.fields
        if field.role is FieldRole.CHECKBOX and (field.checkbox is CheckboxMeaning.REMEMBER or field.required)
    )


def _essential(field: Field) -> bool:
    return field.required or field.role in IDENTIFIER_ROLES | PASSWORD_ROLES | CODE_ROLES


def _stored_for(field: Field, ref: str, reading: Reading, memory: Memory) -> str | None:
    usable = memory.known - memory.rejected
    if ref in memory.rejected:
        return None
    if memory.totp_tries >= TOTP_TRIES or (field.role is FieldRole.CODE and _was_delivered(field, reading)):
        usable -= {TOTP_CODE}
    second = field.role in IDENTIFIER_ROLES and ref != USERNAME
    return stored_name(field, usable, own_only=second)


def _was_delivered(field: Field, reading: Reading) -> bool:
    """The code was sent to the person by mail or message: no generated one fits."""
    return reading.resend is not None or "@" in field.hint or "*" in field.hint or "•" in field.hint


def _asked_field(field: Field, ref: str, reason: FieldReason) -> AskedField:
    return AskedField(
        id=ref,
        ref=ref,
        role=field.role,
        name=field.name,
        label=field.label,
        reason=reason,
        required=_essential(field),
        placeholder=field.placeholder,
        hint=field.hint,
        input_mode=field.input_mode,
        html_type=field.html_type,
        selector=field.selector,
    )


def asked_choices(reading: Reading) -> tuple[AskedChoice, ...]:
    return tuple(
        AskedChoice(
            id=key,
            kind=choice.kind,
            label=choice.label,
            selector=choice.selector,
            mfa_type=choice.mfa_type,
            provider=choice.provider,
            masked_destination=choice.masked_destination,
            description=choice.description,
        )
        for key, choice in choice_ids(reading.choices).items()
    )


def website_error(reading: Reading) -> str | None:
    return reading.message.text if reading.message is not None and reading.message.is_error else None


# --- what the site refused ---------------------------------------------------------------------------------------


def refused(reading: Reading, sent: Sent | None, *, page: str) -> frozenset[str]:
    """Which of the refs just sent the site did not take: the page asks for them again, with an error or unchanged."""
    if sent is None:
        return frozenset()
    refs = refs_of(fillable(reading))
    here = {refs[field.ref]: field for field in fillable(reading)}
    asked_again = sent.refs & here.keys()
    if not asked_again or added(reading, sent) or _too_old(reading, sent):
        return frozenset()
    error = website_error(reading)
    if error is None and page != sent.page:
        return frozenset()
    if reading.message is not None and error is not None and reading.message.field_ref in refs:
        blamed = refs[reading.message.field_ref or ""]
        return frozenset({blamed}) & asked_again or asked_again & sent.refs
    secrets = frozenset(ref for ref in asked_again if here[ref].role not in IDENTIFIER_ROLES)
    return secrets or asked_again


def added(reading: Reading, sent: Sent | None) -> frozenset[str]:
    """Refs that the same form asks for in addition: what was sent before was taken."""
    if sent is None:
        return frozenset()
    fields = fillable(reading)
    refs = refs_of(fields)
    if not sent.refs & set(refs.values()):
        return frozenset()
    return frozenset(
        refs[field.ref]
        for field in fields
        if refs[field.ref] not in sent.seen | sent.refs and field.role in CODE_ROLES | {FieldRole.TEXT}
    )


def _too_old(reading: Reading, sent: Sent) -> bool:
    """The site did not judge the form because it was too old. Believed once."""
    return reading.message is not None and reading.message.expired and sent.again == 0


# --- the rules ---------------------------------------------------------------------------------------------------


def _locked(reading: Reading, memory: Memory) -> Action | None:
    if reading.message is not None and reading.message.locked_out:
        return GiveUp(ErrorCode.ACCOUNT_LOCKED, "The site has locked this account.", reading.message.text)
    return None


def _wall(reading: Reading, memory: Memory) -> Action | None:
    if reading.kind is PageKind.BOT_WALL:
        if memory.waits < 4:
            return Wait("the site checks the browser")
        instruction = (
            "The site checks whether this is a bot. Complete its check, or wait until it lets the login go on."
        )
        return _handed_over(reading, instruction, ErrorCode.BOT_DETECTED)
    if reading.kind is PageKind.CAPTCHA:
        vendor = f" ({reading.captcha})" if reading.captcha else ""
        instruction = f"The site shows a captcha{vendor}. The login goes on by itself once it is solved."
        return _handed_over(reading, instruction, ErrorCode.CAPTCHA_BLOCKED)
    return None


def _handed_over(reading: Reading, instruction: str, code: ErrorCode) -> Ask:
    pause = Pause(
        url=reading.url,
        title=reading.title,
        choices=asked_choices(reading),
        instruction=instruction,
        website_error=website_error(reading),
    )
    return Ask(pause, on_timeout=code)


def _loading(reading: Reading, memory: Memory) -> Action | None:
    if reading.loading and memory.waits < 8:
        return Wait("the page is loading")
    return None


def _dismiss(reading: Reading, memory: Memory) -> Action | None:
    for control in reading.dismiss:
        if not memory.pressed_here(control):
            return Press(control, Why.DISMISS)
    return None


def _picked(reading: Reading, memory: Memory) -> Action | None:
    if memory.picked is None:
        return None
    choice = choice_ids(reading.choices).get(memory.picked)
    return Pick(choice, reading.submit) if choice is not None else None


def _provider(reading: Reading, memory: Memory) -> Action | None:
    """A credential that says "sign in with X" presses X by itself, once."""
    if memory.sso_provider is None or memory.started:
        return None
    wanted = folded(memory.sso_provider)
    for choice in reading.choices:
        named = folded(choice.provider or "")
        if choice.kind is ChoiceKind.SSO_PROVIDER and (named == wanted or (wanted and wanted in folded(choice.label))):
            return Pick(choice, reading.submit)
    return None


def _external(reading: Reading, memory: Memory) -> Action | None:
    if reading.kind is not PageKind.EXTERNAL_ACTION or memory.given:
        return None
    instruction = reading.instruction or "The site waits for something to be confirmed outside the browser."
    pause = Pause(
        url=reading.url,
        title=reading.title,
        fields=_asked(reading, memory, frozenset())[0],
        choices=asked_choices(reading),
        instruction=instruction,
        website_error=website_error(reading),
    )
    return Ask(pause)


def _interstitial(reading: Reading, memory: Memory) -> Action | None:
    if reading.kind is not PageKind.INTERSTITIAL:
        return None
    text = " ".join((reading.title, *reading.reasons, reading.accept.label if reading.accept else "")).casefold()
    offers_passkey = any(word in text for word in PASSKEY_WORDS)
    order = (reading.decline, reading.accept) if offers_passkey else (reading.accept, reading.decline)
    for control in order:
        if (
            control is not None
            and not (control is reading.accept and _asks_for_passkey(control))
            and memory.pressed_here(control) < REPEATS
        ):
            return Press(control, Why.INTERSTITIAL)
    return None


def _method(reading: Reading, memory: Memory) -> Action | None:
    """Take a stored one-time code or password where the site lets one choose."""
    if reading.kind is not PageKind.METHOD_CHOICE:
        return None
    usable = memory.known - memory.rejected
    wanted = [MfaType.TOTP] if TOTP_CODE in usable else []
    wanted += [MfaType.PASSWORD] if any(name in usable for name in ("password",)) else []
    for mfa_type in wanted:
        matching = [choice for choice in reading.choices if choice.mfa_type is mfa_type]
        if len(matching) == 1 and not memory.pressed.get((memory.page, matching[0].label)):
            return Pick(matching[0], reading.submit)
    if reading.choices and not fillable(reading):
        return Ask(
            Pause(
                url=reading.url,
                title=reading.title,
                choices=asked_choices(reading),
                website_error=website_error(reading),
            )
        )
    return None


def _asked(
    reading: Reading, memory: Memory, newly_rejected: frozenset[str]
) -> tuple[tuple[AskedField, ...], tuple[Fill, ...]]:
    """(what to ask, what can be filled already)."""
    fields = fillable(reading)
    refs = refs_of(fields)
    new = added(reading, memory.sent)
    ask: list[AskedField] = []
    fills: list[Fill] = []
    for field_ in fields:
        ref = refs[field_.ref]
        stored = None if ref in newly_rejected else _stored_for(field_, ref, reading, memory)
        if ref in memory.given and ref not in newly_rejected:
            fills.append(Fill(field_, ref, given=ref))
        elif stored is not None and stored not in newly_rejected:
            fills.append(Fill(field_, ref, stored=stored))
        elif _essential(field_) or ref in newly_rejected | new:
            reason = FieldReason.REJECTED if ref in newly_rejected | memory.rejected else FieldReason.MISSING
            ask.append(_asked_field(field_, ref, reason))
    return tuple(ask), tuple(fills)


def _form(reading: Reading, memory: Memory) -> Action | None:
    given = bool(memory.given)  # a person may fill the form of any page that was shown to them
    if not fillable(reading) or not (reading.kind in FORM_KINDS or given):
        return None
    newly = refused(reading, memory.sent, page=memory.page)
    if newly == {TOTP_CODE} or (newly == {CODE} and memory.sent and TOTP_CODE in memory.sent.stored):
        # A stored seed may be asked once more, for the code of the next time step (R15).
        if TOTP_CODE in memory.known - memory.rejected and TOTP_CODE in newly and memory.totp_tries < TOTP_TRIES:
            newly = frozenset()
        else:
            newly |= {TOTP_CODE} & memory.known
    if newly & SECRET_REFS and memory.refusals + 1 >= REFUSALS:
        return GiveUp(
            ErrorCode.CREDENTIALS_INVALID,
            f"The site refused the password {REFUSALS} times.",
            website_error(reading),
            rejected=newly,
        )
    ask, fills = _asked(reading, memory, newly)
    if newly:
        ask, fills = _whole_form(reading, memory, newly)
    if ask:
        pause = Pause(
            url=reading.url,
            title=reading.title,
            fields=ask,
            choices=asked_choices(reading),
            website_error=website_error(reading),
        )
        return Ask(pause, rejected=newly)
    if not fills:
        return None
    return FillAndSubmit(fills, _ticks(reading), reading.submit)


def _whole_form(
    reading: Reading, memory: Memory, newly: frozenset[str]
) -> tuple[tuple[AskedField, ...], tuple[Fill, ...]]:
    """After a refusal that blames no single field, the identifier beside the password is asked again as well:
    it may be the wrong one."""
    fields = fillable(reading)
    refs = refs_of(fields)
    blamed = reading.message.field_ref if reading.message is not None else None
    also = frozenset(
        refs[field_.ref]
        for field_ in fields
        if blamed is None and field_.role in IDENTIFIER_ROLES and memory.sent and refs[field_.ref] in memory.sent.refs
    )
    return _asked(reading, memory, newly | also)


def _choices_only(reading: Reading, memory: Memory) -> Action | None:
    """A page of choices: accounts, organizations, ways to sign in."""
    kinds = {PageKind.LOGIN, PageKind.CODE, PageKind.METHOD_CHOICE, PageKind.ACCOUNT_PICKER}
    if reading.kind not in kinds or not reading.choices or (not memory.started and _passkey_only(reading)):
        return None
    for control in reading.openers:
        if not _asks_for_passkey(control) and not memory.pressed_here(control):
            return None
    pause = Pause(
        url=reading.url, title=reading.title, choices=asked_choices(reading), website_error=website_error(reading)
    )
    return Ask(pause)


def _asks_for_passkey(control: Control) -> bool:
    """Pressing it opens a dialog of the operating system, which nobody is there to answer."""
    said = control.label.casefold()
    return any(word in said for word in PASSKEY_WORDS)


def _passkey_only(reading: Reading) -> bool:
    controls = (*reading.openers, *((reading.accept,) if reading.accept else ()))
    if fillable(reading) or any(choice.mfa_type is not MfaType.PASSKEY for choice in reading.choices):
        return False
    return bool(controls or reading.choices) and all(_asks_for_passkey(control) for control in controls)


def _openers(reading: Reading, memory: Memory) -> Action | None:
    for control in reading.openers:
        if not _asks_for_passkey(control) and not memory.pressed_here(control):
            return Press(control, Why.OPENER)
    return None


def _signed_in(reading: Reading, memory: Memory) -> Action | None:
    """Nobody is signed in before a login was sent or a state was brought along, whatever the page looks like."""
    possible = memory.started or memory.had_state
    return Finish() if possible and reading.kind is PageKind.SIGNED_IN else None


def _arrived(reading: Reading, memory: Memory) -> Action | None:
    """After a login was sent, a page without a form is the other side, once it has settled."""
    if not memory.started or (fillable(reading) and reading.kind in FORM_KINDS):
        return None
    if reading.kind is PageKind.ERROR:
        if memory.waits < 3:
            return Wait("the site shows an error")
        return GiveUp(ErrorCode.SITE_UNREACHABLE, "The site answered with an error.", website_error(reading))
    return Finish() if memory.waits >= 1 or reading.signed_in_score >= 0.5 else Wait("is this the other side?")


def _is_down(memory: Memory) -> bool:
    """The site itself, not this address, is in trouble."""
    return memory.status in DOWN


def _search(reading: Reading, memory: Memory) -> Action | None:
    """Look for the login page: its link on this page, the start page, the usual paths."""
    if memory.started:
        return None
    if memory.links < LINKS:
        for control in reading.login_links:
            if not memory.pressed_here(control):
                return Press(control, Why.LINK)
    if _passkey_only(reading):
        return GiveUp(ErrorCode.UNSUPPORTED_AUTH_METHOD, "The site lets people in with passkeys only.")
    if memory.searching and not _is_down(memory):
        for path in PATHS:
            if path not in memory.tried:
                return Visit(path)
    if reading.kind is PageKind.ERROR and _is_down(memory):
        return GiveUp(
            ErrorCode.SITE_UNREACHABLE, f"The site answered with error {memory.status}.", website_error(reading)
        )
    if reading.kind is PageKind.ERROR:
        return GiveUp(ErrorCode.LOGIN_PAGE_NOT_FOUND, "The site answered with an error.", website_error(reading))
    return None


RULES: tuple[Callable[[Reading, Memory], Action | None], ...] = (
    _locked,
    _wall,
    _loading,
    _dismiss,
    _picked,
    _provider,
    _external,
    _interstitial,
    _method,
    _form,
    _signed_in,
    _openers,
    _choices_only,
    _arrived,
    _search,
)
