"""What can go wrong in the vault. Every error has a stable `code`; what it means in HTTP is decided elsewhere.

VaultError
├── Invalid            invalid_request    the caller's input cannot be used; the message names what is wrong
├── Unauthorized       unauthorized       no key, or one that is unknown, expired or deleted
├── Forbidden          forbidden          the key's policy does not allow the action
├── NotFound           not_found          no such thing among what the caller may see
├── Conflict           conflict           the name is taken, or the thing is in use
├── RateLimited        too_many_requests  too often in too short a time
├── LeaseLost          lease_lost         another writer holds the profile now
├── TamperedError      tampered           a sealed value does not open; nothing else is said about why
├── AuditUnavailable   audit_unavailable  the use of a secret could not be put on record, so it is refused
└── Sealed             sealed             the keys are not in memory
"""

from typing import ClassVar


class VaultError(Exception):
    """`message` is for people and never holds a secret value."""

    code: ClassVar[str]
    default_message: ClassVar[str] = ""

    def __init__(self, message: str = "") -> None:
        self.message = message or self.default_message
        super().__init__(self.message)


class Invalid(VaultError):
    code = "invalid_request"


class Unauthorized(VaultError):
    code = "unauthorized"
    default_message = "A valid API key is required"


class Forbidden(VaultError):
    code = "forbidden"
    default_message = "This API key may not do that"


class NotFound(VaultError):
    code = "not_found"
    default_message = "Not found"


class Conflict(VaultError):
    code = "conflict"


class RateLimited(VaultError):
    """`retry_after` is in seconds."""

    code = "too_many_requests"
    default_message = "Too many requests"

    def __init__(self, message: str = "", *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LeaseLost(VaultError):
    code = "lease_lost"
    default_message = "Another writer holds this profile"


class TamperedError(VaultError):
    code = "tampered"
    default_message = "A sealed value could not be opened"


class AuditUnavailable(VaultError):
    code = "audit_unavailable"
    default_message = "The use of a secret could not be put on record and was refused"


class Sealed(VaultError):
    code = "sealed"
    default_message = "The vault is sealed"
