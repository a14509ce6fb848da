"""Who came and is not on the list, where only enrolled and watched people count: counted, and let go of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from perdure.types import Tracklet

HELD = 200
"""The vectors of so many of the latest strangers stay in memory, to know what a camera makes of people."""


@dataclass(slots=True)
class Passers:
    """Stays of strangers since they were last asked for."""

    expelled: list[str] = field(default_factory=list)
    """Identities that a tracklet was given which proved to be a stranger's: to be forgotten by who keeps the log."""
    _held: dict[str, None] = field(default_factory=dict)
    _counted: Counter[str] = field(default_factory=Counter)

    def note(self, tracklet: Tracklet) -> None:
        """Nobody on the list, so far; once the tracklet has ended it is a stranger's."""
        if tracklet.ended != "open" and tracklet.id not in self._held:
            self._held[tracklet.id] = None
            self._counted[tracklet.camera] += 1

    def surplus(self) -> list[str]:
        """Tracklets of strangers to let go of now."""
        gone = list(self._held)[: max(len(self._held) - HELD, 0)]
        for id in gone:
            del self._held[id]
        return gone

    def discard(self, tracklet: str) -> None:
        """It proved to be somebody on the list."""
        self._held.pop(tracklet, None)

    def take(self) -> Counter[str]:
        """Stays of strangers by camera since the last call."""
        counted, self._counted = self._counted, Counter()
        return counted

    def take_expelled(self) -> list[str]:
        """``expelled`` since the last call."""
        expelled, self.expelled = self.expelled, []
        return expelled
