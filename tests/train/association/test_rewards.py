"""What identities are worth."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.train.association.rewards import returns, rewards
from perdure.train.association.table import Clip

PRICES = (2.0, 3.0, 0.5)


def clip(frames: int, people: int = 2) -> Clip:
    """Everybody is in every frame, one frame per second."""
    boxes = np.zeros((frames * people, 4))
    owner = np.tile(np.arange(people), frames)
    first = np.arange(frames + 1) * people
    return Clip(boxes, np.ones(len(boxes)), first, np.arange(frames) * 1.0, (9.0, 9.0), owner)


def paid(numbers: list[list[int]]) -> np.ndarray:
    shown = np.array(numbers)
    return rewards(clip(*shown.shape), shown.reshape(-1), int(shown.max()), shown.shape[1], *PRICES)


def test_everybody_under_one_number_earns_all_of_the_time() -> None:
    np.testing.assert_array_equal(paid([[1, 2]] * 4), np.ones((4, 2)))


def test_a_switch_costs_and_the_new_number_earns_once_it_is_the_main_one() -> None:
    # Two seconds as 1, then as 3: the tie after two more makes 3 the main number.
    assert paid([[1, 2], [1, 2], [3, 2], [3, 2], [3, 2]])[:, 0].tolist() == [1, 1, -2, 1, 1]


def test_a_theft_costs_thief_and_robbed() -> None:
    told = paid([[1, 2], [1, 2], [0, 1]])
    assert told[2].tolist() == [-3.0, -2.0 - 3.0]


def test_shown_again_costs_a_gap() -> None:
    assert paid([[1, 2], [0, 2], [1, 2]])[:, 0].tolist() == [1, 0, 1 - 0.5]


def test_nobody_owns_false_boxes() -> None:
    false = clip(3)._replace(owner=np.array([0, -1, 0, -1, 0, -1]))
    assert rewards(false, np.array([1, 2, 1, 3, 1, 4]), 4, 1, *PRICES).sum() == 3


def test_returns_fade_with_time() -> None:
    total = returns(np.array([[1.0], [0.0], [2.0]]), np.array([0.0, 1.0, 3.0]), 2.0)
    assert total[0, 0] == pytest.approx(1 + 2 * np.exp(-1.5))
    assert total[2, 0] == 2
