"""The report of a time, from the stays of a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

import numpy as np

from perdure.analytics import calendar, counts, places, zones
from perdure.analytics.calendar import Bucket
from perdure.analytics.figures import Cell, Column, Headline, Plot, Report
from perdure.analytics.read import Rules, Source
from perdure.analytics.stays import Stays, Visits, visits
from perdure.analytics.tables import over_time, people_there, rounded, spread, spread_columns
from perdure.errors import InputError
from perdure.report.words import duration
from perdure.types import Float64s, Ints

MOST_PATHS = 1500
"""Stays of a camera that its heat map is made from, spread evenly over them: bounded time and memory."""
WEEK_S = 7 * 86400.0
IN, OUT = "comes in", "leaves"
"""Where ways between cameras begin and end."""
STAY_EDGES_S = (0, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
"""Lengths of visits are counted between these."""


@dataclass(frozen=True, slots=True)
class Question:
    """Of which time, by which cameras, in what buckets."""

    since: float
    until: float
    where: tzinfo
    time_zone: str
    bucket: Bucket
    cameras: tuple[str, ...] = ()
    """None: all."""
    compare_since: float | None = None
    """Begin of another period, as long as this one; None: no other."""
    heat: bool = True
    """Whether heat maps are wanted: they read the paths of people."""

    def __post_init__(self) -> None:
        if not self.until > self.since:
            raise InputError("the time is empty: it has to end after it begins")

    @classmethod
    def of(
        cls,
        since: float,
        until: float,
        where: tzinfo,
        time_zone: str | None,
        bucket: Bucket | None = None,
        cameras: Sequence[str] = (),
        compare_since: float | None = None,
        *,
        heat: bool = True,
    ) -> Question:
        """With the buckets that fit, and the zone's name as of here, where none is given.

        Raises:
            InputError: the time is empty.
        """
        name = time_zone or str(where)
        fits = bucket or calendar.fitting(since, until)
        return cls(since, until, where, name, fits, tuple(cameras), compare_since, heat)


@dataclass(slots=True)
class _Period:
    """One period as arrays."""

    since: float
    until: float
    stays: Stays
    visits: Visits
    inside: Ints = field(init=False)
    """Visits that touch the period."""

    def __post_init__(self) -> None:
        self.inside = np.flatnonzero((self.visits.start < self.until) & (self.visits.end >= self.since))

    @property
    def lengths(self) -> Float64s:
        """(K,) s of the visits that began in the period."""
        begun = (self.visits.start >= self.since) & (self.visits.start < self.until)
        return self.visits.end[begun] - self.visits.start[begun]


def usual_period(
    source: Source, since: float | None, until: float | None, *, compare: bool, now: float | None = None
) -> tuple[float, float, float | None]:
    """From, until, and the begin of the period before: what is not given is the whole recording, or the last week.

    Raises:
        InputError: the time is empty.
    """
    span = (now, now) if now is not None else source.span() or (0.0, 60.0)
    if span[1] < calendar.RECORDED_BEFORE_S:
        begin, end = 0.0 if since is None else since, span[1] if until is None else until
        compared = None
    else:
        end = span[1] if until is None else until
        begin = end - WEEK_S if since is None else since
        compared = begin - (end - begin) if compare else None
    if not end > begin:
        raise InputError("the time is empty: it has to end after it begins")
    return begin, end, compared


def report(source: Source, rules: Rules, asked: Question, place: str) -> Report:
    """All figures of a time.

    Raises:
        InputError: the time is empty, or has too many buckets.
        StoreError: the database cannot be read.
    """
    edges = calendar.edges(asked.since, asked.until, asked.bucket, asked.where)
    now = _period(source, rules, asked, asked.since)
    before = None if asked.compare_since is None else _period(source, rules, asked, asked.compare_since)
    cameras = [*(asked.cameras or now.stays.cameras)]
    plots = [*_over_time(now, before, asked, edges), *_habits(now, asked), _lengths(now), *_by_camera(now)]
    plots += zones.plots(source.spells(asked.since, asked.until, asked.cameras), edges, asked.since, asked.until)
    if asked.heat:
        plots += _heat_maps(source, now)
    notes = []
    if not len(now.inside):
        notes.append("Nobody was seen in this time" + (" by these cameras." if asked.cameras else "."))
    if before is not None and not len(before.inside):
        notes.append("Nobody was seen in the time it is compared with.")
    return Report(
        place=place,
        since=asked.since,
        until=asked.until,
        time_zone=asked.time_zone,
        bucket=asked.bucket,
        compared_with=None if before is None else (before.since, before.until),
        cameras=cameras,
        headlines=_headlines(now, before),
        plots=plots,
        notes=notes,
    )


def _period(source: Source, rules: Rules, asked: Question, since: float) -> _Period:
    until = since + asked.until - asked.since
    found = source.stays(since, until, asked.cameras, margin_s=rules.visit_gap_s)
    return _Period(since, until, found, visits(found, rules.visit_gap_s, rules.min_visit_s))


def _headlines(now: _Period, before: _Period | None) -> list[Headline]:
    of_now, of_before = _numbers(now), {} if before is None else _numbers(before)
    return [
        Headline(name=name, value=value, unit=unit, before=of_before.get(name, (None, unit))[0])
        for name, (value, unit) in of_now.items()
    ]


def _numbers(period: _Period) -> dict[str, tuple[float | None, str]]:
    made, inside = period.visits, period.inside
    whole = np.array([period.since, period.until])
    mean, peak = counts.occupancy(made.start, made.end, whole)
    lengths, times = period.lengths, np.bincount(made.person[inside])
    return {
        "different people": (float((times > 0).sum()), "people"),
        "visits": (float(len(inside)), "visits"),
        "median length of a visit": (float(np.median(lengths)) if len(lengths) else None, "s"),
        "present on average": (round(float(mean[0]), 3), "people"),
        "most at one time": (float(peak[0]), "people"),
        "came more than once": (float(np.mean(times[times > 0] > 1)) if len(inside) else None, "share"),
    }


def _over_time(now: _Period, before: _Period | None, asked: Question, edges: Float64s) -> list[Plot]:
    made = now.visits
    people = counts.present(made.person, made.start, made.end, edges)
    begun = counts.arrivals(made.start, edges)
    mean, peak = counts.occupancy(made.start, made.end, edges)
    coming = [(Column(name="people", unit="people"), people), (Column(name="visits begun", unit="visits"), begun)]
    there = people_there(mean, peak)
    if before is not None:
        then, earlier = edges + (before.since - now.since), before.visits
        people_before = counts.present(earlier.person, earlier.start, earlier.end, then)
        coming.append((Column(name="people before", unit="people"), people_before))
        mean_before = counts.occupancy(earlier.start, earlier.end, then)[0]
        there.append((Column(name="on average before", unit="people"), mean_before))
    of_coming, of_there = over_time(edges, *coming), over_time(edges, *there)
    return [
        Plot(
            name="people",
            title=f"People by {asked.bucket}",
            about="Different people there during each, and visits that began. Who stays through two is in both.",
            kind="bars",
            columns=of_coming[0],
            rows=of_coming[1],
        ),
        Plot(
            name="occupancy",
            title="How many are there",
            about="On average, and the most at one time. A visit counts as there from its first sighting to its last.",
            kind="lines",
            columns=of_there[0],
            rows=of_there[1],
        ),
    ]


def _habits(now: _Period, asked: Question) -> list[Plot]:
    """By hour of the day, and by weekday and hour; only where there are such."""
    if asked.until < calendar.RECORDED_BEFORE_S:
        return []
    edges = calendar.edges(now.since, now.until, "hour", asked.where) if _hours(now) <= calendar.MOST_BUCKETS else None
    if edges is None:
        return []
    whole = (edges[:-1] >= now.since) & (edges[1:] <= now.until)
    if not whole.any():
        return []
    people = counts.present(now.visits.person, now.visits.start, now.visits.end, edges)[whole]
    weekday, hour = calendar.weekday_and_hour(edges[:-1][whole], asked.where)
    by_hour = _means(hour, people, 24)
    cells = _means(weekday * 24 + hour, people, 168)
    return [
        Plot(
            name="hours",
            title="By hour of the day",
            about="Different people there during an hour of the day, the mean of all whole hours of the period.",
            kind="bars",
            columns=[Column(name="hour"), Column(name="people", unit="people")],
            rows=[[f"{h:02d}:00", rounded(by_hour[h])] for h in range(24)],
        ),
        Plot(
            name="week",
            title="By weekday and hour",
            about="Different people there during an hour, the mean of all such hours; empty: none is in the period.",
            kind="week",
            columns=[Column(name="weekday"), *(Column(name=f"{h:02d}", unit="people") for h in range(24))],
            rows=[
                [day, *(rounded(cells[24 * number + h]) for h in range(24))]
                for number, day in enumerate(calendar.WEEKDAYS)
            ],
        ),
    ]


def _hours(period: _Period) -> float:
    return (period.until - period.since) / 3600


def _means(key: Ints, values: Ints, length: int) -> Float64s:
    """(length,) mean of the values of each key, NaN where there is none."""
    total = np.bincount(key, values, minlength=length)
    times = np.bincount(key, minlength=length)
    return np.asarray(np.divide(total, times, out=np.full(length, np.nan), where=times > 0))


def _lengths(now: _Period) -> Plot:
    lengths = now.lengths
    edges = np.array([*STAY_EDGES_S, np.inf], np.float64)
    number = np.histogram(lengths, edges)[0]
    last = int(np.flatnonzero(number).max(initial=0)) + 1
    return Plot(
        name="lengths",
        title="How long visits last",
        about="Visits that began in the period, from the first sighting to the last.",
        kind="bars",
        columns=[Column(name="length"), Column(name="visits", unit="visits")],
        rows=[[_between(edges[i], edges[i + 1]), int(number[i])] for i in range(last)],
    )


def _between(low: float, high: float) -> str:
    return (f"over {duration(low)}" if np.isinf(high) else f"up to {duration(high)}").replace(".0", "")


def _by_camera(now: _Period) -> list[Plot]:
    stays, made = _only(now)
    views = counts.Views.of(stays, made)
    camera, seconds = counts.time_in_view(views)
    there = np.flatnonzero(made.of_stay >= 0)
    people = counts.distinct(stays.camera[there], stays.person[there], len(stays.cameras))
    begun, ended = counts.ends(stays, made)
    rows: list[list[Cell]] = []
    for code, name in enumerate(stays.cameras):
        own = seconds[camera == code]
        row: list[Cell] = [name, *spread(own), int(people[code]), len(own)]
        rows.append([*row, round(float(own.sum()) / 3600, 3), int(begun[code]), int(ended[code])])
    found = counts.flows(views, made)
    return [
        Plot(
            name="cameras",
            title="Time before each camera",
            about="How long somebody is in view of a camera during one visit; half of the visits lie within the bar.",
            kind="ranges",
            columns=[
                Column(name="camera"),
                *spread_columns("median time in view"),
                Column(name="people", unit="people"),
                Column(name="visits", unit="visits"),
                Column(name="hours in view"),
                Column(name="visits begun here", unit="visits"),
                Column(name="visits ended here", unit="visits"),
            ],
            rows=rows,
        ),
        Plot(
            name="flows",
            title="Ways between cameras",
            about="Who was seen next by which other camera within a visit, and how long that took: out of view to in "
            "view again; below 0: still in view of the first. Everybody comes in and leaves once a visit.",
            kind="flows",
            columns=[
                Column(name="from"),
                Column(name="to"),
                Column(name="times"),
                Column(name="median", unit="s"),
                Column(name="a quarter below", unit="s"),
                Column(name="a quarter above", unit="s"),
            ],
            rows=_ways(stays.cameras, begun, ended, found),
        ),
    ]


def _ways(cameras: Sequence[str], begun: Ints, ended: Ints, found: Sequence[counts.Flow]) -> list[list[Cell]]:
    """Ways in, between cameras, and out."""
    ways: list[list[Cell]] = [[IN, c, int(n), None, None, None] for c, n in zip(cameras, begun, strict=True) if n]
    ways += [[f.source, f.target, f.count, *(rounded(s) for s in (f.median_s, f.low_s, f.high_s))] for f in found]
    return ways + [[c, OUT, int(n), None, None, None] for c, n in zip(cameras, ended, strict=True) if n]


def _only(period: _Period) -> tuple[Stays, Visits]:
    """The stays of the visits that touch the period, and these visits."""
    made = period.visits
    wanted = np.zeros(len(made) + 1, bool)
    wanted[period.inside] = True
    keep = wanted[made.of_stay]
    return period.stays[keep], Visits(made.person, made.start, made.end, made.of_stay[keep])


def _heat_maps(source: Source, now: _Period) -> list[Plot]:
    stays, _ = _only(now)
    sizes = source.picture_sizes()
    plots = []
    for code, camera in enumerate(stays.cameras):
        rows = stays.row[stays.camera == code]
        chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_PATHS)).astype(np.int64))]
        if not len(rows):
            continue
        paths = source.paths(sorted(chosen.tolist()))
        width, height = sizes.get(camera) or places.extent(paths)
        spent = places.heat(paths, width, height) * (len(rows) / len(chosen))
        part = "" if len(chosen) == len(rows) else f" Scaled up from {len(chosen):,} of {len(rows):,} stays."
        plots.append(
            Plot(
                name=f"heat-{camera}",
                title=f"Where people are: {camera}",
                about=f"Seconds that feet spent in each field of the picture.{part}",
                kind="heat",
                columns=[Column(name="row"), *(Column(name=str(i + 1), unit="s") for i in range(places.COLUMNS))],
                rows=[[str(i + 1), *(rounded(v) for v in line)] for i, line in enumerate(spent.tolist())],
                camera=camera,
            )
        )
    return plots
