"""One visit is one event: sightings of one identity without a gap longer than ``visit_gap_s`` on any camera."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from perdure.types import Event, Identity, Sighting


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
    _told: dict[str, Event] = field(default_factory=dict)
    """The last revision of every event that is open, by id."""
    _of_identity: dict[str, set[str]] = field(default_factory=dict)

    def update(self, at: float, touched: Sequence[Identity]) -> list[Event]:
        """Events to tell now: of the identities that changed (one without sightings is gone), and visits that ended."""
        told: list[Event] = []
        homes: dict[str, str] = {}
        for identity in touched:
            fresh = self._events(identity, at)
            homes |= {s.tracklet: event.id for event in fresh for s in event.sightings}
            told += self._revise(identity.id, fresh)
        told += self._supersede(homes, {identity.id for identity in touched})
        told += self._close(at)
        return told

    def _events(self, identity: Identity, at: float) -> list[Event]:
        """The visits of an identity as events; an event is named after its first sighting."""
        events = []
        for sightings in group(identity.sightings, self.visit_gap_s):
            end = max(s.end for s in sightings)
            if end - sightings[0].start < self.min_visit_s:
                continue
            over = at - end > self.visit_gap_s
            events.append(
                Event(
                    id=f"visit/{sightings[0].tracklet}",
                    kind="visit",
                    identity=identity.id,
                    start=sightings[0].start,
                    end=end if over else None,
                    sightings=sightings,
                    confidence=identity.confidence,
                )
            )
        return events

    def _revise(self, identity: str, fresh: Sequence[Event]) -> list[Event]:
        told = []
        for event in fresh:
            before = self._told.get(event.id)
            if before is not None and replace(event, revision=before.revision) == before:
                continue
            if before is not None and before.identity != identity:
                self._of_identity[before.identity].discard(event.id)
            self._told[event.id] = replace(event, revision=before.revision + 1 if before else 0)
            self._of_identity.setdefault(identity, set()).add(event.id)
            told.append(self._told[event.id])
        return told

    def _supersede(self, homes: dict[str, str], identities: set[str]) -> list[Event]:
        """Events told of these identities that no longer stand on their own."""
        told = []
        standing = set(homes.values())
        for identity in sorted(identities):
            for id in sorted(self._of_identity.get(identity, set()) - standing):
                before = self._told.pop(id)
                self._of_identity[identity].discard(id)
                home = next((homes[s.tracklet] for s in before.sightings if s.tracklet in homes), "")
                told.append(replace(before, revision=before.revision + 1, superseded_by=home or "nobody"))
        return told

    def _close(self, at: float) -> list[Event]:
        told = []
        for id, event in list(self._told.items()):
            end = max(s.end for s in event.sightings)
            if event.end is None and at - end > self.visit_gap_s:
                self._told[id] = replace(event, end=end, revision=event.revision + 1)
                told.append(self._told[id])
        return told
