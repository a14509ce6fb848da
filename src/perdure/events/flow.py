"""Ways that people take: from camera to camera, from zone to zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perdure.types import Sighting


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody was somewhere."""

    place: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody went on from one place to another."""

    source: str
    target: str
    left_at: float
    """UTC seconds: last seen at the source."""
    arrived_at: float
    """First seen at the target; before ``left_at`` where both places see one spot."""


def flows(visits: Mapping[str, Iterable[Sequence[Presence]]]) -> dict[str, list[Passage]]:
    """Per identity their passages, in order; what lies between two visits is none.

    Args:
        visits: per identity, per visit where they were; in any order, places may overlap in time.
    """
    return {identity: [p for visit in own for p in passages(visit)] for identity, own in visits.items()}


def of_sightings(sightings: Iterable[Sighting]) -> list[Presence]:
    """A visit as its cameras saw it."""
    return [Presence(s.camera, s.start, s.end) for s in sightings]


def passages(visit: Iterable[Presence]) -> list[Passage]:
    """Of one visit: each arrival at another place than the one arrived at before.

    A short look of another camera while one goes on seeing the person is a passage there; and one back, when the first
    sees them anew.
    """
    found: list[Passage] = []
    left: dict[str, float] = {}
    before: str | None = None
    for here in sorted(visit, key=lambda p: (p.start, p.end, p.place)):
        if before is not None and here.place != before:
            found.append(Passage(before, here.place, left[before], here.start))
        left[here.place] = max(here.end, left.get(here.place, here.end))
        before = here.place
    return found
