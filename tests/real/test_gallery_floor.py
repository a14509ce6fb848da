"""UCLA CAMPUS: the feet of one person in two calibrated cameras are in one place, those of two people are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from perdure.gallery.floor import Meeting, meet, path_of
from perdure.gallery.floor import Path as FloorPath
from perdure.types import Tracklet

FPS = 30.0


def homographies(folder: Path):
    found = {}
    for view in scipy.io.loadmat(folder / "cam_param.mat")["cam_param"][0]:
        rotated = view["K"].astype(float) @ view["R"].astype(float)
        to_image = np.column_stack([rotated[:, :2], -(rotated @ view["T"]).ravel()])
        centre = view["center"].ravel().astype(float)
        matrix = np.linalg.inv(to_image) @ np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
        found[str(view["name"][0])] = matrix * np.sign(matrix[2] @ np.array([960.0, 1080.0, 1.0]))
    return found


def paths(folder: Path, view: str, homography) -> dict[int, FloorPath]:
    """The longest stay in view of each person, on the floor."""
    rows = np.loadtxt(folder / f"{view}.txt", usecols=range(7))
    found = {}
    for person in np.unique(rows[:, 0]):
        seen = rows[(rows[:, 0] == person) & (rows[:, 6] == 0)]
        parts = np.split(seen, np.flatnonzero(np.diff(seen[:, 5]) > FPS) + 1)
        stay = max(parts, key=len)
        if len(stay) < FPS:
            continue
        at = stay[:, 5] / FPS
        path = np.column_stack([at, stay[:, 5], stay[:, 1:5], np.ones(len(stay))])
        found[int(person)] = path_of(Tracklet(view, 0, view, at[0], at[-1], path), homography)
    return found


@pytest.mark.real
def test_one_person_is_in_one_place_and_two_are_not(shared):
    folder = shared / "data" / "ucla-campus"
    cameras = homographies(folder)
    one, other = (paths(folder, view, cameras[view]) for view in ("view-HC3", "view-HC4"))
    same: list[Meeting] = []
    strangers: list[Meeting] = []
    for a, here in one.items():
        for b, there in other.items():
            meeting = meet(here, there)
            if meeting.seconds >= 1:
                (same if a == b else strangers).append(meeting)
    assert len(same) >= 5
    assert np.median([m.distance_m for m in same]) < 0.6
    assert not any(m.is_impossible for m in same)
    assert np.mean([m.log_odds > 0 for m in same]) > 0.9
    assert np.mean([m.log_odds < 0 for m in strangers]) > 0.6
