"""Readers of multi-camera truth and results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from perdure.errors import InputError
from perdure.evaluate.camerafiles import read_aicity, read_cameras, read_homographies, read_ucla_calibration
from perdure.evaluate.eventfile import read_events
from perdure.geometry import project


def test_aicity_by_camera_with_places(tmp_path: Path) -> None:
    path = tmp_path / "track1.txt"
    path.write_text("2 7 1 10 20 30 40 1.5 2.5\n1 7 3 0 0 5 5 -1 -1\n1 7 2 0 0 5 5 4 -1\n")
    found = read_aicity(path)
    assert list(found) == ["1", "2"]
    tracks, floor = found["1"]
    assert tracks.frames.tolist() == [2, 3]
    assert floor[0].tolist() == [4, -1]
    assert np.isnan(floor[1]).all()
    assert found["2"][0].boxes.tolist() == [[10, 20, 40, 60]]


def test_aicity_cameras_and_their_differences(tmp_path: Path) -> None:
    truth, result = tmp_path / "truth.txt", tmp_path / "result.txt"
    truth.write_text("1 7 1 0 0 5 5 1 1\n2 7 1 0 0 5 5 -1 -1\n")
    result.write_text("1 9 1 0 0 5 5 1 1\n")
    first, second = read_cameras(truth, result, 10.0)
    assert (first.truth_floor is not None, second.truth_floor is None, len(second.result)) == (True, True, 0)
    result.write_text("3 9 1 0 0 5 5 1 1\n")
    with pytest.raises(InputError, match=r"different cameras: .* has 1, 2; .* has 3"):
        read_cameras(truth, result, 10.0)
    result.write_text("1 9 1 0 0 5 5 1 1\n1 9 1 0 0 5 6 1 1\n")
    with pytest.raises(InputError, match=r"result\.txt, camera 1: id 9 is more than once in frame 1"):
        read_cameras(truth, result, 10.0)
    result.write_text("1,9,0,0,5,5,1,-1,-1,-1\n")
    with pytest.raises(InputError, match=r"result\.txt: has 10 columns, AI City text has 9: camera, id"):
        read_cameras(truth, result, 10.0)
    with pytest.raises(InputError, match="no result at"):
        read_cameras(truth, tmp_path / "absent.txt", 10.0)


def test_a_run_folder_against_mot_truth(tmp_path: Path) -> None:
    row = "1,4,10,20,30,40,1,-1,-1,-1\n"
    (tmp_path / "truth/door/gt").mkdir(parents=True)
    (tmp_path / "truth/door/gt/gt.txt").write_text(row)
    (tmp_path / "truth/door/seqinfo.ini").write_text("[Sequence]\nseqLength=9\nframeRate=7\n")
    (tmp_path / "run/tracks").mkdir(parents=True)
    (tmp_path / "run/tracks/door.txt").write_text(row)
    (camera,) = read_cameras(tmp_path / "truth", tmp_path / "run", 30.0)
    assert (camera.name, camera.fps, len(camera.result)) == ("door", 7.0, 1)


def ucla(folder: Path) -> Path:
    """A view with one box in the picture and one outside, and a camera at (0, 0, 2) that looks down."""
    folder.mkdir()
    (folder / "view-A.txt").write_text('5 100 50 140 150 0 0 1 0 "PERSON"\n5 100 50 140 150 1 1 0 1 "PERSON"\n')
    view = {
        "name": "view-A",
        "K": np.diag([100.0, 100.0, 1.0]),
        "R": np.diag([1.0, -1.0, -1.0]),
        "T": np.array([[0.0], [0.0], [2.0]]),
        "scale": 1,
        "center": np.array([[120.0, 150.0]]),
    }
    savemat(folder / "cam_param.mat", {"cam_param": [view]})
    return folder


def test_ucla_views_with_calibration(tmp_path: Path) -> None:
    folder = ucla(tmp_path / "truth")
    (camera,) = read_cameras(folder, folder, 30.0)
    assert camera.truth.tracks.frames.tolist() == [1]
    assert camera.truth.tracks.boxes.tolist() == [[100, 50, 140, 150]]
    assert camera.truth_floor is not None
    np.testing.assert_allclose(camera.truth_floor, [[0.0, 0.0]], atol=1e-9)
    homography = read_ucla_calibration(folder / "cam_param.mat")["view-A"]
    np.testing.assert_allclose(project(np.array([[220.0, 150.0]]), homography), [[2.0, 0.0]], atol=1e-9)


def test_calibration_that_is_something_else(tmp_path: Path) -> None:
    savemat(tmp_path / "cam_param.mat", {"other": 1})
    with pytest.raises(InputError, match="cannot read the calibration"):
        read_ucla_calibration(tmp_path / "cam_param.mat")


def test_homographies(tmp_path: Path) -> None:
    path = tmp_path / "floor.json"
    path.write_text(json.dumps({"a": np.eye(3).tolist()}))
    assert read_homographies(path)["a"].shape == (3, 3)
    path.write_text('{"a": [[1, 2], [3, 4]]}')
    with pytest.raises(InputError, match="homography of 'a' is not 3 x 3"):
        read_homographies(path)
    path.write_text("[1]")
    with pytest.raises(InputError, match="expected JSON"):
        read_homographies(path)


def test_events_of_which_the_last_revision_counts(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(
        '{"id": "a", "identity": "P3", "start": 1, "end": null, "revision": 1}\n\n'
        '{"id": "b", "identity": "P4", "start": 1, "end": 2.5}\n'
        '{"id": "a", "identity": "P5", "start": 1, "end": 7, "revision": 2}\n'
        '{"id": "a", "identity": "P6", "start": 1, "end": 9, "revision": 0}\n'
    )
    first, second = read_events(path)
    assert (first.identity, first.end_s, second.end_s) == (5, 7.0, 2.5)
    path.write_text('{"id": "a", "identity": "P3", "start": 1, "end": null}\n')
    assert read_events(path)[0].end_s == np.inf


def test_events_that_are_something_else(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"id": "a", "identity": "P3", "start": 1}\n')
    with pytest.raises(InputError, match=r"events\.jsonl:1: the event has no 'end'"):
        read_events(path)
    path.write_text("{\n")
    with pytest.raises(InputError, match=r"events\.jsonl:1: not an event"):
        read_events(path)
    with pytest.raises(InputError, match="cannot read the events"):
        read_events(tmp_path / "absent.jsonl")
