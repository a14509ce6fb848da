"""Does a requested false match rate hold? Leave one identity out, and galleries that grow.

    python bench/strangers.py --embeddings osnet.npz [--last-people N] [--growth 10000 100000]

Leave one identity out: every person in turn is a stranger to a gallery of all others (their true tracklets); how near
strangers come is measured on the others alone (each of them against the rest). Realised: the share of tracklets whose
nearest identity exceeds the threshold; its 95 % interval is a bootstrap over people. TPIR: tracklets whose own identity
exceeds it; in hindsight: the same at the threshold that lets in exactly the requested share. Normal: the threshold of
independent normal scores. Similarities are those of a decision: centred per camera, crowding taken off.

Growth: people from the model fitted to the same embeddings, one tracklet of three pictures each; how near strangers
come is measured among the first 500 and asked for galleries of N.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from perdure.evaluate.embeddings import Embeddings, load, people
from perdure.evaluate.openset import person_weights
from perdure.evaluate.stream_calibration import similarities, strangers_of
from perdure.gallery.exemplars import unit
from perdure.gallery.neighbours import CROWDING_WEIGHT, crowding, uncrowded
from perdure.gallery.strangers import fit_strangers
from perdure.simulate.stream_fit import fit, tracklets_of
from perdure.simulate.stream_people import FittedPeople
from perdure.types import Float32s, Float64s, Ints

RATES = (0.001, 0.01, 0.05, 0.1)
CAMERAS, PICTURES, PROBES, MEASURED_ON, COHORT = 6, 3, 1500, 500, 4096


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embeddings", type=Path, required=True)
    parser.add_argument("--last-people", type=int, help="only the last N people by number")
    parser.add_argument("--growth", type=int, nargs="*", default=[], help="sizes of simulated galleries")
    chosen = parser.parse_args()
    everybody = load(chosen.embeddings)
    numbers = people(everybody)
    kept = everybody[np.isin(everybody.person, numbers[-(chosen.last_people or len(numbers)) :])]
    leave_one_out(kept)
    if chosen.growth:
        grow(everybody, sorted(chosen.growth))


def leave_one_out(kept: Embeddings) -> None:
    """One line per rate."""
    similarity, person, _ = similarities(kept)
    near = uncrowded(similarity)
    found, own = strangers_of(near, person)
    returning = np.isfinite(own)
    spread, count = float(near[person[:, None] != person].std()), found.identities
    thresholds = {rate: np.empty(len(person)) for rate in RATES}
    for number in np.unique(person):
        rest = person != number
        tail = fit_strangers(strangers_of(near[np.ix_(rest, rest)], person[rest])[0])
        for rate in RATES:
            thresholds[rate][~rest] = tail.threshold(rate, count)
    print(f"{kept.model}: {count + 1} people, {len(person)} tracklets")
    print("requested  realised  95 % interval     holds | TPIR   in hindsight | normal: realised")
    weights = person_weights(person, 1000, np.random.default_rng(0))
    for rate, threshold in thresholds.items():
        wrong = found.highest > threshold
        low, high = np.quantile((weights * wrong).sum(axis=1) / weights.sum(axis=1), [0.025, 0.975])
        reached = float(np.mean(own[returning] > threshold[returning]))
        hindsight = float(np.mean(own[returning] > np.quantile(found.highest, 1 - rate)))
        normal = float(np.mean(found.highest > -ndtri(-np.expm1(np.log1p(-rate) / count)) * spread))
        print(
            f"{rate:9.3f} {wrong.mean():9.4f}  [{low:.4f}, {high:.4f}]  {'yes' if low <= rate <= high else 'no':>5} | "
            f"{reached:.3f}  {hindsight:12.3f} | {normal:.4f}",
            flush=True,
        )


def grow(everybody: Embeddings, sizes: list[int]) -> None:
    """One line per size and rate."""
    tracklet = tracklets_of(everybody.person, everybody.camera, everybody.sequence, everybody.frame)
    model = fit(everybody.model, everybody.vectors, everybody.person, everybody.camera, tracklet, everybody.quality)
    vectors, camera = drawn(FittedPeople(model, 5), sizes[-1] + PROBES)
    for number in range(CAMERAS):
        vectors[camera == number] -= vectors[camera == number].mean(axis=0)
    vectors = unit(vectors)
    crowded = excess(vectors, vectors[:COHORT])
    first = slice(0, MEASURED_ON)
    table = (vectors[first] @ vectors[first].T - crowded[first, None] - crowded[first]).astype(np.float64)
    tail = fit_strangers(strangers_of(table, np.arange(MEASURED_ON))[0])
    print(f"simulated people: measured on {MEASURED_ON}, asked for N (factor: realised over requested)")
    probes, highest, done = slice(sizes[-1], None), np.full(PROBES, -np.inf), 0
    for size in sizes:
        for start in range(done, size, 5000):
            block = slice(start, min(start + 5000, size))
            scores = vectors[probes] @ vectors[block].T - crowded[probes, None] - crowded[block]
            highest = np.maximum(highest, scores.max(axis=1))
        done = size
        told = [(rate, float(np.mean(highest > tail.threshold(rate, size)))) for rate in RATES]
        print(
            f"{size:8d}  " + "  ".join(f"{rate:g}: {value:.4f} ({value / rate:.2f})" for rate, value in told),
            flush=True,
        )


def drawn(looks: FittedPeople, count: int) -> tuple[Float32s, Ints]:
    """(N, D) one tracklet of so many people, (N,) the camera."""
    rng = np.random.default_rng(3)
    camera = rng.integers(0, CAMERAS, count)
    vectors = np.empty((count, looks.dim), np.float32)
    for person in range(count):
        vectors[person] = unit(looks.pictures(person, 0, int(camera[person]), PICTURES, rng).vectors.mean(axis=0))
    return vectors, camera


def excess(vectors: Float32s, cohort: Float32s) -> Float64s:
    """(N,) what crowding takes off a similarity."""
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), 2000):
        scores = (vectors[start : start + 2000] @ cohort.T).astype(np.float64)
        scores[scores > 1 - 1e-5] = -np.inf  # itself
        found[start : start + 2000] = crowding(scores)
    return CROWDING_WEIGHT * (found - found.mean())


if __name__ == "__main__":
    main()
