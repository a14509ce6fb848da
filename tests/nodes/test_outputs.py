from __future__ import annotations

import numpy as np

from perdure.nodes.outputs import bridged


def path(*rows):
    """Rows of time and frame; the box moves 10 px per frame, the score is 0.9."""
    return np.array([[at, frame, 10.0 * frame, 0, 10.0 * frame + 5, 20, 0.9] for at, frame in rows])


def test_frames_left_out_between_two_looks_are_filled_in_and_longer_gaps_are_not():
    rows = bridged(path((0.0, 0), (0.1, 1), (0.4, 4), (2.0, 20), (2.1, 21)), 0.5)
    assert rows[:, 1].tolist() == [0, 1, 2, 3, 4, 20, 21]
    np.testing.assert_allclose(rows[:, 2], 10 * rows[:, 1])
    np.testing.assert_allclose(rows[2], [0.2, 2, 20, 0, 25, 20, 0.9])


def test_nothing_is_filled_in_where_it_is_not_asked_for():
    whole = path((0.0, 0), (0.1, 1), (0.4, 4))
    np.testing.assert_allclose(bridged(whole, 0.0), whole)
    np.testing.assert_allclose(bridged(whole[:1], 0.5), whole[:1])


def test_longer_gaps_are_filled_in_where_somebody_stands_still():
    still = path((0.0, 0), (2.0, 4), (4.0, 8), (15.0, 30))
    still[:, 2:6] = [0, 0, 5, 20]
    still[1, 2:6] += [0.1, 0.2, 0.1, 0.2]
    assert bridged(still, 0.5)[:, 1].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 30]
    still[2, 2:6] += 4
    assert bridged(still, 0.5)[:, 1].tolist() == [0, 1, 2, 3, 4, 8, 30]
