"""What the site said about what was sent, where the form that comes back does not say it itself."""

from flows.engine.reading.news import appeared
from flows.engine.snapshot import Snapshot
from flows.engine.tabs import Sight


class Told:
    """Of one login."""

    def __init__(self) -> None:
        self._unsent: dict[str, Snapshot] = {}  # pages as they were before a form was sent from them
        self._last: Snapshot | None = None  # the one that the last form was sent from
        self._dialog: str | None = None  # the words of a dialog that was closed since then
        self._elsewhere: str | None = None  # of a page that refused it and had no form

    def sending(self, sight: Sight) -> None:
        self._dialog = None
        self._last = self._unsent.setdefault(sight.page, sight.observation.snapshot)

    def closing(self, said: str | None) -> None:
        self._dialog = said or self._dialog

    def leaving(self, said: str) -> None:
        self._elsewhere = said

    def news(self, sight: Sight) -> str | None:
        """What the page says that it did not say before anything was sent from it."""
        before = self._unsent.get(sight.page, self._last)
        return appeared(before, sight.observation.snapshot) if before is not None else None

    def refusal(self, sight: Sight) -> str | None:
        """Why something is asked again, told once."""
        elsewhere, self._elsewhere = self._elsewhere, None
        return elsewhere or self._dialog or self.news(sight)
