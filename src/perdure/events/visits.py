"""One visit is one event: sightings of one identity without a gap longer than ``visit_gap_s`` on any camera."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from perdure.types import Event, Identity, Sighting

NOBODY = "nobody"
"""``superseded_by`` of an event whose sightings went nowhere."""


def group(sightings: Iterable[Sighting], visit_gap_s: float) -> list[tuple[Sighting, ...]]:
    """The visits of one person: runs of sightings in order of start, cut where nobody saw them for longer than the gap.

    Sightings of several cameras may overlap; the gap counts from the latest end so far.
    """
    visits: list[list[Sighting]] = []
    last_end = float("-inf")
    for sighting in sorted(sightings, key=lambda s: (s.start, s.end, s.tracklet)):
        if sighting.start - last_end > visit_gap_s:
            visits.append([])
            last_end = float("-inf")
        visits[-1].append(sighting)
        last_end = max(last_end, sighting.end)
    return [tuple(visit) for visit in visits]


@dataclass(slots=True)
class Visits:
    """Tells a visit when it opens, changes, closes, or goes into another because two identities proved to be one."""

    visit_gap_s: float
    min_visit_s: float = 0.0
    min_evidence: float = 0.0
    _told: dict[str, Event] = field(default_factory=dict)
    """The last revision of every event, by id."""
    _of_identity: dict[str, set[str]] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    _dropped_before: float = -math.inf

    def restore(self, events: Iterable[Event]) -> None:
        """Take up what was told before, the last revision of each event that stands."""
        for event in events:
            self._told[event.id] = event
            self._of_identity.setdefault(event.identity, set()).add(event.id)
            if event.end is None:
                self._open.add(event.id)

    def drop(self, before: float) -> None:
        """Visits that ended before this time (UTC seconds) are over for good: not kept, nor ever told again."""
        self._dropped_before = max(before, self._dropped_before)
        for id, event in list(self._told.items()):
            if event.end is not None and event.end < before:
                del self._told[id]
                self._of_identity[event.identity].discard(id)

    def forget(self, identity: str) -> None:
        """Drop all that was told of somebody who is erased; nobody is told."""
        for id in self._of_identity.pop(identity, set()):
            self._told.pop(id, None)
            self._open.discard(id)

    def update(self, at: float, touched: Sequence[Identity]) -> list[Event]:
        """Events to tell now: of the identities that changed (one without sightings is gone), and visits that ended."""
        fresh = [event for identity in touched for event in self._events(identity, at)]
        told = [revised for event in fresh if (revised := self._revise(event)) is not None]
        told += self._supersede(fresh, touched)
        return told + self._close(at)

    def whole(self, identities: Sequence[Identity]) -> list[Event]:
        """Everything, at the end of recorded footage: every visit once, closed, in order of start."""
        fresh = [event for identity in identities for event in self._events(identity, math.inf)]
        for event in fresh:
            self._revise(event)
        return sorted((self._told[event.id] for event in fresh), key=lambda e: (e.start, e.id))

    def _events(self, identity: Identity, at: float) -> list[Event]:
        """The visits of an identity as events; an event is named after its first sighting.

        A glimpse, of which no picture is worth much, is no visit.
        """
        events: list[Event] = []
        if identity.evidence < self.min_evidence:
            return events
        for sightings in group(identity.sightings, self.visit_gap_s):
            start, end = sightings[0].start, max(s.end for s in sightings)
            if end - start >= self.min_visit_s and end >= self._dropped_before:
                ended = end if at - end > self.visit_gap_s else None
                id = f"visit/{sightings[0].tracklet}"
                events.append(Event(id, "visit", identity.id, start, ended, sightings, confidence=identity.confidence))
        return events

    def _revise(self, event: Event) -> Event | None:
        """Keep the event as the newest revision of its id; None where nothing about it changed."""
        before = self._told.get(event.id)
        if before is not None:
            event = replace(event, revision=before.revision)
            if event == before:
                return None
            event = replace(event, revision=before.revision + 1)
            self._of_identity[before.identity].discard(event.id)
        self._told[event.id] = event
        self._of_identity.setdefault(event.identity, set()).add(event.id)
        (self._open.add if event.end is None else self._open.discard)(event.id)
        return event

    def _supersede(self, fresh: Sequence[Event], touched: Sequence[Identity]) -> list[Event]:
        """Events told of these identities that no longer stand on their own."""
        homes = {s.tracklet: event.id for event in fresh for s in event.sightings}
        standing = {event.id for event in fresh}
        told = []
        for identity in touched:
            for id in sorted(self._of_identity.get(identity.id, set()) - standing):
                before = self._told.pop(id)
                self._of_identity[identity.id].discard(id)
                self._open.discard(id)
                home = next((homes[s.tracklet] for s in before.sightings if s.tracklet in homes), "")
                told.append(replace(before, revision=before.revision + 1, superseded_by=home or NOBODY))
        return told

    def _close(self, at: float) -> list[Event]:
        told = []
        for id in sorted(self._open):
            end = max(s.end for s in self._told[id].sightings)
            if at - end > self.visit_gap_s and (event := self._revise(replace(self._told[id], end=end))) is not None:
                told.append(event)
        return told
