"""What kind of page it is: an ordered registry of small rules, the first that speaks decides."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from flows.engine.reading import captchas, choices, controls, questions, requests
from flows.engine.reading.analysis import Context, ReadForm
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import Choice, ChoiceKind, Control, Field, FieldRole, MfaType, PageKind
from flows.engine.reading.names import named
from flows.engine.reading.page import PageView

FORM_KINDS = {
    Context.LOGIN: PageKind.LOGIN,
    Context.OTP: PageKind.CODE,
    Context.SIGNUP: PageKind.SIGN_UP,
    Context.RESET: PageKind.RESET,
}
FEW_TO_PRESS = 30  # a page with more is about something else than one question
VERY_FEW_TO_PRESS = 10
FEW_TEXTS, FEW_CONTROLS = 6, 4  # of a page that only says that something is wrong
_ELSEWHERE = frozenset({"external_push", "external_mail", "external_key"})
_ABOUT_SIGNING_IN = frozenset({"login", "code", "totp", "verify", "choose", "code_word", "by_key"})
_ABOUT_CODES = frozenset({"choose", "code", "code_word", "send_code", "verify", "by_sms", "by_email", "totp"})
_PICKING = frozenset({"choose_account", "choose_org"})


class Verdict(NamedTuple):
    kind: PageKind
    score: float
    reasons: tuple[str, ...]


@dataclass(eq=False)
class Draft:
    """What is known so far while the page's kind is being decided."""

    page: PageView
    forms: list[ReadForm]
    form: ReadForm | None
    fields: tuple[Field, ...]
    sso: list[Choice]
    captcha: captchas.Captcha | None

    @cached_property
    def spoken(self) -> frozenset[str]:
        """Concepts of the headings and of short texts."""
        found: set[str] = set(self.page.title_concepts)
        for text in self.page.seen_texts[:80]:
            if len(text.text) <= 300:
                found |= concepts_of(text.text)
        return frozenset(found)

    @cached_property
    def heads(self) -> frozenset[str]:
        return frozenset().union(*map(concepts_of, self.page.headings), self.page.title_concepts)

    @cached_property
    def leaving(self) -> Control | None:
        """The sign-out control, unless it waits unseen on a page that asks to sign in or up: templates hold both."""
        found = controls.sign_out(self.page)
        if found is None or self.page.is_reachable(found.ref):
            return found
        asking = any(form.visible and form.verdict.chance("login", "signup") > 0.8 for form in self.forms)
        links, openers = controls.login_links(self.page)
        invited = any(control.score >= 1.0 for control in (*links[:1], *openers[:1]))
        return None if asking or invited else found

    @cached_property
    def methods(self) -> list[Choice]:
        taken = {choice.ref for choice in self.sso}
        listed = choices.listed_methods(self.page, taken=taken)
        taken |= {choice.ref for choice in listed}
        found = listed + choices.methods(self.page, self.form, kind=ChoiceKind.MFA_METHOD, taken=taken)
        return found + choices.same_question(self.page, found) if "choose" in self.spoken else found

    @cached_property
    def method_types(self) -> set[MfaType | None]:
        return {choice.mfa_type for choice in self.methods} - {MfaType.SWITCH}

    @cached_property
    def pressable(self) -> int:
        return sum(1 for _ in choices.pressables(self.page))

    @property
    def is_small(self) -> bool:
        return self.pressable < FEW_TO_PRESS

    @cached_property
    def rows(self) -> list[Choice]:
        """Accounts or organizations to choose from, and the way to another one."""
        return self.rows_beside(set())

    def rows_beside(self, taken: set[str]) -> list[Choice]:
        organizations = "choose_org" in self.spoken
        return choices.accounts(
            self.page, taken=taken, organizations=organizations, lists="choose_account" in self.heads
        )

    @cached_property
    def instruction(self) -> str | None:
        """What the person must do elsewhere, in the site's words."""
        parts: list[str] = []
        for text in self.page.seen_texts[:80]:
            if len(text.text) > 300:
                continue
            concepts = concepts_of(text.text)
            told = not concepts.isdisjoint(_ELSEWHERE) and concepts.isdisjoint({"cookie", "subscribe", "wrong"})
            if told and text.text not in parts:
                parts.append(text.text)
        if not parts:
            return None
        numbers = [t.text for t in self.page.seen_texts[:80] if t.text.strip().isdigit() and len(t.text.strip()) <= 3]
        return " ".join([*parts[:4], *numbers[:1]])[:400]

    @cached_property
    def is_about_signing_in(self) -> bool:
        about = self.heads | self.page.url_concepts | named(self.page.url_words)
        return self.pressable <= VERY_FEW_TO_PRESS or not about.isdisjoint(_ABOUT_SIGNING_IN)


