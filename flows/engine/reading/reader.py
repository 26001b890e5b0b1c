"""`read(snapshot)`: the whole reading, out of the parts. Pure; any snapshot gives a reading."""

from dataclasses import dataclass

from flows.engine.reading import captchas, choices, controls, doubts, fields, layers, messages, questions, requests
from flows.engine.reading.analysis import Context, ReadForm, analyse
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import (
    Choice,
    ChoiceKind,
    Control,
    Field,
    FieldRole,
    MfaType,
    PageKind,
    Reading,
    Submit,
    SubmitBy,
)
from flows.engine.reading.names import named
from flows.engine.reading.page import PageView
from flows.engine.snapshot import Snapshot

FORM_KINDS = {
    Context.LOGIN: PageKind.LOGIN,
    Context.OTP: PageKind.CODE,
    Context.SIGNUP: PageKind.SIGN_UP,
    Context.RESET: PageKind.RESET,
}


_ELSEWHERE = frozenset({"external_push", "external_mail", "external_key"})


@dataclass(slots=True)
class Draft:
    """What is known so far while the page's kind is being decided."""

    page: PageView
    forms: list[ReadForm]
    form: ReadForm | None
    fields: tuple[Field, ...]
    spoken: frozenset[str]  # concepts of the headings and of short texts
    sso: list[Choice]
    captcha: captchas.Captcha | None
    leaving: Control | None


def read(snapshot: Snapshot, *, doubted: bool = False) -> Reading:
    """What the page is and everything a login can do on it. Never raises.

    `doubted`: the page was taken for the other side of a login and proved not to be.
    """
    page = PageView(snapshot)
    forms = analyse(page)
    form = choose_form(forms)
    draft = Draft(
        page=page,
        forms=forms,
        form=form,
        fields=fields.fields_of(form, page) if form is not None else (),
        spoken=_spoken(page),
        sso=choices.sso(page, forms),
        captcha=captchas.find(page),
        leaving=_leaving(page, forms),
    )
    kind, score, reasons = (_in_the_way(draft) if doubted else None) or decide_kind(draft)
    return _compose(draft, kind, score, reasons)


def choose_form(forms: list[ReadForm]) -> ReadForm | None:
    """The form to work on: a visible login or code form, the likeliest and the most complete; else any other."""
    best: tuple[float, int] | None = None
    for number, form in enumerate(forms):
        if not form.visible:
            continue
        rank = form.verdict.chance("login", "otp")
        if form.context in (Context.LOGIN, Context.OTP):
            rank += 2.0
            rank += 0.5 if form.having("password") else 0.0
            rank += 0.3 if form.having("code") else 0.0
            rank += 0.25 if any(f.item.element.focused for f in form.fields) else 0.0
            covered = sum(f.item.element.hidden == "covered" for f in form.fields)
            # What was laid over a form is the next question, be it a code after a password.
            rank -= 1.2 if covered and covered == len(form.fields) else 0.0
        elif form.context in (Context.SIGNUP, Context.RESET):
            rank += 1.0
        else:
            continue
        if best is None or rank > best[0]:
            best = rank, number
    return forms[best[1]] if best is not None else None


def _spoken(page: PageView) -> frozenset[str]:
    found: set[str] = set(page.title_concepts)
    for text in page.seen_texts[:80]:
        if len(text.text) <= 300:
            found |= concepts_of(text.text)
    return frozenset(found)


def decide_kind(draft: Draft) -> tuple[PageKind, float, tuple[str, ...]]:
    page, form = draft.page, draft.form
    wall = captchas.bot_wall(page, draft.captcha)
    fillable = [field for field in draft.fields if field.role is not FieldRole.CHECKBOX]
    if wall and not (form is not None and form.having("password", "identifier", "email")):
        return PageKind.BOT_WALL, 0.9, wall
    if form is not None and fillable and form.context in (Context.LOGIN, Context.OTP):
        kind = FORM_KINDS[form.context]
        return kind, round(form.verdict.chance("login", "otp"), 3), form.verdict.reasons
    return _kind_without_form(draft)


def _in_the_way(draft: Draft) -> tuple[PageKind, float, tuple[str, ...]] | None:
    """What no rule knows is asked for, or pressed, if that is all that leads on."""
    form = draft.form or doubts.form_on(draft.page, draft.forms)
    found = doubts.fields_on(form, draft.page) if form is not None else ()
    if any(field.role is not FieldRole.CHECKBOX for field in found):
        draft.form, draft.fields = form, found
        return PageKind.CODE, 0.3, ("stands in the way of the login",)
    if any(controls.accept_and_decline(draft.page, frozenset())):
        return PageKind.INTERSTITIAL, 0.3, ("stands in the way of the login",)
    return None


