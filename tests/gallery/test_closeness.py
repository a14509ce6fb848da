"""How alike two groups are against how alike each is within."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.gallery import closeness
from perdure.gallery.transitions import BINS, EDGES_S, NOTHING_KNOWN, Chain, Transitions


def test_within_is_the_mean_of_pairs_drawn_to_what_is_usual() -> None:
    llr = np.array([[9, 2, 2, 0], [2, 9, 2, 0], [2, 2, 9, 0], [0, 0, 0, 9]], float)
    found = closeness.within(llr, np.ones((4, 4)), np.array([0, 0, 0, 1]))
    assert found == pytest.approx([2.0, 2.0])  # one tracklet: as is usual here
    split = closeness.within(
        np.array([[9, 6, 0, 0], [6, 9, 0, 0], [0, 0, 9, 0], [0, 0, 0, 9]], float),
        np.ones((4, 4)),
        np.array([0, 0, 1, 1]),
    )
    assert split == pytest.approx([(6 + 3 * 3) / 4, (0 + 3 * 3) / 4])
    alone = closeness.within(np.zeros((2, 2)), np.ones((2, 2)), np.array([0, 1]))
    assert alone == pytest.approx([closeness.USUAL_WITHIN] * 2)


def test_poor_pictures_of_one_person_are_not_expected_to_be_as_alike() -> None:
    llr = np.array([[9, 5, 0.5], [5, 9, 0.5], [0.5, 0.5, 9]])
    expected = np.array([[1, 1, 0.1], [1, 1, 0.1], [0.1, 0.1, 0.1]])
    whole = closeness.within(llr, expected, np.array([0, 0, 1]))
    assert whole == pytest.approx([5.0, 5.0])  # all of it usual: one pair, and a tracklet without any
    mixed = closeness.within(llr, expected, np.zeros(3, int))
    assert mixed == pytest.approx([6.0 / 1.2])  # the nats of three pairs, of which two are worth a tenth
    poor, good = (closeness.odds(0.5, 5.0, 5.0, 0.0, share) for share in (0.1, 1.0))
    assert poor > 0 > good


def test_the_same_likeness_between_is_worth_less_where_people_are_like_themselves() -> None:
    tight, loose = (closeness.odds(1.0, inside, inside, 0.0) for inside in (5.0, 1.0))
    assert loose - tight > 2.0
    assert closeness.odds(2.0, 2.0, 2.0, 0.0) > 0 > closeness.odds(2.0, 6.0, 6.0, 0.0)
    assert closeness.odds(1.0, 2.0, 2.0, 1.0) > closeness.odds(1.0, 2.0, 2.0, 0.0)


def test_transitions_count_for_the_whole_chain() -> None:
    odds = np.zeros((2, 2, BINS))
    ten = int(np.searchsorted(EDGES_S, 10.0, "right"))
    odds[0, 1, ten] = odds[1, 0, ten] = 2.0
    when = np.arange(4) * 10.0
    chain = Chain(np.array([0, 1, 0, 1]), when, when, Transitions(odds, odds))
    assert closeness.linked(chain, np.array([0]), np.array([1])) == pytest.approx(2.0)
    assert closeness.linked(chain, np.array([0, 2]), np.array([1, 3])) == pytest.approx(6.0)
    assert closeness.linked(chain, np.array([0]), np.array([3])) == pytest.approx(0.0)
    nothing = Chain(chain.camera, when, when, NOTHING_KNOWN)
    assert closeness.linked(nothing, np.array([0]), np.array([1])) == 0.0
    met = Chain(chain.camera, when, when, NOTHING_KNOWN, np.array([[0, 1]]), np.array([1.5]))
    assert closeness.linked(met, np.array([0, 2]), np.array([1])) == pytest.approx(1.5)
