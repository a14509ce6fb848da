"""Makes the figures of how-identity-works.md from the code that decides; everybody in them is simulated.

    python docs/make_identity_figures.py [--embeddings osnet.npz perdure-s.npz]

The people are simulated after two embedders' labelled embeddings (``perdure.simulate.stream_people``); without these,
after two made-up crowds, one well apart and one not.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from perdure.evaluate.embeddings import Embeddings, load
from perdure.evaluate.simulator import fitted_people
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.calibrate import Calibration, prior_log_odds, probability
from perdure.gallery.exemplars import unit
from perdure.gallery.transitions import EDGES_S, Sightings, learn
from perdure.simulate.stream import StreamPlan
from perdure.simulate.stream_people import FittedPeople, Habits
from perdure.simulate.stream_traffic import CameraGraph, Traffic, visits
from perdure.types import Bools, Float32s, Float64s, Ints

plt.switch_backend("svg")
mpl.rcParams.update({"svg.hashsalt": "perdure", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})

IMAGES = Path(__file__).parent / "images"
PEOPLE, CAMERAS, PICTURES = 300, 4, 4
SAME, OTHER = "#1b6e3c", "#a8231b"


@dataclass(frozen=True)
class Crowd:
    """Simulated people of one embedder: a tracklet each in two cameras."""

    name: str
    embeddings: Embeddings
    calibration: Calibration

    @classmethod
    def like(cls, name: str, real: Embeddings) -> Crowd:
        """After labelled embeddings."""
        looks = fitted_people(real, 0, Habits(new_clothes=0.0))
        made = drawn(looks)
        return cls(name, made, fit_calibration(made))

    def pairs(self) -> tuple[Float64s, Float64s, Bools]:
        """(K,) cosine and (K,) centred similarity of all pairs of tracklets of two cameras, (K,) one person."""
        tracklet = np.arange(len(self.embeddings)) // PICTURES
        count = int(tracklet[-1]) + 1
        means = unit(np.stack([self.embeddings.vectors[tracklet == t].mean(axis=0) for t in range(count)]))
        person, camera = self.embeddings.person[::PICTURES], self.embeddings.camera[::PICTURES]
        centred = unit(means - np.stack([means[camera == c].mean(axis=0) for c in camera]))
        first, second = np.triu_indices(count, 1)
        kept = camera[first] != camera[second]
        first, second = first[kept], second[kept]
        same = person[first] == person[second]
        plain, level = (means @ means.T)[first, second], (centred @ centred.T)[first, second]
        return plain.astype(np.float64), level.astype(np.float64), same


def drawn(looks: FittedPeople) -> Embeddings:
    """Everybody once in two of the cameras."""
    rng = np.random.default_rng(1)
    rows = [(person, camera) for person in range(PEOPLE) for camera in rng.permutation(CAMERAS)[:2].tolist()]
    vectors = np.concatenate([looks.pictures(p, 0, c, PICTURES, rng).vectors for p, c in rows])
    person, camera = (np.repeat([row[i] for row in rows], PICTURES) for i in (0, 1))
    frame = np.tile(np.arange(PICTURES), len(rows))
    quality = np.ones(len(vectors), np.float32)
    return Embeddings(
        looks.model, vectors, person + 1, camera + 1, np.ones_like(camera), frame, quality, ("",) * len(vectors)
    )


def made_up(spread: float, in_common: float, seed: int) -> Embeddings:
    """A crowd of which nobody measured anything: the wider ``spread``, the harder to tell apart."""
    rng = np.random.default_rng(seed)
    person, camera, frame = np.indices((200, 4, 3)).reshape(3, -1)
    stay = person * 4 + camera
    vectors = rng.normal(size=(200, 128))[person] + spread * rng.normal(size=(800, 128))[stay]
    vectors += 0.5 * rng.normal(size=(4, 128))[camera] + in_common + 0.6 * rng.normal(size=(len(person), 128))
    quality = np.full(len(person), 0.9, np.float32)
    return Embeddings("made-up", unit(vectors), person + 1, camera + 1, camera + 1, frame, quality, ("",) * len(person))


def scores(crowds: Sequence[Crowd]) -> None:
    """Why a threshold does not go from one embedder to another, and centring and the ratio do."""
    figure, axes = plt.subplots(2, len(crowds), figsize=(8, 4.6), layout="constrained", squeeze=False)
    for column, crowd in enumerate(crowds):
        plain, level, same = crowd.pairs()
        for row, values in enumerate((plain, level)):
            axis = axes[row, column]
            bins = np.linspace(min(-0.2, float(values.min())), 1, 70)
            axis.hist(values[~same], bins, density=True, color=OTHER, alpha=0.6, label="two people")
            axis.hist(values[same], bins, density=True, color=SAME, alpha=0.6, label="one person")
            axis.set_yticks([])
        axes[0, column].set(title=crowd.name, xlabel="cosine")
        axes[0, column].axvline(0.6, color="black", linestyle=":", label="a threshold of 0.6")
        axes[1, column].set(xlabel="after what a camera's people have in common is taken off")
    axes[0, 0].legend(fontsize=7)
    save(figure, "scores")


def ratio(crowd: Crowd) -> None:
    """What a log-likelihood ratio is."""
    _, level, same = crowd.pairs()
    figure, (above, below) = plt.subplots(2, 1, figsize=(6, 4.2), layout="constrained", sharex=True)
    bins = np.linspace(-0.4, 1, 45)
    centre = (bins[1:] + bins[:-1]) / 2
    one, two = (np.histogram(level[which], bins, density=True)[0] for which in (same, ~same))
    above.fill_between(centre, two, color=OTHER, alpha=0.5, label="two people")
    above.fill_between(centre, one, color=SAME, alpha=0.5, label="one person")
    above.set(ylabel="how often")
    above.legend(fontsize=8)
    both = (one > 0.02) & (two > 0.02)
    below.plot(centre[both], np.log(one[both] / two[both]), "o", markersize=3, color="black", label="counted")
    slope, offset = np.polyfit(centre[both], np.log(one[both] / two[both]), 1)
    below.plot(centre, slope * centre + offset, color="#0b5cad", label="a line is enough")
    below.axhline(0, color="black", linewidth=0.8)
    below.set(xlabel="similarity", ylabel="log ratio, nats", ylim=(-9, 9))
    below.legend(fontsize=8)
    save(figure, "ratio")


def decision(crowd: Crowd) -> None:
    """How the prior and N move the place where a match begins, and where it is better to wait."""
    known = np.unique(np.round(np.logspace(0.3, 4, 60)).astype(np.int64))
    calibration = crowd.calibration
    prior = np.array([prior_log_odds(0.88, 3 * int(n), int(n)) for n in known])
    even = (-prior - calibration.offset) / calibration.slope
    margin = 2.0 / calibration.slope
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    left.fill_between(known, even + margin, 1, color=SAME, alpha=0.25, label="match")
    left.fill_between(
        known, even - margin, even + margin, color="#f0c060", alpha=0.5, label="wait, while there is time"
    )
    left.fill_between(known, -0.1, even - margin, color=OTHER, alpha=0.2, label="new")
    for rate, style in ((0.01, "--"), (0.05, ":")):
        limit = [calibration.stranger_threshold(rate, int(n)) for n in known]
        left.plot(known, limit, style, color="black", label=f"{rate:.0%} of strangers come nearer")
    left.set(xscale="log", xlabel="N, people known", ylabel="similarity of the nearest", ylim=(0, 1))
    left.legend(fontsize=7, loc="lower right")
    similarity = np.linspace(0, 1, 200)
    for n in (2, 20, 200, 2000):
        odds = calibration.slope * similarity + calibration.offset + prior_log_odds(0.88, 3 * n, n)
        right.plot(similarity, [probability(float(o)) for o in odds], label=f"N = {n}")
    right.set(xlabel="similarity", ylabel="probability of the same person")
    right.legend(fontsize=7)
    save(figure, "decision")


def cascade(crowd: Crowd) -> None:
    """One wrong match: what a moving average makes of it, and what a set does."""
    rng = np.random.default_rng(4)
    vectors, person = crowd.embeddings.vectors, crowd.embeddings.person
    ann, bob = nearest_two(vectors, person)
    own, other = vectors[person == ann], vectors[person == bob]
    order = [own[i % len(own)] for i in range(5)]  # five good tracklets, then one wrong one
    average = unit(np.mean(order, axis=0))
    members = list(order)
    steps, pulled, kept = [], [], []
    for step in range(40):
        if step == 3:
            seen = other[0]
            average, members = unit(0.5 * average + 0.5 * seen), [*members, seen]
        for name, look in (("own", own), ("other", other)):
            seen = look[int(rng.integers(len(look)))]
            if step > 3 and name == "other" and float(average @ seen) > float(average @ own.mean(axis=0)):
                average = unit(0.9 * average + 0.1 * seen)
        steps.append(step)
        pulled.append((float(average @ unit(own.mean(axis=0))), float(average @ unit(other.mean(axis=0)))))
        stack = np.stack(members)
        kept.append((float((stack @ unit(own.mean(axis=0))).mean()), float((stack @ unit(other.mean(axis=0))).mean())))
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained", sharey=True)
    for axis, lines, title in zip(axes, (pulled, kept), ("a moving average", "a set of tracklets"), strict=True):
        table = np.array(lines)
        axis.plot(steps, table[:, 0], color=SAME, label="Ann, whose identity it is")
        axis.plot(steps, table[:, 1], color=OTHER, label="Bob, who was matched once by mistake")
        axis.axvline(3, color="black", linestyle=":", linewidth=0.8)
        axis.set(title=title, xlabel="tracklets told")
    axes[0].set(ylabel="similarity with the identity")
    axes[0].legend(fontsize=7)
    save(figure, "cascade")


def nearest_two(vectors: Float32s, person: Ints) -> tuple[int, int]:
    """Two people who look much alike."""
    people = np.unique(person)
    means = unit(np.stack([vectors[person == p].mean(axis=0) for p in people]))
    table = means @ means.T
    np.fill_diagonal(table, -1)
    one, other = divmod(int(np.argmax(table)), len(people))
    return int(people[one]), int(people[other])


def ways() -> None:
    """What the gallery learns of the time between two cameras of a simulated corridor."""
    graph = CameraGraph.corridor(3)
    traffic = Traffic(days=1.0, visits_per_day=900, people=900, returning=0.3)
    stays = [stay for route in visits(traffic, graph, StreamPlan().start_at, 0) for stay in route]
    columns = (np.array([getattr(s, key) for s in stays]) for key in ("camera", "start", "end", "person"))
    camera, start, end, owner = columns
    told = learn(Sightings(camera, start, end, owner, np.ones(len(stays))), len(graph.names))
    figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
    at = np.concatenate([[0.5], EDGES_S[1:]])
    for to, label in ((1, "the next camera"), (0, "the same camera")):
        axis.step(at, told.log_odds[0, to, 1:], where="pre", label=label)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(xscale="log", xlabel="seconds since they left the first camera", ylabel="nats for “it is them”")
    axis.legend(fontsize=8)
    save(figure, "ways")


def save(figure: plt.Figure, name: str) -> None:
    """Into the pictures of the documentation."""
    figure.savefig(IMAGES / f"identity-{name}.svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embeddings", type=Path, nargs=2, help="of two embedders, labelled")
    chosen = parser.parse_args().embeddings
    if chosen:
        crowds = [Crowd.like(real.model, real) for real in map(load, chosen)]
    else:
        crowds = [Crowd.like("one embedder", made_up(0.6, 0.3, 0)), Crowd.like("another", made_up(1.0, 1.0, 1))]
    scores(crowds)
    ratio(crowds[0])
    decision(crowds[-1])
    cascade(crowds[0])
    ways()


if __name__ == "__main__":
    main()