def _kind_without_form(draft: Draft) -> tuple[PageKind, float, tuple[str, ...]]:
    page, spoken = draft.page, draft.spoken
    heads = frozenset().union(*(concepts_of(text) for text in page.headings), page.title_concepts)
    leaving = draft.leaving
    methods = _mfa_choices(draft)
    kinds = {choice.mfa_type for choice in methods}
    if draft.captcha is not None and draft.captcha.in_the_way and draft.form is None:
        return PageKind.CAPTCHA, 0.8, draft.captcha.reasons
    pressable = sum(1 for _ in choices.pressables(page))
    small = pressable < 30
    filling = _other_form(draft)
    if filling is not None and leaving is None:
        return filling
    if small:
        if len(methods) >= 2 and len(kinds - {MfaType.SWITCH}) >= 2 and "choose" in spoken:
            return PageKind.METHOD_CHOICE, 0.9, ("asks to choose", f"{len(methods)} methods")
        if leaving is None and (asked := _code_to_request(draft, methods)):
            return asked
        if len(methods) >= 2 and "choose" in spoken:
            return PageKind.METHOD_CHOICE, 0.9, ("asks to choose", f"{len(methods)} methods")
        listed = any(row.kind is ChoiceKind.ACCOUNT for row in _rows(draft, heads))
        if leaving is None and not listed and questions.asks_whether_it_is_you(page):
            return PageKind.INTERSTITIAL, 0.75, ("asks whether to go on as this account",)
        picker = _picker(draft, heads)
        if picker:
            return picker
        external = _instruction(draft)
        if leaving is None and draft.form is None and pressable <= 10 and questions.sent_to_address(page, spoken):
            return PageKind.EXTERNAL_ACTION, 0.7, ("something was sent to an address",)
        told = not heads.isdisjoint(_ELSEWHERE)
        if external and leaving is None and (told or pressable <= 8):
            return PageKind.EXTERNAL_ACTION, 0.8, ("tells to act elsewhere",)
        about = heads | page.url_concepts | named(page.url_words)
        signing = pressable <= 10 or not about.isdisjoint(
            {"login", "code", "totp", "verify", "choose", "code_word", "by_key"}
        )
        if len(kinds - {MfaType.SWITCH}) >= 2 and leaving is None and signing and pressable <= 2 * len(methods) + 8:
            return PageKind.METHOD_CHOICE, 0.7, (f"{len(methods)} methods",)
        if leaving is None and signing and kinds == {MfaType.PASSKEY, MfaType.SWITCH}:
            return PageKind.METHOD_CHOICE, 0.7, ("a passkey, or another way",)
        offer = questions.offer(page, heads, spoken)
        yes, no = controls.accept_and_decline(page, frozenset({offer})) if offer else (None, None)
        if offer and (no or (yes and offer != "offer")) and not (offer == "other_session" and leaving is not None):
            return PageKind.INTERSTITIAL, 0.75, (f"asks about {offer}",)
        if questions.asks_consent(page):
            return PageKind.INTERSTITIAL, 0.7, ("asks for consent",)
        if kinds - {MfaType.SWITCH} and "choose" in heads and leaving is None:
            return PageKind.METHOD_CHOICE, 0.6, ("asks to choose",)
    if "choose" in heads and leaving is None and draft.form is None and not draft.sso and choices.answers(page):
        return PageKind.METHOD_CHOICE, 0.55, ("asks to choose", "has few buttons beside")
    if leaving is not None:
        return PageKind.SIGNED_IN, round(leaving.score, 3), ("a sign-out control",)
    if small and draft.form is None and "robot" in heads:
        return PageKind.CAPTCHA, 0.6, ("asks whether this is a person",)
    told = bool(page.url_concepts & {"login", "signup"}) or "login" in heads
    if draft.sso and (told or ("login" in spoken and not controls.login_links(page)[0])):
        return PageKind.LOGIN, 0.7, ("only identity providers",)
    status = page.snapshot.top.status
    if status >= 400 or ("maintenance" in heads and small):
        return PageKind.ERROR, 0.7, (f"status {status}",) if status >= 400 else ("says it is out of order",)
    return PageKind.OTHER, 0.5, ()


def _code_to_request(draft: Draft, methods: list[Choice]) -> tuple[PageKind, float, tuple[str, ...]] | None:
    """A page that sends a code, or a link, only after its button was pressed."""
    found = requests.alone(draft.page)
    if not found:
        return None
    if any(choice.needs_submit for choice in methods):
        return PageKind.METHOD_CHOICE, 0.8, ("asks to choose", "has a code sent")
    kinds = {choice.mfa_type for choice in methods} - {MfaType.SWITCH}
    asked = draft.spoken & {"choose", "code", "code_word", "send_code", "verify", "by_sms", "by_email", "totp"}
    if len(kinds) > 1 or not asked or draft.sso or "login" in draft.page.title_concepts & draft.page.url_concepts:
        return None
    return PageKind.CODE, found[0].score, ("a code has to be requested",)


