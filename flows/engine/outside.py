"""How a site looks to a stranger, noted on the way to its login: proofs compare with it."""

from flows.engine.ledger import Ledger
from flows.engine.marks import Marks
from flows.engine.reading.model import PageKind
from flows.engine.tabs import Sight, Tab
from flows.engine.verify import sight_marks


class Outside:
    """`marks` are by address, as it was asked for and as it ended."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._opened: tuple[Tab, int] | None = None  # the document that our press put a form on
        self.marks: dict[str, Marks] = {}

    def opened(self, sight: Sight) -> None:
        """A dialog stands on this document now, which no later visit will see."""
        self._opened = (sight.tab, sight.documents)

    def note(self, url: str, sight: Sight) -> None:
        """What is seen before the login begins."""
        memory = self._ledger.memory
        if memory.started or sight.reading.kind is PageKind.SIGNED_IN or sight.reading.loading:
            return
        if (sight.tab, sight.documents) == self._opened:
            return
        marks = sight_marks(sight)
        if marks.login_form or not memory.had_state:
            self.marks[url] = self.marks[sight.tab.page.url] = marks
