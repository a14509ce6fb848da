"""All tracking metrics of a sequence, and of several together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from perdure.evaluate.clear import Clear, clear
from perdure.evaluate.hota import ALPHAS, Hota, hota
from perdure.evaluate.identity import Identities, identities
from perdure.evaluate.overlap import Overlaps, overlaps
from perdure.evaluate.pairs import BoxOverlap, Similarity
from perdure.evaluate.report import Report, new_figure, table_of
from perdure.evaluate.tracks import Tracks, Truth


@dataclass(frozen=True, slots=True, eq=False)
class TrackingScores:
    """The three families of metrics. Adding two combines their sequences."""

    clear: Clear
    identity: Identities
    hota: Hota

    def __add__(self, other: TrackingScores) -> TrackingScores:
        return TrackingScores(self.clear + other.clear, self.identity + other.identity, self.hota + other.hota)

    def figures(self) -> dict[str, float]:
        """The usual names and values; shares in [0, 1], HOTA's as the mean over its thresholds."""
        c, i, h = self.clear, self.identity, self.hota
        over_alpha = {
            "HOTA": h.hota,
            "DetA": h.det_a,
            "AssA": h.ass_a,
            "DetRe": h.det_re,
            "DetPr": h.det_pr,
            "AssRe": h.ass_re,
            "AssPr": h.ass_pr,
            "LocA": h.loc_a,
        }
        return {
            **{name: float(np.mean(values)) for name, values in over_alpha.items()},
            **{"IDF1": i.idf1, "IDP": i.idp, "IDR": i.idr, "IDTP": i.idtp, "IDFP": i.idfp, "IDFN": i.idfn},
            **{"MOTA": c.mota, "MOTP": c.motp, "Recall": c.recall, "Precision": c.precision},
            **{"TP": c.tp, "FP": c.fp, "FN": c.fn, "IDSW": c.idsw, "Frag": c.frag, "MT": c.mt, "PT": c.pt, "ML": c.ml},
        }


def score(truth: Truth, result: Tracks, similarity: Similarity | None = None) -> TrackingScores:
    """The metrics of one sequence; defined also where truth or result is empty."""
    return scores_of(overlaps(truth, result, similarity or BoxOverlap()))


def scores_of(table: Overlaps) -> TrackingScores:
    """The metrics of one sequence whose overlaps are known."""
    return TrackingScores(clear(table), identities(table), hota(table))


def combined(scores: Mapping[str, TrackingScores]) -> TrackingScores:
    """All boxes of all sequences count alike, as in TrackEval's COMBINED row."""
    return reduce(add, scores.values())


SHOWN = (
    "HOTA",
    "DetA",
    "AssA",
    "LocA",
    "IDF1",
    "IDP",
    "IDR",
    "MOTA",
    "MOTP",
    "FP",
    "FN",
    "IDSW",
    "Frag",
    "MT",
    "PT",
    "ML",
)


def tracking_report(scores: Mapping[str, TrackingScores]) -> Report:
    """Tables of all sequences and the curves over HOTA's thresholds."""
    everything = combined(scores)
    rows = {name: s.figures() for name, s in scores.items()} | {"all": everything.figures()}
    figure = new_figure()
    axes = figure.add_subplot(xlabel="alpha (similarity a match needs)", ylabel="score", ylim=(0, 1))
    h = everything.hota
    for name, values in {"HOTA": h.hota, "DetA": h.det_a, "AssA": h.ass_a, "LocA": h.loc_a}.items():
        axes.plot(ALPHAS, values, label=f"{name} {np.mean(values):.3f}", marker=".")
    axes.legend()
    split = SHOWN.index("FP")
    return Report(
        "Tracking",
        (table_of("Scores", rows, SHOWN[:split]), table_of("Counts", rows, SHOWN[split:])),
        {"All sequences over the localisation thresholds": figure},
    )