def _rows(draft: Draft, heads: frozenset[str]) -> list[Choice]:
    """Accounts or organizations to choose from, and the way to another one."""
    organizations = "choose_org" in draft.spoken
    return choices.accounts(draft.page, taken=set(), organizations=organizations, lists="choose_account" in heads)


def _picker(draft: Draft, heads: frozenset[str]) -> tuple[PageKind, float, tuple[str, ...]] | None:
    """Rows of accounts or organizations, on a page that asks for one of them."""
    spoken = draft.spoken
    asked = not heads.isdisjoint({"choose_account", "choose_org"})
    if draft.leaving is not None and not asked:
        return None
    rows = _rows(draft, heads)
    buttons = frozenset().union(*(concepts_of(choice.label) for choice in rows))
    if rows and not (spoken | buttons).isdisjoint({"choose_account", "choose_org"}):
        return PageKind.ACCOUNT_PICKER, 0.8, ("asks which account",)
    return None


def _other_form(draft: Draft) -> tuple[PageKind, float, tuple[str, ...]] | None:
    """A visible form to sign up or to reset a password."""
    form = draft.form
    if form is None or form.context not in (Context.SIGNUP, Context.RESET):
        return None
    return FORM_KINDS[form.context], round(form.verdict.chance(form.context), 3), form.verdict.reasons


def _leaving(page: PageView, forms: list[ReadForm]) -> Control | None:
    """The sign-out control, unless it waits unseen on a page that asks people to sign in or up: templates hold both."""
    found = controls.sign_out(page)
    if found is None or page.is_reachable(found.ref):
        return found
    asking = any(form.visible and form.verdict.chance("login", "signup") > 0.8 for form in forms)
    links, openers = controls.login_links(page)
    invited = any(control.score >= 1.0 for control in (*links[:1], *openers[:1]))
    return None if asking or invited else found


def _mfa_choices(draft: Draft) -> list[Choice]:
    taken = {choice.ref for choice in draft.sso}
    listed = choices.listed_methods(draft.page, taken=taken)
    taken |= {choice.ref for choice in listed}
    found = listed + choices.methods(draft.page, draft.form, kind=ChoiceKind.MFA_METHOD, taken=taken)
    return found + choices.same_question(draft.page, found) if "choose" in draft.spoken else found


def _instruction(draft: Draft) -> str | None:
    """What the person must do elsewhere, in the site's words."""
    parts: list[str] = []
    for text in draft.page.seen_texts[:80]:
        if len(text.text) > 300:
            continue
        concepts = concepts_of(text.text)
        told = not concepts.isdisjoint(_ELSEWHERE) and concepts.isdisjoint({"cookie", "subscribe", "wrong"})
        if told and text.text not in parts:
            parts.append(text.text)
    if not parts:
        return None
    numbers = [t.text for t in draft.page.seen_texts[:80] if t.text.strip().isdigit() and len(t.text.strip()) <= 3]
    return " ".join([*parts[:4], *numbers[:1]])[:400]


