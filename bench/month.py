"""Thirty simulated days through the gallery, looked after and not: purity and fragments as time goes by.

    python bench/month.py [--days 30] [--people 150] [--embeddings some.npz] [--svg docs/images/gallery-month.svg]

People return, some look much like others, the tracker breaks tracks, swaps people and mixes them up
(``perdure.simulate.stream``). With embeddings (docs/formats.md, with camera, sequence and frame) the people are fitted
to them and the calibration is measured on them; without, both come from a made-up crowd. Clothes stay the same: what
changes with them no appearance can join, looked after or not.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.assemble import gallery as open_gallery
from perdure.config import GalleryConfig
from perdure.evaluate.embeddings import Embeddings, load
from perdure.evaluate.partition import PartitionScores
from perdure.evaluate.replay import scores, tell
from perdure.evaluate.simulator import fitted_people
from perdure.evaluate.stream import Stream, of_simulation
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.calibrate import Calibration
from perdure.gallery.maintain import health
from perdure.simulate.stream import Faults, StreamPlan, stream
from perdure.simulate.stream_people import Habits
from perdure.simulate.stream_traffic import DAY_S, CameraGraph, Traffic


def made_up(people: int = 200, dim: int = 128) -> Embeddings:
    """A crowd of well-spread people in four cameras."""
    rng = np.random.default_rng(0)
    person, camera, sequence, frame = np.indices((people, 4, 2, 3)).reshape(4, -1)
    stay = (person * 4 + camera) * 2 + sequence
    vectors = rng.normal(size=(people, dim))[person] + 0.6 * rng.normal(size=(people * 8, dim))[stay]
    vectors += 0.4 * rng.normal(size=(4, dim))[camera] + 0.6 * rng.normal(size=(len(person), dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    quality = np.full(len(person), 0.9, np.float32)
    names = tuple(f"{i}.jpg" for i in range(len(person)))
    return Embeddings(
        "made-up", vectors.astype(np.float32), person + 1, camera + 1, sequence + 1, frame, quality, names
    )


@dataclass(frozen=True)
class Day:
    """One point of the curves."""

    number: int
    scores: PartitionScores


def month(told: Stream, calibration: Calibration, maintain: bool, days: int) -> list[Day]:
    """The scores of everything told so far, at the end of each day."""
    gallery = open_gallery(GalleryConfig(maintain=maintain), told.model, told.dim, calibration)
    found, begun, start = [], 0, time.process_time()
    for day in range(1, days + 1):
        end = int(np.searchsorted(told.at, told.at[0] - told.at[0] % DAY_S + day * DAY_S))
        tell(gallery, told, begun, end)
        for quiet in range(60):  # the night
            gallery.tick(float(told.at[end - 1]) + 60 * quiet)
        begun = end
        found.append(Day(day, scores(told, gallery, end)))
    seconds = time.process_time() - start
    print(
        f"  maintenance {'on' if maintain else 'off'}: {1e3 * seconds / len(told):.1f} ms a tracklet, {health(gallery)}"
    )
    return found


def draw(on: list[Day], off: list[Day], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "perdure"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for axis, title in zip(axes, ("purity", "fragments per person"), strict=True):
        for days, label in ((on, "looked after"), (off, "not looked after")):
            values = [d.scores.purity if title == "purity" else d.scores.fragments_per_person for d in days]
            axis.plot([d.number for d in days], values, label=label)
        axis.set(title=title, xlabel="day")
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--people", type=int, default=150)
    parser.add_argument("--visits-per-day", type=float, default=50)
    parser.add_argument("--embeddings", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    crowd = load(options.embeddings) if options.embeddings else made_up()
    calibration = fit_calibration(crowd)
    looks = fitted_people(crowd, options.seed, Habits(new_clothes=0.0))
    traffic = Traffic(options.days, options.visits_per_day, options.people, returning=0.8)
    plan = StreamPlan(traffic, Faults(), seed=options.seed)
    told = of_simulation(looks.model, list(stream(looks, CameraGraph.corridor(4), plan)))
    people = len(np.unique(told.person))
    print(f"{looks.model}: {len(told)} tracklets of {people} people in {options.days} days, with tracker faults")
    on, off = (month(told, calibration, maintain, options.days) for maintain in (True, False))
    print("  day   purity on / off    fragments on / off    IDF1 on / off")
    for a, b in zip(on, off, strict=True):
        if a.number % 5 == 0 or a.number in (1, options.days):
            print(
                f"  {a.number:3d}      {a.scores.purity:.3f} / {b.scores.purity:.3f}          "
                f"{a.scores.fragments_per_person:.2f} / {b.scores.fragments_per_person:.2f}      "
                f"{a.scores.idf1:.3f} / {b.scores.idf1:.3f}"
            )
    if options.svg:
        draw(on, off, options.svg)


if __name__ == "__main__":
    main()
