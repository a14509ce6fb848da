"""Figures and journeys of simulated buildings against what really happened there.

    python bench/analytics_truth.py [--plans house shop office] [--minutes 60]
    python bench/analytics_truth.py --footage DIR     # of perdure simulate, with perdure run in DIR/run

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
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from perdure.analytics import calendar, make
from perdure.analytics.figures import Report
from perdure.analytics.read import Rules, Source
from perdure.assemble import calibration_of
from perdure.embed.open import open_embedder
from perdure.events.visits import group
from perdure.geometry import iou
from perdure.nodes.search_index import SearchIndex, Within, models_in
from perdure.simulate.building import lens_of, scene_of
from perdure.simulate.people import Day, Walk
from perdure.simulate.plan import CameraPlan, Plan
from perdure.simulate.reading import load
from perdure.simulate.scene import Scene, visible_from
from perdure.simulate.truth import SEEN_HEIGHT_PX, SEEN_VISIBILITY
from perdure.store.run_store import RunStore
from perdure.types import Event, Sighting, Tracklet

LOOK_S = 0.2
GAP_S = 2.0
"""Two sightings by one camera that are nearer are one, as in the truth files."""
VISIT_GAP_S = 120.0
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


def figures(path: Path, seconds: float) -> Report:
    with Source(path) as source:
        asked = make.Question.of(0.0, seconds, UTC, "UTC", "minute", heat=False)
        return make.report(source, Rules(VISIT_GAP_S, 0.0), asked, path.parent.name)


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


def shown_by(footage: Path, tracklet: Tracklet) -> int:
    """Whom a tracklet really shows: the person whose true box it matches in most frames; -1: nobody."""
    truth = np.loadtxt(footage / "truth" / tracklet.camera / "gt" / "gt.txt", delimiter=",", ndmin=2)
    votes: Counter[int] = Counter()
    for row in tracklet.path:
        there = truth[truth[:, 0] == row[1] + 1]
        boxes = np.column_stack([there[:, 2:4], there[:, 2:4] + there[:, 4:6]]).astype(np.float32)
        if len(boxes):
            overlap = iou(row[None, 2:6].astype(np.float32), boxes)[0]
            if overlap.max() >= 0.5:
                votes[int(there[int(overlap.argmax()), 1])] += 1
    return votes.most_common(1)[0][0] if votes else -1


def journeys(footage: Path) -> None:
    """A kept picture of every stay is searched for: are the other stays of the same person in the journeys?"""
    path = footage / "run" / "perdure.db"
    with RunStore(path) as store:
        told = {t.id: t for t in store.tracklets()}
    person = {id: shown_by(footage, t) for id, t in told.items()}
    opened = open_embedder(models_in(path)[0], "cpu")
    index = SearchIndex(path, opened.name, opened.dim, calibration_of(opened.name), 0.88)
    right = wrong = missed = 0.0
    first, asked = [], 0
    for id, tracklet in told.items():
        body = tracklet.body(opened.name)
        others = [t for t in told.values() if t.id != id and person[t.id] == person[id]]
        if person[id] < 0 or body is None or not others:
            continue
        image = cv2.imread(str(footage / "run" / body.pictures[int(body.quality.argmax())]))
        vectors, quality = opened.embed([image])
        hits = index.by_pictures(vectors, quality, Within(), 10)
        sure = [hit for n, hit in enumerate(hits) if n == 0 or (hit.probability or 0) >= 0.5]
        found = {s.tracklet for hit in sure for visit in hit.journeys for s in visit.sightings} - {id}
        asked += 1
        first.append(
            bool(hits) and any(person[s.tracklet] == person[id] for v in hits[0].journeys for s in v.sightings)
        )
        right += sum(told[t].end - told[t].start for t in found if person[t] == person[id])
        wrong += sum(told[t].end - told[t].start for t in found if person[t] != person[id])
        missed += sum(t.end - t.start for t in others if t.id not in found)
    recall, precision = right / max(right + missed, 1e-9), right / max(right + wrong, 1e-9)
    print(f"  journeys: {asked} pictures asked; the person is in the first answer for {100 * np.mean(first):.0f} %;")
    share = f"{100 * recall:.0f} % of the person's other seconds found"
    print(f"            {share}, {100 * precision:.0f} % of what is found is right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plans", nargs="*", default=["house", "shop", "office"])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--footage", type=Path, nargs="*", default=[])
    chosen = parser.parse_args()
    for footage in chosen.footage:
        journeys(footage)
        happened, seconds = of_truth_files(footage)
        compared(f"{footage.name}, the run", figures(footage / "run" / "perdure.db", seconds), happened, seconds)
    if chosen.footage:
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
