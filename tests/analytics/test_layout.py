"""Cameras are drawn near those from which people come quickly."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.analytics.layout import place


def test_a_corridor_lies_in_order():
    at = place(5, [(i, i + 1, 10.0) for i in (3, 1, 0, 2)])
    order = np.argsort(at[:, 0]).tolist()
    assert order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0])
    assert ((at >= 0) & (at <= 1)).all()


def test_quick_ways_are_short():
    at = place(3, [(0, 1, 2.0), (1, 2, 200.0)])
    assert np.linalg.norm(at[0] - at[1]) < np.linalg.norm(at[1] - at[2])


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_without_links_all_have_a_place_of_their_own(count):
    at = place(count, [])
    assert at.shape == (count, 2)
    assert len({tuple(np.round(xy, 3)) for xy in at}) == count


def test_the_same_links_give_the_same_places():
    links = [(0, 1, 5.0), (1, 2, 7.0), (2, 0, 9.0), (3, 2, 1.0)]
    assert np.array_equal(place(4, links), place(4, list(links)))
