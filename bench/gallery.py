"""The gallery's cost: search against numpy and tuned faiss, decision time and memory as identities grow, one tick.

    python bench/gallery.py [--rows 100000] [--identities 1000,10000,100000] [--per-identity 3]

Everything runs on as many threads as OMP_NUM_THREADS says, by default one; times are processor time of the process.
faiss is optional (``pip install faiss-cpu``); it is given its best block size and threshold for BLAS, found here.

Decisions: people at random directions, pictures of them with noise; half of those who come are known, half strangers.
What is wrong is told, with how near the right one and the nearest of all were: a right one that is nearest but was not
looked at would be the short list's fault.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", os.environ["OMP_NUM_THREADS"])

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Posterior
from perdure.gallery.gallery import Gallery
from perdure.gallery.index import Index
from perdure.gallery.ledger import fold
from perdure.gallery.maintain import Keeper
from perdure.gallery.scan import Probes
from perdure.gallery.scoring import CentredLinkage
from perdure.models.integer_dots import integer_dots
from perdure.types import Enrolled, Evidence, Exemplars, Matched, Tracklet

THREADS = int(os.environ["OMP_NUM_THREADS"])
DIM, NEAREST, BLOCK = 256, 10, 4096
CALIBRATION = Calibration(slope=16.6, offset=-4.6, impostor_mean=0.0, impostor_std=0.1)


def medians(calls: dict[str, Callable[[], object]], rounds: int = 15) -> dict[str, float]:
    """Median seconds of each call, taken in turns so that a busy machine slows all of them."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            call()
            spent[name].append(time.process_time() - start)
    return {name: float(np.median(times)) for name, times in spent.items()}


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def searches(rows: int) -> None:
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(rows, DIM)))
    index = Index(DIM, dots=integer_dots(THREADS))
    for i, vector in enumerate(vectors):
        index.put(str(i), vector, 0, 1, 0)
    flat = tuned = None
    try:
        import faiss
    except ImportError:
        print("faiss is not installed: compared with numpy only")
    else:
        faiss.omp_set_num_threads(THREADS)
        flat = faiss.IndexFlatIP(DIM)
        flat.add(vectors)
    print(f"{NEAREST} nearest of {rows} x {DIM}, ms per query, {THREADS} thread(s), integers {index.dots is not None}")
    for batch in (1, 8, 64):
        probes = unit(vectors[rng.integers(0, rows, batch)] + 0.07 * rng.normal(size=(batch, DIM)))
        calls: dict[str, Callable[[], object]] = {
            "perdure": lambda probes=probes: index.nearest(Probes(probes), NEAREST),
            "numpy": lambda probes=probes: np.argpartition(probes @ index.vectors.T, -NEAREST, axis=1),
        }
        if flat is not None:
            tuned = tune(faiss, flat, probes)
            calls["faiss"] = lambda probes=probes: flat.search(probes, NEAREST)
            for b, found in enumerate(index.nearest(Probes(probes), NEAREST)):
                assert np.allclose(found.scores, flat.search(probes[b : b + 1], NEAREST)[0][0], atol=1e-5)
        spent = {name: 1e3 * seconds / batch for name, seconds in medians(calls).items()}
        ratios = "  ".join(f"{name} {ms:6.3f} ({ms / spent['perdure']:.1f}x)" for name, ms in spent.items())
        print(f"  batch {batch:2d}: {ratios}" + (f"   faiss at {tuned}" if tuned else ""))


def tune(faiss, flat, probes: np.ndarray) -> dict[str, int]:
    """Set what faiss is fastest with on these probes."""
    choices = [(least, block) for least in (1, 20, 1000) for block in (1024, 4096, 16384, 65536)]

    def use(choice: tuple[int, int]) -> None:
        faiss.cvar.distance_compute_blas_threshold, faiss.cvar.distance_compute_blas_database_bs = choice

    def timed(choice: tuple[int, int]) -> float:
        use(choice)
        return medians({"faiss": lambda: flat.search(probes, NEAREST)}, 5)["faiss"]

    best = min(choices, key=timed)
    use(best)
    return {"blas from": best[0], "block": best[1]}


