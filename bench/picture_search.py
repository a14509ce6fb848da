"""Search by a picture at size: time, memory and recall over 100,000 stored tracklets; whether its probability is one.

    python bench/picture_search.py size [--tracklets 100000] [--people 12000] [--embeddings some.npz]
    python bench/picture_search.py sure --embeddings some.npz [--half second]

``size`` fills a ``site.db`` with tracklets of two pictures each, opens the search as the service does, and asks it with
new pictures of known people and of strangers; recall is against comparing each picture with every stored tracklet in
numpy. People are drawn from a made-up crowd, or from the model fitted to embeddings (docs/formats.md, with camera,
sequence and frame). ``sure`` takes real embeddings: the people of one half (of even or odd place), with the calibration
that the other half gives. Each tracklet but one of every person is stored, half of the people not at all; as many
pictures of strangers as of known people are asked, and the answers sorted by the probability they came with.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from perdure.assemble import calibration_of
from perdure.evaluate.embeddings import Embeddings, load
from perdure.evaluate.stream import halves
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.nodes.search_index import SearchIndex, Within
from perdure.store.site_store import SiteStore, Step
from perdure.types import Event, Exemplars, Identity, Sighting, Tracklet

BEGAN = 1_760_000_000.0
CAMERAS = tuple(f"camera{n}" for n in range(8))
COUNT = 10


class Crowd:
    """People whose pictures differ as those of the built-in embedder do: by stay, by camera, by picture."""

    def __init__(self, people: int, dim: int, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.people = self.rng.normal(size=(people, dim))
        self.light = 0.4 * self.rng.normal(size=(len(CAMERAS), dim))

    def pictures(self, person: int, camera: int, count: int) -> np.ndarray:
        """(count, D) of one stay."""
        stay = self.people[person] + self.light[camera] + 0.9 * self.rng.normal(size=self.people.shape[1])
        found = stay + 0.5 * self.rng.normal(size=(count, self.people.shape[1]))
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def tracklet(name: str, model: str, camera: str, at: float, vectors: np.ndarray, quality: np.ndarray) -> Tracklet:
    body = Exemplars(model, vectors, quality, np.full(len(vectors), at), ("",) * len(vectors))
    return Tracklet(name, 1, camera, at, at + 20, np.zeros((2, 7)), (body,), ended="left")


def keep(store: SiteStore, told: list[Tracklet], who: list[str]) -> None:
    """With a visit each."""
    home = {t.id: person for t, person in zip(told, who, strict=True)}
    seen: dict[str, list[Sighting]] = {}
    for t in told:
        seen.setdefault(home[t.id], []).append(Sighting(t.id, t.camera, t.start, t.end))
    events = [Event(f"visit/{s.tracklet}", "visit", p, s.start, s.end, (s,)) for p, own in seen.items() for s in own]
    store.save(Step(told, 0, (), home, [Identity(p, tuple(own)) for p, own in seen.items()], events))


def size(tracklets: int, people: int, dim: int, questions: int) -> None:
    """Time, memory, recall."""
    model = "perdure-s"
    crowd = Crowd(people + questions, dim)  # the last ones are never stored
    popular = crowd.rng.permutation(people)[(people * crowd.rng.random(tracklets) ** 1.5).astype(int)]
    camera = crowd.rng.integers(len(CAMERAS), size=tracklets)
    at = np.sort(BEGAN + 30 * 86400 * crowd.rng.random(tracklets))
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "site.db"
        began = time.process_time()
        with SiteStore(path) as store:
            for begin in range(0, tracklets, 2000):
                rows = range(begin, min(begin + 2000, tracklets))
                told = []
                for row in rows:
                    vectors = crowd.pictures(popular[row], camera[row], 2)
                    name = CAMERAS[camera[row]]
                    told.append(tracklet(f"{name}/{row}", model, name, at[row], vectors, np.full(2, 0.9, np.float32)))
                keep(store, told, [f"P{popular[row]}" for row in rows])
        mb, count = path.stat().st_size / 2**20, len(np.unique(popular))
        print(f"written in {time.process_time() - began:.0f} s of CPU; ", end="")
        print(f"{mb:.0f} MB, {tracklets:,} tracklets of {count:,} people, {dim} numbers each")
        search = SearchIndex(path, model, dim, calibration_of(model), 0.88)
        ask(search, crowd, people, questions, popular, camera, at)


def ask(search, crowd, people, questions, popular, camera, at) -> None:  # type: ignore[no-untyped-def]
    before_mb = peak_mb()
    good = np.full(1, 0.9, np.float32)
    begin = time.process_time(), time.perf_counter()
    search.by_pictures(crowd.pictures(0, 0, 1), good, Within(), COUNT)
    cpu, wall = time.process_time() - begin[0], time.perf_counter() - begin[1]
    print(f"first search, which fills the table: {cpu:.1f} s of CPU ({wall:.1f} s)")
    print(f"table {search.bytes_held / 2**20:.0f} MB; peak memory grew by {peak_mb() - before_mb:.0f} MB")
    within = Within(CAMERAS[:2], BEGAN + 10 * 86400, BEGAN + 17 * 86400)
    inside = (camera < 2) & (at + 20 >= within.since) & (at <= within.until)
    known = np.unique(popular)
    for title, where, kept in (
        ("everything", Within(), np.ones(len(at), bool)),
        ("two cameras, a week", within, inside),
    ):
        seconds, first, hits, ten = [], [], [], []
        for _ in range(questions):
            who = int(crowd.rng.choice(known))
            picture = crowd.pictures(who, int(crowd.rng.integers(len(CAMERAS))), 1)
            begin_s = time.process_time()
            found = search.by_pictures(picture, good, where, COUNT)
            seconds.append(time.process_time() - begin_s)
            brute = brute_force(search, picture, kept)
            names = [one.identity for one in found]
            hits.append(names[:1] == brute[:1])
            ten.append(len(set(names) & set(brute[:COUNT])) / max(1, len(brute[:COUNT])))
            first.append(names[:1] == [f"P{who}"])
        times = 1000 * np.array(seconds)
        print(f"{title:20s} {np.median(times):6.1f} ms of CPU, 95 % below {np.quantile(times, 0.95):6.1f}; ", end="")
        print(f"the same first as brute force {np.mean(hits):.3f}, of its first ten {np.mean(ten):.3f}; ", end="")
        print(f"the right person first {np.mean(first):.3f}")
    after_a_step(search, crowd, questions)
    sure = [
        search.by_pictures(crowd.pictures(who, 0, 1), good, Within(), 1)[0].probability or 0
        for who in known[:questions]
    ]
    strange = [
        search.by_pictures(crowd.pictures(people + n, 0, 1), good, Within(), 1)[0].probability or 0
        for n in range(questions)
    ]
    print(f"probability of the first: known people median {np.median(sure):.3f}, strangers {np.median(strange):.3f}")


def after_a_step(search: SearchIndex, crowd: Crowd, questions: int) -> None:
    """A search on a live site, which has written something since the last one."""
    seconds = []
    with SiteStore(search.path) as store:
        for number in range(questions):
            at = BEGAN + 30 * 86400 + 60 * number
            vectors = crowd.pictures(number, 0, 2)
            keep(
                store,
                [tracklet(f"live/{number}", search.model, "live", at, vectors, np.full(2, 0.9, np.float32))],
                ["P0"],
            )
            begin = time.process_time()
            search.by_pictures(crowd.pictures(number, 1, 1), np.full(1, 0.9, np.float32), Within(), COUNT)
            seconds.append(time.process_time() - begin)
    times = 1000 * np.array(seconds)
    print(f"after somebody was told  {np.median(times):.1f} ms of CPU, 95 % below {np.quantile(times, 0.95):.1f}")


def brute_force(search: SearchIndex, picture: np.ndarray, kept: np.ndarray) -> list[str]:
    """Everybody with a tracklet that counts, by the mean similarity of all their tracklets; every pair is compared."""
    index, scorer = search._index, search._scorer
    row_of = np.array([int(id.split("/")[1]) for id in index.ids])
    similar = scorer.similar(scorer.probe_of(picture, index), 0.9, np.arange(len(index)), index)
    owners = index.owners
    mean = np.bincount(owners, similar) / np.maximum(np.bincount(owners), 1)
    there = np.unique(owners[kept[row_of]])
    return [search._names[owner] for owner in there[np.argsort(-mean[there], kind="stable")]]


def sure(everybody: Embeddings, half: str, seed: int) -> None:
    """Whether what is said to be 80 % sure is right four times of five."""
    first, second = halves(everybody.person)
    ours, others = (first, second) if half == "first" else (second, first)
    calibration = fit_calibration(everybody[np.isin(everybody.person, others)])
    embeddings = everybody[np.isin(everybody.person, ours)]
    rng = np.random.default_rng(seed)
    person, sequence = embeddings.person, embeddings.sequence if embeddings.sequence is not None else embeddings.camera
    camera = embeddings.camera
    people = np.unique(person[person > 0])
    known = set(rng.permutation(people)[: len(people) // 2].tolist())
    keys = np.unique(np.column_stack([person, camera, sequence])[person > 0], axis=0)
    told, who, questions = [], [], []
    for number, (p, c, s) in enumerate(keys.tolist()):
        rows = np.flatnonzero((person == p) & (camera == c) & (sequence == s))
        vectors, quality = embeddings.vectors[rows][:8], embeddings.quality[rows][:8]
        is_last = not np.any(keys[number + 1 :, 0] == p) and np.any(keys[:number, 0] == p)
        if p not in known or is_last:
            questions.append((p, vectors[:1], quality[:1]))
        else:
            told.append(tracklet(f"c{c}/{number}", embeddings.model, f"c{c}", BEGAN + 60 * number, vectors, quality))
            who.append(f"P{p}")
    ours, strangers = ([q for q in questions if (q[0] in known) == here] for here in (True, False))
    drawn = rng.permutation(len(strangers))[: len(ours)]
    questions = ours + [strangers[i] for i in drawn]  # half of them, as the search is told to expect
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "site.db"
        with SiteStore(path) as store:
            keep(store, told, who)
        dim = embeddings.vectors.shape[1]
        search = SearchIndex(path, embeddings.model, dim, calibration, 0.5)
        said, right = [], []
        for p, vectors, quality in questions:
            for one in search.by_pictures(vectors, quality, Within(), COUNT):
                said.append(one.probability or 0.0)
                right.append(one.identity == f"P{p}")
    told_table(np.array(said), np.array(right), len(questions), len(known))


def told_table(said: np.ndarray, right: np.ndarray, questions: int, known: int) -> None:
    print(f"{questions} pictures, {known} people stored; every answer among the first {COUNT}")
    print(f"{'said':>12s} {'answers':>8s} {'mean said':>10s} {'right':>6s}")
    for low, high in zip((0, 0.1, 0.3, 0.5, 0.7, 0.9), (0.1, 0.3, 0.5, 0.7, 0.9, 1.01), strict=True):
        rows = (said >= low) & (said < high)
        if rows.any():
            print(f"{low:5.1f} to {min(high, 1.0):3.1f} {rows.sum():8d}", end="")
            print(f" {said[rows].mean():10.3f} {right[rows].mean():6.3f}")
    brier, dull = np.mean((said - right) ** 2), right.mean() * (1 - right.mean())
    print(f"Brier score {brier:.4f}; of always saying the mean {dull:.4f}")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    at_size = parts.add_parser("size")
    at_size.add_argument("--tracklets", type=int, default=100_000)
    at_size.add_argument("--people", type=int, default=12_000)
    at_size.add_argument("--dim", type=int, default=256)
    at_size.add_argument("--questions", type=int, default=100)
    real = parts.add_parser("sure")
    real.add_argument("--embeddings", type=Path, required=True)
    real.add_argument("--half", choices=("first", "second"), default="second")
    real.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.part == "size":
        size(chosen.tracklets, chosen.people, chosen.dim, chosen.questions)
    else:
        sure(load(chosen.embeddings), chosen.half, chosen.seed)


if __name__ == "__main__":
    main()
