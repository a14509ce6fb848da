"""Gallery errors against answers given: a scripted reviewer who knows the truth, in several orders of asking.

    python bench/review.py --embeddings osnet.npz [--seeds 3] [--people 120] [--half second] [--svg FILE] [--json FILE]

Real: each seed draws people of one half of market1501-dev as an open-world stream (``perdure eval stream``), the
calibration is fitted on the other half. Simulated: people fitted to the same pictures walk through six cameras, with a
tracker's fragments, swaps and mix-ups. In both the gallery decides as tracklets come, looks at everything once more,
and then the reviewer answers, one question at a time, whether the two tracklets that are shown are one person (a mixed
tracklet is whom most of its pictures show).

"The questions" are all that could be asked when the review begins: every pair of identities near each other that may be
one, and for every identity of several tracklets the part that fits worst. What can be asked changes with the answers.
Orders: *informative* (as the page asks), the same without learning from the answers, *uncertain* (nearest to even
odds) and *random* (any question that could be asked). Errors: 1 - F of pairs of tracklets, 1 - B-cubed F and 1 - IDF1
weighted by crops, as shares of what they were before the first answer. ``questions.JOIN`` and ``PART`` were fitted on
the first half, seeds 0 to 2.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.assemble import gallery as open_gallery
from perdure.config import GalleryConfig
from perdure.errors import InputError
from perdure.evaluate.embeddings import Embeddings, load
from perdure.evaluate.replay import replay, scores, snapshot, thinned
from perdure.evaluate.stream import Stream, halves, of_pictures, of_simulation
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.answers import answer
from perdure.gallery.gallery import Gallery
from perdure.gallery.questions import Agenda, Asked
from perdure.gallery.refit import refit
from perdure.simulate.stream import StreamPlan, stream
from perdure.simulate.stream_fit import fit, tracklets_of
from perdure.simulate.stream_people import FittedPeople
from perdure.simulate.stream_traffic import CameraGraph, Traffic

ORDERS = ("informative", "informative, nothing learned", "uncertain", "random")
SHARES = (0.0, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2)
METRICS = ("pairs", "B-cubed", "1 - IDF1")


@dataclass(frozen=True)
class Course:
    """One review: (answers, three errors) again and again."""

    order: str
    questions: int
    points: list[tuple[int, float, float, float]]
    moved: int
    """Answers that changed the gallery."""

    def at(self, share: float) -> np.ndarray:
        """(3,) errors after that share of the questions, as shares of the first."""
        table = np.array(self.points)
        answers = share * self.questions
        now = np.array([np.interp(answers, table[:, 0], column) for column in table[:, 1:].T])
        return now / table[0, 1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embeddings", type=Path, required=True, help="npz of perdure eval stream --save")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--half", choices=("first", "second"), default="second")
    parser.add_argument("--kinds", nargs="+", choices=("real", "simulated"), default=("real", "simulated"))
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    everybody = load(chosen.embeddings)
    found: dict[str, list[Course]] = {}
    for kind in chosen.kinds:
        for seed in range(chosen.seeds):
            told, gallery = _reviewed(kind, everybody, chosen.half, chosen.people, seed)
            for order in ORDERS:
                course = review(told, gallery, order, seed)
                found.setdefault(kind, []).append(course)
                left = "  ".join(f"{name} {share:.2f}" for name, share in zip(METRICS, course.at(0.1), strict=True))
                print(
                    f"{kind} seed {seed} {order}: {course.questions} questions of {len(told)} tracklets; "
                    f"left after a tenth: {left}; {course.moved} of {course.points[-1][0]} answers moved something",
                    flush=True,
                )
    for kind, courses in found.items():
        _print(kind, courses)
    if chosen.json:
        plain = {kind: [vars(course) for course in courses] for kind, courses in found.items()}
        chosen.json.write_text(json.dumps(plain), encoding="utf-8")
    if chosen.svg:
        _draw(found, chosen.svg)


def _reviewed(kind: str, everybody: Embeddings, half: str, people: int, seed: int) -> tuple[Stream, Gallery]:
    """A stream, and a gallery that was told all of it and has looked again."""
    first, second = halves(everybody.person)
    come, others = (first, second) if half == "first" else (second, first)
    of_half = everybody[np.isin(everybody.person, come)]
    calibration = fit_calibration(everybody[np.isin(everybody.person, others)])
    if kind == "real":
        drawn = np.random.default_rng(seed).permutation(come)[:people]
        told = of_pictures(everybody[np.isin(everybody.person, drawn)], seed=seed + 1)
    else:
        tracklet = tracklets_of(of_half.person, of_half.camera, of_half.sequence, of_half.frame)
        model = fit(of_half.model, of_half.vectors, of_half.person, of_half.camera, tracklet, of_half.quality)
        plan = StreamPlan(Traffic(days=1.0, visits_per_day=120.0), seed=seed)
        walked = list(stream(FittedPeople(model, seed), CameraGraph.corridor(6), plan))
        told = of_simulation(model.model, walked)
    config = GalleryConfig()
    gallery = open_gallery(config, told.model, told.dim, calibration)
    done = replay(told, gallery, prepare=thinned(config.exemplars_per_tracklet))
    assert done.consolidated is not None
    return told, done.consolidated


def review(told: Stream, gallery: Gallery, order: str, seed: int) -> Course:
    """Answer truthfully in that order until the last of ``SHARES``."""
    person = {tracklet.id: int(who) for tracklet, who in zip(told.told, told.person, strict=True)}
    now, rng = snapshot(gallery), np.random.default_rng([seed, 7])
    agenda = Agenda(now)
    agenda.refresh()
    questions = len(agenda.ranked())
    most, points, learned = round(SHARES[-1] * questions), [(0, *_errors(told, now))], []
    refused: set[tuple[str, str]] = set()
    moved = 0
    for number in range(1, most + 1):
        agenda.refresh()
        left = [asked for asked in agenda.ranked() if (asked.question.first, asked.question.second) not in refused]
        if not left:
            break
        question = _next(left, order, rng).question
        same = person[question.first] == person[question.second]
        leaving = question.one if question.kind == "part" else ()
        try:
            changes = answer(now, 1e12 + number, question.first, question.second, same=same, leaving=leaving)
            moved += len(changes) > 1
        except InputError:  # seen side by side by a tracker that mixed people up
            refused.add((question.first, question.second))
        learned.append((question.kind, question.odds, same))
        if order != ORDERS[1]:
            agenda.refit = refit(learned)
        if number % 5 == 0 or number == most:
            points.append((number, *_errors(told, now)))
    return Course(order, questions, points, moved)


def _next(left: list[Asked], order: str, rng: np.random.Generator) -> Asked:
    if order == "random":
        return left[rng.integers(len(left))]
    return min(left, key=lambda asked: abs(asked.probability - 0.5)) if order == "uncertain" else left[0]


def _errors(told: Stream, gallery: Gallery) -> tuple[float, float, float]:
    found = scores(told, gallery, len(told))
    return 1 - found.pair_f, 1 - found.b_cubed_f, 1 - found.idf1


def _print(kind: str, courses: list[Course]) -> None:
    """Means over the seeds."""
    questions = sorted({course.questions for course in courses})
    print(f"\n{kind}: errors left (pairs / B-cubed / 1 - IDF1) after a share of {questions} questions")
    print(f"{'':30s}" + "".join(f"{share:>18.1%}" for share in SHARES[1:]))
    for order in ORDERS:
        mine = [course for course in courses if course.order == order]
        cells = [np.mean([course.at(share) for course in mine], axis=0) for share in SHARES[1:]]
        print(f"{order:30s}" + "".join(f"{' / '.join(f'{v:.2f}' for v in cell):>18s}" for cell in cells))


def _draw(found: dict[str, list[Course]], path: Path) -> None:
    """Errors of B-cubed against answers, a panel for each kind."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "perdure", "svg.fonttype": "none"})
    figure, axes = plt.subplots(1, len(found), figsize=(4.2 * len(found), 3.4), sharey=True, squeeze=False)
    for axis, (kind, courses) in zip(axes[0], found.items(), strict=True):
        grid = np.linspace(0, SHARES[-1], 41)
        for order in ORDERS:
            lines = [[course.at(share)[1] for share in grid] for course in courses if course.order == order]
            axis.plot(100 * grid, np.mean(lines, axis=0), label=order)
        axis.axhline(0.5, color="grey", linewidth=0.8, linestyle=":")
        axis.axvline(10, color="grey", linewidth=0.8, linestyle=":")
        axis.set(title=kind, xlabel="answers, % of the questions", ylim=(0, 1.05))
    axes[0][0].set_ylabel("B-cubed errors left, share")
    axes[0][0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
