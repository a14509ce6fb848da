"""TrackEval on MOTChallenge folders: the reference that the tracking metrics are held against.

Loaded by path from tests and benchmarks; needs the package ``trackeval`` (installed without its dependencies).
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np

ARRAYS = ("HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA")
CLEAR = {"TP": "CLR_TP", "FP": "CLR_FP", "FN": "CLR_FN", "Recall": "CLR_Re", "Precision": "CLR_Pr"}
SAME = ("MOTA", "MOTP", "IDSW", "Frag", "MT", "PT", "ML")
IDENTITY = ("IDF1", "IDP", "IDR", "IDTP", "IDFP", "IDFN")


def trackeval_metrics():
    """The three metric objects and the module, without the chatter of importing them."""
    with contextlib.redirect_stdout(io.StringIO()):
        import trackeval

        quiet = {"PRINT_CONFIG": False}
        metrics = (trackeval.metrics.CLEAR(quiet), trackeval.metrics.Identity(quiet), trackeval.metrics.HOTA())
    return trackeval, metrics


def trackeval_dataset(truth: Path, result: Path, benchmark: str, lengths: dict[str, int]):
    """TrackEval's reader and preprocessing over TRUTH/<seq>/gt/gt.txt and RESULT/<seq>.txt."""
    trackeval, _ = trackeval_metrics()
    config = {
        "GT_FOLDER": str(truth),
        "TRACKERS_FOLDER": str(result.parent),
        "TRACKERS_TO_EVAL": [result.name],
        "TRACKER_SUB_FOLDER": "",
        "OUTPUT_FOLDER": str(result.parent),
        "BENCHMARK": benchmark,
        "SEQ_INFO": lengths,
        "SKIP_SPLIT_FOL": True,
        "PRINT_CONFIG": False,
    }
    return trackeval.datasets.MotChallenge2DBox(config)


def trackeval_scores(truth: Path, result: Path, benchmark: str, lengths: dict[str, int]) -> dict[str, dict[str, float]]:
    """Figures by sequence, and of all together as COMBINED, under the names of ``TrackingScores.figures``."""
    _, metrics = trackeval_metrics()
    raw: tuple[dict, ...] = ({}, {}, {})
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = trackeval_dataset(truth, result, benchmark, lengths)
        for sequence in lengths:
            data = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data(result.name, sequence), "pedestrian")
            for metric, results in zip(metrics, raw, strict=True):
                results[sequence] = metric.eval_sequence(data)
        for metric, results in zip(metrics, raw, strict=True):
            results["COMBINED"] = metric.combine_sequences(dict(results))
    return {name: _figures(*(results[name] for results in raw)) for name in raw[0]}


def _figures(clear: dict, identity: dict, hota: dict) -> dict[str, float]:
    return {
        **{name: float(np.mean(hota[name])) for name in ARRAYS},
        **{name: float(identity[name]) for name in IDENTITY},
        **{ours: float(clear[theirs]) for ours, theirs in CLEAR.items()},
        **{name: float(clear[name]) for name in SAME},
    }