def decide_kind(draft: Draft) -> Verdict:
    for rule in RULES:
        if found := rule(draft):
            return found
    return Verdict(PageKind.OTHER, 0.5, ())


def a_bot_wall(draft: Draft) -> Verdict | None:
    form = draft.form
    wall = captchas.bot_wall(draft.page, draft.captcha)
    if wall and not (form is not None and form.having("password", "identifier", "email")):
        return Verdict(PageKind.BOT_WALL, 0.9, wall)
    return None


def a_form_to_fill(draft: Draft) -> Verdict | None:
    form = draft.form
    fillable = any(field.role is not FieldRole.CHECKBOX for field in draft.fields)
    if form is None or not fillable or form.context not in (Context.LOGIN, Context.OTP):
        return None
    return Verdict(FORM_KINDS[form.context], round(form.verdict.chance("login", "otp"), 3), form.verdict.reasons)


def a_captcha_alone(draft: Draft) -> Verdict | None:
    if draft.captcha is not None and draft.captcha.in_the_way and draft.form is None:
        return Verdict(PageKind.CAPTCHA, 0.8, draft.captcha.reasons)
    return None


def another_form(draft: Draft) -> Verdict | None:
    """A visible form to sign up or to reset a password."""
    form = draft.form
    if form is None or form.context not in (Context.SIGNUP, Context.RESET) or draft.leaving is not None:
        return None
    return Verdict(FORM_KINDS[form.context], round(form.verdict.chance(form.context), 3), form.verdict.reasons)


def several_methods(draft: Draft) -> Verdict | None:
    if draft.is_small and len(draft.methods) >= 2 and len(draft.method_types) >= 2 and "choose" in draft.spoken:
        return Verdict(PageKind.METHOD_CHOICE, 0.9, ("asks to choose", f"{len(draft.methods)} methods"))
    return None


def a_code_to_request(draft: Draft) -> Verdict | None:
    """A page that sends a code, or a link, only after its button was pressed."""
    if not draft.is_small or draft.leaving is not None:
        return None
    found = requests.alone(draft.page)
    if not found:
        return None
    if any(choice.needs_submit for choice in draft.methods):
        return Verdict(PageKind.METHOD_CHOICE, 0.8, ("asks to choose", "has a code sent"))
    asked = draft.spoken & _ABOUT_CODES
    titled = "login" in draft.page.title_concepts & draft.page.url_concepts
    if len(draft.method_types) > 1 or not asked or draft.sso or titled:
        return None
    return Verdict(PageKind.CODE, found[0].score, ("a code has to be requested",))


def methods_of_one_type(draft: Draft) -> Verdict | None:
    if draft.is_small and len(draft.methods) >= 2 and "choose" in draft.spoken:
        return Verdict(PageKind.METHOD_CHOICE, 0.9, ("asks to choose", f"{len(draft.methods)} methods"))
    return None


def is_it_you(draft: Draft) -> Verdict | None:
    if not draft.is_small or draft.leaving is not None:
        return None
    if any(row.kind is ChoiceKind.ACCOUNT for row in draft.rows) or not questions.asks_whether_it_is_you(draft.page):
        return None
    return Verdict(PageKind.INTERSTITIAL, 0.75, ("asks whether to go on as this account",))


def a_picker(draft: Draft) -> Verdict | None:
    """Rows of accounts or organizations, on a page that asks for one of them."""
    if not draft.is_small or (draft.leaving is not None and draft.heads.isdisjoint(_PICKING)):
        return None
    said = draft.spoken.union(*(concepts_of(choice.label) for choice in draft.rows))
    if draft.rows and not said.isdisjoint(_PICKING):
        return Verdict(PageKind.ACCOUNT_PICKER, 0.8, ("asks which account",))
    return None


