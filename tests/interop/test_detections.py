from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from perdure.errors import InputError
from perdure.interop.detections import read_detections


def test_text_and_json_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("3,-1,10,20,30,40,0.5\n1,-1,1,2,3,4,7\n")
    entries = [{"frame": 2, "box": [10, 20, 40, 60], "score": 0.5}, {"frame": 0, "box": [1, 2, 4, 6]}]
    (tmp_path / "a.json").write_text(json.dumps(entries))
    for name in ("a.txt", "a.json"):
        told = read_detections(tmp_path / name)
        assert told.frames.tolist() == [0, 2]
        np.testing.assert_array_equal(told.boxes, [[1, 2, 4, 6], [10, 20, 40, 60]])
        assert told.scores.tolist() == [1.0, 0.5]


def test_an_empty_file_tells_nobody(tmp_path: Path) -> None:
    for name, text in (("a.json", "[]"), ("a.txt", "")):
        (tmp_path / name).write_text(text)
        assert len(read_detections(tmp_path / name).frames) == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("{}", "found a dict"),
        ("[3]", "entry 0: expected"),
        ('[{"frame": 0}]', "entry 0: expected"),
        ('[{"frame": -1, "box": [0, 0, 1, 1]}]', "frame is -1"),
        ('[{"frame": 1.5, "box": [0, 0, 1, 1]}]', "frame is 1.5"),
        ('[{"frame": 0, "box": [0, 0, 1]}]', "must be four numbers"),
        ('[{"frame": 0, "box": [0, 0, 1, NaN]}]', "must be four numbers"),
        ('[{"frame": 0, "box": [0, 0, 1, "x"]}]', "must be four numbers"),
        ('[{"frame": 0, "box": [0, 0, 1, 1], "score": 2}]', r"score is 2, must be in \[0, 1\]"),
    ],
)
def test_a_mistake_is_told_by_its_entry(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=told):
        read_detections(tmp_path / "a.json")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none\.json"):
        read_detections(tmp_path / "none.json")
