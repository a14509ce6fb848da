from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perdure.errors import InputError
from perdure.interop.mot import joined_paths, read_boxes, read_looks, read_sequence, write_tracks
from perdure.types import Tracklet

TEXT = "2,-1,10,20,30,40,0.5,-1,-1,-1\n1,-1,1,2,3,4,0.9,-1,-1,-1\n\n2,-1,50,60,10,20,1.7,-1,-1,-1\n"
INFO = "[Sequence]\nname=x\nframeRate=25\nseqLength=4\nimWidth=640\nimHeight=480\n"


def sequence(folder: Path, det: str = TEXT, info: str | None = INFO) -> Path:
    (folder / "det").mkdir(parents=True)
    (folder / "det" / "det.txt").write_text(det)
    if info is not None:
        (folder / "seqinfo.ini").write_text(info)
    return folder


def test_boxes_come_by_frame_as_corners(tmp_path: Path) -> None:
    boxes = read_sequence(sequence(tmp_path / "a")).boxes
    assert boxes.frames.tolist() == [1, 2, 2]
    assert boxes.lines.tolist() == [1, 0, 2]
    found = boxes.detections(2)
    np.testing.assert_array_equal(found.boxes, [[10, 20, 40, 60], [50, 60, 60, 80]])
    np.testing.assert_array_equal(found.scores, np.float32([0.5, 1.0]))
    assert len(boxes.detections(3)) == 0


def test_folder_and_file_and_what_the_caller_knows_better(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "street")
    known = read_sequence(folder)
    assert (known.name, known.length, known.rate_fps, known.size) == ("street", 4, 25.0, (640, 480))
    assert read_sequence(folder / "det" / "det.txt").size == (640, 480)
    bare = tmp_path / "mine.txt"
    bare.write_text(TEXT)
    assert (read_sequence(bare).name, read_sequence(bare).length) == ("mine", 2)
    assert (read_sequence(bare).rate_fps, read_sequence(bare).size) == (30.0, (60, 80))
    assert read_sequence(bare, rate_fps=7.0).rate_fps == 7.0
    short = read_sequence(sequence(tmp_path / "short", info="[Sequence]\nseqLength=9\n"))
    assert (short.length, short.rate_fps, short.size) == (9, 30.0, (60, 80))


