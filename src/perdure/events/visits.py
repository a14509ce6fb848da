"""One visit is one event: sightings of one identity without a gap longer than ``visit_gap_s`` on any camera."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from perdure.types import Event, Identity, Sighting


@dataclass(frozen=True, slots=True)
class VisitRule:
    """What is one visit, and which are not worth telling."""

    visit_gap_s: float
    min_visit_s: float = 0.0
    min_evidence: float = 0.0


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


def visits_of(identity: Identity, at: float, rule: VisitRule, dropped_before: float) -> list[Event]:
    """The visits of an identity as events; an event is named after its first sighting.

    A glimpse, of which no picture is worth much, is no visit, and neither is a blink.

    Args:
        identity: who, as they are now.
        at: UTC seconds; a visit is open while its last sighting is not longer ago than the gap.
        rule: what is a visit.
        dropped_before: visits that ended before are over for good.
    """
    events: list[Event] = []
    if identity.evidence < rule.min_evidence:
        return events
    for sightings in group(identity.sightings, rule.visit_gap_s):
        start, end = sightings[0].start, max(s.end for s in sightings)
        if end - start >= rule.min_visit_s and end >= dropped_before:
            ended = end if at - end > rule.visit_gap_s else None
            id = f"visit/{sightings[0].tracklet}"
            events.append(Event(id, "visit", identity.id, start, ended, sightings, confidence=identity.confidence))
    return events
