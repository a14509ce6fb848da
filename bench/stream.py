"""Speed and memory of simulated streams: a day and a month from the same generator, in one run.

    python bench/stream.py [--days 30] [--people 100000] [--embeddings some.npz]

Without embeddings the people are fitted to a made-up crowd of 256 dimensions. Memory is what the process holds at its
peak beyond what it held before the stream began; a stream that was kept would grow with its length.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import re
import time
from pathlib import Path

import numpy as np

from perdure.evaluate.embeddings import load
from perdure.simulate.stream import StreamPlan, stream
from perdure.simulate.stream_fit import fit, tracklets_of
from perdure.simulate.stream_people import FittedPeople, PeopleModel
from perdure.simulate.stream_traffic import CameraGraph, Traffic


def made_up(people: int = 150, dim: int = 256) -> PeopleModel:
    rng = np.random.default_rng(0)
    person, camera, sequence, _ = np.indices((people, 4, 2, 3)).reshape(4, -1)
    stay = (person * 4 + camera) * 2 + sequence
    vectors = rng.normal(size=(people, dim))[person] + 0.5 * rng.normal(size=(people * 8, dim))[stay]
    vectors += 0.3 * rng.normal(size=(4, dim))[camera] + 0.5 * rng.normal(size=(len(person), dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    quality = np.ones(len(person), np.float32)
    return fit("made-up", vectors.astype(np.float32), person + 1, camera, stay, quality)


def memory_mb(restart: bool = False) -> float:
    """Peak resident memory since the last restart of the count (Linux)."""
    if restart:
        Path("/proc/self/clear_refs").write_text("5")
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--cameras", type=int, default=3)
    parser.add_argument("--embeddings", type=Path)
    options = parser.parse_args()
    if options.embeddings:
        e = load(options.embeddings)
        labels = e.person, e.camera, tracklets_of(e.person, e.camera, e.sequence, e.frame)
        looks = FittedPeople(fit(e.model, e.vectors, *labels, e.quality))
    else:
        looks = FittedPeople(made_up())
    graph = CameraGraph.corridor(options.cameras)
    print(f"{looks.model}, {looks.dim} dimensions, {options.cameras} cameras, 4 exemplars a tracklet")
    visits_per_day = 1.25 * options.people / options.days
    for days in (min(1.0, options.days), options.days):
        traffic = Traffic(days, visits_per_day, options.people, returning=0.2)
        before = memory_mb(restart=True)
        start, people, tracklets, carried = time.process_time(), 0, 0, 0
        for told in stream(looks, graph, StreamPlan(traffic)):
            people = max(people, int(told.exemplar_person[0]) + 1 if told.fault != "mixed" else 0)
            tracklets += 1
            carried += told.tracklet.exemplars[0].vectors.nbytes + told.tracklet.path.nbytes
        seconds = time.process_time() - start
        print(
            f"  {days:5.1f} days  {people:7d} people  {tracklets:8d} tracklets  {seconds:7.1f} s of one core  "
            f"{1e6 * seconds / tracklets:6.0f} us each  {memory_mb() - before:6.1f} MB peak, "
            f"{carried / 2**20:7.0f} MB told"
        )


if __name__ == "__main__":
    main()
