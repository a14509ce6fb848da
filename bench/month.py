"""Thirty simulated days through the gallery, looked after and not: purity and fragments as time goes by.

    python bench/month.py [--days 30] [--people 150] [--embeddings some.npz] [--svg docs/images/gallery-month.svg]

People return, some look much like others, the tracker breaks tracks, swaps people and mixes them up
(``perdure.simulate.stream``). Scored at the end of each day: all tracklets told so far, and those of the last
``LATELY_DAYS`` days alone. A share of mistakes that stays the same adds to the fragments of all so far day by day;
among the latest it shows as a level line. Also told: tracklets of two people, and of one, that were taken apart.

With embeddings (docs/formats.md, with camera, sequence and frame) the people are fitted
to them and the calibration is measured on them; without, both come from a made-up crowd. Clothes stay the same: what
changes with them no appearance can join, looked after or not.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.assemble import gallery as open_gallery
from perdure.config import GalleryConfig
from perdure.evaluate.embeddings import Embeddings, load
from perdure.evaluate.partition import PartitionScores, partition
from perdure.evaluate.replay import assigned, scores, tell
from perdure.evaluate.simulator import fitted_people
from perdure.evaluate.stream import Stream, of_simulation
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.calibrate import Calibration
from perdure.gallery.gallery import Gallery
from perdure.gallery.health import health
from perdure.gallery.swaps import SECOND
from perdure.simulate.stream import Faults, StreamPlan, stream
from perdure.simulate.stream_people import Habits
from perdure.simulate.stream_traffic import DAY_S, CameraGraph, Traffic

LATELY_DAYS = 5


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
    """Of everything told so far."""
    lately: PartitionScores
    """Of what was told in the last ``LATELY_DAYS`` days."""


def month(told: Stream, calibration: Calibration, maintain: bool, days: int, of_two: Set[str]) -> list[Day]:
    """The scores at the end of each day; ``of_two`` are the tracklets whose pictures show two people."""
    gallery = open_gallery(GalleryConfig(maintain=maintain), told.model, told.dim, calibration)
    found, begun, start = [], 0, time.process_time()
    for day in range(1, days + 1):
        end = int(np.searchsorted(told.at, told.at[0] - told.at[0] % DAY_S + day * DAY_S))
        tell(gallery, told, begun, end)
        for quiet in range(60):  # the night
            gallery.tick(float(told.at[end - 1]) + 60 * quiet)
        begun = end
        found.append(Day(day, scores(told, gallery, end), latest(told, gallery, end)))
    seconds = time.process_time() - start
    print(
        f"  maintenance {'on' if maintain else 'off'}: {1e3 * seconds / len(told):.1f} ms a tracklet, {health(gallery)}"
    )
    apart = {part.supersedes for id, part in gallery.evidence.items() if id.endswith(SECOND)}
    print(
        f"  taken apart: {len(apart & of_two)} of {len(of_two)} tracklets of two people, {len(apart - of_two)} of "
        f"{len(told) - len(of_two)} of one",
        flush=True,
    )
    return found


def latest(told: Stream, gallery: Gallery, end: int) -> PartitionScores:
    """Of the tracklets of the last days before row ``end``."""
    rows, identities = assigned(told, gallery.partition, end)
    late = told.at[rows] > told.at[end - 1] - LATELY_DAYS * DAY_S
    return partition(told.person[rows][late], np.array(identities, str)[late], told.crops[rows][late])


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
    true = list(stream(looks, CameraGraph.corridor(4), plan))
    told = of_simulation(looks.model, true)
    of_two = {t.tracklet.id for t in true if len(np.unique(t.exemplar_person)) > 1}
    people = len(np.unique(told.person))
    print(f"{looks.model}: {len(told)} tracklets of {people} people in {options.days} days, with tracker faults")
    on, off = (month(told, calibration, maintain, options.days, of_two) for maintain in (True, False))
    print("  day   purity on / off    fragments on / off    IDF1 on / off   | of the last days alone: the same")
    for a, b in zip(on, off, strict=True):
        if a.number % 5 == 0 or a.number in (1, options.days):
            print(
                f"  {a.number:3d}      {a.scores.purity:.3f} / {b.scores.purity:.3f}          "
                f"{a.scores.fragments_per_person:.2f} / {b.scores.fragments_per_person:.2f}      "
                f"{a.scores.idf1:.3f} / {b.scores.idf1:.3f}   |  {a.lately.purity:.3f} / {b.lately.purity:.3f}  "
                f"{a.lately.fragments_per_person:.2f} / {b.lately.fragments_per_person:.2f}  "
                f"{a.lately.idf1:.3f} / {b.lately.idf1:.3f}"
            )
    if options.svg:
        draw(on, off, options.svg)


if __name__ == "__main__":
    main()
