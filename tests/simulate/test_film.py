from __future__ import annotations

import csv
import json
from pathlib import Path

import av
import numpy as np
import pytest

from perdure.config import load as load_config
from perdure.simulate.film import Footage, film, frame_times
from perdure.simulate.plan import Plan
from perdure.simulate.reading import parse


@pytest.fixture(scope="module")
def tiny(tiny_text: str) -> Plan:
    return parse(tiny_text)


@pytest.fixture(scope="module")
def footage(tiny: Plan, tmp_path_factory: pytest.TempPathFactory) -> Footage:
    return film(tiny, tmp_path_factory.mktemp("film") / "out")


def truth_bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_seed_same_bytes_of_truth(tiny: Plan, footage: Footage, tmp_path: Path) -> None:
    again = film(tiny, tmp_path / "again", threads=1)
    assert truth_bytes(footage.truth) == truth_bytes(again.truth)
    assert len(truth_bytes(footage.truth)) == 2 * 3 + 2


def test_frame_times_are_exact(tiny: Plan, footage: Footage) -> None:
    a, b = tiny.cameras
    np.testing.assert_array_equal(frame_times(tiny, a), np.arange(48) / 4)
    kept = frame_times(tiny, b)
    assert 30 < len(kept) < 55  # 60 less about 30 %
    assert set(np.round(kept * 5).astype(int)) <= set(range(60))
    for camera in tiny.cameras:
        with av.open(str(footage.videos[camera.name])) as container:
            shown = [float(frame.time or 0.0) for frame in container.decode(video=0)]
        times = frame_times(tiny, camera)
        np.testing.assert_allclose(shown, times - times[0], atol=1e-4)
        rows = list(csv.DictReader((footage.truth / camera.name / "times.csv").open(encoding="utf-8")))
        assert [int(row["frame"]) for row in rows] == list(range(1, len(times) + 1))
        skew = [float(row["camera_clock_s"]) - float(row["at_s"]) for row in rows]
        np.testing.assert_allclose(skew, camera.clock_skew_s, atol=1e-6)


def test_ids_are_shared_and_boxes_are_in_the_picture(tiny: Plan, footage: Footage) -> None:
    ids = {}
    for camera in tiny.cameras:
        rows = np.loadtxt(footage.truth / camera.name / "gt" / "gt.txt", delimiter=",", ndmin=2)
        frames = len(frame_times(tiny, camera))
        assert rows.shape[1] == 9
        assert rows[:, 0].min() >= 1
        assert rows[:, 0].max() <= frames
        assert len(np.unique(rows[:, :2], axis=0)) == len(rows)
        assert (rows[:, 2:4] >= 0).all()
        assert (rows[:, 2] + rows[:, 4] <= camera.width + 0.01).all()
        assert (rows[:, 3] + rows[:, 5] <= camera.height + 0.01).all()
        assert ((rows[:, 8] > 0) & (rows[:, 8] <= 1.001)).all()
        hard = (rows[:, 8] < 0.2495) | (rows[:, 5] < 24)
        np.testing.assert_array_equal(rows[:, 6:8], np.where(hard[:, None], [0, 8], [1, 1]))
        ids[camera.name] = set(rows[:, 1].astype(int))
    assert ids == {"a": {1, 2}, "b": {1}} or ids == {"a": {1, 2}, "b": {1, 2}}


def test_visits_tell_who_was_seen_where_and_when(footage: Footage) -> None:
    ann, bob = footage.visits
    assert (ann.name, bob.name) == ("ann", "bob")
    assert ann.sightings[0].camera == "a"
    assert "b" in [s.camera for s in ann.sightings]
    assert all(s.start_s <= s.end_s for s in ann.sightings)
    stored = json.loads((footage.truth / "visits.json").read_text(encoding="utf-8"))
    assert [visit["person"] for visit in stored["visits"]] == [1, 2]
    assert stored["visits"][0]["sightings"][0]["camera"] == "a"


def test_calibration_and_ground_lead_to_the_boxes(tiny: Plan, footage: Footage) -> None:
    cameras = json.loads((footage.truth.parent / "calibration.json").read_text(encoding="utf-8"))
    ground = np.loadtxt(footage.truth / "ground.csv", delimiter=",", skiprows=1)
    camera = cameras["a"]
    rows = np.loadtxt(footage.truth / "a" / "gt" / "gt.txt", delimiter=",", ndmin=2)
    checked = 0
    for frame, person, left, top, wide, tall, *_, visibility in rows:
        here = ground[(np.abs(ground[:, 0] - (frame - 1) / 4) < 0.051) & (ground[:, 1] == person)]
        if visibility < 0.95 or not len(here):
            continue
        pixel = np.array(camera["floor_to_undistorted_px"]) @ [*here[0, 2:], 1.0]
        normal = (pixel[:2] / pixel[2] - [64, 48]) / camera["matrix"][0][0]
        x, y = normal * (1 + camera["k1"] * (normal @ normal)) * camera["matrix"][0][0] + [64, 48]
        assert abs(x - left - wide / 2) < 0.35 * wide + 2
        assert abs(y - top - tall) < 0.15 * tall + 2
        checked += 1
    assert checked > 5


def test_the_config_belongs_to_the_videos(footage: Footage) -> None:
    config = load_config(footage.config)
    assert list(config.cameras) == ["a", "b"]
    assert Path(config.cameras["b"].source) == footage.videos["b"].resolve()
    assert config.cameras["b"].offset_s == pytest.approx(1.5)


def test_when_one_camera_fails_the_others_stop(tiny: Plan, tmp_path: Path) -> None:
    frames: dict[str, int] = {}

    def broken(camera: str, done: int, total: int) -> None:
        frames[camera] = done
        if camera == "a" and done == 3:
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        film(tiny.model_copy(update={"minutes": 20.0}), tmp_path / "out", progress=broken)
    assert frames.get("b", 0) < 2000
    assert not (tmp_path / "out" / "truth").exists()
