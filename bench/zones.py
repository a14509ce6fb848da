"""Zones and lines against the truth: dwell, crossings, queues, occupancy and loitering in a simulated shop.

    python bench/zones.py [--minutes 20] [--seeds 3]                       # paths of true people, no pixels
    python bench/zones.py --footage shop --run shop/run                    # what the pipeline really told
    (perdure simulate shop --out shop; perdure run --config shop/perdure.yaml --out shop/run)
    python bench/zones.py --draw shop      # writes shop/drawn.yaml: its perdure.yaml with these zones and lines

Truth: where people really were on the floor, in metres, every 0.1 s; told: foot points of boxes in pictures. Zones are
rectangles on the floor, drawn on the picture through the camera's lens. A stay is matched with a true one of the same
zone that it overlaps most (one to one, at least half); without pixels also of the same person.

"boxes as they are" are the true boxes of people 1.7 m tall without occlusion; "like a detector's" adds jitter of 3 % of
the height, takes every 20th box away, loses people for 2 s about every 30 s, and cuts tracklets after 60 s.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml

from perdure.events.crossing import crossings
from perdure.events.loiter import loitering
from perdure.events.occupancy import crowds, occupancy
from perdure.events.places import Line, Zone
from perdure.events.queueing import queues
from perdure.simulate.building import lens_of
from perdure.simulate.people import Day, Walk
from perdure.simulate.plan import CameraPlan, Plan
from perdure.simulate.reading import load
from perdure.store.run_store import RunStore
from perdure.types import Float64s, Tracklet

GAP_S, MIN_STAY_S, MOST, LOITER_S = 5.0, 1.0, 2, 60.0
HEIGHT_M, WIDTH = 1.7, 0.4
EACH_SIDE = 4
"""Points of a side of a zone that is drawn in a configuration."""
ZONES = {
    "queue": ("till", (6.0, 1.6, 8.0, 4.4)),
    "fruit": ("till", (9.0, 4.5, 10.6, 6.6)),
    "bread": ("bakery", (16.0, 7.0, 18.4, 8.5)),
}
LINES = {
    "entrance": ("till", (3.0, 1.0), (1.0, 1.0)),
    "paid": ("till", (5.7, 3.3), (5.7, 0.3)),
    "cakes": ("bakery", (16.5, 8.5), (16.5, 6.0)),
}
QUEUE, SERVED_BY = "queue", "paid"
Span = tuple[float, float]
Told = tuple[Plan, dict[str, Float64s], list[Tracklet], dict[str, str]]


@dataclass(frozen=True)
class Shown:
    """A person's spans or moments at a place."""

    person: str
    start: float
    end: float


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--footage", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--draw", type=Path)
    chosen = parser.parse_args()
    plan = load("shop", chosen.minutes)
    if chosen.draw is not None:
        print(f"wrote {with_zones(chosen.draw, plan)}")
        return
    if chosen.footage is not None:
        paths = ground(chosen.footage / "truth" / "ground.csv")
        tracklets, identity_of = told_by(chosen.run, plan)
        report("what the pipeline told", [(plan, paths, tracklets, identity_of)], same_person=False)
        return
    for name, spoil in (("boxes as they are", False), ("boxes like a detector's", True)):
        runs = []
        for seed in range(chosen.seeds):
            walks = Day(plan, 1, seed).walks()
            paths = {str(i): np.column_stack([w.at, w.x, w.y]) for i, w in enumerate(walks)}
            tracklets = seen(plan, walks, np.random.default_rng(seed) if spoil else None)
            runs.append((plan, paths, tracklets, {t.id: t.id.split("/")[1].split("-")[0] for t in tracklets}))
        report(name, runs, same_person=True)


