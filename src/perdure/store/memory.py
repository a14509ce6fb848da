"""A store that lasts as long as the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from perdure.types import Change, Event, Seen, Tracklet


@dataclass(slots=True)
class MemoryStore:
    """The in-memory twin of ``RunStore``."""

    tracklets: tuple[Tracklet, ...] = ()
    identity_of: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
    _facts: dict[str, str] = field(default_factory=dict)
    _journal: dict[int, list[Seen]] = field(default_factory=dict)

    def get(self, key: str, default: str = "") -> str:
        """A fact about the run."""
        return self._facts.get(key, default)

    def put(self, key: str, value: str) -> None:
        """Keep a fact about the run."""
        self._facts[key] = value

    def append(self, batch: int, seen: Sequence[Seen]) -> None:
        """Add one batch to the journal."""
        self._journal[batch] = list(seen)

    def commit(self) -> None:
        """Nothing to do: nothing lasts longer, and nothing is lost sooner."""

    def journal(self) -> Iterator[list[Seen]]:
        """All batches in order."""
        for batch in sorted(self._journal):
            yield self._journal[batch]

    def forget_journal(self) -> None:
        """Erase the journal."""
        self._journal.clear()

    def write_result(
        self,
        tracklets: Iterable[Tracklet],
        identity_of: Mapping[str, str],
        changes: Sequence[Change],
        events: Sequence[Event],
    ) -> None:
        """Replace what is known of the outcome."""
        self.tracklets, self.identity_of = tuple(tracklets), dict(identity_of)
        self.changes, self.events = tuple(changes), tuple(events)
