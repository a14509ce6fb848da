"""What ``perdure eval openset`` prints, writes as JSON and draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.openset import (
    Interval,
    OperatingPoint,
    at_gallery_sizes,
    error_curve,
    operating_point,
    tpir_interval,
)
from perdure.evaluate.openset_protocol import (
    OpenSetTest,
    PairCalibration,
    deal,
    pair_calibration,
    requested_and_realised,
)
from perdure.evaluate.report import Report, Table, new_figure
from perdure.types import Float64s, Ints

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_FPIRS = (0.001, 0.01, 0.03, 0.1)
SIZE_FPIR = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class OpenSetFindings:
    """Everything measured by one command."""

    test: OpenSetTest
    points: tuple[OperatingPoint, ...]
    tpir: tuple[Interval, ...]
    """Of each point."""
    realised: tuple[Interval, ...]
    """FPIR met on strangers other than those who set the threshold, for each point."""
    realised_gaussian: tuple[Interval, ...]
    """The same for the threshold that normal scores would ask for."""
    sizes: Ints
    fnir: Float64s
    """(S,) at ``SIZE_FPIR``, the threshold set anew at each size."""
    kept_fpir: Float64s
    """(S,) FPIR when the smallest size's threshold is kept."""
    calibration: PairCalibration

    def figures(self) -> dict[str, object]:
        """All of it by name, exact."""
        return {
            "operating_points": [
                {
                    "fpir": point.fpir,
                    "threshold": point.threshold,
                    "tpir": point.tpir,
                    "tpir_95": [tpir.low, tpir.high],
                    "dir": point.detection_rate,
                    "realised_fpir": realised.value,
                    "realised_fpir_95": [realised.low, realised.high],
                    "realised_fpir_gaussian": gaussian.value,
                    "realised_fpir_gaussian_95": [gaussian.low, gaussian.high],
                }
                for point, tpir, realised, gaussian in zip(
                    self.points, self.tpir, self.realised, self.realised_gaussian, strict=True
                )
            ],
            "gallery_size": {
                "sizes": self.sizes,
                "fnir": self.fnir,
                "fpir_of_kept_threshold": self.kept_fpir,
            },
            "calibration": {
                "cllr": self.calibration.cllr,
                "min_cllr": self.calibration.min_cllr,
                "ece": self.calibration.reliability.ece,
                "pairs_same": self.calibration.pairs_same,
                "pairs_different": self.calibration.pairs_different,
            },
        }


def measure(embeddings: Embeddings, dealings: int = 10) -> OpenSetFindings:
    """The open-set figures of labelled embeddings; the first dealing is shown, all of them test the threshold.

    Raises:
        InputError: too few people are seen by two cameras.
    """
    tests = [deal(embeddings, seed) for seed in range(dealings)]
    first = tests[0]
    counted = first.counted()
    sizes = np.unique(np.geomspace(min(10, counted.gallery_size), counted.gallery_size, 6).astype(np.int64))
    fnir, kept = at_gallery_sizes(
        first.similarity, first.probe_person, first.enrolled_person, sizes, SIZE_FPIR, draws=dealings
    )
    return OpenSetFindings(
        first,
        tuple(operating_point(counted, fpir) for fpir in SHOWN_FPIRS),
        tuple(tpir_interval(counted, fpir) for fpir in SHOWN_FPIRS),
        tuple(requested_and_realised(tests, fpir, OpenSetTest.threshold) for fpir in SHOWN_FPIRS),
        tuple(requested_and_realised(tests, fpir, OpenSetTest.gaussian_threshold) for fpir in SHOWN_FPIRS),
        sizes,
        fnir,
        kept,
        pair_calibration(embeddings),
    )


def report(found: OpenSetFindings, model: str) -> Report:
    """Four tables and three plots."""
    counted = found.test.counted()
    rates = Table(
        "Identification of one picture",
        ("FPIR", "threshold", "TPIR", "95 % of TPIR", "DIR (own entry best)"),
        tuple(
            (f"{p.fpir:g}", p.threshold, p.tpir, _span(i), p.detection_rate)
            for p, i in zip(found.points, found.tpir, strict=True)
        ),
        "At the threshold that the strangers counted here set themselves.",
    )
    kept_word = Table(
        "Does a threshold keep its word?",
        ("FPIR requested", "FPIR realised", "95 %", "if scores were normal", "95 %"),
        tuple(
            (f"{p.fpir:g}", i.value, _span(i), g.value, _span(g))
            for p, i, g in zip(found.points, found.realised, found.realised_gaussian, strict=True)
        ),
        "Set on some strangers, realised on others; intervals over people. Last: set by mean and spread alone.",
    )
    sizes = Table(
        "As the gallery grows",
        ("people enrolled", f"FNIR at FPIR {SIZE_FPIR:g}", f"FPIR of the threshold for {found.sizes[0]}"),
        tuple((int(n), float(f), float(k)) for n, f, k in zip(found.sizes, found.fnir, found.kept_fpir, strict=True)),
    )
    pairs = found.calibration
    calibration = Table(
        "Calibrated probability of 'same person', pairs across cameras",
        ("Cllr", "min-Cllr", "ECE", "same pairs", "different pairs"),
        ((pairs.cllr, pairs.min_cllr, pairs.reliability.ece, pairs.pairs_same, pairs.pairs_different),),
        "Bits per pair at even odds (1 says nothing); fitted on other people than measured.",
    )
    notes = (
        f"{model}: {counted.gallery_size:,} people enrolled from one camera each; {len(counted.mate_score):,} searches "
        f"by them in other cameras, {len(counted.stranger_score):,} by {len(np.unique(counted.stranger_person)):,} "
        "strangers.",
    )
    return Report("perdure eval openset", (rates, kept_word, sizes, calibration), _plots(found), notes)


def _span(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _plots(found: OpenSetFindings) -> dict[str, Figure]:
    errors = new_figure()
    axes = errors.add_subplot(xlabel="FPIR", ylabel="FNIR", xscale="log", ylim=(0, 1))
    fpir, fnir = error_curve(found.test.counted())
    axes.plot(fpir[1:], fnir[1:])
    growth = new_figure()
    axes = growth.add_subplot(xlabel="people enrolled", xscale="log", ylim=(0, 1))
    axes.plot(found.sizes, found.fnir, marker="o", label=f"FNIR at FPIR {SIZE_FPIR:g}")
    axes.plot(found.sizes, found.kept_fpir, marker="o", label="FPIR of the smallest gallery's threshold")
    axes.legend()
    trust = new_figure(4.5, 4.5)
    axes = trust.add_subplot(xlabel="predicted probability", ylabel="share that is the same person")
    bins = found.calibration.reliability
    axes.plot([0, 1], [0, 1], color="0.7")
    axes.scatter(bins.predicted, bins.observed, s=1000 * bins.weight + 5)
    return {"Errors of identification": errors, "As the gallery grows": growth, "Reliability": trust}
