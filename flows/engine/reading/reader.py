"""`read(snapshot)`: the whole reading, out of the parts. Pure; any snapshot gives a reading."""

from flows.engine.reading import captchas, choices, controls, doubts, fields, layers, messages, questions, requests
from flows.engine.reading.analysis import Context, ReadForm, analyse
from flows.engine.reading.kinds import Draft, Verdict, decide_kind
from flows.engine.reading.model import Choice, ChoiceKind, Field, FieldRole, PageKind, Reading, Submit, SubmitBy
from flows.engine.reading.page import PageView
from flows.engine.snapshot import Snapshot


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
        sso=choices.sso(page, forms),
        captcha=captchas.find(page),
    )
    return _compose(draft, *((_in_the_way(draft) if doubted else None) or decide_kind(draft)))


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


def _in_the_way(draft: Draft) -> Verdict | None:
    """What no rule knows is asked for, or pressed, if that is all that leads on."""
    form = draft.form or doubts.form_on(draft.page, draft.forms)
    found = doubts.fields_on(form, draft.page) if form is not None else ()
    if any(field.role is not FieldRole.CHECKBOX for field in found):
        draft.form, draft.fields = form, found
        return Verdict(PageKind.CODE, 0.3, ("stands in the way of the login",))
    if any(controls.accept_and_decline(draft.page, frozenset())):
        return Verdict(PageKind.INTERSTITIAL, 0.3, ("stands in the way of the login",))
    return None


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
        offer = questions.offer(page, draft.heads, draft.spoken)
        yes, no = controls.accept_and_decline(page, frozenset({offer} if offer else ()))
    leaving = draft.leaving
    if kind is PageKind.METHOD_CHOICE and any(choice.needs_submit for choice in ways):
        yes, _ = controls.accept_and_decline(page, frozenset({"send_code", "send"}), disabled=True)
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
        instruction=draft.instruction
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
        pressable=draft.pressable,
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
        known = draft.methods or choices.answers(page)
        return [*known, *choices.alike(page, known, taken=taken)]
    if kind is PageKind.EXTERNAL_ACTION:
        return draft.methods
    if kind is PageKind.ACCOUNT_PICKER:
        return draft.rows_beside(taken)
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
