"""What one visit has to tell of zones and lines: stays, waits, crossings, loitering in a zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from perdure.events.crossing import Crossing, crossed
from perdure.events.dwell import Stay, stays
from perdure.events.footprints import Footprints
from perdure.events.places import Line, Places, Zone
from perdure.events.queueing import outcome
from perdure.events.trace import Trace, in_order, trace_line, trace_zone
from perdure.types import Event, Tracklet

_Token: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Somebody was at a place, for counting."""

    start: float
    end: float
    """Last seen there; inf while they are there."""
    tracklet: str
    """In which it began."""


@dataclass(frozen=True, slots=True)
class Tale:
    """An event with what decides whether it is over."""

    event: Event
    """As if it were over."""
    is_there: bool = False
    """Whether the person was there when seen last."""


@dataclass(slots=True)
class Tales:
    """Remembers how tracklets lie to places: each is looked at once a revision."""

    places: Places
    footprints: Footprints = field(default_factory=Footprints)
    _traces: dict[str, tuple[_Token, dict[str, Trace | None]]] = field(default_factory=dict)
    _visits: dict[str, tuple[_Token, list[Tale]]] = field(default_factory=dict)

    def of_visit(self, visit: Event, evidence: Mapping[str, Tracklet]) -> list[Tale]:
        """What a visit has to tell, in order of start."""
        seen_by = [evidence[s.tracklet] for s in visit.sightings if s.tracklet in evidence]
        token = tuple((t.id, t.revision, self.footprints.count(t.id)) for t in seen_by)
        before = self._visits.get(visit.id)
        if before is None or before[0] != token:
            cameras = dict.fromkeys(t.camera for t in seen_by)
            found = [tale for camera in cameras for tale in self._of_camera(visit, camera, seen_by)]
            self._visits[visit.id] = token, sorted(found, key=lambda tale: (tale.event.start, tale.event.id))
        confidence, identity = visit.confidence, visit.identity
        return [
            replace(tale, event=replace(tale.event, identity=identity, confidence=confidence))
            for tale in self._visits[visit.id][1]
        ]

    def forget(self, tracklets: Iterable[str], visits: Iterable[str]) -> None:
        """Drop what is remembered of them."""
        for id in tracklets:
            self._traces.pop(id, None)
        for id in visits:
            self._visits.pop(id, None)

    def clear(self) -> None:
        """Look at everything anew: it is drawn otherwise now."""
        self._traces.clear()
        self._visits.clear()

    def _of_camera(self, visit: Event, camera: str, seen_by: list[Tracklet]) -> Iterable[Tale]:
        zones, lines = self.places.of_camera(camera)
        if not zones and not lines:
            return
        own = in_order(self.footprints.whole(t) for t in seen_by if t.camera == camera)
        over: dict[str, list[Crossing]] = {}
        for line in lines:
            over[line.name] = crossed(self._traced(own, line), line, self.places.gap_s)
            yield from (_crossing(visit, line, one) for one in over[line.name])
        for zone in zones:
            for stay in stays(self._traced(own, zone), zone.min_stay_s, self.places.gap_s):
                yield from self._stay(visit, zone, stay, over.get(zone.served_by))

    def _stay(self, visit: Event, zone: Zone, stay: Stay, service: list[Crossing] | None) -> Iterable[Tale]:
        told = replace(
            visit,
            id=f"{'wait' if zone.queue else 'stay'}/{zone.place}/{stay.tracklets[0]}/{milliseconds(stay.start)}",
            kind="wait" if zone.queue else "stay",
            start=stay.start,
            end=stay.end,
            sightings=tuple(s for s in visit.sightings if s.tracklet in stay.tracklets),
            place=zone.place,
            outcome=outcome(stay, service or (), service is not None, self.places.gap_s) if zone.queue else "",
        )
        yield Tale(told, stay.is_inside)
        if zone.loiter_after_s is not None and stay.duration_s > zone.loiter_after_s:
            id = f"loitering/{zone.place}/{stay.tracklets[0]}/{milliseconds(stay.start)}"
            yield Tale(replace(told, id=id, kind="loitering", outcome=""), stay.is_inside)

    def _traced(self, own: list[Tracklet], place: Zone | Line) -> list[Trace]:
        """How these tracklets lie to it, looked at once."""
        found = []
        for t in own:
            token = t.revision, len(t.path), float(t.path[0, 0])
            if self._traces.get(t.id, ((), {}))[0] != token:
                self._traces[t.id] = token, {}
            known = self._traces[t.id][1]
            if place.place not in known:
                known[place.place] = _trace(t, place, self.places.gap_s)
            if (trace := known[place.place]) is not None:
                found.append(trace)
        return found


def _trace(tracklet: Tracklet, place: Zone | Line, gap_s: float) -> Trace | None:
    return trace_zone(tracklet, place, gap_s) if isinstance(place, Zone) else trace_line(tracklet, place, gap_s)


def as_of(tale: Tale, at: float, gap_s: float) -> Event:
    """The event at a time: open while the person may not have left."""
    end = tale.event.end
    assert end is not None
    if tale.event.kind == "crossing" or at - end > gap_s:
        return tale.event
    pending = "" if tale.event.outcome == "left" else tale.event.outcome
    return replace(tale.event, end=None, outcome=pending)


def milliseconds(at: float) -> int:
    """Of a time: a name that lasts while paths grow and identities merge."""
    return round(1000 * at)


def _crossing(visit: Event, line: Line, crossing: Crossing) -> Tale:
    return Tale(
        replace(
            visit,
            id=f"crossing/{line.place}/{crossing.tracklet}/{milliseconds(crossing.at)}",
            kind="crossing",
            start=crossing.at,
            end=crossing.at,
            sightings=tuple(s for s in visit.sightings if s.tracklet == crossing.tracklet),
            place=line.place,
            direction=crossing.direction,
        )
    )