def report(name: str, runs: Sequence[Told], same_person: bool) -> None:
    """One block of the table, over all runs."""
    print(
        f"\n{name}\n{'place':10s} {'true':>5s} {'told':>5s} {'both':>5s}  median error (95 %) of start, end, length, s"
    )
    for zone in ZONES:
        pairs = [stays_at(zone, *run) for run in runs]
        print(f"{zone:10s} {_scores(pairs, same_person)}  {_crowded(pairs)}")
    for line in LINES:
        pairs = [crossed_at(line, *run) for run in runs]
        for way in (0, 1):
            both = [(true[way], told[way]) for true, told in pairs]
            print(f"{line + (' in' if way == 0 else ' out'):10s} {_scores(both, same_person, moment=True)}")


def with_zones(footage: Path, plan: Plan) -> Path:
    """A copy of a footage's configuration in which all of these zones and lines are drawn."""
    whole = yaml.safe_load((footage / "perdure.yaml").read_text(encoding="utf-8"))
    for name, (camera, rectangle) in ZONES.items():
        polygon = drawn(camera_of(plan, camera), edge(corners(rectangle), EACH_SIDE)).round(4).tolist()
        queue = {"queue": True, "served_by": SERVED_BY} if name == QUEUE else {}
        zone = {"polygon": polygon, "min_stay_s": MIN_STAY_S} | queue
        whole["cameras"][camera].setdefault("zones", {})[name] = zone
    for name, (camera, start, end) in LINES.items():
        first, second = drawn(camera_of(plan, camera), np.array([start, end])).round(4).tolist()
        whole["cameras"][camera].setdefault("lines", {})[name] = {"start": first, "end": second}
    out = footage / "drawn.yaml"
    out.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    return out


def true_stays(name: str, paths: dict[str, Float64s]) -> list[Shown]:
    """Who really was within a zone on the floor, and when."""
    _, (x0, y0, x1, y1) = ZONES[name]
    found = []
    for person, path in paths.items():
        at, x, y = path.T
        for start, end in spans(at, (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)):
            if end - start >= MIN_STAY_S:
                found.append(Shown(person, start, end))
    return found


def stays_at(
    name: str, plan: Plan, paths: dict[str, Float64s], tracklets: list[Tracklet], identity_of: dict[str, str]
) -> tuple[list[Shown], list[Shown]]:
    """True stays, and told ones."""
    camera, rectangle = ZONES[name]
    outline = drawn(camera_of(plan, camera), edge(corners(rectangle)))
    zone = Zone(camera, name, tuple(map(tuple, outline.tolist())), MIN_STAY_S, queue=True)
    told = queues(tracklets, identity_of, zone, None, GAP_S)
    return true_stays(name, paths), [Shown(p, w.stay.start, w.stay.end) for p, own in told.items() for w in own]


def true_crossings(name: str, paths: dict[str, Float64s]) -> tuple[list[Shown], list[Shown]]:
    """Who really crossed a line on the floor, in and out."""
    _, start, end = LINES[name]
    true: tuple[list[Shown], list[Shown]] = ([], [])
    a, along = np.array(start), np.array(end) - np.array(start)
    for person, path in paths.items():
        off = path[:, 1:] - a
        side = along[0] * off[:, 1] - along[1] * off[:, 0]
        for i in np.flatnonzero((side[1:] >= 0) != (side[:-1] >= 0)):
            share = side[i] / (side[i] - side[i + 1])
            where = (off[i] + share * (off[i + 1] - off[i])) @ along / (along @ along)
            if 0 <= where <= 1:  # the picture is a mirror of the floor seen from above: its right is the floor's left
                true[int(side[i + 1] >= 0)].append(Shown(person, path[i + 1, 0], path[i + 1, 0]))
    return true


def crossed_at(
    name: str, plan: Plan, paths: dict[str, Float64s], tracklets: list[Tracklet], identity_of: dict[str, str]
) -> tuple[tuple[list[Shown], list[Shown]], tuple[list[Shown], list[Shown]]]:
    """True crossings in and out, and told ones."""
    camera, start, end = LINES[name]
    first, second = drawn(camera_of(plan, camera), np.array([start, end]))
    line = Line(camera, name, tuple(first.tolist()), tuple(second.tolist()))
    found = crossings(tracklets, identity_of, line, GAP_S)
    every = [(Shown(p, c.at, c.at), c.direction) for p, own in found.items() for c in own]
    told = [c for c, way in every if way == "in"], [c for c, way in every if way == "out"]
    return true_crossings(name, paths), told


