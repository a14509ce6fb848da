"""Lines crossed: from clearly on one side to clearly on the other, through the segment and not around its ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perdure import geometry
from perdure.events.dwell import by_person
from perdure.events.places import Line
from perdure.events.trace import Trace, joined, trace_line
from perdure.types import Direction, Tracklet


@dataclass(frozen=True, slots=True)
class Crossing:
    """One person crossed a line once."""

    at: float
    """UTC seconds."""
    direction: Direction
    tracklet: str
    """By which it was seen that they are over."""


def crossings(
    tracklets: Iterable[Tracklet], identity_of: Mapping[str, str], line: Line, gap_s: float
) -> dict[str, list[Crossing]]:
    """Per identity when they crossed a line, in order; nobody who did not. Arguments as for ``dwell.dwell``.

    Who is unseen for up to ``gap_s`` went straight from where they were last to where they are again.
    """
    found = {}
    for identity, own in by_person(tracklets, identity_of, line.camera).items():
        traces = [trace for t in own if (trace := trace_line(t, line, gap_s)) is not None]
        if counted := crossed(traces, line, gap_s):
            found[identity] = counted
    return found


def crossed(traces: Sequence[Trace], line: Line, gap_s: float) -> list[Crossing]:
    """The crossings of one person, in order; ``traces`` of their tracklets at that line, in order."""
    start, end = np.array(line.start), np.array(line.end)
    found: list[Crossing] = []
    for walk in joined(traces, gap_s):
        clear, net, passed_at = 0, 0, 0.0
        for run, trace, foot_before in walk:
            bridged = 0
            if foot_before is not None:
                bridged = int(geometry.passes(np.array([foot_before, trace.foot_first]), start, end)[0])
            net += run.passes + bridged
            passed_at = run.passed_at or (run.first if bridged else passed_at)  # also of a run that went there and back
            if run.side == 0:
                continue
            if clear == -run.side and net == run.side:
                found.append(Crossing(passed_at, "in" if run.side > 0 else "out", trace.tracklet))
            clear, net = run.side, 0
    return found
