from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from perdure import assemble
from perdure.config import parse
from perdure.gallery.calibrate import Calibration
from perdure.nodes.rehearsal import FIRST_TOLD_S, _standing, as_told, rehearse
from perdure.simulate.stream import Faults, StreamPlan, tracked
from perdure.simulate.stream_people import Pictures
from perdure.simulate.stream_traffic import Stay

BEGAN = 1_704_110_400.0
HOUR_S = 3600.0
CAMERAS = ("drive", "front", "side", "back")
DIM = 64


class Embedder:
    """Only a name and a size: nobody gives it pictures."""

    name, dim = "made-up", DIM


@pytest.fixture(autouse=True)
def models(monkeypatch):
    """Same person about .75 alike, strangers about 0."""
    calibration = Calibration(slope=20.0, offset=-8.0, impostor_mean=0.0, impostor_std=0.12, threshold=0.5)
    monkeypatch.setattr(assemble, "models", lambda config: (None, Embedder()))
    monkeypatch.setattr(assemble, "calibration_of", lambda name: calibration)


class Noisy:
    """Looks of which each picture shows three quarters."""

    model, dim, people = Embedder.name, DIM, None

    def pictures(self, person, day, camera, count, rng):
        look = np.random.default_rng([7, person]).standard_normal(DIM)
        noise = rng.standard_normal((count, DIM))
        vectors = np.sqrt(0.75) * look / np.linalg.norm(look) + np.sqrt(0.25 / DIM) * noise
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return Pictures(unit.astype(np.float32), np.full(count, 0.8, np.float32), ("",) * count)


def mowing():
    """To and fro before four cameras for an hour, seldom out of view."""
    rng, at, camera, stays = np.random.default_rng(3), BEGAN, 0, []
    while at < BEGAN + HOUR_S:
        end = at + rng.uniform(6, 25)
        stays.append(Stay(0, 0, camera, at, end))
        at = end + rng.uniform(1, 25)
        camera = (camera + int(rng.choice([1, 3]))) % 4
    return tuple(stays)


def told(days, tmp_path):
    """What comes of these visits."""
    plan = StreamPlan(faults=Faults(fragment=0.1, swap=0.0, mixed=0.0), start_at=BEGAN)
    tracklets = [one.tracklet for one in tracked(days, Noisy(), CAMERAS, plan)]
    return rehearse(tracklets, parse({}), tmp_path)


def test_an_hour_of_mowing_is_one_notification_where_cameras_alone_give_dozens(tmp_path):
    stays = mowing()
    alerts = 0
    for camera in range(4):  # a camera that says so when it sees somebody, and then is silent for five minutes
        silent_until = -np.inf
        for stay in stays:
            if stay.camera == camera and stay.start >= silent_until:
                alerts, silent_until = alerts + 1, stay.start + 300.0
    assert alerts >= 30

    courier = (Stay(1, 1, 0, BEGAN + 1800.0, BEGAN + 1815.0),)
    found = told([stays, courier], tmp_path)
    assert [one["person"] for one in found.notifications] == ["P1", "P2"]  # who comes meanwhile is not lost in it
    gardener = next(event for event in found.events if event.identity == "P1")
    assert set(gardener.cameras) == set(CAMERAS)
    assert gardener.start == pytest.approx(BEGAN)
    assert gardener.end == pytest.approx(stays[-1].end)
    assert found.people == 2
    assert found.told == {event.id for event in found.events}


def test_who_was_told_of_as_somebody_else_was_told_of():
    events = {"a": "b", "b": "c", "c": "", "lone": "", "gone": "nobody"}
    reader = SimpleNamespace(event=lambda id: SimpleNamespace(superseded_by=events[id]) if id in events else None)
    assert [_standing(reader, id) for id in ("a", "c", "lone", "gone")] == ["c", "c", "lone", "nobody"]


def test_who_comes_back_later_is_the_same_person_and_another_visit(tmp_path):
    days = [(Stay(0, n, 0, BEGAN + 600.0 * n, BEGAN + 600.0 * n + 20.0),) for n in range(3)]
    found = told(days, tmp_path)
    assert [one["person"] for one in found.notifications] == ["P1"] * 3
    assert [one["returning"] for one in found.notifications] == [False, True, True]


def test_a_track_is_told_as_it_goes_on_and_knows_nothing_of_what_comes():
    (whole,) = tracked([(Stay(0, 0, 0, BEGAN, BEGAN + 50.0),)], Noisy(), CAMERAS, StreamPlan(start_at=BEGAN))
    steps = list(as_told(whole.tracklet))
    assert steps[-1][0] == whole.tracklet.end
    assert steps[-1][1].ended == whole.tracklet.ended
    assert [revision for _, one in steps for revision in [one.revision]] == list(range(1, len(steps) + 1))
    for at, one in steps:
        assert at >= BEGAN + FIRST_TOLD_S
        assert one.path[-1, 0] <= at
        assert one.exemplars[0].at.max() <= at
