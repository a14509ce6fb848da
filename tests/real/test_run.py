"""The main job on real footage."""

from __future__ import annotations

import json

import numpy as np
import pytest

from perdure.cli.progress import Silent
from perdure.config import parse
from perdure.evaluate.tracking import score
from perdure.evaluate.tracks import Tracks, Truth
from perdure.nodes.recorded import Plan, run

STRONG = "person-reidentification-retail-0277"
SMALL = "osnet-x0.25-msmt17"
OURS = "perdure-s"


@pytest.fixture
def models(shared, monkeypatch):
    """Where the third-party models are."""
    monkeypatch.setenv("PERDURE_MODELS", str(shared / "models"))


def people(shared, tmp_path, embedder, **sources):
    """The result of a run over these sources, and the run folder."""
    cameras = {name: {"source": str(shared / "data" / "video" / path)} for name, path in sources.items()}
    settings = parse({"cameras": cameras, "embedding": {"model": embedder}})
    return run(Plan(settings, tmp_path / "run"), Silent()), tmp_path / "run"


@pytest.mark.real
@pytest.mark.parametrize("embedder", [STRONG, SMALL, OURS])
def test_one_man_before_two_cameras_is_one_and_the_other_man_is_another(shared, models, tmp_path, embedder):
    result, _ = people(shared, tmp_path, embedder, a="epfl-laboratory/Single1.mp4", b="epfl-laboratory/Double1.mp4")
    assert sorted(sorted(identity.cameras) for identity in result.identities) == [["a", "b"], ["b"]]
    assert len(result.events) == 2


@pytest.mark.real
def test_each_of_the_people_who_cross_the_room_is_somebody_else(shared, models, tmp_path):
    """By eye: seven people cross once each, first seen at these times (24 frames per second), at most three at once.

    A woman in a dark dress; a man in black and a woman in a striped skirt; a man in a checked shirt, a woman in black
    and a man with a straw hat; a man with a cap.
    """
    result, _ = people(shared, tmp_path, STRONG, room="intel/people-detection.264")
    begins = sorted(identity.first_seen for identity in result.identities)
    np.testing.assert_allclose(begins, [0.8, 7.5, 7.5, 14.2, 14.4, 14.8, 21.9], atol=0.8)
    assert len(result.events) == 7


@pytest.mark.real
def test_cars_are_nobody(shared, models, tmp_path):
    result, out = people(shared, tmp_path, SMALL, street="intel/car-detection.mp4")
    assert (result.identities, result.events) == ((), ())
    assert json.loads((out / "people.json").read_text())["people"] == []


@pytest.mark.real
def test_pets_against_its_truth(shared, models, tmp_path):
    """Bounds well under what was measured (docs/results.md). The truth gives a person who comes back a new id."""
    _, out = people(shared, tmp_path, STRONG, view1="pets09-s2l1/view1.mp4")
    truth = np.loadtxt(shared / "data" / "video" / "pets09-s2l1" / "gt_768x576.txt", delimiter=",")
    boxes = np.column_stack([truth[:, 2:4], truth[:, 2:4] + truth[:, 4:6]]) * 0.625
    expected = Tracks.of(truth[:, 0].astype(int), truth[:, 1].astype(int), boxes, "truth")
    whole = Truth.of(expected, np.ones(len(truth), bool), np.zeros(len(truth), bool))

    rows = np.loadtxt(out / "tracks" / "view1.txt", delimiter=",")
    corners = np.column_stack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]])
    frames, ids = rows[:, 0].astype(int), rows[:, 1].astype(int)
    figures = score(whole, Tracks.of(frames, ids, corners, "result")).figures()
    assert figures["MOTA"] > 0.78
    assert figures["IDSW"] < 60
    visits = score(whole, Tracks.of(frames, until_they_leave(frames, ids), corners, "result")).figures()
    assert visits["IDF1"] > 0.78


def until_they_leave(frames, ids, gap=30):
    """Ids that end when a person is away for longer than ``gap`` frames, as those of the PETS truth do."""
    numbers = np.zeros(len(ids), int)
    for id in np.unique(ids):
        mine = np.flatnonzero(ids == id)
        mine = mine[np.argsort(frames[mine])]
        stay = np.concatenate([[0], np.cumsum(np.diff(frames[mine]) > gap)])
        numbers[mine] = id * 1000 + stay
    return numbers
