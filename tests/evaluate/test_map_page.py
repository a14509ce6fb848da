from __future__ import annotations

import cv2
import numpy as np
import pytest

from perdure.errors import InputError
from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.map_page import MOST_POINTS, map_report, overlap, spread
from perdure.evaluate.report import to_html


def _embeddings(vectors, person, paths=None):
    vectors = np.asarray(vectors, np.float32)
    count = len(vectors)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    zeros = np.zeros(count, np.int64)
    names = tuple(paths) if paths is not None else ("",) * count
    return Embeddings("m", vectors, np.asarray(person), zeros, zeros, zeros, np.ones(count, np.float32), names)


def test_overlap_of_clear_and_of_hopeless_clusters():
    clear = overlap(_embeddings([[1, 0], [1, 0.01], [0, 1], [0.01, 1]], [1, 1, 2, 2]))
    assert clear is not None
    assert clear.below_strangers == 0
    assert clear.own_neighbours == pytest.approx(1 / 3)  # of three neighbours there are, one is the own person
    mixed = overlap(_embeddings([[1, 0], [0, 1], [1, 0.01], [0.01, 1]], [1, 1, 2, 2]))
    assert mixed is not None
    assert mixed.below_strangers == 1


def test_nothing_is_said_of_overlap_where_nobody_is_known_twice():
    assert overlap(_embeddings(np.eye(4), [-1, -1, -1, -1])) is None
    assert overlap(_embeddings(np.eye(4), [1, 2, 3, 4])) is None


def test_the_page_shows_pictures_people_and_nothing_unescaped(tmp_path):
    path = tmp_path / "<b>.png"
    cv2.imwrite(str(path), np.full((60, 30, 3), 90, np.uint8))
    vectors = np.random.default_rng(0).normal(size=(6, 4))
    made = _embeddings(vectors, [1, 1, 2, 2, -1, -1], [str(path)] * 5 + ["gone.png"])
    page = to_html(map_report(made))
    assert "data:image/jpeg" in page
    assert "<b>.png" not in page
    assert page.count("<circle") == 6
    assert "How far clusters overlap" in page
    assert "#8b949e" in page


def test_a_large_set_is_thinned_and_says_so():
    vectors = np.random.default_rng(0).normal(size=(MOST_POINTS + 5, 3))
    from perdure.evaluate import map_page

    original = map_page.tsne
    try:
        map_page.tsne = lambda v: np.random.default_rng(1).normal(size=(len(v), 2))
        report = map_report(_embeddings(vectors, np.full(len(vectors), -1)))
    finally:
        map_page.tsne = original
    assert f"{MOST_POINTS:,} of {MOST_POINTS + 5:,} pictures" in report.notes[0]
    assert report.tables == ()


def test_too_few_pictures_are_told():
    with pytest.raises(InputError, match="four"):
        map_report(_embeddings(np.eye(3), [1, 2, 3]))


def test_pictures_on_the_map_do_not_cover_each_other():
    places = np.random.default_rng(0).uniform(0, 100, (200, 2))
    chosen = places[spread(places, 50, 10.0)]
    apart = np.abs(chosen[:, None] - chosen[None]).max(axis=2) + 1e9 * np.eye(len(chosen))
    assert apart.min() >= 10
    assert len(spread(places, 3, 10.0)) == 3
