"""The books of one login: what was done, sent, refused and accepted so far. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from flows.engine.actions import Ask, FillAndSubmit, Memory, Sent
from flows.engine.contract import Filled
from flows.engine.decide.asking import choice_ids, fillable
from flows.engine.decide.forms import CODE_REFS, SECRET_REFS
from flows.engine.decide.refusals import form_of
from flows.engine.marks import lasting_url
from flows.engine.matching import CODE_ROLES, PASSWORD, TOTP_CODE, refs_of
from flows.engine.plan import Did, Plan, Step, digest, walked
from flows.engine.reading.model import Choice, Control, FieldRole, Reading


class Ledger:
    """`memory` is what the next decision may know. `stored` and `given` name the values that were not refused."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._last_sources: Mapping[str, str | None] = {}
        self._stored: set[str] = set()
        self._given: set[str] = set()
        self._steps: tuple[Step, ...] = ()
        self._start = ""

    @property
    def stored(self) -> frozenset[str]:
        return frozenset(self._stored)

    @property
    def given(self) -> frozenset[str]:
        return frozenset(self._given)

    def looked(self, *, page: str, status: int | None, passkey: bool = False) -> None:
        self.memory = replace(self.memory, page=page, status=status or 0, passkey=passkey)

    def waited(self) -> None:
        self.memory = replace(self.memory, waits=self.memory.waits + 1)

    def returned(self) -> None:
        """Back to the form: the way there may be gone once more."""
        self.memory = replace(self.memory, returns=self.memory.returns + 1, pressed={}, links=0, waits=0)

    def begun(self) -> None:
        """A person did in the page what the login needs."""
        self.memory = replace(self.memory, started=True, waits=0)

    def visited(self, path: str) -> None:
        self.memory = replace(self.memory, tried=self.memory.tried | {path})

    def plan(self, *, end: str) -> Plan | None:
        """The way that was gone, ending at the page with this signature."""
        if not self.memory.started:
            return None
        return Plan(self._steps, self._start, digest(end), tuple(sorted(self.memory.doubted)))

    def _did(self, did: Did, *, what: str = "", refs: Iterable[str] = ()) -> None:
        self._steps = walked(self._steps, Step(digest(self.memory.page), did, what, tuple(sorted(refs))))

    def _begins(self, reading: Reading) -> None:
        """Where the first form or choice stood, if that address can be gone to again."""
        if not self.memory.started and lasting_url(reading.url) == reading.url:
            self._start = reading.url

    def passed(self, control: Control) -> None:
        """Pressed beside the way: a banner closed, a code sent again."""
        self._pressed(control.label)
        self.memory = replace(self.memory, picked=None)

    def pressed(self, control: Control, *, is_link: bool = False) -> None:
        self._pressed(control.label)
        self._did(Did.PRESSED, what=digest(control.label))
        self.memory = replace(self.memory, links=self.memory.links + int(is_link))

    def asked_for_passkey(self, control: Control, reading: Reading) -> None:
        """Pressed with a passkey at hand."""
        self._begins(reading)
        self.pressed(control)
        self.memory = replace(self.memory, passkey_tries=self.memory.passkey_tries + 1)

    def _pressed(self, label: str) -> None:
        key = (self.memory.page, label)
        self.memory = replace(self.memory, pressed={**self.memory.pressed, key: self.memory.pressed.get(key, 0) + 1})

    def answered(self, choice_id: str | None) -> None:
        """The person's choice; None forgets one that is not on the page any more."""
        self.memory = replace(self.memory, picked=choice_id)

    def picked(self, choice: Choice, reading: Reading) -> None:
        self._begins(reading)
        self._pressed(choice.label)
        chosen = next((key for key, one in choice_ids(reading.choices).items() if one is choice), "")
        self._did(Did.PICKED, what=chosen)
        self.memory = replace(self.memory, picked=None, started=True, waits=0, sent=None)

    def sent(self, action: FillAndSubmit, reading: Reading, *, page: str) -> None:
        """A form left for the site, whatever becomes of it."""
        sources = {fill.ref: fill.stored if fill.given is None else None for fill in action.fills}
        self._last_sources = sources
        self._begins(reading)
        if not action.for_code:
            self._did(Did.FILLED, refs=sources)
        used_totp = TOTP_CODE in sources.values()
        self.memory = replace(
            self.memory,
            sent=replace(self._as_sent(reading, sources, page=page), for_code=action.for_code),
            requested=page if action.for_code else self.memory.requested,
            given=frozenset(),
            started=True,
            waits=0,
            totp_tries=self.memory.totp_tries + int(used_totp),
        )
        for ref, name in sources.items():
            if name is not None and name not in self.memory.typed:
                self._stored.add(name)
            else:
                self._given.add(ref)
        if chosen := {fill.ref for fill in action.fills if fill.field.role is FieldRole.NEW_PASSWORD}:
            # From now on it is the password, in place of the one that was used so far.
            self._given = self._given - chosen | {PASSWORD}
            self._stored.discard(PASSWORD)

    def _as_sent(self, reading: Reading, sources: Mapping[str, str | None], *, page: str) -> Sent:
        """What is being sent; again, when the site called the same form too old."""
        before = self.memory.sent
        message = reading.message
        excused = before is not None and message is not None and message.expired and before.refs == sources.keys()
        seen = frozenset(refs_of(fillable(reading)).values())
        again = before.again + 1 if before is not None and excused else 0
        return Sent(page, sources, seen, again, url=reading.url, form=form_of(reading))

    def refused(self, refs: frozenset[str]) -> frozenset[str]:
        """The site did not take these refs of what was sent; gives the names that are not to be sent again."""
        sent, names = self.memory.sent, frozenset[str]()
        if refs and sent is not None:
            names = sent.names(refs)
            self._stored -= names | refs
            self._given -= names | refs
            self.memory = replace(
                self.memory,
                rejected=self.memory.rejected | names | refs,
                refusals=self.memory.refusals + int(not refs.isdisjoint(SECRET_REFS)),
                code_refusals=self.memory.code_refusals + int(not refs.isdisjoint(CODE_REFS)),
                blames=self.memory.blames + int(refs.isdisjoint(SECRET_REFS) and not sent.refs.isdisjoint(SECRET_REFS)),
            )
            if sent.for_code:
                self.memory = replace(self.memory, requested="")
        self.memory = replace(self.memory, sent=None)
        return names

    def unavailable(self, name: str) -> None:
        """A value that cannot be had, or cannot be used, is as good as none."""
        memory = self.memory
        self.memory = replace(memory, known=memory.known - {name}, given=memory.given - {name})

    def filled(self, action: Ask, answer: Filled) -> None:
        """The person's values. What was stored for the same fields is not used any more in this login."""
        refs = {field.ref: field for field in action.pause.fields if field.id in answer.field_ids}
        lasting = frozenset(ref for ref, field in refs.items() if field.role not in CODE_ROLES)
        replaced = frozenset(name for ref, name in self._last_sources.items() if ref in refs and name is not None)
        self._stored -= replaced
        self.memory = replace(
            self.memory,
            given=answer.field_ids,
            known=(self.memory.known - replaced) | lasting,
            typed=self.memory.typed | lasting,
            rejected=self.memory.rejected - refs.keys(),
        )