def _scores(pairs: Sequence[tuple[list[Shown], list[Shown]]], same_person: bool, moment: bool = False) -> str:
    matched = [m for true, told in pairs for m in match(true, told, same_person, moment)]
    counts = sum(len(t) for t, _ in pairs), sum(len(t) for _, t in pairs), len(matched)
    errors = {
        "start": [b.start - a.start for a, b in matched],
        "end": [b.end - a.end for a, b in matched],
        "length": [(b.end - b.start) - (a.end - a.start) for a, b in matched],
    }
    if moment:
        errors = {"moment": errors["start"]}
    said = [f"{np.median(e):+.2f} ({np.percentile(np.abs(e), 95):.2f})" for e in errors.values() if len(e)]
    return f"{counts[0]:5d} {counts[1]:5d} {counts[2]:5d}  {', '.join(said)}"


def match(true: list[Shown], told: list[Shown], same_person: bool, moment: bool) -> list[tuple[Shown, Shown]]:
    """One to one, the best first."""
    found = []
    for i, a in enumerate(true):
        for j, b in enumerate(told):
            if same_person and a.person != b.person:
                continue
            if moment:
                score = 1.0 - abs(a.start - b.start) / 2.0
            else:
                shared = min(a.end, b.end) - max(a.start, b.start)
                score = shared / max(max(a.end, b.end) - min(a.start, b.start), 1e-9)
            if score > (0.0 if moment else 0.5):
                found.append((score, i, j))
    used_true: set[int] = set()
    used_told: set[int] = set()
    pairs = []
    for _, i, j in sorted(found, reverse=True):
        if i not in used_true and j not in used_told:
            used_true.add(i)
            used_told.add(j)
            pairs.append((true[i], told[j]))
    return pairs


def _crowded(pairs: Sequence[tuple[list[Shown], list[Shown]]]) -> str:
    """Peaks, time with too many, and people who loitered, true and told."""
    said = []
    for side in (0, 1):
        peak, seconds, events, loiterers = 0, 0.0, 0, 0
        for pair in pairs:
            shown = pair[side]
            starts, ends = np.array([s.start for s in shown]), np.array([s.end for s in shown])
            if not len(shown):
                continue
            times, counts = occupancy(starts, ends)
            peak = max(peak, int(counts.max()))
            seconds += float(np.diff(times) @ (counts[:-1] > MOST))
            events += len(crowds(starts, ends, MOST, 3.0))
            for person in {s.person for s in shown}:
                own = [(s.start, s.end) for s in shown if s.person == person]
                loiterers += bool(loitering(own, LOITER_S, 1200.0))
        said.append((peak, seconds, events, loiterers))
    (p, s, e, n), (p2, s2, e2, n2) = said
    return f"| peak {p}/{p2}, over {MOST}: {s:.0f}/{s2:.0f} s in {e}/{e2} events, loitering {n}/{n2} (true/told)"


