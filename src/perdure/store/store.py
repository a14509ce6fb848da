"""The seam for what lasts beyond a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from perdure.types import Change, Event, Seen, Tracklet


class Store(Protocol):
    """Facts about a run, a journal of what the networks said, and in the end who was who."""

    def get(self, key: str, default: str = "") -> str:
        """A fact about the run."""

    def put(self, key: str, value: str) -> None:
        """Keep a fact about the run, for good."""

    def append(self, batch: int, seen: Sequence[Seen]) -> None:
        """Add one batch to the journal; it lasts, whole, from the next ``commit`` on."""

    def commit(self) -> None:
        """Make everything so far last.

        Raises:
            StoreError: that is not possible; what was committed before is safe.
        """

    def journal(self) -> Iterator[list[Seen]]:
        """All batches in order."""

    def forget_journal(self) -> None:
        """Erase the journal, so that nothing of it is left in any file."""

    def write_result(
        self,
        tracklets: Iterable[Tracklet],
        identity_of: Mapping[str, str],
        changes: Sequence[Change],
        events: Sequence[Event],
    ) -> None:
        """Replace what is known of the outcome; all of it or nothing."""
