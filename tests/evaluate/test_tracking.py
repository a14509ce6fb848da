"""CLEAR, Identity and HOTA: equal to TrackEval on random input, right on cases worked out by hand, always defined."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure.evaluate.motfiles import read_sequences
from perdure.evaluate.tracking import combined, score, tracking_report
from perdure.evaluate.tracks import Tracks, Truth

specification = importlib.util.spec_from_file_location(
    "trackeval_oracle", Path(__file__).with_name("trackeval_oracle.py")
)
oracle = importlib.util.module_from_spec(specification)
specification.loader.exec_module(oracle)

needs_trackeval = pytest.mark.skipif(
    importlib.util.find_spec("trackeval") is None,
    reason="TrackEval is not installed (pip install --no-deps trackeval)",
)


def tracks(*rows: tuple[int, int, float]) -> Tracks:
    """Tracks of (frame, id, left) with boxes of 10 x 10."""
    return Tracks.of([r[0] for r in rows], [r[1] for r in rows], [[r[2], 0, r[2] + 10, 10] for r in rows])


@st.composite
def sequences(draw: st.DrawFn) -> tuple[list[tuple[float, ...]], list[tuple[float, ...]]]:
    """Truth rows with flag and class, and result rows, on a grid so small that boxes and scores often tie."""
    frames, people, grid = draw(st.integers(1, 6)), draw(st.integers(1, 12)), draw(st.sampled_from([3, 6, 40]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def rows() -> list[tuple[float, ...]]:
        density = random.random()
        return [
            (frame, person, *random.integers(0, grid, 2), *random.integers(1, grid, 2))
            for frame in range(1, frames + 1)
            for person in range(1, people + 1)
            if random.random() < density
        ]

    truth = [(*row, int(random.random() < 0.8), random.choice([1, 1, 1, 1, 2, 7, 8, 12, 3]), 1) for row in rows()]
    return truth, rows()


def write(folder: Path, name: str, truth: list[tuple[float, ...]], result: list[tuple[float, ...]]) -> None:
    """One sequence as MOTChallenge files."""
    (folder / "truth" / name / "gt").mkdir(parents=True)
    (folder / "result").mkdir(exist_ok=True)
    lines = ["".join(",".join(str(v) for v in row) + "\n" for row in rows) for rows in (truth, result)]
    (folder / "truth" / name / "gt/gt.txt").write_text(lines[0])
    (folder / "result" / f"{name}.txt").write_text(lines[1])


@needs_trackeval
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(sequences(), min_size=1, max_size=2), st.sampled_from(["MOT15", "MOT17"]))
def test_equals_trackeval_on_random_input(scenes: list, benchmark: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (truth, result) in enumerate(scenes):
            write(folder, f"s{number}", truth, [(*row, 1, -1, -1, -1) for row in result])
        lengths = {f"s{number}": 6 for number in range(len(scenes))}
        reference = oracle.trackeval_scores(folder / "truth", folder / "result", benchmark, lengths)
        read = read_sequences(folder / "truth", folder / "result", benchmark.lower())
        scores = {s.name: score(s.truth, s.result) for s in read}
    ours = {n: s.figures() for n, s in scores.items()} | {"COMBINED": combined(scores).figures()}
    if ours["COMBINED"]["TP"] + ours["COMBINED"]["FN"] == 0:
        del reference["COMBINED"]["MOTA"]  # without any truth we say 0, TrackEval minus the number of boxes
    for name, figures in reference.items():
        assert {key: ours[name][key] for key in figures} == pytest.approx(figures, abs=1e-9)


def test_a_perfect_result_scores_one_under_other_ids() -> None:
    truth = tracks((1, 1, 0), (1, 2, 50), (2, 1, 1), (2, 2, 51))
    figures = score(Truth.of(truth), Tracks.of(truth.frames, truth.ids + 70, truth.boxes)).figures()
    for name in ("HOTA", "DetA", "AssA", "LocA", "IDF1", "MOTA", "MOTP"):
        assert figures[name] == 1.0, name
    assert (figures["IDSW"], figures["Frag"], figures["MT"]) == (0, 0, 2)


def test_a_switch_halfway_costs_one_switch_and_half_the_identity() -> None:
    truth = tracks(*[(f, 1, 0) for f in range(1, 11)])
    result = tracks(*[(f, 1 if f <= 5 else 2, 0) for f in range(1, 11)])
    figures = score(Truth.of(truth), result).figures()
    assert figures["IDSW"] == 1
    assert figures["Frag"] == 0
    assert figures["MOTA"] == pytest.approx(0.9)
    assert figures["IDF1"] == pytest.approx(0.5)
    assert figures["AssA"] == pytest.approx(0.5)


def test_a_gap_is_a_fragmentation_but_no_switch() -> None:
    truth = tracks(*[(f, 1, 0) for f in range(1, 11)], *[(f, 2, 90) for f in range(1, 11)])
    result = tracks(*[(f, 1, 0) for f in range(1, 11) if f != 5], *[(f, 2, 90) for f in range(1, 11)])
    figures = score(Truth.of(truth), result).figures()
    assert (figures["IDSW"], figures["Frag"], figures["FN"]) == (0, 1, 1)


def test_a_match_is_kept_while_it_overlaps_enough() -> None:
    truth = tracks((1, 1, 0), (2, 1, 0))
    result = tracks((1, 1, 0), (2, 1, 3), (2, 2, 0))
    figures = score(Truth.of(truth), result).figures()
    assert (figures["IDSW"], figures["FP"]) == (0, 1)


def test_what_matches_a_distractor_is_neither_right_nor_wrong() -> None:
    boxes = tracks((1, 1, 0), (1, 2, 50))
    truth = Truth.of(boxes, np.array([True, False]), np.array([False, True]))
    figures = score(truth, tracks((1, 1, 0), (1, 2, 50), (1, 3, 90))).figures()
    assert (figures["TP"], figures["FP"], figures["FN"]) == (1, 1, 0)


@pytest.mark.parametrize(("has_truth", "has_result"), [(False, False), (True, False), (False, True)])
def test_metrics_are_defined_where_there_is_nothing(has_truth: bool, has_result: bool) -> None:
    boxes = tracks((1, 1, 0), (2, 1, 0))
    figures = score(Truth.of(boxes if has_truth else Tracks.none()), boxes if has_result else Tracks.none()).figures()
    assert all(np.isfinite(value) for value in figures.values())
    assert figures["HOTA"] == figures["IDF1"] == figures["MOTA"] == 0
    assert (figures["FN"], figures["FP"]) == (2 * has_truth, 2 * has_result)


def test_the_order_of_rows_does_not_matter() -> None:
    random = np.random.default_rng(3)
    frames, ids = np.repeat(np.arange(30), 8), np.tile(np.arange(8), 30)
    boxes = random.uniform(0, 60, (240, 2))
    truth = Tracks.of(frames, ids, np.hstack([boxes, boxes + 20]))
    moved = boxes + random.normal(0, 3, boxes.shape)
    shuffled = random.permutation(240)
    one = score(Truth.of(truth), Tracks.of(frames, ids, np.hstack([moved, moved + 20])))
    other = score(Truth.of(truth), Tracks.of(frames[shuffled], ids[shuffled], np.hstack([moved, moved + 20])[shuffled]))
    assert one.figures() == pytest.approx(other.figures(), abs=1e-12)


def test_the_report_has_a_row_for_each_sequence_and_all() -> None:
    boxes = tracks((1, 1, 0), (2, 1, 0))
    report = tracking_report({"a": score(Truth.of(boxes), boxes), "b": score(Truth.of(boxes), Tracks.none())})
    rows = {row[0]: row for row in report.tables[0].rows}
    assert list(rows) == ["a", "b", "all"]
    assert rows["a"][report.tables[0].columns.index("IDF1")] == 1.0
    assert rows["all"][report.tables[0].columns.index("IDF1")] == pytest.approx(2 / 3)
