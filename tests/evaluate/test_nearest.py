from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.errors import InputError
from perdure.evaluate import nearest as nearby
from perdure.evaluate.embeddings import Embeddings
from perdure.models.card import Calibration

CALIBRATION = Calibration(
    slope=10.0,
    offset=-4.0,
    impostor_mean=0.2,
    impostor_std=0.1,
    threshold=0.5,
    fitted_on="x",
    same_pairs=1,
    different_pairs=1,
    source="x",
)


def _among(vectors, person=None, paths=None):
    vectors = np.asarray(vectors, np.float32)
    count = len(vectors)
    zeros = np.zeros(count, np.int64)
    person = np.full(count, -1) if person is None else np.asarray(person)
    names = tuple(paths) if paths else tuple(f"p{i}.png" for i in range(count))
    return Embeddings("m", vectors, person, zeros, zeros, zeros, np.full(count, 0.5, np.float32), names)


def test_the_most_alike_come_first_and_equal_ones_in_order():
    among = _among([[0, 1], [1, 0], [0.6, 0.8], [1, 0]])
    hits = nearby.nearest(np.array([1, 0], np.float32), among, 3, None)
    assert [hit.path for hit in hits] == ["p1.png", "p3.png", "p2.png"]
    assert hits[0].probability is None


def test_the_picture_itself_is_left_out(tmp_path):
    mine = tmp_path / "mine.png"
    among = _among([[1, 0], [0, 1]], paths=[str(mine), "other.png"])
    hits = nearby.nearest(np.array([1, 0], np.float32), among, 5, None, leave_out=mine)
    assert [hit.path for hit in hits] == ["other.png"]


def test_a_probability_takes_off_what_strangers_share():
    hits = nearby.nearest(np.array([1, 0], np.float32), _among([[1, 0], [0.2, np.sqrt(0.96)]]), 2, CALIBRATION)
    assert hits[0].probability == pytest.approx(1 / (1 + np.exp(-6)))
    assert hits[1].probability == pytest.approx(1 / (1 + np.exp(4)))


def test_vectors_of_another_model_are_told():
    with pytest.raises(InputError, match="different models"):
        nearby.nearest(np.zeros(3, np.float32), _among([[1, 0]]), 1, None)


def test_the_table_names_people_only_where_somebody_is_known():
    hits = nearby.nearest(np.array([1, 0], np.float32), _among([[1, 0], [0, 1]], [1234, -1]), 2, None)
    assert nearby.table(Path("a.png"), hits).columns[-1] == "person"
    assert nearby.table(Path("a.png"), hits).rows[0][-1] == "1234"
    assert nearby.table(Path("a.png"), hits[1:]).columns[-1] == "quality"


def test_a_sheet_shows_what_cannot_be_read_as_grey(tmp_path):
    hits = nearby.nearest(np.array([1, 0], np.float32), _among([[1, 0]], paths=["<gone>.png"]), 1, CALIBRATION)
    page = nearby.sheet(tmp_path / "also gone.png", hits)
    assert 'class="none"' in page
    assert "&lt;gone&gt;" in page
    assert "probability 1.00" in page
