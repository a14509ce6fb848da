from __future__ import annotations

import cv2
import numpy as np
import pytest

from perdure.errors import StoreError
from perdure.store.pictures import MAX_HEIGHT_PX, Pictures


def test_a_picture_is_kept_under_its_reference_and_large_ones_shrink(tmp_path):
    pictures = Pictures(tmp_path)
    crop = np.full((1000, 400, 3), (200, 30, 30), np.uint8)
    reference = pictures.keep("door", 17, 2, crop)
    assert reference == "crops/door/0000017-2.jpg"
    kept = cv2.imread(str(tmp_path / reference))
    assert kept.shape == (MAX_HEIGHT_PX, 128, 3)
    assert abs(kept.mean(axis=(0, 1)) - crop[0, 0]).max() < 3


def test_nothing_is_kept_of_nothing(tmp_path):
    assert Pictures(tmp_path).keep("door", 0, 0, np.zeros((0, 5, 3), np.uint8)) == ""


def test_only_what_is_referred_to_stays(tmp_path):
    pictures = Pictures(tmp_path)
    kept, gone = (pictures.keep("door", i, 0, np.zeros((20, 10, 3), np.uint8)) for i in range(2))
    assert pictures.prune([kept]) == 1
    assert (tmp_path / kept).exists()
    assert not (tmp_path / gone).exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "crops").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write the picture"):
        Pictures(tmp_path).keep("door", 0, 0, np.zeros((20, 10, 3), np.uint8))