def _compose(draft: Draft, kind: PageKind, score: float, reasons: tuple[str, ...]) -> Reading:
    page, form = draft.page, draft.form
    working = kind in (PageKind.LOGIN, PageKind.CODE, PageKind.SIGN_UP, PageKind.RESET)
    chosen = draft.fields if working else ()
    submit = _submit(form, chosen) if working and form is not None and chosen else None
    taken = {submit.control.ref} if submit and submit.control else set()
    coded = any(field.role is FieldRole.CODE for field in chosen) and kind in (PageKind.LOGIN, PageKind.CODE)
    links, openers = controls.login_links(page)
    if coded or (kind is PageKind.CODE and chosen):
        openers = requests.beside_field(page, taken, disabled=kind is PageKind.LOGIN)
    elif kind is PageKind.CODE:
        openers = requests.alone(page)[:1]
    elif chosen:
        openers = []
    ways = _choices(draft, kind, taken | {control.ref for control in openers if coded or kind is PageKind.CODE})
    yes, no = (None, None)
    if kind is PageKind.INTERSTITIAL:
        heads = frozenset().union(*(concepts_of(text) for text in page.headings), page.title_concepts)
        offer = questions.offer(page, heads, draft.spoken)
        yes, no = controls.accept_and_decline(page, frozenset({offer} if offer else ()))
    leaving = draft.leaving
    if kind is PageKind.METHOD_CHOICE and any(choice.needs_submit for choice in ways):
        yes, _ = controls.accept_and_decline(page, frozenset({"send_code", "send"}))
        submit = Submit(SubmitBy.CLICK, yes) if yes else Submit(SubmitBy.ENTER)
        ways = [choice for choice in ways if yes is None or choice.ref != yes.ref]
        yes = None
    inputs = [item for item in form.group.fields if item.reachable] if form is not None else []
    top = page.snapshot.top
    return Reading(
        kind=kind,
        score=min(max(score, 0.0), 1.0),
        url=page.snapshot.url,
        title=page.snapshot.title,
        reasons=reasons,
        fields=chosen,
        submit=submit,
        choices=tuple(ways),
        message=messages.find(page, form if working else None, inputs),
        instruction=_instruction(draft)
        if kind in (PageKind.EXTERNAL_ACTION, PageKind.CODE, PageKind.METHOD_CHOICE)
        else None,
        openers=tuple(openers),
        accept=yes,
        decline=no,
        dismiss=tuple(layers.dismissals(page, form)),
        resend=controls.resend(page) if coded or kind in (PageKind.CODE, PageKind.EXTERNAL_ACTION) else None,
        login_links=tuple(links) if kind not in (PageKind.CODE, PageKind.INTERSTITIAL) else (),
        account_openers=() if chosen or links or openers or leaving else tuple(controls.account_openers(page)),
        sign_out=leaving,
        captcha=draft.captcha.vendor if draft.captcha is not None else None,
        signed_in_score=_signed_in(draft, kind, leaving is not None, bool(links or openers)),
        pressable=sum(1 for _ in choices.pressables(page)),
        loading=bool(
            top.ready_state == "loading"
            or (not page.seen_texts and not chosen)
            or (top.busy and not chosen and len(page.seen_texts) < 8)
            or (not chosen and form is not None and form.visible and fields.is_switched_off(form))
        ),
        lang=top.lang,
    )


def _submit(form: ReadForm, chosen: tuple[Field, ...]) -> Submit:
    if form.submit is not None:
        return Submit(SubmitBy.CLICK, controls.control(form.submit, 0.9, "sends the form"))
    if any(len(field.boxes) >= 4 for field in chosen):
        return Submit(SubmitBy.ITSELF)
    return Submit(SubmitBy.ENTER)


def _choices(draft: Draft, kind: PageKind, taken: set[str]) -> list[Choice]:
    page = draft.page
    if kind is PageKind.LOGIN:
        ways = [choice for choice in draft.sso if choice.ref not in taken]
        taken = taken | {choice.ref for choice in ways}
        return ways + choices.methods(page, draft.form, kind=ChoiceKind.SIGN_IN_METHOD, taken=taken)
    if kind is PageKind.CODE:
        asking = {control.ref for control in requests.alone(page)[:1]}
        return choices.methods(page, draft.form, kind=ChoiceKind.MFA_METHOD, taken=taken | asking)
    if kind is PageKind.METHOD_CHOICE:
        known = _mfa_choices(draft) or choices.answers(page)
        return [*known, *choices.alike(page, known, taken=taken)]
    if kind is PageKind.EXTERNAL_ACTION:
        return _mfa_choices(draft)
    if kind is PageKind.ACCOUNT_PICKER:
        heads = frozenset().union(*map(concepts_of, page.headings), page.title_concepts)
        return choices.accounts(
            page, taken=taken, organizations="choose_org" in draft.spoken, lists="choose_account" in heads
        )
    return []


def _signed_in(draft: Draft, kind: PageKind, leaving: bool, login_links: bool) -> float:
    score = 0.15
    if leaving:
        score += 0.65
    if "account" in draft.spoken:
        score += 0.1
    if "signed_in" in draft.spoken:
        score += 0.15
    if kind in (PageKind.LOGIN, PageKind.CODE, PageKind.METHOD_CHOICE, PageKind.SIGN_UP):
        score -= 0.7
    if login_links and not leaving:
        score -= 0.4
    if kind in (PageKind.ERROR, PageKind.BOT_WALL, PageKind.CAPTCHA):
        score -= 0.4
    return round(min(max(score, 0.0), 1.0), 3)


def signature(reading: Reading) -> str:
    """What page this is, stable from visit to visit: its kind, its path, what it asks and offers; no query, no text."""
    place = reading.url.partition("?")[0].partition("#")[0]
    asked = ",".join(f"{field.role}={field.name}" for field in reading.fields)
    offered = ",".join(
        sorted(f"{choice.kind}:{choice.provider or choice.mfa_type or ''}" for choice in reading.choices)
    )
    return f"{reading.kind}|{place}|{asked}|{offered}"
