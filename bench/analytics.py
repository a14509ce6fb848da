"""Figures of a month at size.

    python bench/analytics.py speed [--visits 100000] [--people 10000] [--kept site.db]

A made-up site's database with a month of visits, each of one to four stays with paths; what every question takes, also
while the site writes, and how much memory it needs. Figures against the truth: ``analytics_truth.py``.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from perdure.analytics import calendar, charts, document, make
from perdure.analytics.figures import Report
from perdure.analytics.read import Rules, Source
from perdure.analytics.recent import Recent
from perdure.store.site_store import SiteStore, Step
from perdure.types import Event, Identity, Sighting, Tracklet

CAMERAS = ("door", "hall", "yard", "dock", "shop", "gate")
BEGAN = 1_760_000_000.0
MONTH_S = 30 * 86400.0
ZONE = calendar.zone("Europe/Berlin")


def month(path: Path, visits: int, people: int) -> None:
    """Visits by day, hardly any at night; paths of a look every four seconds."""
    rng = np.random.default_rng(0)
    who = rng.integers(people, size=visits)
    hour = rng.normal(14.0, 3.0, visits) % 24
    begin = np.sort(BEGAN + 86400 * rng.integers(30, size=visits) + 3600 * hour)
    with SiteStore(path) as store:
        for first in range(0, visits, 1000):
            told, home, made, seen = [], {}, [], {}
            for number in range(first, min(first + 1000, visits)):
                at, sightings = begin[number], []
                for stay in range(rng.integers(1, 5)):
                    camera = CAMERAS[rng.integers(len(CAMERAS))]
                    end = at + rng.uniform(5, 40)
                    id = f"{camera}/{number}-{stay}"
                    sightings.append(Sighting(id, camera, at, end))
                    told.append(Tracklet(id, 1, camera, at, end, walk(rng, at, end), ended="left"))
                    home[id] = f"P{who[number]}"
                    at = end + rng.uniform(1, 30)
                id, person = f"visit/{sightings[0].tracklet}", f"P{who[number]}"
                event = Event(id, "visit", person, begin[number], sightings[-1].end, tuple(sightings))
                made.append(event)
                seen[event.identity] = Identity(event.identity, tuple(sightings))
            store.save(Step(told, 0, (), home, list(seen.values()), made))


def walk(rng: np.random.Generator, start: float, end: float) -> np.ndarray:
    """(T, 7) somebody crosses a picture of 640 x 360."""
    at = np.arange(start, end, 4.0)
    share = np.linspace(0, 1, len(at))
    (x0, x1), (y0, y1) = rng.uniform(20, 600, 2), rng.uniform(150, 350, 2)
    x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
    return np.column_stack([at, np.arange(len(at)), x - 15, y - 90, x + 15, y, np.full(len(at), 0.9)])


def speed(visits: int, people: int, kept: Path | None) -> None:
    """What each question takes: the first time, again, and while the site writes."""
    with tempfile.TemporaryDirectory() as temporary:
        path = kept or Path(temporary) / "site.db"
        if not path.exists():
            month(path, visits, people)
        print(f"{path.stat().st_size / 2**20:.0f} MB for {visits:,} visits of {people:,} people in 30 days")
        before_mb = peak_mb()
        with Source(path) as source:
            until, since = BEGAN + MONTH_S, BEGAN
            questions: dict[str, Callable[[], object]] = {
                "all figures of the month, by day": lambda: asked(source, since, until, "day"),
                "the month by hour": lambda: asked(source, since, until, "hour"),
                "half of it by day, compared with the other": lambda: asked(
                    source, until - MONTH_S / 2, until, "day", before=True
                ),
                "a week by day, compared": lambda: asked(source, until - 7 * 86400, until, "day", before=True),
                "a day by hour": lambda: asked(source, until - 86400, until, "hour"),
                "a day by hour of one camera": lambda: asked(source, until - 86400, until, "hour", ["door"]),
            }
            first = time.process_time()
            asked(source, since, until, "day")
            print(f"the first question about the month: {1000 * (time.process_time() - first):.0f} ms of CPU")
            print(f"{'question':48s} {'median ms of CPU':>17s} {'of wall time':>13s}")
            for name, question in questions.items():
                print(f"{name:48s} {timed(question):>31s}")
            print(f"peak memory {peak_mb():.0f} MB, {peak_mb() - before_mb:.0f} MB more than before the questions")
            reads(source, path)
            heat = lambda: asked(source, until - 7 * 86400, until, "day", heat=True)  # noqa: E731
            print(f"{'a week with heat maps':48s} {timed(heat, 3):>31s}")
            whole = asked(source, until - 7 * 86400, until, "day", before=True, heat=True)
            print(f"{'a weekly report as HTML':48s} {timed(lambda: document.html(whole, ZONE), 3):>31s}")
            print(f"{'a weekly report as PDF':48s} {timed(lambda: document.pdf(whole, ZONE), 3):>31s}")
            flows = whole.plot("flows")
            assert flows is not None
            print(f"{'one plot as PNG':48s} {timed(lambda: charts.picture(flows, 'png', 'day', ZONE), 3):>31s}")


def reads(source: Source, path: Path, times: int = 40) -> None:
    """Questions as the page asks them, of random times, while somebody is told of between any two of them."""
    rng, recent = np.random.default_rng(1), Recent(source)
    rules, until = Rules(120.0, 0.5), BEGAN + MONTH_S
    for name, writes in (("nothing is written", False), ("the site writes before each", True)):
        cpu, wall = [], []
        with SiteStore(path) as store:
            for number in range(times):
                days = float(rng.choice([1, 1, 7, 7, 7, 30]))
                end = until if days == 30 else until - 86400 * float(rng.integers(0, 3 if writes else 1))
                if writes:
                    store.save(told_now(number, until - 60.0 * (times - number)))
                begin = time.process_time(), time.perf_counter()
                asked_now = make.Question.of(end - 86400 * days, end, ZONE, "Europe/Berlin", heat=False)
                recent.report(rules, asked_now, "bench").model_dump_json()
                cpu.append(time.process_time() - begin[0])
                wall.append(time.perf_counter() - begin[1])
        for what, taken in (("CPU", cpu), ("wall time", wall)):
            low, high = 1000 * np.quantile(taken, (0.5, 0.95))
            print(
                f"{times} reports of a day, a week or the month, {name}: {low:.0f} ms of {what}, 95 % below {high:.0f}"
            )


def told_now(number: int, at: float) -> Step:
    """Somebody is before the door."""
    id = f"door/bench-{number}"
    seen = (Sighting(id, "door", at, at + 5),)
    told = [Tracklet(id, 1, "door", at, at + 5, np.zeros((2, 7)), ended="left")]
    event = Event(f"visit/{id}", "visit", "P1", at, at + 5, seen)
    return Step(told, 0, (), {id: "P1"}, [Identity("P1", seen)], [event])


def asked(
    source: Source,
    since: float,
    until: float,
    bucket: calendar.Bucket,
    cameras: tuple[str, ...] | list[str] = (),
    *,
    before: bool = False,
    heat: bool = False,
) -> Report:
    other = since - (until - since) if before else None
    question = make.Question.of(since, until, ZONE, "Europe/Berlin", bucket, cameras, other, heat=heat)
    return make.report(source, Rules(120.0, 0.5), question, "bench")


def timed(work: Callable[[], object], times: int = 5) -> str:
    cpu, wall = [], []
    for _ in range(times):
        begin = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - begin[0])
        wall.append(time.perf_counter() - begin[1])
    return f"{1000 * np.median(cpu):17.0f} {1000 * np.median(wall):13.0f}"


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    at_size = parts.add_parser("speed")
    at_size.add_argument("--visits", type=int, default=100_000)
    at_size.add_argument("--people", type=int, default=10_000)
    at_size.add_argument("--kept", type=Path, help="a site.db that is made where it is not there, and stays")
    chosen = parser.parse_args()
    if chosen.part == "speed":
        speed(chosen.visits, chosen.people, chosen.kept)


if __name__ == "__main__":
    main()
