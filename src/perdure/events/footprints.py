"""Where people walked, up to now: their tracklets as told, and the boxes since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from perdure.types import Spot, Tracklet

_FORGOTTEN_AFTER_S = 300.0
"""Nobody is followed for so long without a word about their tracklet."""


@dataclass(slots=True)
class Footprints:
    """Spots of open tracklets; each is kept until its tracklet is told beyond it."""

    _spots: dict[str, list[Spot]] = field(default_factory=dict)

    def note(self, spots: Iterable[Spot]) -> None:
        """More of them, in order of time."""
        for spot in spots:
            self._spots.setdefault(spot.tracklet, []).append(spot)

    def whole(self, tracklet: Tracklet) -> Tracklet:
        """The tracklet up to where its person is now; a closed one is as it was told."""
        spots = self._spots.get(tracklet.id)
        if not spots:
            return tracklet
        if tracklet.ended != "open":
            del self._spots[tracklet.id]
            return tracklet
        newer = [spot for spot in spots if spot.at > tracklet.end]
        if not newer:
            return tracklet
        rows = np.array([[spot.at, spot.frame, *spot.box.tolist(), 0.0] for spot in newer])
        return replace(tracklet, path=np.concatenate([tracklet.path, rows]), end=newer[-1].at)

    def count(self, tracklet: str) -> int:
        """How many spots there are of it."""
        return len(self._spots.get(tracklet, ()))

    def last_at(self, tracklet: str) -> float:
        """UTC seconds of the last; -inf where there is none."""
        spots = self._spots.get(tracklet)
        return spots[-1].at if spots else -np.inf

    def forget(self, tracklets: Iterable[str]) -> None:
        """Drop what is known of these."""
        for id in tracklets:
            self._spots.pop(id, None)

    def tidy(self, at: float) -> None:
        """Let go of tracklets of which nothing was heard any more."""
        old = [id for id, spots in self._spots.items() if at - spots[-1].at > _FORGOTTEN_AFTER_S]
        self.forget(old)