def test_an_empty_file_is_a_sequence_without_boxes(tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("\n")
    assert (len(read_boxes(tmp_path / "none.txt")), read_sequence(tmp_path / "none.txt").length) == (0, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,-1,1,2,3,4,1\nhello\n", r"d\.txt:2: not a line of numbers: 'hello'"),
        ("1,-1,1,2,3,4,1\n\n1,-1,1,2,3,4\n", r"d\.txt:3: 6 columns where the first line has 7"),
        ("1,-1,1,2,3\n", r"d\.txt: has 5 columns, needs at least 7: frame, id"),
        ("1,-1,1,2,3,4,1\n0,-1,1,2,3,4,1\n", r"d\.txt:2: frame is 0, but frames count from 1"),
        ("1,-1,1,nan,3,4,1\n", r"d\.txt:1: top is nan, must be finite"),
        ("1.5,-1,1,1,3,4,1\n", r"d\.txt:1: frame is 1\.5, must be a whole number"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "d.txt").write_text(text)
    with pytest.raises(InputError, match=said):
        read_boxes(tmp_path / "d.txt")


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_sequence(tmp_path / "nothing.txt")
    with pytest.raises(InputError, match=r"holds det/det\.txt"):
        read_sequence(tmp_path)
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="it is not text"):
        read_boxes(tmp_path / "b.txt")
    with pytest.raises(InputError, match="expected \\[Sequence\\] with numbers seqLength"):
        read_sequence(sequence(tmp_path / "x", info="[Sequence]\nseqLength=many\n"))
    with pytest.raises(InputError, match="must be above 0"):
        read_sequence(sequence(tmp_path / "y", info=INFO.replace("25", "0")))
    with pytest.raises(InputError, match=r"has frame 2, but by seqinfo\.ini the sequence ends with frame 1"):
        read_sequence(sequence(tmp_path / "z", info=INFO.replace("seqLength=4", "seqLength=1")))


def test_looks_follow_the_lines_of_the_file(tmp_path: Path) -> None:
    boxes = read_boxes(sequence(tmp_path / "a") / "det" / "det.txt")
    np.savez(tmp_path / "v.npz", vectors=np.array([[0, 2.0], [3, 0], [1, 1]]))
    vectors, quality = read_looks(tmp_path / "v.npz", boxes)
    np.testing.assert_allclose(vectors, np.array([[1, 0], [0, 1], [0.5**0.5] * 2]), rtol=1e-6)
    np.testing.assert_allclose(quality, [0.9, 0.5, 1.0])
    np.savez(tmp_path / "q.npz", vectors=np.eye(3), quality=np.array([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(read_looks(tmp_path / "q.npz", boxes)[1], [0.2, 0.1, 0.3], rtol=1e-6)


def test_wrong_looks(tmp_path: Path) -> None:
    boxes = read_boxes(sequence(tmp_path / "a") / "det" / "det.txt")
    np.savez(tmp_path / "v.npz", vectors=np.eye(2))
    with pytest.raises(InputError, match=r"'vectors' is \(2, 2\); expected one row for each of 3"):
        read_looks(tmp_path / "v.npz", boxes)
    ragged = np.empty(3, object)
    ragged[:] = [np.ones(2), np.ones(3), np.ones(3)]
    np.savez(tmp_path / "r.npz", vectors=ragged)
    with pytest.raises(InputError, match="different lengths"):
        read_looks(tmp_path / "r.npz", boxes)
    with pytest.raises(InputError, match="no such file"):
        read_looks(tmp_path / "nowhere.npz", boxes)
    np.savez(tmp_path / "z.npz", vectors=np.zeros((3, 2)))
    with pytest.raises(InputError, match="3 vectors are zero or not finite, the first in row 0"):
        read_looks(tmp_path / "z.npz", boxes)
    np.savez(tmp_path / "n.npz", other=np.eye(3))
    with pytest.raises(InputError, match="has no array 'vectors'"):
        read_looks(tmp_path / "n.npz", boxes)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "v.npz").read_bytes()[:-40])
    with pytest.raises(InputError, match="not an npz"):
        read_looks(tmp_path / "cut.npz", boxes)
    (tmp_path / "t.npz").write_text("text")
    with pytest.raises(InputError, match="not an npz"):
        read_looks(tmp_path / "t.npz", boxes)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    boxes = np.array([[1.0, 2, 4, 6], [10, 20, 40, 60]])
    write_tracks(tmp_path / "new" / "o.txt", np.array([2, 1]), np.array([7, 3]), boxes, np.array([0.5, 0.25]))
    back = read_boxes(tmp_path / "new" / "o.txt")
    assert (back.frames.tolist(), back.ids.tolist(), back.scores.tolist()) == ([1, 2], [3, 7], [0.25, 0.5])
    np.testing.assert_array_equal(back.boxes, boxes[::-1])
    with pytest.raises(InputError, match="cannot write"):
        write_tracks(tmp_path, np.array([2]), np.array([7]), boxes[:1], np.array([0.5]))


def piece(name: str, revision: int, first: int, length: int, former: str | None = None) -> Tracklet:
    path = np.zeros((length, 7))
    path[:, 0] = path[:, 1] = np.arange(first, first + length)
    began = "appeared" if former is None else "cut"
    return Tracklet(
        name, revision, "c", float(first), float(first + length - 1), path, (), began=began, supersedes=former
    )


def test_parts_of_one_stay_share_a_number_and_the_last_revision_counts() -> None:
    told = [piece("c/1", 2, 0, 5), piece("c/1", 1, 0, 3), piece("c/9", 1, 2, 1), piece("c/4", 1, 5, 2, "c/1")]
    rows = joined_paths(told)
    assert sorted(zip(rows.frames.tolist(), rows.numbers.tolist(), strict=True)) == [
        (1, 1), (2, 1), (3, 1), (3, 2), (4, 1), (5, 1), (6, 1), (7, 1),
    ]  # fmt: skip
    assert len(joined_paths([]).frames) == 0


def test_the_second_person_of_a_split_has_an_own_number() -> None:
    split = replace(piece("c/4", 1, 5, 2, "c/1"), began="appeared")
    assert set(joined_paths([piece("c/1", 2, 0, 5), split]).numbers.tolist()) == {1, 2}
