"""Which stored value a field takes, and under which name a typed one is kept. Pure.

A field takes the stored value of its own name, else one whose name means what the field's role means. What a page
calls its fields never moves a secret to another role (R13): a value kept as a password goes into password fields
only, a one-time code into code fields only.
"""

import re
from collections.abc import Collection, Sequence

from flows.engine.reading.model import Field, FieldRole

USERNAME = "username"
PASSWORD = "password"  # noqa: S105 - a name
TOTP_CODE = "totp_code"
CODE = "code"

_IDENTIFIERS = (
    USERNAME, "email", "login", "identifier", "user", "user_name", "email_address", "mail", "userid", "user_id",
    "account", "account_name", "login_id", "phone", "phone_number", "mobile",
)  # fmt: skip
_EMAILS = ("email", "email_address", "mail", *_IDENTIFIERS)
_PHONES = ("phone", "phone_number", "mobile", "tel", *_IDENTIFIERS)
_PASSWORDS = (PASSWORD, "passwd", "pass", "pwd", "passphrase", "secret", "pin")
_SYNONYMS: dict[FieldRole, tuple[str, ...]] = {
    FieldRole.IDENTIFIER: _IDENTIFIERS,
    FieldRole.EMAIL: _EMAILS,
    FieldRole.PHONE: _PHONES,
    FieldRole.PASSWORD: _PASSWORDS,
    FieldRole.TOTP: (TOTP_CODE,),
    FieldRole.CODE: (TOTP_CODE,),
}
_OWN_NAME = frozenset({FieldRole.IDENTIFIER, FieldRole.EMAIL, FieldRole.PHONE, FieldRole.PASSWORD, FieldRole.TEXT})
IDENTIFIER_ROLES = frozenset({FieldRole.IDENTIFIER, FieldRole.EMAIL, FieldRole.PHONE})
CODE_ROLES = frozenset({FieldRole.CODE, FieldRole.TOTP, FieldRole.RECOVERY_CODE})
PASSWORD_ROLES = frozenset({FieldRole.PASSWORD, FieldRole.NEW_PASSWORD})
_REFS = {
    FieldRole.IDENTIFIER: USERNAME,
    FieldRole.EMAIL: USERNAME,
    FieldRole.PHONE: USERNAME,
    FieldRole.PASSWORD: PASSWORD,
    FieldRole.TOTP: TOTP_CODE,
    FieldRole.CODE: CODE,
}


def folded(text: str) -> str:
    """For comparing names: `E-Mail address` and `email_address` are the same."""
    return re.sub(r"[\W_]+", "", text).casefold()


_ORGANIZATIONS = (
    "organization", "organisation", "org", "company", "tenant", "workspace", "team", "domain", "subdomain",
)  # fmt: skip
_WHO = frozenset(folded(name) for name in (*_IDENTIFIERS, *_ORGANIZATIONS))
_MASKS = re.compile(r"([*•…·]+|\.{3})")
_SECRET_NAMES = frozenset(folded(name) for name in (*_PASSWORDS, TOTP_CODE, "totp_secret"))


def stored_name(field: Field, names: Collection[str], *, own_only: bool = False) -> str | None:
    """The stored value for `field`, or None. `own_only`: of its own name only, not of one that means the same."""
    by_name = {folded(name): name for name in sorted(names)}
    if field.role in _OWN_NAME:
        for own in (field.name, field.label):
            key = folded(own)
            if key in by_name and (field.role is FieldRole.PASSWORD or key not in _SECRET_NAMES):
                return by_name[key]
    if own_only:
        return None
    return next((by_name[folded(name)] for name in _SYNONYMS.get(field.role, ()) if folded(name) in by_name), None)


def ref_of(field: Field) -> str:
    """The name under which a value for this field is kept."""
    return _REFS.get(field.role) or field.name


def meant_by(name: str) -> str:
    """`USERNAME` or `PASSWORD` where a value of this name is kept as one, else the name."""
    key = folded(name)
    for common, synonyms in ((USERNAME, _IDENTIFIERS), (PASSWORD, _PASSWORDS)):
        if key in map(folded, synonyms):
            return common
    return name


def identifying(names: Collection[str]) -> frozenset[str]:
    """Those of these names whose values say who somebody is, or of which organization."""
    return frozenset(name for name in names if folded(name) in _WHO)


def entry_named(value: str, entries: Sequence[Sequence[str]]) -> int | None:
    """The index of the one entry that shows `value`: as one of its texts, or an address anywhere in them, masked or
    not. None when there is none or more than one."""
    wanted = " ".join(value.casefold().split())
    shown = [[" ".join(text.casefold().split()) for text in texts] for texts in entries]
    for shows in (_shows_whole, _shows_address, _shows_masked):
        found = [at for at, texts in enumerate(shown) if any(shows(text, wanted) for text in texts)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _shows_whole(text: str, wanted: str) -> bool:
    return bool(wanted) and text == wanted


def _shows_address(text: str, wanted: str) -> bool:
    return "@" in wanted and re.search(rf"(?<![\w.+@-]){re.escape(wanted)}(?![\w@-]|\.\w)", text) is not None


def _shows_masked(text: str, wanted: str) -> bool:
    """`a••@example.com` for `ada@example.com`; the first letter has to be there to go by."""
    if "@" not in wanted:
        return False
    for word in re.findall(r"[\w.+*•…·@-]*[*•…·]+[\w.+*•…·@-]*", text):
        if "@" not in word or not re.match(r"\w", word):
            continue
        pattern = "".join(
            "[^@]*" if re.fullmatch(r"[*•…·]+|\.{3}", part) else re.escape(part) for part in _MASKS.split(word)
        )
        if re.fullmatch(pattern, wanted):
            return True
    return False


def _likeness(field: Field) -> int:
    """The smaller, the more the field's own name is the usual one for what it is."""
    usual = _SYNONYMS.get(field.role, ())
    own = [folded(field.name), folded(field.label)]
    return min((at for at, name in enumerate(usual) if folded(name) in own), default=len(usual))


def refs_of(fields: Collection[Field]) -> dict[str, str]:
    """`field.ref -> name`, unique: of two fields that mean the same, the one that says so best has the common name
    and the other goes by its own."""
    names: dict[str, str] = {}
    for field in sorted(fields, key=_likeness):
        ref = ref_of(field)
        if ref in names.values():
            ref = field.name
        number = 2
        while ref in names.values():
            ref = f"{field.name}_{number}"
            number += 1
        names[field.ref] = ref
    return names
