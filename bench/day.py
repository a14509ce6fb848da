"""A whole day in house and shop, tracklet by tracklet: is everybody who comes told once?

    python bench/day.py [--plan house shop] [--embedder NAME] [--images DIR] [--looks looks.npz] [--seeds 1]

Who walks where is the simulator's: half an hour of the plan is played in full (``simulate/people.py``), and the day is
made of those ways, drawn again at times that follow the hours of a day; somebody who comes back may go another way. Who
is in view of which camera follows from walls, furniture and distance (``simulate/sightings.py``). No pixels: looks are
drawn from a model fitted to the embedder's vectors of real people (``--images``, default Market-1501 under
``PERDURE_SHARED``); a tracker's faults (a tenth of the stays in two parts, 3 % of meetings swapped, 1 % of tracks that
end on somebody else) are put in. Tracklets go through the live site's own path (``nodes/rehearsal.py``).

A true visit is one person's stays with no gap over ``events.visit_gap_s``. It is told if an event that was notified, or
took in one that was, is mostly about it; joined if only events about other visits hold it, else missed. Nothing was
tuned on these days.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gardener import SHARED, fitted
from perdure.config import parse
from perdure.nodes.rehearsal import Rehearsed, rehearse
from perdure.simulate.people import Day
from perdure.simulate.plan import Crowd
from perdure.simulate.reading import load
from perdure.simulate.sightings import routes
from perdure.simulate.stream import MONDAY, Faults, StreamPlan, TrueTracklet, tracked
from perdure.simulate.stream_people import Habits
from perdure.simulate.stream_traffic import CameraGraph, Stay, Traffic, visits

TRAFFIC = {
    "house": Traffic(days=1, visits_per_day=40, people=12, returning=0.7),
    "shop": Traffic(days=1, visits_per_day=300, people=250, returning=0.3, regulars=1.0),
}
SAMPLE_MINUTES = 15.0


def day_of(name: str, seed: int) -> tuple[list[str], list[tuple[Stay, ...]]]:
    """Cameras, and the visits of a day in order of arrival."""
    plan = load(name, minutes=SAMPLE_MINUTES)
    if name == "house":  # its script is six minutes long
        plan = plan.model_copy(update={"crowd": Crowd(per_hour=60.0, returns=0.0, stay_s=(5.0, 60.0))})
    ways = [way for way in routes(plan, Day(plan, 1, seed).walks()) if way[-1].end < 60 * SAMPLE_MINUTES - 5]
    when = visits(TRAFFIC[name], CameraGraph.corridor(1), MONDAY, seed)
    return [camera.name for camera in plan.cameras], list(_drawn(when, ways, seed))


def _drawn(when: Iterator[tuple[Stay, ...]], ways: Sequence[tuple[Stay, ...]], seed: int) -> Iterator[tuple[Stay, ...]]:
    """Each visit on one of the ways that were walked; nobody comes again before they have left."""
    rng, left = np.random.default_rng([seed, 5]), {}
    for number, (stay, *_) in enumerate(when):
        way = ways[int(rng.integers(len(ways)))]
        shift = stay.start - way[0].start
        if stay.start < left.get(stay.person, -np.inf) + 30.0:
            continue
        left[stay.person] = way[-1].end + shift
        yield tuple(Stay(stay.person, number, one.camera, one.start + shift, one.end + shift) for one in way)


@dataclass(frozen=True)
class Score:
    """Of a day."""

    visits: int
    told: int
    joined: int
    notifications: int

    def __str__(self) -> str:
        missed = self.visits - self.told - self.joined
        return (
            f"{self.visits:6d} {self.notifications / self.visits:8.3f} {missed / self.visits:8.2%} "
            f"{self.joined / self.visits:8.2%}"
        )


def scored(told: Sequence[TrueTracklet], found: Rehearsed, visit_gap_s: float) -> Score:
    """What was told against what is true."""
    visit_of = true_visits(told, visit_gap_s)
    main: dict[str, int] = {}
    holds: dict[str, set[int]] = {}
    for event in found.events:
        weight: Counter[int] = Counter()
        for sighting in event.sightings:
            weight[visit_of[sighting.tracklet]] += sighting.end - sighting.start  # type: ignore[assignment]
        main[event.id], holds[event.id] = weight.most_common(1)[0][0], set(weight)
    are_told = {visit for id, visit in main.items() if id in found.told}
    joined = {visit for visits in holds.values() for visit in visits} - set(main.values())
    return Score(len(set(visit_of.values())), len(are_told), len(joined), len(found.notifications))


def true_visits(told: Sequence[TrueTracklet], visit_gap_s: float) -> dict[str, int]:
    """The visit of each tracklet: of whom most of it shows."""
    visit_of, last, number = {}, {}, {}
    for one in sorted(told, key=lambda one: one.tracklet.start):
        person, tracklet = one.person, one.tracklet
        if person not in last or tracklet.start - last[person] > visit_gap_s:
            number[person] = len(visit_of)
        last[person] = max(last.get(person, 0.0), tracklet.end)
        visit_of[tracklet.id] = number[person]
    return visit_of


def main() -> None:
    """Every plan, with a tracker that errs and with one that does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", nargs="*", default=list(TRAFFIC), choices=list(TRAFFIC))
    parser.add_argument("--embedder", default="auto", help="whose vectors --looks holds, and whose card counts")
    parser.add_argument("--images", type=Path, default=SHARED / "data" / "market1501-dev")
    parser.add_argument("--looks", type=Path, help="file that keeps the embedded pictures for another run")
    parser.add_argument("--seeds", type=int, default=1)
    chosen = parser.parse_args()
    os.environ.setdefault("PERDURE_MODELS", str(SHARED / "models"))
    looks = fitted(chosen.images, chosen.looks)
    config = parse({"embedding": {"model": chosen.embedder}})
    cases = {
        "as it is": (Faults(), looks.habits),
        "a tracker without faults": (Faults(0.0, 0.0, 0.0), looks.habits),
        "and nobody looks alike": (Faults(0.0, 0.0, 0.0), Habits(look_alikes=0.0)),
    }
    print(f"{'day':8} {'':26} {'visits':>6} {'told/v.':>8} {'missed':>8} {'joined':>8} {'people':>7} of")
    for name in chosen.plan:
        for seed in range(chosen.seeds):
            cameras, day = day_of(name, seed)
            for case, (faults, habits) in cases.items():
                plan = StreamPlan(traffic=TRAFFIC[name], faults=faults, seed=seed)
                told = list(tracked(day, replace(looks, seed=seed, habits=habits), cameras, plan))
                with tempfile.TemporaryDirectory() as folder:
                    found = rehearse([one.tracklet for one in told], config, Path(folder))
                score = scored(told, found, config.events.visit_gap_s)
                people = len({one.person for one in told})
                print(f"{name:8} {case:26} {score} {found.people:7d} {people}", flush=True)


if __name__ == "__main__":
    main()
