"""Stays in a zone: from the moment somebody is clearly inside until they are clearly outside, or were seen last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from perdure.events.places import Zone
from perdure.events.trace import Trace, in_order, joined, trace_zone
from perdure.types import Tracklet


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay of one person in one zone."""

    start: float
    """UTC seconds: first clearly inside."""
    end: float
    """First clearly outside, or last seen."""
    tracklets: tuple[str, ...]
    """What it was seen by, in order."""
    is_inside: bool
    """Whether they were inside when last seen: then they were lost there, or still are."""

    @property
    def duration_s(self) -> float:
        """How long."""
        return self.end - self.start


def dwell(
    tracklets: Iterable[Tracklet], identity_of: Mapping[str, str], zone: Zone, gap_s: float
) -> dict[str, list[Stay]]:
    """Per identity their stays in a zone, by start; nobody without one.

    A function of the rows of a person's paths alone: cutting a tracklet anywhere, or merging identities, gives the
    stays of the joined path.

    Args:
        tracklets: of any cameras; those of other cameras, or of nobody, do not count.
        identity_of: the partition, by tracklet id.
        zone: where.
        gap_s: unseen or outside for no longer than this, somebody has not left.
    """
    found = {}
    for identity, own in by_person(tracklets, identity_of, zone.camera).items():
        traces = [trace for t in own if (trace := trace_zone(t, zone, gap_s)) is not None]
        if counted := stays(traces, zone.min_stay_s, gap_s):
            found[identity] = counted
    return found


def by_person(tracklets: Iterable[Tracklet], identity_of: Mapping[str, str], camera: str) -> dict[str, list[Tracklet]]:
    """Per identity their tracklets of one camera, in order, none covering a time twice."""
    people: dict[str, list[Tracklet]] = {}
    for tracklet in tracklets:
        if tracklet.camera == camera and (identity := identity_of.get(tracklet.id)):
            people.setdefault(identity, []).append(tracklet)
    return {identity: in_order(own) for identity, own in people.items()}


def stays(traces: Sequence[Trace], min_stay_s: float, gap_s: float) -> list[Stay]:
    """The stays of one person in one zone, by start.

    Args:
        traces: of their tracklets in that zone, in order (``trace.in_order``).
        min_stay_s: shorter ones do not count.
        gap_s: see ``dwell``.
    """
    found: list[Stay] = []
    for walk in joined(traces, gap_s):
        current: Stay | None = None
        for run, trace, _ in walk:
            if current is None:
                if run.side > 0:
                    current = Stay(run.first, run.last, (trace.tracklet,), is_inside=True)
                continue
            seen_by = current.tracklets if trace.tracklet in current.tracklets else (*current.tracklets, trace.tracklet)
            if run.side < 0:
                _add(found, replace(current, end=run.first, is_inside=False), gap_s)
                current = None
            else:
                current = replace(current, end=run.last, tracklets=seen_by)
        if current is not None:
            _add(found, current, gap_s)
    return [stay for stay in found if stay.duration_s >= min_stay_s]


def _add(found: list[Stay], stay: Stay, gap_s: float) -> None:
    """One more, or the last one goes on."""
    if found and stay.start - found[-1].end <= gap_s:
        before = found.pop()
        stay = replace(stay, start=before.start, tracklets=tuple(dict.fromkeys(before.tracklets + stay.tracklets)))
    found.append(stay)
