"""UCLA CAMPUS, four real cameras with shared ids, as it stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.evaluate.camerafiles import read_cameras
from perdure.evaluate.multicamera import score_cameras


def test_the_truth_against_itself_is_perfect(shared: Path) -> None:
    folder = shared / "data/ucla-campus"
    scores = score_cameras(read_cameras(folder, folder, 30.0), 120.0)
    for figures in (scores.image.figures(), scores.floor.figures()):
        assert {figures[name] for name in ("HOTA", "IDF1", "MOTA")} == {1.0}
    assert (scores.identities.people, scores.visits.visits, scores.visits.told) == (21, 21, 21)
    assert scores.camera_minutes == pytest.approx(4 * 3, abs=0.5)


def test_calibrated_views_agree_on_where_people_stand(shared: Path) -> None:
    folder = shared / "data/ucla-campus"
    places = {}
    for camera in read_cameras(folder, folder, 30.0):
        if camera.truth_floor is not None:
            tracks = camera.truth.tracks
            keys = zip(tracks.frames.tolist(), tracks.ids.tolist(), strict=True)
            places[camera.name] = dict(zip(keys, camera.truth_floor, strict=True))
    first, second = places.values()
    both = first.keys() & second.keys()
    apart = [np.linalg.norm(first[key] - second[key]) for key in both]
    assert len(both) > 2000
    assert np.median(apart) < 0.5


def test_single_camera_ids_cost_identity_but_not_detection(shared: Path, tmp_path: Path) -> None:
    """The truth with ids of each view of its own, as AI City text: what a tracker without re-identification gives."""
    folder = shared / "data/ucla-campus"
    views = read_cameras(folder, folder, 30.0)

    def text(offset: int) -> str:
        lines = []
        for number, view in enumerate(views, start=1):
            tracks = view.truth.tracks
            sizes = tracks.boxes[:, 2:] - tracks.boxes[:, :2]
            columns = [tracks.ids + offset * number, tracks.frames, tracks.boxes[:, 0], tracks.boxes[:, 1], *sizes.T]
            rows = np.column_stack([np.full(len(tracks), number), *columns, np.full((len(tracks), 2), -1)])
            lines += [" ".join(f"{v:.0f}" for v in row) for row in rows[tracks.frames % 10 == 0].tolist()]
        return "\n".join(lines)

    truth, result = tmp_path / "truth.txt", tmp_path / "result.txt"
    truth.write_text(text(0))
    result.write_text(text(100))
    scores = score_cameras(read_cameras(truth, result, 30.0), 120.0)
    views_of = [len(np.unique(view.truth.tracks.ids)) for view in views]
    assert (scores.image.clear.fp, scores.image.clear.fn) == (0, 0)
    assert scores.image.clear.idsw == sum(views_of) - scores.identities.people, "one at each border to another camera"
    assert all(s.identity.idf1 == 1.0 for s in scores.by_camera.values())
    assert scores.image.identity.idf1 < 0.8
    assert scores.identities.purity == 1.0
    assert scores.identities.fragments_per_person > 2
    assert scores.visits.events_per_visit > 2
    assert scores.floor is None
