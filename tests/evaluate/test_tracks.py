"""Tracks are checked once, where they are made."""

from __future__ import annotations

import pytest

from perdure.errors import InputError
from perdure.evaluate.tracks import Tracks


def test_rows_come_in_order_of_frame_and_stay_in_order_within() -> None:
    tracks = Tracks.of([2, 1, 2], [5, 6, 4], [[0, 0, 1, 1], [1, 0, 2, 1], [2, 0, 3, 1]])
    assert tracks.ids.tolist() == [6, 5, 4]
    assert tracks[tracks.frames == 2].boxes[:, 0].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("frames", "ids", "boxes", "message"),
    [
        ([1], [1, 2], [[0, 0, 1, 1]], "mine: 1 frames, 2 ids, 1 boxes"),
        ([1, 2], [1, 1], [[0, 0, 1, 1], [0, float("nan"), 1, 1]], r"mine: box 1 \(frame 2, id 1\) is not finite"),
        ([1, 1], [3, 3], [[0, 0, 1, 1], [0, 0, 2, 1]], "mine: id 3 is more than once in frame 1"),
    ],
)
def test_what_is_wrong_is_named(frames: list, ids: list, boxes: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Tracks.of(frames, ids, boxes, "mine")
