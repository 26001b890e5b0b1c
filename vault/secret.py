"""The type of a secret value. Whoever holds one can pass it on, compare it and, at the last moment, reveal it."""

import hmac
from typing import Any, NoReturn, final


@final
class Secret:
    """Text that shows itself only through `reveal()`.

    Printing and formatting give a fixed mark; pickling and JSON refuse. Equality takes constant time. All secrets
    share one hash, so that a value holding one may be a dictionary key without its hash depending on the text.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """The text itself. Call it where the text is used, nowhere earlier."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_encoded(self._text), _encoded(other._text))

    def __hash__(self) -> int:
        return hash(Secret)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A secret does not change")

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret":
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret cannot be pickled")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
