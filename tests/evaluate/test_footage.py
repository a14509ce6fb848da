from __future__ import annotations

import pytest
from tests.gallery.people import CALIBRATION, faces, tracklet

from perdure.config import GalleryConfig
from perdure.errors import InputError
from perdure.evaluate.ablate import ablate, footage_setting
from perdure.evaluate.footage import NOBODY, of_run, shown
from perdure.evaluate.tracks import Tracks
from perdure.store.run_store import RunStore

A, B = faces(2)
HERE, THERE = (0.0, 0.0, 10.0, 20.0), (50.0, 0.0, 60.0, 20.0)


def truth_rows(person, box, first, last):
    """Ground truth lines of one person who stands still."""
    x1, y1, x2, y2 = box
    return [f"{frame},{person},{x1},{y1},{x2 - x1},{y2 - y1},1,1,1\n" for frame in range(first, last + 1)]


def run_folder(tmp_path, tracklets):
    """A run with these tracklets on camera x, as far as it is needed here."""
    folder = tmp_path / "run"
    (folder / "tracks").mkdir(parents=True)
    (folder / "tracks" / "x.txt").write_text("1,1,0,0,10,20,1,-1,-1,-1\n")
    with RunStore(folder / "perdure.db") as store:
        store.write_result(tracklets, {}, [], [])
    return folder


def truth_folder(tmp_path, rows):
    (tmp_path / "truth" / "x" / "gt").mkdir(parents=True)
    (tmp_path / "truth" / "x" / "gt" / "gt.txt").write_text("".join(rows))
    return tmp_path / "truth"


def test_a_run_becomes_a_stream_of_those_who_are_in_the_truth(tmp_path):
    told = [
        tracklet("x/1", A, 0, 1, HERE),
        tracklet("x/2", B, 0, 2, THERE),
        tracklet("x/3", A, 3, 4, HERE),
        tracklet("x/4", B, 0, 1, (100, 0, 110, 20)),  # nobody is there
    ]
    rows = [*truth_rows(7, HERE, 1, 11), *truth_rows(8, THERE, 1, 21), *truth_rows(7, HERE, 31, 41)]
    stream = of_run(run_folder(tmp_path, told), truth_folder(tmp_path, rows))
    assert [t.id for t in stream.told] == ["x/1", "x/2", "x/3"]
    assert stream.person.tolist() == [7, 8, 7]
    assert stream.crops.tolist() == [11, 21, 11]
    assert list(stream.at) == [1.0, 2.0, 4.0]
    found = ablate("Footage", [footage_setting(stream, CALIBRATION, GalleryConfig())])
    assert found.idf1[0, 1] == pytest.approx(1.0)


def test_the_person_is_the_one_on_most_boxes_if_those_are_half():
    truth = Tracks.of([1, 2, 3, 4, 5, 6], [1, 1, 1, 2, 2, 9], [HERE] * 5 + [THERE], "truth")
    assert shown(tracklet("x/1", A, 0, 0.5, HERE), truth) == 1
    assert shown(tracklet("x/1", A, 0, 2.0, HERE), truth) == NOBODY
    assert shown(tracklet("x/1", A, 7, 8, HERE), truth) == NOBODY


def test_what_is_no_run_or_no_truth_of_it_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        of_run(tmp_path, tmp_path)
    folder = run_folder(tmp_path, [tracklet("x/1", A, 0, 1, HERE)])
    with pytest.raises(InputError, match="nobody of the truth"):
        of_run(folder, truth_folder(tmp_path, truth_rows(1, THERE, 1, 11)))
