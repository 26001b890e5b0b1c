"""What the site refused of the form that was just sent. Pure."""

from urllib.parse import urlsplit

from flows.engine.actions import Sent
from flows.engine.decide.asking import fillable, website_error
from flows.engine.matching import CODE_ROLES, IDENTIFIER_ROLES, PASSWORD, refs_of
from flows.engine.reading.lexicon import concepts_of
from flows.engine.reading.model import FieldRole, Reading

_CODE = frozenset({"code", "code_word", "totp"})
_ELSE = frozenset({"user", "email", "phone", "login", "or"})


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
    elsewhere = page != sent.page and not _came_back(reading, sent)
    if error is None and (elsewhere or sent.for_code):
        return frozenset()
    if reading.message is not None and error is not None and reading.message.field_ref in refs:
        blamed = refs[reading.message.field_ref or ""]
        return frozenset({blamed}) & asked_again or asked_again & sent.refs
    codes = frozenset(ref for ref in asked_again if here[ref].role in CODE_ROLES)
    if codes and error is not None and _is_about_code(error):
        return codes
    secrets = frozenset(ref for ref in asked_again if here[ref].role not in IDENTIFIER_ROLES)
    return secrets or asked_again


def form_of(reading: Reading) -> str:
    """The same for a form that comes back at another address of the site, as after a press that opened it in place."""
    asked = ",".join(f"{field.role}={field.name}" for field in fillable(reading))
    return f"{urlsplit(reading.url).netloc}|{asked}"


def _came_back(reading: Reading, sent: Sent) -> bool:
    """The very form that a password was sent with: without a word as well, sending it again would be a guess."""
    return PASSWORD in sent.refs and sent.form == form_of(reading)


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


def _is_about_code(error: str) -> bool:
    """The words name a code and nothing else that was sent; a "one-time password" is a code."""
    concepts = concepts_of(error)
    if concepts.isdisjoint(_CODE) or not concepts.isdisjoint(_ELSE):
        return False
    return "password" not in concepts or "code" in concepts


def _too_old(reading: Reading, sent: Sent) -> bool:
    """The site did not judge the form because it was too old. Believed once."""
    return reading.message is not None and reading.message.expired and sent.again == 0
