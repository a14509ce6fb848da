"""Figures and journeys of simulated buildings against what really happened there.

    python bench/analytics_truth.py [--plans house shop office] [--minutes 60]
    python bench/analytics_truth.py --footage DIR     # of perdure simulate, with perdure run in DIR/run
    python bench/analytics_truth.py --day house [--looks looks.npz]     # a whole day without pixels, as bench/day.py

For queue and zones of the shop: ``python bench/zones.py --draw DIR``, then ``perdure run --config DIR/drawn.yaml``.

Without footage: a day is played (``perdure.simulate``), what each camera sees of everybody is worked out from walls,
furniture and lens, and the figures are made from these true stays: what analytics add to the truth by themselves. With
footage: the figures of the run, with all errors of detector, tracker and gallery. What happened is counted from the
walks and the truth files by plain loops over seconds, not by the code that is measured.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

import zones  # bench/zones.py
from day import TRAFFIC, day_of
from gardener import SHARED, fitted
from perdure.analytics import calendar, make
from perdure.analytics.figures import Report
from perdure.analytics.read import Rules, Source
from perdure.assemble import calibration_of
from perdure.config import parse
from perdure.embed.open import open_embedder
from perdure.events.visits import group
from perdure.geometry import iou
from perdure.nodes.rehearsal import rehearse
from perdure.nodes.search_index import SearchIndex, Within, models_in
from perdure.simulate.building import lens_of, scene_of
from perdure.simulate.people import Day, Walk
from perdure.simulate.plan import CameraPlan, Plan
from perdure.simulate.reading import load
from perdure.simulate.scene import Scene, visible_from
from perdure.simulate.stream import StreamPlan, tracked
from perdure.simulate.truth import SEEN_HEIGHT_PX, SEEN_VISIBILITY
from perdure.store.run_store import RunStore
from perdure.types import Event, Sighting, Tracklet

LOOK_S = 0.2
GAP_S = 2.0
"""Two sightings by one camera that are nearer are one, as in the truth files."""
VISIT_GAP_S = 120.0
SURE = 0.5
"""The first answer counts, and others that are at least so probable."""
UTC = calendar.zone("UTC")


@dataclass
class Happened:
    """What really happened, as stays before cameras: (person, camera, from, to)."""

    stays: list[tuple[int, str, float, float]] = field(default_factory=list)

    def visits(self) -> list[list[tuple[int, str, float, float]]]:
        """Stays of one person, cut where nobody saw them for longer than the gap."""
        found: list[list[tuple[int, str, float, float]]] = []
        for stay in sorted(self.stays, key=lambda s: (s[0], s[2], s[3])):
            last = found[-1] if found else None
            if last and last[0][0] == stay[0] and stay[2] <= max(s[3] for s in last) + VISIT_GAP_S:
                last.append(stay)
            else:
                found.append([stay])
        return found

    def present(self, seconds: int) -> np.ndarray:
        """(seconds,) how many are on a visit in the middle of each second."""
        count = np.zeros(seconds, np.int64)
        for visit in self.visits():
            begin, end = visit[0][2], max(s[3] for s in visit)
            for second in range(seconds):
                count[second] += begin <= second + 0.5 < end
        return count

    def ways(self) -> Counter[tuple[str, str]]:
        """How often somebody was seen next by which other camera."""
        found: Counter[tuple[str, str]] = Counter()
        for visit in self.visits():
            for before, after in pairwise(visit):
                if before[1] != after[1]:
                    found[before[1], after[1]] += 1
        return found

    def in_view(self) -> dict[str, float]:
        """Median seconds in view of each camera during a visit."""
        times: dict[str, list[float]] = {}
        for visit in self.visits():
            for camera in {s[1] for s in visit}:
                covered = {round(t, 1) for s in visit if s[1] == camera for t in np.arange(s[2], s[3], 0.1)}
                times.setdefault(camera, []).append(len(covered) / 10)
        return {camera: float(np.median(seconds)) for camera, seconds in times.items()}


def seen(scene: Scene, camera: CameraPlan, walk: Walk) -> np.ndarray:
    """(T, 7) path of somebody as this camera sees them, whether its rows follow each other or not."""
    lens, step = lens_of(camera), round(LOOK_S / 0.1)
    at, x, y = walk.at[::step], walk.x[::step], walk.y[::step]
    tall = walk.guest.look.height_m
    levels = np.linspace(0.05, 0.97, 7) * tall
    points = np.stack([np.column_stack([x, y, np.full(len(x), z)]) for z in levels])
    pixels = np.stack([lens.project(p) for p in points])
    ahead = np.stack([lens.depth(p) > 0.1 for p in points])
    inside = ahead & (pixels >= 0).all(axis=2) & (pixels < [lens.width, lens.height]).all(axis=2)
    open_ = np.zeros(inside.shape, bool)
    for level, p in enumerate(points):
        if inside[level].any():
            open_[level, inside[level]] = visible_from(scene, np.array(lens.position), p[inside[level]])
    low, high = pixels[0], pixels[-1]
    height = np.abs(low[:, 1] - high[:, 1]) / 0.92
    middle = (low[:, 0] + high[:, 0]) / 2
    boxes = np.column_stack([middle - height / 5, high[:, 1], middle + height / 5, low[:, 1]])
    boxes = np.clip(np.nan_to_num(boxes), 0, [lens.width, lens.height, lens.width, lens.height])
    shown = boxes[:, 3] - boxes[:, 1]
    good = (open_.mean(axis=0) >= SEEN_VISIBILITY) & (shown >= SEEN_HEIGHT_PX) & (at >= 0)
    rows = np.column_stack([at, np.round(at * camera.rate_fps), boxes, np.full(len(at), 0.9)])
    return np.asarray(rows[good])


def true_tracklets(plan: Plan, walks: list[Walk]) -> tuple[list[Tracklet], dict[str, str], Happened]:
    """What every camera sees of everybody, cut where it does not for longer than the gap."""
    scene, happened = scene_of(plan), Happened()
    told: list[Tracklet] = []
    home: dict[str, str] = {}
    for camera in plan.cameras:
        for walk in walks:
            rows = seen(scene, camera, walk)
            for part in np.split(rows, np.flatnonzero(np.diff(rows[:, 0]) > GAP_S) + 1) if len(rows) else []:
                if part[-1, 0] - part[0, 0] < 0.5:
                    continue
                id = f"{camera.name}/{len(told)}"
                told.append(Tracklet(id, 1, camera.name, part[0, 0], part[-1, 0], part, ended="left"))
                home[id] = f"P{walk.guest.id}"
                happened.stays.append((walk.guest.id, camera.name, float(part[0, 0]), float(part[-1, 0])))
    return told, home, happened


def keep(path: Path, told: list[Tracklet], home: dict[str, str]) -> None:
    """As a run leaves it."""
    events = []
    for person in sorted(set(home.values())):
        own = [Sighting(t.id, t.camera, t.start, t.end) for t in told if home[t.id] == person]
        for visit in group(own, VISIT_GAP_S):
            end = max(s.end for s in visit)
            events.append(Event(f"visit/{visit[0].tracklet}", "visit", person, visit[0].start, end, visit))
    with RunStore(path) as store:
        store.write_result(told, home, [], events)


def of_day(name: str, looks_file: Path | None, seed: int, folder: Path) -> tuple[Report, Happened, float]:
    """A day of tracklets with a tracker's faults through the live site's own path: its figures, and what happened."""
    cameras, ways = day_of(name, seed)
    looks = replace(fitted(SHARED / "data" / "market1501-dev", looks_file), seed=seed)
    told = [one.tracklet for one in tracked(ways, looks, cameras, StreamPlan(traffic=TRAFFIC[name], seed=seed))]
    rehearse(told, parse({}), folder)
    since = min(stay.start for way in ways for stay in way)
    stays = [(stay.person, cameras[stay.camera], stay.start - since, stay.end - since) for way in ways for stay in way]
    seconds = max(stay[3] for stay in stays) + 1.0
    return figures(folder / "site.db", seconds, since), Happened(stays), seconds


def figures(path: Path, seconds: float, since: float = 0.0) -> Report:
    with Source(path) as source:
        config = source.config()
        rules = Rules(VISIT_GAP_S, 0.0) if config is None else Rules(VISIT_GAP_S, config.events.min_visit_s)
        asked = make.Question.of(since, since + seconds, UTC, "UTC", "minute" if seconds < 7200 else "hour", heat=False)
        return make.report(source, rules, asked, path.parent.name)


def compared(title: str, found: Report, happened: Happened, seconds: float) -> None:
    """The figures beside what happened."""
    numbers = {line.name: line.value for line in found.headlines}
    there = happened.present(int(seconds))
    visits = happened.visits()
    true = {
        "different people": len({s[0] for s in happened.stays}),
        "visits": len(visits),
        "median length of a visit": float(np.median([max(s[3] for s in v) - v[0][2] for v in visits])),
        "present on average": float(there.mean()),
        "most at one time": int(there.max()),
    }
    print(f"\n{title}")
    for name, value in true.items():
        print(f"  {name:28s} true {value:8.2f}   figure {numbers[name] or 0:8.2f}   {off(numbers[name] or 0, value)}")
    ways, flows = happened.ways(), found.plot("flows")
    assert flows is not None
    told = {(str(r[0]), str(r[1])): float(r[2] or 0) for r in flows.rows if r[0] != make.IN and r[1] != make.OUT}
    wrong = sum(abs(told.get(way, 0) - ways.get(way, 0)) for way in told.keys() | ways.keys())
    total = sum(ways.values())
    counted = f"true {total:8.0f}   figure {sum(told.values()):8.0f}   {wrong:.0f} of them wrong"
    print(f"  {'ways between cameras':28s} {counted}")
    cameras, view = found.plot("cameras"), happened.in_view()
    assert cameras is not None
    shown = {str(row[0]): float(row[2] or 0) for row in cameras.rows}
    apart = [abs(shown.get(camera, 0.0) - s) / s for camera, s in view.items()]
    errors = f"median error {100 * np.median(apart):.1f} %, worst {100 * max(apart):.1f} %"
    print(f"  {'median time in view':28s} of {len(view)} cameras: {errors}")


def off(value: float, true: float) -> str:
    return f"{100 * (value - true) / true:+.1f} %" if true else f"{value - true:+.2f}"


def of_truth_files(footage: Path) -> tuple[Happened, float]:
    """What ``perdure simulate`` wrote down, and how long it is."""
    told = json.loads((footage / "truth" / "visits.json").read_text(encoding="utf-8"))
    stays = [
        (visit["person"], s["camera"], s["start_s"], s["end_s"]) for visit in told["visits"] for s in visit["sightings"]
    ]
    last = 0.0
    for times in (footage / "truth").glob("*/times.csv"):
        last = max(last, float(times.read_text(encoding="utf-8").split()[-1].split(",")[1]))
    return Happened(stays), last


@cache
def true_boxes(path: Path) -> np.ndarray:
    """(R, 9) rows of MOTChallenge text."""
    return np.loadtxt(path, delimiter=",", ndmin=2)


def shown_by(footage: Path, tracklet: Tracklet) -> int:
    """Whom a tracklet really shows: the person whose true box it matches in most frames; -1: nobody."""
    truth = true_boxes(footage / "truth" / tracklet.camera / "gt" / "gt.txt")
    votes: Counter[int] = Counter()
    for row in tracklet.path:
        there = truth[truth[:, 0] == row[1] + 1]
        boxes = np.column_stack([there[:, 2:4], there[:, 2:4] + there[:, 4:6]]).astype(np.float32)
        if len(boxes):
            overlap = iou(row[None, 2:6].astype(np.float32), boxes)[0]
            if overlap.max() >= 0.5:
                votes[int(there[int(overlap.argmax()), 1])] += 1
    return votes.most_common(1)[0][0] if votes else -1


def journeys(footage: Path, happened: Happened) -> None:
    """A kept picture of every stay is searched for: are the journeys that come back those of its person?"""
    path = footage / "run" / "perdure.db"
    with RunStore(path) as store:
        told = {t.id: t for t in store.tracklets()}
    opened = open_embedder(models_in(path)[0], "cpu")
    index = SearchIndex(path, opened.name, opened.dim, calibration_of(opened.name), 0.88)
    first, shares, orders, clocks, asked = [], np.zeros(3), [], [], 0
    for tracklet in told.values():
        body, person = tracklet.body(opened.name), shown_by(footage, tracklet)
        if person < 0 or body is None:
            continue
        image = cv2.imread(str(footage / "run" / body.pictures[int(body.quality.argmax())]))
        vectors, quality = opened.embed([image])
        hits = index.by_pictures(vectors, quality, Within(), 10)
        sure = [hit for n, hit in enumerate(hits) if n == 0 or (hit.probability or 0) >= SURE]
        found = [visit for hit in sure for visit in hit.journeys]
        where = {(s.camera, s.start, s.end) for visit in found for s in visit.sightings}
        true = [visit for visit in happened.visits() if visit[0][0] == person]
        shares += shared(where, {stay[1:] for visit in true for stay in visit})
        asked += 1
        own = (
            Counter(shown_by(footage, told[s.tracklet]) for v in hits[0].journeys for s in v.sightings) if hits else {}
        )
        first.append(bool(own) and max(own, key=lambda who: own[who]) == person)
        for visit in true:
            begin, end = visit[0][2], max(stay[3] for stay in visit)
            there = [v for v in found if v.start <= end and (v.end or v.start) >= begin]
            orders.append(in_order(dict.fromkeys(stay[1] for stay in visit), there))
            if there:
                clocks += [min(v.start for v in there) - begin, max(v.end or v.start for v in there) - end]
    both, told_s, true_s = shares
    print(f"\n{footage.name}: journeys of {asked} pictures; their person is the first answer for {np.mean(first):.0%}")
    print(f"  {both / true_s:.0%} of the person's time before cameras is in them, ", end="")
    print(f"{both / told_s:.0%} of what they say is right")
    print(f"  cameras of a visit in their order: {np.mean(orders):.0%}; begin and end within ", end="")
    print(f"{np.median(np.abs(clocks)):.1f} s (median), {np.percentile(np.abs(clocks), 90):.1f} s (90 %)")


def shared(told: set[tuple[str, float, float]], true: set[tuple[str, float, float]]) -> np.ndarray:
    """(3,) seconds before cameras: in both, told, true; counted in tenths, overlaps once."""
    one, other = ({(c, t) for c, begin, end in part for t in range(round(10 * begin), round(10 * end) + 1)}
                  for part in (told, true))  # fmt: skip
    return np.array([len(one & other), len(one), len(other)]) / 10


def in_order(true: Iterable[str], journeys: Sequence[Event]) -> float:
    """The share of the cameras of a true visit that the journeys name in this order (longest common subsequence)."""
    told = list(dict.fromkeys(s.camera for v in sorted(journeys, key=lambda v: v.start) for s in v.sightings))
    longest, wanted = [0] * (len(told) + 1), list(true)
    for camera in wanted:
        before = longest[:]
        for n, other in enumerate(told):
            longest[n + 1] = before[n] + 1 if other == camera else max(before[n + 1], longest[n])
    return longest[-1] / len(wanted)


def places(footage: Path, found: Report) -> None:
    """Figures of the zones, the queue and the lines of the shop beside where people really were on the floor."""
    paths = zones.ground(footage / "truth" / "ground.csv")
    stays, queues, lines = (found.plot(name) for name in ("zones", "queues", "lines"))
    if stays is None:
        return
    told = {str(row[0]): [float(v or 0) if not isinstance(v, str) else 0.0 for v in row] for row in stays.rows}
    for name, (camera, _) in zones.ZONES.items():
        true = zones.true_stays(name, paths)
        row = told.get(f"{camera}/{name}", [0.0] * 7)
        lasted = [one.end - one.start for one in true]
        print(f"  stays in {name:19s} true {len(true):8d}   figure {row[5]:8.0f}   {off(row[5], len(true))}; ", end="")
        print(f"people {len({one.person for one in true})} / {row[4]:.0f}, ", end="")
        print(f"median {np.median(lasted):.1f} / {row[2]:.1f} s, in all {sum(lasted):.0f} / {3600 * row[6]:.0f} s")
    if queues is not None and queues.rows:
        true = zones.true_stays(zones.QUEUE, paths)
        paid = [c for way in zones.true_crossings(zones.SERVED_BY, paths) for c in way]
        served = sum(
            any(c.person == w.person and w.start <= c.start <= w.end + zones.GAP_S for c in paid) for w in true
        )
        row = queues.rows[0]
        print(
            f"  {'served / left the queue':28s} true {served} / {len(true) - served}   figure {row[6]} / {row[7]}; ",
            end="",
        )
        print(f"longest wait {max(w.end - w.start for w in true):.1f} / {row[4]} s; ", end="")
        length = found.plot(f"queue-{zones.ZONES[zones.QUEUE][0]}-{zones.QUEUE}")
        assert length is not None
        seconds = found.until - found.since
        mean = sum(w.end - w.start for w in true) / seconds
        told_mean = sum(max(w, 0.0) for w in length.numbers(1)) / len(length.rows)
        print(f"people in it on average {mean:.2f} / {told_mean:.2f}")
    counted = {str(row[0]): row[1:3] for row in lines.rows} if lines is not None else {}
    for name, (camera, *_) in zones.LINES.items():
        over = [len(way) for way in zones.true_crossings(name, paths)]
        row = counted.get(f"{camera}/{name}", [0, 0])
        print(f"  over {name:23s} true {over[0]} in, {over[1]} out   figure {row[0]} in, {row[1]} out")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plans", nargs="*", default=["house", "shop", "office"])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--footage", type=Path, nargs="*", default=[])
    parser.add_argument("--day", nargs="*", default=[], choices=list(TRAFFIC))
    parser.add_argument("--looks", type=Path)
    chosen = parser.parse_args()
    for name in chosen.day:
        with tempfile.TemporaryDirectory() as temporary:
            found, happened, seconds = of_day(name, chosen.looks, chosen.seed, Path(temporary))
            compared(f"a day in the {name}, tracklets told with a tracker's faults", found, happened, seconds)
    for footage in chosen.footage:
        happened, seconds = of_truth_files(footage)
        journeys(footage, happened)
        found = figures(footage / "run" / "perdure.db", seconds)
        compared(f"{footage.name}, the run", found, happened, seconds)
        places(footage, found)
    if chosen.footage or chosen.day:
        return
    for name in chosen.plans:
        plan = load(name, minutes=chosen.minutes)
        told, home, happened = true_tracklets(plan, Day(plan, 1, chosen.seed).walks())
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary) / "perdure.db"
            keep(path, told, home)
            seconds = 60 * chosen.minutes
            compared(f"{name}, {chosen.minutes:.0f} minutes, true stays", figures(path, seconds), happened, seconds)


if __name__ == "__main__":
    main()
