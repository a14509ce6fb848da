"""MOTChallenge folders: what counts, and a clear sentence for whatever is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.errors import InputError
from perdure.evaluate.motfiles import info_of, named_protocol, paired_files, read_result, read_sequences, read_truth
from perdure.interop.numberfile import read_numbers


def folders(root: Path, truth: dict[str, str], result: dict[str, str]) -> tuple[Path, Path]:
    """A truth and a result folder with these texts."""
    for name, text in truth.items():
        (root / "truth" / name / "gt").mkdir(parents=True)
        (root / "truth" / name / "gt/gt.txt").write_text(text)
    (root / "result").mkdir()
    for name, text in result.items():
        (root / "result" / f"{name}.txt").write_text(text)
    return root / "truth", root / "result"


ROW = "1,1,10,20,30,40,1,-1,-1,-1\n"


def test_reads_sequences_and_turns_sizes_into_corners(tmp_path: Path) -> None:
    (sequence,) = read_sequences(*folders(tmp_path, {"a": ROW}, {"a": ROW}))
    assert sequence.name == "a"
    assert sequence.result.boxes.tolist() == [[10, 20, 40, 60]]
    assert sequence.truth.counted.tolist() == [True]


def test_a_pair_of_files_is_one_sequence(tmp_path: Path) -> None:
    truth, result = folders(tmp_path, {"a": ROW}, {"b": ROW})
    (sequence,) = read_sequences(truth / "a/gt/gt.txt", result / "b.txt")
    assert sequence.name == "b"


def test_a_flat_truth_folder(tmp_path: Path) -> None:
    truth, result = folders(tmp_path, {"a": ROW}, {"a": ROW})
    (truth / "a/gt/gt.txt").rename(truth / "a.txt")
    assert [s.name for s in read_sequences(truth, result)] == ["a"]


def test_classes_flags_and_distractors(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text(
        "".join(f"{3 - c % 3},{c},0,0,9,9,{flag},{c},1\n" for c, flag in [(1, 1), (7, 1), (2, 0), (3, 1), (6, 1)])
    )
    truth = read_truth(path)
    by_class = dict(
        zip(truth.tracks.ids.tolist(), zip(truth.counted.tolist(), truth.distractor.tolist(), strict=True), strict=True)
    )
    assert by_class == {1: (True, False), 7: (False, True), 2: (False, True), 3: (False, False), 6: (False, False)}
    assert read_truth(path, "mot20").distractor.sum() == 3
    assert read_truth(path, "mot15").counted.sum() == 4


def test_ten_columns_have_no_class(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text("1,1,0,0,9,9,1,7.3,-2.5,0\n1,2,0,0,9,9,0,7.3,-2.5,0\n")
    assert read_truth(path).counted.tolist() == [True, False]


def test_an_empty_result_has_no_boxes(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.write_text("\n")
    assert len(read_result(path)) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,1,10,20,30,40,1\n1,2,nan,20,30,40,1\n", r"r\.txt:2: left is nan"),
        ("\n1,1,10,20,inf,40,1\n", r"r\.txt:2: width is inf"),
        ("1,1,10,20,30,40,1\n1,1,11,20,30,40,1\n", r"r\.txt: id 1 is more than once in frame 1"),
        ("1,1,10,20,30,40,1\n1,2,10,20\n", r"r\.txt:2: 4 columns where the first line has 7"),
        ("1,1,10,20,30,40,1\n1,2,abc,20,30,40,1\n", r"r\.txt:2: not a line of numbers: '1,2,abc"),
        ("1,1.5,10,20,30,40,1\n", r"r\.txt:1: id is 1\.5, must be a whole number"),
        ("1,1,10,20\n", r"r\.txt: has 4 columns, needs at least 6: frame, id, left, top, width, height"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_result(path)


def test_spaces_and_commas_at_the_end_are_forgiven(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.write_text("1 1 10 20 30 40 1\n")
    assert read_result(path).boxes.tolist() == [[10, 20, 40, 60]]
    path.write_text("1,1,10,20,30,40,\n2,1,10,20,30,40,\n")
    assert read_result(path).frames.tolist() == [1, 2]


def test_different_sequences_list_both_sides(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"different sequences: .*truth has a, b; .*result has a, c"):
        list(read_sequences(*folders(tmp_path, {"a": ROW, "b": ROW}, {"a": ROW, "c": ROW})))


def test_missing_folders_and_mixed_kinds(tmp_path: Path) -> None:
    truth, result = folders(tmp_path, {"a": ROW}, {"a": ROW})
    with pytest.raises(InputError, match="no truth at"):
        paired_files(tmp_path / "absent", result)
    with pytest.raises(InputError, match=r"a\.txt is a file but .* is a folder"):
        paired_files(truth, result / "a.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no ground truth in"):
        paired_files(tmp_path / "empty", result)
    with pytest.raises(InputError, match="cannot read"):
        read_numbers(tmp_path / "absent.txt", ("a",))


def test_frames_after_the_end_of_the_sequence(tmp_path: Path) -> None:
    truth, result = folders(tmp_path, {"a": ROW}, {"a": ROW.replace("1,1", "11,1", 1)})
    (truth / "a/seqinfo.ini").write_text("[Sequence]\nseqLength=10\nframeRate=25\n")
    assert info_of(truth / "a/gt/gt.txt").rate_fps == 25
    with pytest.raises(InputError, match=r"has frame 11, but the sequence ends with frame 10"):
        list(read_sequences(truth, result))
    (truth / "a/seqinfo.ini").write_text("[Sequence]\nseqLength=many\n")
    with pytest.raises(InputError, match=r"seqinfo\.ini: expected"):
        list(read_sequences(truth, result))


def test_classes_must_be_known(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text("1,1,0,0,9,9,1,44,1\n")
    with pytest.raises(InputError, match="class 44 in column 8"):
        read_truth(path)
    path.write_text("1,1,0,0,9,9,1\n")
    with pytest.raises(InputError, match="protocol mot17 needs the class in column 8"):
        read_truth(path, "mot17")
    with pytest.raises(InputError, match="no protocol 'mot18'"):
        named_protocol("mot18")


def test_rows_may_be_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text("2,1,0,0,9,9,1,7,1\n1,1,5,0,9,9,1,1,1\n")
    truth = read_truth(path)
    np.testing.assert_array_equal(truth.tracks.frames, [1, 2])
    assert truth.counted.tolist() == [True, False]
