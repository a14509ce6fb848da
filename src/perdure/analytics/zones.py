"""Figures of zones, queues and lines, from the events that were told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perdure.analytics import counts
from perdure.analytics.figures import Cell, Column, Plot
from perdure.analytics.tables import over_time, people_there, spread, spread_columns
from perdure.types import Float64s


@dataclass(frozen=True, slots=True)
class Spell:
    """One event of a zone or line: a stay, a wait or a crossing of one person."""

    kind: str
    place: str
    """``camera/zone`` or ``camera/line``."""
    person: str
    start: float
    end: float
    direction: str
    """Of a crossing: in or out."""
    outcome: str
    """Of a wait: served, left, or "" where nobody can know."""


def plots(spells: Sequence[Spell], edges: Float64s, since: float, until: float) -> list[Plot]:
    """Of every place where something happened in the time; none where nothing is drawn."""
    found = []
    stays, waits = ([s for s in spells if s.kind == kind] for kind in ("stay", "wait"))
    if stays or waits:
        found.append(_dwell([*stays, *waits]))
    if waits:
        found.append(_waiting(waits))
        found += [_queue(place, [w for w in waits if w.place == place], edges) for place in _places(waits)]
    crossed = [s for s in spells if s.kind == "crossing" and since <= s.start < until]
    if crossed:
        found.append(_crossed(crossed))
        found += [_line(place, [c for c in crossed if c.place == place], edges) for place in _places(crossed)]
    return found


def _places(spells: Sequence[Spell]) -> list[str]:
    return sorted({spell.place for spell in spells})


def _dwell(spells: Sequence[Spell]) -> Plot:
    rows: list[list[Cell]] = []
    for place in _places(spells):
        own = [s for s in spells if s.place == place]
        seconds = [s.end - s.start for s in own]
        rows.append([place, *spread(seconds), len({s.person for s in own}), len(own), round(sum(seconds) / 3600, 3)])
    return Plot(
        name="zones",
        title="Stays in zones",
        about="How long somebody stays in a zone, from clearly inside to clearly outside; half lie within the bar.",
        kind="ranges",
        columns=[
            Column(name="zone"),
            *spread_columns(),
            Column(name="people", unit="people"),
            Column(name="stays"),
            Column(name="hours in all"),
        ],
        rows=rows,
    )


def _waiting(waits: Sequence[Spell]) -> Plot:
    rows: list[list[Cell]] = []
    for place in _places(waits):
        own = [w for w in waits if w.place == place]
        outcomes = [sum(w.outcome == outcome for w in own) for outcome in ("served", "left")]
        longest = max(w.end - w.start for w in own)
        rows.append([place, *spread([w.end - w.start for w in own]), round(longest, 2), len(own), *outcomes])
    return Plot(
        name="queues",
        title="Waiting in queues",
        about="How long people wait; who was served crossed the line of the queue, who left did not.",
        kind="ranges",
        columns=[
            Column(name="queue"),
            *spread_columns(),
            Column(name="longest", unit="s"),
            Column(name="waits"),
            Column(name="served"),
            Column(name="left"),
        ],
        rows=rows,
    )


def _queue(place: str, waits: Sequence[Spell], edges: Float64s) -> Plot:
    mean, peak = counts.occupancy(np.array([w.start for w in waits]), np.array([w.end for w in waits]), edges)
    columns, rows = over_time(edges, *people_there(mean, peak))
    return Plot(
        name=f"queue-{place.replace('/', '-')}",
        title=f"Length of the queue {place}",
        about="How many wait: on average, and the most at one time.",
        kind="lines",
        columns=columns,
        rows=rows,
    )


def _crossed(crossings: Sequence[Spell]) -> Plot:
    rows: list[list[Cell]] = []
    for place in _places(crossings):
        over = [sum(c.direction == way for c in crossings if c.place == place) for way in ("in", "out")]
        rows.append([place, *over, over[0] - over[1]])
    return Plot(
        name="lines",
        title="Lines crossed",
        about="How often somebody crossed a line in and out.",
        kind="table",
        columns=[Column(name="line"), Column(name="in"), Column(name="out"), Column(name="in less out")],
        rows=rows,
    )


def _line(place: str, crossings: Sequence[Spell], edges: Float64s) -> Plot:
    columns, rows = over_time(
        edges,
        *(
            (Column(name=way), counts.arrivals(np.array([c.start for c in crossings if c.direction == way]), edges))
            for way in ("in", "out")
        ),
    )
    return Plot(
        name=f"line-{place.replace('/', '-')}",
        title=f"Crossings of {place}",
        about="How often somebody crossed the line, in and out.",
        kind="bars",
        columns=columns,
        rows=rows,
    )