def sent_to_an_address(draft: Draft) -> Verdict | None:
    alone = draft.leaving is None and draft.form is None and draft.pressable <= VERY_FEW_TO_PRESS
    if alone and questions.sent_to_address(draft.page, draft.spoken):
        return Verdict(PageKind.EXTERNAL_ACTION, 0.7, ("something was sent to an address",))
    return None


def to_do_elsewhere(draft: Draft) -> Verdict | None:
    if not draft.is_small or draft.leaving is not None or not draft.instruction:
        return None
    if draft.pressable <= 8 or not draft.heads.isdisjoint(_ELSEWHERE):
        return Verdict(PageKind.EXTERNAL_ACTION, 0.8, ("tells to act elsewhere",))
    return None


def methods_unasked(draft: Draft) -> Verdict | None:
    """Several methods, though nothing asks to choose."""
    if not draft.is_small or draft.leaving is not None or not draft.is_about_signing_in:
        return None
    if len(draft.method_types) >= 2 and draft.pressable <= 2 * len(draft.methods) + 8:
        return Verdict(PageKind.METHOD_CHOICE, 0.7, (f"{len(draft.methods)} methods",))
    switch = any(choice.mfa_type is MfaType.SWITCH for choice in draft.methods)
    if switch and draft.method_types == {MfaType.PASSKEY}:
        return Verdict(PageKind.METHOD_CHOICE, 0.7, ("a passkey, or another way",))
    return None


def an_offer(draft: Draft) -> Verdict | None:
    offer = questions.offer(draft.page, draft.heads, draft.spoken) if draft.is_small else None
    if not offer or (offer == "other_session" and draft.leaving is not None):
        return None
    yes, no = controls.accept_and_decline(draft.page, frozenset({offer}))
    if no or (yes and offer != "offer"):
        return Verdict(PageKind.INTERSTITIAL, 0.75, (f"asks about {offer}",))
    return None


def a_consent(draft: Draft) -> Verdict | None:
    if draft.is_small and questions.asks_consent(draft.page):
        return Verdict(PageKind.INTERSTITIAL, 0.7, ("asks for consent",))
    return None


def a_choice_by_its_heading(draft: Draft) -> Verdict | None:
    if "choose" not in draft.heads or draft.leaving is not None:
        return None
    if draft.is_small and draft.method_types:
        return Verdict(PageKind.METHOD_CHOICE, 0.6, ("asks to choose",))
    if draft.form is None and not draft.sso and choices.answers(draft.page):
        return Verdict(PageKind.METHOD_CHOICE, 0.55, ("asks to choose", "has few buttons beside"))
    return None


def signed_in(draft: Draft) -> Verdict | None:
    if draft.leaving is not None:
        return Verdict(PageKind.SIGNED_IN, round(draft.leaving.score, 3), ("a sign-out control",))
    return None


def a_robot_question(draft: Draft) -> Verdict | None:
    if draft.is_small and draft.form is None and "robot" in draft.heads:
        return Verdict(PageKind.CAPTCHA, 0.6, ("asks whether this is a person",))
    return None


def only_providers(draft: Draft) -> Verdict | None:
    page = draft.page
    told = not page.url_concepts.isdisjoint({"login", "signup"}) or "login" in draft.heads
    if draft.sso and (told or ("login" in draft.spoken and not controls.login_links(page)[0])):
        return Verdict(PageKind.LOGIN, 0.7, ("only identity providers",))
    return None


def out_of_order(draft: Draft) -> Verdict | None:
    status = draft.page.snapshot.top.status
    if status >= 400:
        return Verdict(PageKind.ERROR, 0.7, (f"status {status}",))
    bare = len(draft.page.seen_texts) <= FEW_TEXTS and draft.pressable <= FEW_CONTROLS  # such a page needs no heading
    if draft.is_small and "maintenance" in (draft.heads | draft.spoken if bare else draft.heads):
        return Verdict(PageKind.ERROR, 0.7, ("says it is out of order",))
    return None


RULES: tuple[Callable[[Draft], Verdict | None], ...] = (
    a_bot_wall,
    a_form_to_fill,
    a_captcha_alone,
    another_form,
    several_methods,
    a_code_to_request,
    methods_of_one_type,
    is_it_you,
    a_picker,
    sent_to_an_address,
    to_do_elsewhere,
    methods_unasked,
    an_offer,
    a_consent,
    a_choice_by_its_heading,
    signed_in,
    a_robot_question,
    only_providers,
    out_of_order,
)
