"""Tracking metrics on real sequences equal TrackEval's, with tracks made of public detections and of noisy truth."""

from __future__ import annotations

import configparser
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from perdure.evaluate.motfiles import read_sequences
from perdure.evaluate.tracking import combined, score
from perdure.geometry import iou

pytest.importorskip("trackeval", reason="TrackEval is not installed (pip install --no-deps trackeval)")

specification = importlib.util.spec_from_file_location(
    "trackeval_oracle", Path(__file__).parents[1] / "evaluate/trackeval_oracle.py"
)
oracle = importlib.util.module_from_spec(specification)
specification.loader.exec_module(oracle)


def lengths(folder: Path) -> dict[str, int]:
    """Frames by sequence."""
    found = {}
    for info in sorted(folder.glob("*/seqinfo.ini")):
        parser = configparser.ConfigParser()
        parser.read(info)
        found[info.parent.name] = parser.getint("Sequence", "seqLength")
    return found


def tracked_detections(path: Path, min_score: float) -> np.ndarray:
    """A trivial tracker: a detection continues the track whose last box, at most 5 frames old, it overlaps most."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    rows = rows[rows[:, 6] >= min_score]
    boxes = np.column_stack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]])
    ids = np.zeros(len(rows), int)
    open_ids, open_boxes, open_frames = np.zeros(0, int), np.zeros((0, 4)), np.zeros(0)
    born = 0
    for frame in np.unique(rows[:, 0]):
        here = np.flatnonzero(rows[:, 0] == frame)
        alive = frame - open_frames <= 5
        open_ids, open_boxes, open_frames = open_ids[alive], open_boxes[alive], open_frames[alive]
        table = iou(boxes[here], open_boxes)
        a, b = linear_sum_assignment(table, maximize=True)
        good = table[a, b] > 0.3
        ids[here[a[good]]] = open_ids[b[good]]
        fresh = here[ids[here] == 0]
        ids[fresh] = born + 1 + np.arange(len(fresh))
        born += len(fresh)
        gone = ~np.isin(open_ids, ids[here])
        open_ids = np.concatenate([open_ids[gone], ids[here]])
        open_boxes = np.concatenate([open_boxes[gone], boxes[here]])
        open_frames = np.concatenate([open_frames[gone], np.full(len(here), frame)])
    return np.column_stack([rows[:, 0], ids, rows[:, 2:7]])


def noisy_truth(path: Path, seed: int) -> np.ndarray:
    """Truth with jitter, one box in ten missing, tracks cut, some ids exchanged and a few false boxes."""
    rng = np.random.default_rng(seed)
    rows = np.loadtxt(path, delimiter=",", ndmin=2)[:, :7]
    rows = rows[rng.random(len(rows)) > 0.1]
    rows[:, 2:6] += np.round(rng.normal(0, 0.05, (len(rows), 4)) * rows[:, 4:5])
    rows[:, 1] = rows[:, 1] * 100 + rows[:, 0] // (100 + rows[:, 1] % 50)
    odd = rows[rng.random(len(rows)) < 0.05]
    odd[:, 1] += 10**5
    odd[:, 2] += odd[:, 4]
    return np.concatenate([rows, odd])


@pytest.mark.parametrize("challenge", ["MOT15", "MOT17"])
@pytest.mark.parametrize("kind", ["detections", "noisy truth"])
def test_equals_trackeval(shared: Path, tmp_path: Path, challenge: str, kind: str) -> None:
    truth = shared / "data/mot" / challenge
    result = tmp_path / "result"
    result.mkdir()
    frames = lengths(truth)
    for number, sequence in enumerate(frames):
        if kind == "detections":
            rows = tracked_detections(truth / sequence / "det/det.txt", 0.5)
        else:
            rows = noisy_truth(truth / sequence / "gt/gt.txt", number)
        np.savetxt(result / f"{sequence}.txt", rows, fmt="%.17g", delimiter=",")
    reference = oracle.trackeval_scores(truth, result, challenge, frames)
    scores = {s.name: score(s.truth, s.result) for s in read_sequences(truth, result)}
    ours = {name: scores[name].figures() for name in scores} | {"COMBINED": combined(scores).figures()}
    assert ours.keys() == reference.keys()
    assert 0.1 < ours["COMBINED"]["HOTA"] < 0.9, "the comparison would be empty"
    for name, figures in reference.items():
        assert ours[name] == pytest.approx(figures, abs=1e-9), name
