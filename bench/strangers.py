"""Does a requested false match rate hold? Leave one identity out, and galleries that grow.

    python bench/strangers.py --embeddings osnet.npz [--last-people N] [--growth 10000 100000]

Leave one identity out: every person in turn is a stranger to a gallery of all others (their true tracklets); how near
strangers come is measured on the others alone (each of them against the rest). Realised: the share of tracklets whose
nearest identity exceeds the threshold; its 95 % interval is a bootstrap over people. TPIR: tracklets whose own identity
exceeds it; in hindsight: the same at the threshold that lets in exactly the requested share. Normal: the threshold of
independent normal scores. Similarities are those of a decision: centred per camera, crowding taken off.

Growth: one tracklet each of simulated people, of four kinds: from a model fitted to the same embeddings, and three that
have nothing to do with them. How near strangers come is measured with 500 of them and asked for galleries of N. All
are drawn alike: who is measured, known or a stranger is a matter of chance.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from perdure.evaluate.embeddings import Embeddings, load, people
from perdure.evaluate.openset import person_weights
from perdure.evaluate.stream_calibration import similarities, strangers_of
from perdure.gallery.exemplars import unit
from perdure.gallery.neighbours import CROWDING_WEIGHT, crowding, uncrowded
from perdure.gallery.strangers import PARTS, Sample, fit_strangers
from perdure.simulate.stream_fit import fit, tracklets_of
from perdure.simulate.stream_people import STYLES, PeopleModel, style_normals, through_margins, uneven_factor
from perdure.types import Float32s, Float64s, Ints

RATES = (0.001, 0.01, 0.05, 0.1)
CAMERAS, PICTURES, PROBES, STRANGERS, MEASURED_ON, COHORT, BLOCK = 6, 3, 3000, 2000, 500, 4096, 2000
DIM = 128
WEIGHTS = (1 + np.arange(DIM)) ** -0.5


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
    """One line per crowd and size."""
    tracklet = tracklets_of(everybody.person, everybody.camera, everybody.sequence, everybody.frame)
    model = fit(everybody.model, everybody.vectors, everybody.person, everybody.camera, tracklet, everybody.quality)
    crowds: dict[str, Callable[[int, np.random.Generator], Drawn]] = {
        f"fitted to {everybody.model}": lambda count, rng: fitted(model, count, rng),
        "plain": lambda count, rng: plain(count, rng),
        "40 uneven styles": lambda count, rng: styled(count, rng),
        "heavy tails": lambda count, rng: heavy(count, rng),
    }
    print(f"{STRANGERS} strangers measured with {MEASURED_ON} people, asked for N (factor: realised over requested)")
    for name, draw in crowds.items():
        vectors, camera = drawn(draw, sizes[-1] + STRANGERS + PROBES)
        for number in range(CAMERAS):
            vectors[camera == number] -= vectors[camera == number].mean(axis=0)
        vectors = unit(vectors)
        crowded = excess(vectors, vectors[:COHORT])
        strangers, probes = slice(sizes[-1], sizes[-1] + STRANGERS), slice(sizes[-1] + STRANGERS, None)
        known = scores(vectors, crowded, strangers, slice(0, MEASURED_ON))
        quarters = np.split(known[:, : MEASURED_ON // PARTS * PARTS], PARTS, axis=1)
        in_part = np.concatenate([quarter.max(axis=1) for quarter in quarters])
        tail = fit_strangers(Sample(known.max(axis=1), MEASURED_ON, in_part, MEASURED_ON // PARTS))
        highest, done = np.full(PROBES, -np.inf), 0
        for size in sizes:
            for start in range(done, size, BLOCK):
                block = slice(start, min(start + BLOCK, size))
                highest = np.maximum(highest, scores(vectors, crowded, probes, block).max(axis=1))
            done = size
            told = [(rate, float(np.mean(highest > tail.threshold(rate, size)))) for rate in RATES[1:]]
            print(
                f"{name:32} {size:8d}  " + "  ".join(f"{r:g}: {found:.4f} ({found / r:.2f})" for r, found in told),
                flush=True,
            )


Drawn = tuple[Float32s, Ints]
"""(N, D) vectors of one tracklet each of N people, (N,) the camera."""


def drawn(draw: Callable[[int, np.random.Generator], Drawn], count: int) -> Drawn:
    """So many people, a block at a time; any of them may be measured, known or a stranger."""
    rng = np.random.default_rng(3)
    parts = [draw(min(BLOCK, count - start), rng) for start in range(0, count, BLOCK)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def scores(vectors: Float32s, crowded: Float64s, rows: slice, others: slice) -> Float32s:
    """(R, N) similarities of a decision."""
    product = vectors[rows] @ vectors[others].T
    product -= crowded[rows, None].astype(np.float32)
    product -= crowded[others].astype(np.float32)
    return product


def fitted(model: PeopleModel, count: int, rng: np.random.Generator) -> Drawn:
    """People of a model fitted to real embeddings, ``PICTURES`` of each; nobody looks like another on purpose."""
    camera = rng.integers(0, CAMERAS, count)
    place = camera % len(model.camera_bias)
    style = (style_normals(np.random.default_rng(5), len(model.person)) @ model.person)[rng.integers(0, STYLES, count)]
    own = normal(rng, count, model.person)
    look = np.sqrt(model.style_share) * style + np.sqrt(1 - model.style_share) * own
    uneven = uneven_factor(model.uneven_places, rng.standard_normal((count, 1)))
    look += model.camera_bias[place] + uneven * (normal(rng, count, model.place) + normal(rng, count, model.tracklet))
    views = np.array([rng.choice(len(model.view_bias), p=model.view_share[number]) for number in place])
    total = np.zeros_like(look)
    for _ in range(PICTURES):
        spread = uneven * uneven_factor(model.uneven_pictures, rng.standard_normal((count, 1)))
        noise = normal(rng, count, model.picture) * spread
        noise *= model.noise_by_quality[rng.integers(0, len(model.quality), count), None]
        total += through_margins(look + model.view_bias[views] + noise, model.margins)
    return unit(total), camera


def normal(rng: np.random.Generator, count: int, factor: Float32s) -> Float32s:
    """(count, D) effects of a factor."""
    return np.asarray(rng.standard_normal((count, len(factor)), dtype=np.float32) @ factor, np.float32)


def plain(count: int, rng: np.random.Generator) -> Drawn:
    """Normal people in 128 dimensions of falling weight."""
    return seen(rng.normal(size=(count, DIM)) * WEIGHTS, rng)


def styled(count: int, rng: np.random.Generator) -> Drawn:
    """Forty ways to dress, a few of them common."""
    fixed = np.random.default_rng(7)
    styles, share = fixed.normal(size=(40, DIM)), fixed.dirichlet(np.full(40, 0.3))
    return seen((0.6 * styles[rng.choice(40, count, p=share)] + 0.8 * rng.normal(size=(count, DIM))) * WEIGHTS, rng)


def heavy(count: int, rng: np.random.Generator) -> Drawn:
    """Some people far more remarkable than others, single traits with heavy tails."""
    people = rng.normal(size=(count, DIM)) * rng.gamma(3, 1 / 3, size=(count, 1)) ** 0.5
    return seen((people + 0.3 * rng.standard_t(4, size=(count, DIM))) * WEIGHTS, rng)


def seen(people: Float64s, rng: np.random.Generator) -> Drawn:
    """What cameras make of them: a bias of each, and noise that is worse for some."""
    camera = rng.integers(0, CAMERAS, len(people))
    scale = WEIGHTS / np.sqrt((WEIGHTS**2).sum())
    people = people / np.sqrt((people**2).sum(axis=1).mean())
    bias = 0.3 * np.random.default_rng(11).normal(size=(CAMERAS, DIM)) * scale
    noise = np.exp(0.3 * rng.normal(size=(len(people), 1))) * rng.normal(size=people.shape) * scale
    return unit(people + bias[camera] + 0.45 * noise), camera


def excess(vectors: Float32s, cohort: Float32s) -> Float64s:
    """(N,) what crowding takes off a similarity."""
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), BLOCK):
        near = vectors[start : start + BLOCK] @ cohort.T
        near[near > 1 - 1e-5] = -np.inf  # itself
        found[start : start + BLOCK] = crowding(near)
    return CROWDING_WEIGHT * (found - found.mean())


if __name__ == "__main__":
    main()