def crowd(identities: int, per_identity: int, rng: np.random.Generator) -> tuple[Gallery, np.ndarray]:
    """A gallery as after a restart: who is who is known, nothing is decided again."""
    looks = unit(rng.standard_normal((identities, DIM), np.float32))
    tracklets, log = [], []
    for first in range(0, identities * per_identity, BLOCK):
        numbers = np.arange(first, min(first + BLOCK, identities * per_identity))
        for i, vectors in zip(numbers.tolist(), pictures(looks[numbers % identities], rng), strict=True):
            tracklets.append(made(f"c{i % 8}/{i}", vectors, 10.0 * i))
            kind = Enrolled if i < identities else Matched
            log.append(kind(10.0 * i, f"P{i % identities + 1}", tracklets[-1].id, Evidence(0.9)))
    keeper = Keeper()
    gallery = Gallery("made-up", DIM, CentredLinkage(CALIBRATION), Posterior(CALIBRATION, 0.88), upkeep=None)
    gallery.topology.learns = False
    gallery.index.dots = integer_dots()
    gallery.restore(tracklets, log, fold(log))
    gallery.upkeep = keeper
    return gallery, looks


def decisions(identities: int, per_identity: int, count: int = 60) -> None:
    """Time of one tracklet, half of them of people known, and of one maintenance tick after it."""
    rng = np.random.default_rng(1)
    before = memory_mb()
    gallery, looks = crowd(identities, per_identity, rng)
    held = memory_mb() - before
    start = 10.0 * identities * per_identity
    decided, ticked, right = [], [], 0
    for i in range(count):
        known = i % 2 == 0
        person = int(rng.integers(identities))
        look = looks[person] if known else unit(rng.normal(size=DIM))
        tracklet = made(f"c0/new{i}", pictures(look[None], rng)[0], start + 10 * i)
        begin = time.process_time()
        gallery.observe([tracklet])
        middle = time.process_time()
        home = gallery.partition.identity_of[tracklet.id]
        good = home == f"P{person + 1}" if known else len(gallery.partition.members[home]) == 1
        right += good
        if not good:
            tell(gallery, tracklet.id, f"P{person + 1}" if known else "a stranger")
        later = time.process_time()
        gallery.tick(start + 10 * i + 5)
        ticked.append(time.process_time() - later)
        decided.append(middle - begin)
    low = int(0.05 * count)  # compilation and page faults
    kb = 1024 * held / identities, gallery.index.bytes_held / identities / 1024
    print(
        f"  {identities:6d} identities, {len(gallery.index):6d} tracklets: decision {spread(decided[low:])}, "
        f"tick {spread(ticked[low:])}, {kb[0]:.1f} kB per identity ({kb[1]:.1f} the index), {right} of {count} right"
    )


def spread(seconds: list[float]) -> str:
    return f"{1e3 * np.median(seconds):.2f} ms (95 %: {1e3 * np.quantile(seconds, 0.95):.2f})"


def memory_mb() -> float:
    """Resident memory now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def tell(gallery: Gallery, tracklet: str, truth: str) -> None:
    """What was decided wrongly, beside what comparing with everybody says."""
    placed = next(c for c in gallery.log[-3:] if isinstance(c, Enrolled | Matched) and c.tracklet == tracklet)
    index, told = gallery.index, placed.evidence
    similarity = gallery.scorer.similarity(index.row(tracklet), index, int(index.owners.max()) + 1)
    nearest = gallery.name_of(int(np.argmax(similarity)))
    print(
        f"    wrong: {truth} became {placed.identity} ({type(placed).__name__}), nearest looked at "
        f"{told.best} ({told.best_score:.3f}), nearest of all {nearest} ({similarity.max():.3f}); "
        + ", ".join(f"{term.name} {term.value:.1f}" for term in told.terms)
    )


def pictures(looks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N, 4, DIM) vectors of each of (N, DIM) people."""
    return unit(looks[:, None] + 0.05 * rng.standard_normal((len(looks), 4, DIM), np.float32))


def made(id: str, vectors: np.ndarray, start: float) -> Tracklet:
    at = np.linspace(start, start + 5, 4)
    path = np.column_stack([at, at * 10, np.tile([0.0, 0.0, 50.0, 100.0, 0.9], (4, 1))])
    body = Exemplars("made-up", vectors, np.full(4, 0.9, np.float32), at, ("",) * 4)
    return Tracklet(id, 0, id.split("/")[0], start, start + 5, path, (body,), ended="left")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="0: no search")
    parser.add_argument("--identities", default="1000,10000,100000")
    parser.add_argument("--per-identity", type=int, default=3)
    options = parser.parse_args()
    if options.rows:
        searches(options.rows)
    print(f"decisions, {options.per_identity} tracklets an identity, 4 pictures of {DIM} a tracklet")
    for identities in map(int, options.identities.split(",")):
        decisions(identities, options.per_identity)


if __name__ == "__main__":
    main()
