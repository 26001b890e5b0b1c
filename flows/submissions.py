"""What a caller submits, in either dialect, judged against the open pause. Pure: values are only carried.

Exactly one kind of submission: values or one choice. Refusals name what is wrong and never repeat a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flows.engine.contract import AskedChoice, AskedField
from flows.engine.reading.model import ChoiceKind
from flows.errors import InteractionStale, SubmissionRefused
from flows.pauses import xpath_of

MAX_VALUE_CHARS = 4096


@dataclass(frozen=True, slots=True)
class Submission:
    """A request body. Absent and empty differ for the canonical members only."""

    interaction_id: str | None = None
    field_values: Mapping[str, str] | None = field(default=None, repr=False)
    selected_choice_id: str | None = None
    fields: Mapping[str, str] | None = field(default=None, repr=False)
    mfa_option_id: str | None = None
    sso_button_selector: str | None = None
    sso_provider: str | None = None
    sign_in_option_id: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """Values by field id."""

    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Chosen:
    choice_id: str


_LEGACY_CHOICES = ("mfa_option_id", "sso_button_selector", "sso_provider", "sign_in_option_id")


def submission_judge(
    submission: Submission,
    *,
    interaction_id: str,
    asked: Sequence[AskedField],
    choices: Sequence[AskedChoice],
    interaction_required: bool = True,
) -> Given | Chosen:
    """What the submission means for this pause; raises `SubmissionRefused`.

    Without `interaction_required` the canonical dialect may leave out which pause it answers, as the older one does:
    callers whose SDK has no such member cannot name it."""
    if (submission.sso_button_selector is not None) and (submission.sso_provider is not None):
        raise SubmissionRefused("sso_provider cannot be used with sso_button_selector")
    kinds = _kinds(submission)
    if len(kinds) != 1:
        raise SubmissionRefused(
            "Submit exactly one of field_values, selected_choice_id, fields, mfa_option_id, sso_button_selector, "
            f"sso_provider or sign_in_option_id; this has {', '.join(kinds) or 'none'}"
        )
    (kind,) = kinds
    if submission.interaction_id is not None and submission.interaction_id != interaction_id:
        raise InteractionStale("The flow has moved on since this interaction_id: read the connection again")
    canonical = kind in ("field_values", "selected_choice_id")
    if canonical and interaction_required and submission.interaction_id is None:
        raise SubmissionRefused(f"{kind} needs the interaction_id it answers", code="invalid_submission")
    if kind == "field_values":
        return _given(submission.field_values or {}, {item.id: item for item in asked})
    if kind == "fields":
        named = {item.name: item for item in asked}
        return _given(_by_name(submission.fields or {}, named), named)
    return Chosen(_choice(kind, str(getattr(submission, kind)), choices).id)


def _kinds(submission: Submission) -> list[str]:
    others = [kind for kind in ("selected_choice_id", *_LEGACY_CHOICES) if getattr(submission, kind) is not None]
    if submission.field_values is not None and (submission.field_values or not others):
        others.append("field_values")
    if submission.fields is not None and (submission.fields or not others):
        others.append("fields")
    return others


def _by_name(values: Mapping[str, str], named: Mapping[str, AskedField]) -> Mapping[str, str]:
    """A field may also be called by what it is kept as: programs write `password` whatever the site calls its box."""
    refs = [item.ref for item in named.values()]
    others = {item.ref: name for name, item in named.items() if refs.count(item.ref) == 1 and name not in values}
    return {name if name in named else others.get(name, name): value for name, value in values.items()}


def _given(values: Mapping[str, str], asked: Mapping[str, AskedField]) -> Given:
    if unknown := sorted(set(values) - set(asked)):
        raise SubmissionRefused(
            f"Not asked for: {', '.join(name[:80] for name in unknown[:10])}. "
            f"Asked for: {', '.join(asked) or 'a choice'}",
            code="unknown_field",
        )
    missing = [name for name, item in asked.items() if item.required and not values.get(name, "")]
    if missing:
        raise SubmissionRefused(f"Required and missing: {', '.join(missing)}", code="field_required")
    given = {asked[name].id: value for name, value in values.items() if value}
    if not given:
        raise SubmissionRefused("No value given", code="field_required")
    if long := [name for name, value in values.items() if len(value) > MAX_VALUE_CHARS]:
        raise SubmissionRefused(f"Longer than {MAX_VALUE_CHARS} characters: {', '.join(long)}")
    return Given(given)


def _choice(kind: str, wanted: str, choices: Sequence[AskedChoice]) -> AskedChoice:
    for choice in choices:
        if _matches(kind, wanted, choice):
            return choice
    raise SubmissionRefused(f"{kind} names none of the {len(choices)} choices offered", code="unknown_choice")


def _matches(kind: str, wanted: str, choice: AskedChoice) -> bool:
    match kind:
        case "mfa_option_id":
            names = (choice.mfa_type.value if choice.mfa_type else "", choice.id, choice.label)
            return choice.kind is ChoiceKind.MFA_METHOD and wanted in names
        case "sso_provider":
            return choice.kind is ChoiceKind.SSO_PROVIDER and wanted.lower() == (choice.provider or "unknown").lower()
        case "sso_button_selector":
            return choice.kind is ChoiceKind.SSO_PROVIDER and wanted in (
                xpath_of(choice.selector),
                choice.selector,
            )
        case _:
            return wanted == choice.id
