"""Too many people in a zone, before a camera, or on the site: one event from when until when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perdure.events.occupancy import crowds
from perdure.events.places import Places
from perdure.events.tales import Span, milliseconds
from perdure.events.told import Told
from perdure.types import Event

_REVISED_S = 86400.0
"""What was over for longer is not counted again."""


@dataclass(slots=True)
class Crowds:
    """Who was where when, and what is to be told of that."""

    places: Places
    _spans: dict[str, dict[str, list[Span]]] = field(default_factory=dict)
    """By place, by identity."""
    _restless: set[str] = field(default_factory=set)
    """Places where something changed, or there are too many now."""

    def put(self, identity: str, spans: Mapping[str, Sequence[Span]]) -> None:
        """All about an identity: by place, when they were there; none: they are gone."""
        for place in self.places.limits:
            now = list(spans.get(place, ()))
            people = self._spans.setdefault(place, {})
            if now != people.get(identity, []):
                self._restless.add(place)
                people[identity] = now
            if not now:
                people.pop(identity, None)

    def drop(self, before: float) -> None:
        """Who left before this time, and longer ago than counts, is not kept."""
        for people in self._spans.values():
            for identity, spans in list(people.items()):
                kept = [span for span in spans if span.end >= before - _REVISED_S]
                if kept:
                    people[identity] = kept
                else:
                    del people[identity]

    def clear(self) -> None:
        """Count anew."""
        self._spans.clear()
        self._restless.clear()

    def settle(self, told: Told, at: float) -> list[Event]:
        """What is news about too many people."""
        news: list[Event] = []
        for place in sorted(self._restless):
            standing = told.of(f"occupancy of {place}")
            going_on = [event.start - 1 for event in standing if event.end is None]
            since = min([at - _REVISED_S, *going_on]) if at < math.inf else -math.inf
            fresh = [event for event in self._events(place, at, since) if event.start >= since]
            news += told.settle([f"occupancy of {place}"], fresh, since)
            if not any(event.end is None for event in fresh) and self._now(place) <= self.places.limits[place]:
                self._restless.discard(place)
        return news

    def _events(self, place: str, at: float, since: float) -> Iterable[Event]:
        spans = sorted(
            (span for own in self._spans.get(place, {}).values() for span in own if span.end >= since),
            key=lambda span: (span.start, span.tracklet),
        )
        starts = np.array([span.start for span in spans])
        last = max([at if math.isfinite(at) else -math.inf, *(span.start for span in spans)], default=at)
        ends = np.array([last if math.isinf(span.end) else span.end for span in spans])
        for crowd in crowds(starts, ends, self.places.limits[place], self.places.hold_s):
            over = at - crowd.end > self.places.hold_s
            tracklet = spans[crowd.first].tracklet
            id = f"occupancy/{place or 'site'}/{tracklet}/{milliseconds(crowd.start)}"
            end = crowd.end if over else None
            yield Event(id, "occupancy", "", crowd.start, end, (), place=place, people=crowd.most)

    def _now(self, place: str) -> int:
        """How many are there."""
        return sum(math.isinf(span.end) for own in self._spans.get(place, {}).values() for span in own)
