"""Everything that a site tells: visits, what happens in zones and at lines, loitering, and too many people.

All of it is a function of who is who now (the partition), the paths of the tracklets, and the time. What was told
before is compared with what stands now, so events told step by step, over merges, splits and late revisions, end as
those that the last partition gives at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from perdure.events.crowd import Crowds
from perdure.events.loiter import loitering, union
from perdure.events.places import NOWHERE, Places
from perdure.events.tales import Span, Tales, as_of, milliseconds
from perdure.events.told import Told
from perdure.events.visits import VisitRule, visits_of
from perdure.types import Event, Identity, Sighting, Spot, Tracklet

_LOOK_EVERY_S = 1.0
"""At those who are about, without news of who they are."""
_NO_EVIDENCE: Mapping[str, Tracklet] = {}


@dataclass(slots=True)
class Events:
    """Tells an event when it opens, changes, closes, or goes into another because two identities proved to be one."""

    rule: VisitRule
    places: Places = NOWHERE
    _told: Told = field(default_factory=Told)
    _tales: Tales = field(init=False)
    _crowds: Crowds = field(init=False)
    _about: dict[str, Identity] = field(default_factory=dict)
    """Who has an open event, as they were last."""
    _dropped_before: float = -math.inf
    _looked_at: float = -math.inf

    def __post_init__(self) -> None:
        self._tales, self._crowds = Tales(self.places), Crowds(self.places)

    def restore(self, events: Iterable[Event]) -> None:
        """Take up what was told before, the last revision of each event."""
        self._told.restore(events)
        self._count_told()

    def draw(self, places: Places) -> None:
        """From now on these places count; ``places.since`` says when that is."""
        self.places = self._tales.places = self._crowds.places = places
        self._tales.clear()
        self._crowds.clear()
        self._count_told()

    def drop(self, before: float) -> None:
        """What ended before this time (UTC seconds) is over for good: not kept, nor ever told again."""
        self._dropped_before = max(before, self._dropped_before)
        self._told.drop(before)
        self._crowds.drop(before)

    def forget(self, identity: str) -> None:
        """Drop all that was told of somebody who is erased; nobody is told."""
        events = self._told.of(identity)
        tracklets = {s.tracklet for event in events for s in event.sightings}
        self._tales.forget(tracklets, [event.id for event in events])
        self._tales.footprints.forget(tracklets)
        self._crowds.put(identity, {})
        self._about.pop(identity, None)
        self._told.forget(identity)

    def update(
        self,
        at: float,
        touched: Sequence[Identity],
        evidence: Mapping[str, Tracklet] = _NO_EVIDENCE,
        spots: Iterable[Spot] = (),
    ) -> list[Event]:
        """Events to tell now.

        Args:
            at: UTC seconds.
            touched: the identities that changed (one without sightings is gone).
            evidence: the tracklets of everybody, by id.
            spots: where those who are followed were since the last time.
        """
        if self._is_drawn:
            self._tales.footprints.note(spots)
        looked_at = list(touched)
        if at - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = at
            self._tales.footprints.tidy(at)
            if self._is_drawn:
                changed = {identity.id for identity in touched}
                looked_at += [person for id, person in sorted(self._about.items()) if id not in changed]
        told = self._settle(at, looked_at, evidence) + self._close(at)
        for identity in looked_at:
            is_about = any(event.end is None for event in self._told.of(identity.id))
            if is_about:
                self._about[identity.id] = identity
            else:
                self._about.pop(identity.id, None)
        return told + self._crowds.settle(self._told, at)

    def whole(self, identities: Sequence[Identity], evidence: Mapping[str, Tracklet] = _NO_EVIDENCE) -> list[Event]:
        """Everything, at the end of recorded footage: every event once, closed, in order of start."""
        fresh = [event for identity in identities for event in self._fresh(identity, math.inf, evidence, {})]
        for event in fresh:
            self._told.revise(event)
        self._crowds.settle(self._told, math.inf)
        crowds = [event.id for place in self.places.limits for event in self._told.of(f"occupancy of {place}")]
        ids = {*crowds, *(event.id for event in fresh)}
        return sorted((self._told.events[id] for id in ids), key=lambda e: (e.start, e.id))

    @property
    def _is_drawn(self) -> bool:
        places = self.places
        return bool(places.zones or places.lines or places.limits) or places.loiter_after_s is not None

    def _settle(self, at: float, identities: Sequence[Identity], evidence: Mapping[str, Tracklet]) -> list[Event]:
        kept = self._kept(identities)
        fresh = [event for identity in identities for event in self._fresh(identity, at, evidence, kept)]
        return self._told.settle([identity.id for identity in identities], fresh)

    def _kept(self, identities: Sequence[Identity]) -> dict[str, list[Event]]:
        """By tracklet, what was told of these people when it was drawn otherwise."""
        if self.places.since == -math.inf:
            return {}
        found: dict[str, list[Event]] = {}
        for identity in identities:
            for event in self._told.of(identity.id):
                if event.kind != "visit" and event.end is not None and event.end < self.places.since:
                    found.setdefault(event.sightings[0].tracklet, []).append(event)
        return found

    def _fresh(
        self, identity: Identity, at: float, evidence: Mapping[str, Tracklet], kept: Mapping[str, list[Event]]
    ) -> list[Event]:
        """All that stands of an identity at a time; counts them where they are."""
        visits = visits_of(identity, at, self.rule, self._dropped_before)
        if not self._is_drawn:
            return visits
        gap_s, since = self.places.gap_s, max(self.places.since, self._dropped_before)
        tales = [tale for visit in visits for tale in self._tales.of_visit(visit, evidence)]
        seen = [s for visit in visits for s in self._seen(visit, evidence)]
        told = [as_of(tale, at, gap_s) for tale in tales] + list(self._loitering(identity, seen, at))
        told = [event for event in told if event.end is None or event.end >= since]
        told += [replace(event, identity=identity.id) for s in identity.sightings for event in kept.get(s.tracklet, ())]
        spans: dict[str, list[Span]] = {}
        for tale in tales:
            if tale.event.kind in ("stay", "wait"):
                place, end = tale.event.place, float(tale.event.end or 0.0)
                is_there = tale.is_there and at - end <= gap_s
                one = Span(tale.event.start, math.inf if is_there else end, tale.event.sightings[0].tracklet)
                spans.setdefault(place, []).append(one)
        for camera in self.places.limits:
            if "/" not in camera:
                own = [s for s in seen if camera in ("", s.camera)]
                spans[camera] = _spans(own, at, gap_s, gap_s if camera else self.rule.visit_gap_s)
        self._crowds.put(identity.id, spans)
        return visits + told

    def _seen(self, visit: Event, evidence: Mapping[str, Tracklet]) -> Iterator[Sighting]:
        """The sightings of a visit up to now."""
        for s in visit.sightings:
            tracklet = evidence.get(s.tracklet)
            is_open = tracklet is not None and tracklet.ended == "open"
            last = self._tales.footprints.last_at(s.tracklet) if is_open else s.end
            yield replace(s, end=last) if last > s.end else s

    def _loitering(self, identity: Identity, seen: Sequence[Sighting], at: float) -> Iterator[Event]:
        """Who is about for long, over all cameras and visits."""
        if self.places.loiter_after_s is None:
            return
        spans = [(s.start, s.end) for s in seen]
        for one in loitering(spans, self.places.loiter_after_s, self.places.loiter_within_s):
            named = max((s for s in seen if s.start <= one.since), key=lambda s: (s.start, s.tracklet))
            own = tuple(s for s in identity.sightings if s.end >= one.start and s.start <= one.end)
            id = f"loitering/{named.tracklet}/{milliseconds(one.since)}"
            end = one.end if at - one.end > self.rule.visit_gap_s else None
            yield Event(id, "loitering", identity.id, one.start, end, own, confidence=identity.confidence)

    def _close(self, at: float) -> list[Event]:
        """End what nobody looks at: visits, and what was open before a restart of people who did not come again."""
        told = []
        for id in sorted(self._told.open):
            event = self._told.events[id]
            if event.kind == "occupancy" or (event.kind != "visit" and event.identity in self._about):
                continue
            end = max(s.end for s in event.sightings)
            if at - end > self.rule.visit_gap_s and (over := self._told.revise(replace(event, end=end))) is not None:
                told.append(over)
        return told

    def _count_told(self) -> None:
        """Count everybody from what was told of them."""
        if not self.places.limits:
            return
        for owner in {event.identity for event in self._told.events.values() if event.identity}:
            spans: dict[str, list[Span]] = {}
            for event in self._told.of(owner):
                end = math.inf if event.end is None else event.end
                if event.kind in ("stay", "wait"):
                    spans.setdefault(event.place, []).append(Span(event.start, end, event.sightings[0].tracklet))
                elif event.kind == "visit":
                    for camera in ("", *event.cameras):
                        own = [s for s in event.sightings if camera in ("", s.camera)]
                        spans.setdefault(camera, []).extend(_spans(own, math.inf, 0.0, self.places.gap_s))
            self._crowds.put(owner, spans)


def _spans(seen: Sequence[Sighting], at: float, gap_s: float, bridge_s: float) -> list[Span]:
    """When somebody was there: times not further apart than ``bridge_s`` are one; who was seen lately is there."""
    first = {s.start: s.tracklet for s in reversed(seen)}
    times = union((s.start, s.end + bridge_s) for s in seen)
    found = []
    for start, end in times:
        last = end - bridge_s
        found.append(Span(start, math.inf if at - last <= gap_s else last, first[start]))
    return found