def seen(plan: Plan, walks: Sequence[Walk], rng: np.random.Generator | None) -> list[Tracklet]:
    """What cameras without occlusion see of these people; with ``rng`` as a detector and a tracker would."""
    found = []
    for camera in {camera for camera, *_ in ZONES.values()}:
        planned = camera_of(plan, camera)
        lens, size = lens_of(planned), (planned.width, planned.height)
        for number, walk in enumerate(walks):
            feet = lens.project(np.column_stack([walk.x, walk.y, np.zeros(len(walk.at))]))
            heads = lens.project(np.column_stack([walk.x, walk.y, np.full(len(walk.at), HEIGHT_M)]))
            inside = np.all((feet >= 0) & (feet <= size), axis=1) & (heads[:, 1] < feet[:, 1])
            rows = np.flatnonzero(inside)
            if not len(rows):
                continue
            feet, tall = feet[rows], (feet - heads)[rows, 1]
            at, parts = walk.at[rows], [np.flatnonzero(np.diff(walk.at[rows]) > 3.0) + 1]
            keep = np.ones(len(rows), bool)
            if rng is not None:
                feet = feet + rng.normal(0, 0.03, feet.shape) * tall[:, None]
                keep = rng.random(len(rows)) > 0.05
                for begin in np.cumsum(rng.exponential(30.0, 400)) + at[0]:
                    keep &= ~((at >= begin) & (at < begin + 2.0))
                parts.append(np.flatnonzero(np.diff(((at - at[0]) // 60).astype(int))) + 1)
            boxes = np.column_stack([feet[:, 0] - WIDTH * tall / 2, feet[:, 1] - tall, feet[:, 0] + WIDTH * tall / 2])
            path = np.column_stack([at, np.arange(len(at)), boxes, feet[:, 1], np.ones(len(at))])
            for part, piece in enumerate(np.split(np.arange(len(at)), np.unique(np.concatenate(parts)))):
                own = path[piece[keep[piece]]]
                if len(own):
                    id = f"{camera}/{number}-{part}"
                    found.append(Tracklet(id, 1, camera, own[0, 0], own[-1, 0], own, ended="left", size=size))
    return found


def ground(path: Path) -> dict[str, Float64s]:
    """(T, 3) float64 [at, x, y] by person, of a footage's truth."""
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    return {str(int(person)): rows[rows[:, 1] == person][:, [0, 2, 3]] for person in np.unique(rows[:, 1])}


def told_by(run: Path, plan: Plan) -> tuple[list[Tracklet], dict[str, str]]:
    """The tracklets of a run, and whose they are."""
    with RunStore(run / "perdure.db") as store:
        tracklets = store.tracklets()
    people = json.loads((run / "people.json").read_text(encoding="utf-8"))["people"]
    identity_of = {s["tracklet"]: person["id"] for person in people for s in person["sightings"]}
    sizes = {camera.name: (camera.width, camera.height) for camera in plan.cameras}
    return [t if min(t.size) else replace(t, size=sizes[t.camera]) for t in tracklets], identity_of


def spans(at: Float64s, inside: Float64s) -> list[Span]:
    """When it was so, pauses of up to ``GAP_S`` bridged."""
    times = at[inside]
    if not len(times):
        return []
    parts = np.split(times, np.flatnonzero(np.diff(times) > GAP_S) + 1)
    return [(float(part[0]), float(part[-1])) for part in parts]


def corners(rectangle: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    """Of a rectangle on the floor, in order."""
    x0, y0, x1, y1 = rectangle
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def edge(outline: list[tuple[float, float]], each: int = 8) -> Float64s:
    """(M, 2) points along the sides of a polygon, ``each`` of a side, so that a lens may bend them."""
    ends = np.array(outline)
    along = np.linspace(0, 1, each, endpoint=False)[:, None]
    return np.concatenate([a + along * (b - a) for a, b in zip(ends, np.roll(ends, -1, axis=0), strict=True)])


def drawn(camera: CameraPlan, floor: Float64s) -> Float64s:
    """(M, 2) shares of the picture of points of the floor; all have to be in it."""
    pixels = lens_of(camera).project(np.column_stack([floor, np.zeros(len(floor))]))
    shares = pixels / [camera.width, camera.height]
    assert np.all((shares >= 0) & (shares <= 1)), f"{camera.name} does not see all of {floor.round(1).tolist()}"
    return np.asarray(shares)


def camera_of(plan: Plan, name: str) -> CameraPlan:
    """One of the plan's."""
    return next(camera for camera in plan.cameras if camera.name == name)


if __name__ == "__main__":
    main()
