"""What each policy of "who is who" reaches on Market-1501 dev as an open-world stream, all in one run.

    python bench/policies.py --embeddings osnet.npz [--tables all last first second] [--json FILE]

The stream is that of ``perdure eval stream``: 3,407 tracklets of 486 people, in the order of filming. Rows: the
default, online and after its second look, with and without time; the field's policies at the threshold of the model's
card, and at the one that was best *in hindsight* on that very stream. Tables: all people with the calibration of the
model's card (fitted on the first 386 of them, so not held out), the last 100 people with that card (held out), and
every second person with a calibration fitted on the other half (held out). The README of the data gives, for all people
and OSNet x0.25 at the threshold best in hindsight: moving average IDF1 .507, B-cubed F .577; ring buffer .523, .595.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from perdure.assemble import FIELD_POLICIES
from perdure.cli.eval_stream import card_calibration
from perdure.config import GalleryConfig
from perdure.evaluate.embeddings import Embeddings, load, people
from perdure.evaluate.replay import best_threshold, run_policy
from perdure.evaluate.report import Report, print_report, to_json
from perdure.evaluate.stream import halves, of_pictures
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.evaluate.stream_report import PolicyRun, table
from perdure.gallery.calibrate import Calibration
from perdure.gallery.topology import Topology

TABLES = ("all", "last", "first", "second")


def main() -> None:
    """Measure and print; four tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embeddings", type=Path, required=True, help="npz of perdure eval stream --save")
    parser.add_argument("--embedder", default="osnet-x0.25-msmt17", help="model whose card calibrates")
    parser.add_argument("--default-only", action="store_true", help="without the field's policies, which take long")
    parser.add_argument("--json", type=Path, help="also write the exact figures here")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES, help="which of them (default: all)")
    chosen = parser.parse_args()
    everybody = load(chosen.embeddings)
    card, source = card_calibration(chosen.embedder)
    first, second = halves(everybody.person)
    last = people(everybody)[-100:]
    console = Console(width=100)
    console.print(source, style="dim")
    exact = {}
    tables = {
        "all": ("All people, calibration of the card", everybody, card),
        "last": ("Last 100 people, calibration of the card", _of(everybody, last), card),
        "first": (
            "First half, calibrated on the second",
            _of(everybody, first),
            fit_calibration(_of(everybody, second)),
        ),
        "second": (
            "Second half, calibrated on the first",
            _of(everybody, second),
            fit_calibration(_of(everybody, first)),
        ),
    }
    for title, tested, calibration in (tables[name] for name in chosen.tables):
        runs = measure(tested, calibration, () if chosen.default_only else tuple(FIELD_POLICIES))
        print_report(Report(title, (table(runs, title),)), console)
        exact[title] = [run.figures() for run in runs]
        if chosen.json is not None:
            chosen.json.write_text(to_json(exact), encoding="utf-8")


def _of(everybody: Embeddings, chosen: np.ndarray) -> Embeddings:
    return everybody[np.isin(everybody.person, chosen)]


def measure(tested: Embeddings, calibration: Calibration | None, policies: Sequence[str]) -> list[PolicyRun]:
    """Every policy on one stream."""
    stream = of_pictures(tested)
    runs = []
    if calibration is not None:
        for time in ("on", "off"):
            told = of_pictures(tested, with_time=time == "on")
            topology = Topology(learns=time == "on")
            done = run_policy(told, GalleryConfig(), calibration, topology=topology)
            runs.append(PolicyRun(f"default, time {time}", done))
    for name in policies:
        config = GalleryConfig.model_validate({"policy": name})
        best = best_threshold(stream, config)
        for threshold, hindsight in ((calibration.threshold if calibration else None, False), (best, True)):
            if threshold is not None:
                at = config.model_copy(update={"threshold": threshold})
                runs.append(PolicyRun(name, run_policy(stream, at, None), threshold, hindsight))
    return runs


if __name__ == "__main__":
    main()
