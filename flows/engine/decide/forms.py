"""Rules for forms: fill what is known, ask for what is missing."""

from flows.engine.actions import Action, Ask, Fill, FillAndSubmit, GiveUp, Memory, Press, Why
from flows.engine.contract import AskedField, ErrorCode, FieldReason
from flows.engine.decide.asking import asked_field, fillable, is_essential, pause_for, website_error
from flows.engine.decide.refusals import added, refused
from flows.engine.matching import (
    CODE,
    IDENTIFIER_ROLES,
    PASSWORD,
    PASSWORD_ROLES,
    TOTP_CODE,
    USERNAME,
    refs_of,
    stored_name,
)
from flows.engine.reading.model import (
    CheckboxMeaning,
    Control,
    Field,
    FieldRole,
    PageKind,
    Reading,
    Submit,
    SubmitBy,
)

FORM_KINDS = frozenset({PageKind.LOGIN, PageKind.CODE})
TOTP_TRIES = 2
REFUSALS = 5  # of a password, or of a code, within one login
SECRET_REFS = frozenset({PASSWORD})
CODE_REFS = frozenset({CODE, TOTP_CODE})


def form(reading: Reading, memory: Memory) -> Action | None:
    given = bool(memory.given)  # a person may fill the form of any page that was shown to them
    if not fillable(reading) or not (reading.kind in FORM_KINDS or given or _must_change(reading, memory)):
        return None
    newly = _with_secret(refused(reading, memory.sent, page=memory.page), reading, memory)
    if newly == {TOTP_CODE} or (newly == {CODE} and memory.sent and TOTP_CODE in memory.sent.stored):
        # A stored seed may be asked once more, for the code of the next time step (R15).
        if TOTP_CODE in memory.known - memory.rejected and TOTP_CODE in newly and memory.totp_tries < TOTP_TRIES:
            newly = frozenset()
        else:
            newly |= {TOTP_CODE} & memory.known
    if (often := too_often(newly, memory)) is not None:
        return GiveUp(ErrorCode.CREDENTIALS_INVALID, often, website_error(reading), rejected=newly)
    ask, fills = form_asked(reading, memory, newly)
    if newly and not newly <= CODE_REFS:
        ask, fills = _whole_form(reading, memory, newly)
    if (button := _sends_code(reading, memory, newly)) is not None:
        return _identify(reading, ask, fills, button, newly)
    if ask and not newly and (request := _request(reading, memory, ask)):
        return request
    if ask:
        return Ask(pause_for(reading, fields=ask), rejected=newly)
    if not fills:
        return None
    return FillAndSubmit(fills, _ticks(reading), reading.submit)


def _must_change(reading: Reading, memory: Memory) -> bool:
    """The site lets nobody in before there is a new password: it comes from the person."""
    roles = {field_.role for field_ in fillable(reading)}
    asked = reading.kind in (PageKind.RESET, PageKind.SIGN_UP) and FieldRole.NEW_PASSWORD in roles
    return memory.started and asked and roles <= PASSWORD_ROLES and reading.sign_out is None


def too_often(newly: frozenset[str], memory: Memory) -> str | None:
    """Why nothing more is tried: sites lock accounts over wrong guesses (R16)."""
    if newly & SECRET_REFS and memory.refusals + 1 >= REFUSALS:
        return f"The site refused the password {REFUSALS} times."
    if newly & CODE_REFS and memory.code_refusals + 1 >= REFUSALS:
        return f"The site refused the code {REFUSALS} times."
    return None


def _request(reading: Reading, memory: Memory, ask: tuple[AskedField, ...]) -> Press | None:
    """Nobody can tell a code that was not sent: what has it sent is pressed before it is asked for, once."""
    if reading.kind is not PageKind.CODE or reading.resend is not None or memory.given:
        return None
    if not any(field_.role is FieldRole.CODE for field_ in ask):
        return None
    return next((Press(c, Why.OPENER) for c in reading.openers if not memory.pressed_here(c)), None)


def _sends_code(reading: Reading, memory: Memory, newly: frozenset[str]) -> Control | None:
    """The button that has a code sent to whom the same form names, as long as it was not pressed or did not help."""
    failed = bool(newly) and memory.sent is not None and memory.sent.for_code
    if reading.kind is not PageKind.LOGIN or not reading.openers or (memory.requested == memory.page and not failed):
        return None
    roles = {field_.role for field_ in reading.fields}
    return reading.openers[0] if FieldRole.CODE in roles and roles & IDENTIFIER_ROLES else None


def _identify(
    reading: Reading, ask: tuple[AskedField, ...], fills: tuple[Fill, ...], button: Control, newly: frozenset[str]
) -> Action | None:
    """Say who it is and have the code sent: nobody can tell one that was not sent."""
    missing = tuple(field_ for field_ in ask if field_.role in IDENTIFIER_ROLES)
    if missing:
        return Ask(pause_for(reading, fields=missing), rejected=newly)
    known = tuple(fill for fill in fills if fill.field.role in IDENTIFIER_ROLES)
    submit = Submit(SubmitBy.CLICK, button)
    return FillAndSubmit(known, _ticks(reading), submit, for_code=True) if known else None


def _with_secret(newly: frozenset[str], reading: Reading, memory: Memory) -> frozenset[str]:
    """Words that blame the identifier alone are believed once; the next time the password that went with it counts
    as refused too, or it would be sent again and again (R16)."""
    if not newly or memory.sent is None or not memory.blames:
        return newly
    return newly | (SECRET_REFS & memory.sent.refs & set(refs_of(fillable(reading)).values()))


def form_asked(
    reading: Reading, memory: Memory, newly_rejected: frozenset[str], offered: frozenset[str] = frozenset()
) -> tuple[tuple[AskedField, ...], tuple[Fill, ...]]:
    """(what to ask, what can be filled already). `offered` is asked though the form may do without."""
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
        elif is_essential(field_) or ref in newly_rejected | new | offered:
            reason = FieldReason.REJECTED if ref in newly_rejected | memory.rejected else FieldReason.MISSING
            ask.append(asked_field(field_, ref, reason))
    fills.sort(key=lambda fill: fill.field.html_type != "select")  # a page may draw its form anew for an entry
    return tuple(ask), tuple(fills)


def _whole_form(
    reading: Reading, memory: Memory, newly: frozenset[str]
) -> tuple[tuple[AskedField, ...], tuple[Fill, ...]]:
    """After a refusal that blames no single field, the identifier beside the password is asked again as well: it may
    be the wrong one. What else the form has, and was left as it was, may be what is missing."""
    fields = fillable(reading)
    refs = refs_of(fields)
    blamed = reading.message.field_ref if reading.message is not None else None
    also = frozenset(
        refs[field_.ref]
        for field_ in fields
        if blamed is None and field_.role in IDENTIFIER_ROLES and memory.sent and refs[field_.ref] in memory.sent.refs
    )
    spare = (refs[field_.ref] for field_ in fields if field_.role is FieldRole.TEXT and not field_.required)
    offered = frozenset(spare) if blamed is None else frozenset[str]()
    return form_asked(reading, memory, newly | also, offered)


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
    requested = reading.kind is PageKind.LOGIN and bool(reading.openers)
    return requested or reading.resend is not None or "@" in field.hint or "*" in field.hint or "•" in field.hint


def _ticks(reading: Reading) -> tuple[Field, ...]:
    """ "Remember me" always: some sessions end with the tab without it. Other boxes only where a form needs them."""
    return tuple(
        field
        for field in reading.fields
        if field.role is FieldRole.CHECKBOX and (field.checkbox is CheckboxMeaning.REMEMBER or field.required)
    )
