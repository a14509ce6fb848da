from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.gallery import transitions
from perdure.gallery.transitions import BINS, EDGES_S, NOTHING_KNOWN, Sightings, bins, learn


def sightings(rows, weight=1.0):
    """From rows of (owner, camera, start, end)."""
    owner, camera, start, end = (np.array(column) for column in zip(*rows, strict=True))
    return Sightings(camera, start.astype(float), end.astype(float), owner, np.full(len(rows), weight))


def test_bins_grow_and_the_first_is_still_in_view():
    assert bins(np.array([-3.0, 0.0, 0.5, 1.0, EDGES_S[-1], 1e9])).tolist() == [0, 1, 1, 2, BINS - 1, BINS - 1]


def expected_by_hand(rows, cameras):
    """Oracle: at every hand-off, each identity known by then is as likely as any other, wherever it was last."""
    expected, observed = np.zeros((cameras, cameras, BINS)), np.zeros((cameras, cameras, BINS))
    known: dict[int, tuple[int, float]] = {}
    for owner, camera, start, end in sorted(rows, key=lambda row: row[2]):
        if owner in known:
            for last_camera, last_end in known.values():
                expected[last_camera, camera, bins(np.array([start - last_end]))[0]] += 1 / len(known)
            last_camera, last_end = known[owner]
            observed[last_camera, camera, bins(np.array([start - last_end]))[0]] += 1
        known[owner] = camera, end
    return observed, expected


@given(seed=st.integers(0, 10_000), people=st.integers(1, 6), count=st.integers(2, 40))
@settings(max_examples=60, deadline=None)
def test_counts_are_those_of_a_plain_loop(seed, people, count):
    rng = np.random.default_rng(seed)
    start = np.sort(rng.choice(4000, count, replace=False) / 10.0)
    rows = [(int(rng.integers(people)), int(rng.integers(2)), s, s + rng.uniform(0.01, 30)) for s in start]
    caught = {}

    def spy(observed, expected):
        caught.update(observed=observed, expected=expected)
        return np.zeros_like(observed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transitions, "_log_ratio", spy)
        patch.setattr(transitions, "HALF_LIFE_S", np.inf)
        learn(sightings(rows), 2)
    observed, expected = expected_by_hand(rows, 2)
    assert caught["observed"] == pytest.approx(observed)
    assert caught["expected"] == pytest.approx(expected)


def commuters(count, travel_s=20.0, gap_s=7.0, at=0.0):
    rows = []
    for person in range(count):
        begin = at + gap_s * person
        rows += [(person, 0, begin, begin + 3), (person, 1, begin + 3 + travel_s, begin + 6 + travel_s)]
    return rows


def odds(learned, between_s, camera=0, to=1):
    return float(learned.of(np.array([camera]), to, np.array([between_s]))[0])


def test_the_usual_time_is_worth_much_and_others_little():
    learned = learn(sightings(commuters(80)), 2)
    assert odds(learned, 20.0) > 2.0
    assert odds(learned, 6.0) < -0.5
    assert odds(learned, 20.0) > odds(learned, 45.0)
    assert learned.hand_offs.sum() == pytest.approx(80, rel=0.01)


def test_nobody_is_ever_ruled_out():
    learned = learn(sightings(commuters(300)), 2)
    assert learned.log_odds.min() >= np.log(transitions.UNEXPLAINED)


def test_doubtful_hand_offs_teach_less():
    sure, unsure = learn(sightings(commuters(20)), 2), learn(sightings(commuters(20), weight=0.1), 2)
    assert odds(sure, 20.0) > odds(unsure, 20.0) > 0


def test_old_hand_offs_fade():
    old = commuters(40, travel_s=20.0)
    new = [(owner + 40, *rest) for owner, *rest in commuters(40, travel_s=60.0, at=5 * transitions.HALF_LIFE_S)]
    learned = learn(sightings(old + new), 2)
    assert odds(learned, 60.0) > odds(learned, 20.0) + 0.3


def test_cameras_that_overlap_are_found():
    rows = []
    for person in range(60):
        begin = 20.0 * person
        rows += [
            (person, 0, begin, begin + 10),
            (person, 1, begin + 4, begin + 14),
            (person, 2, begin + 43, begin + 48),
        ]
    learned = learn(sightings(rows), 3)
    assert odds(learned, -6.0) > 1.0
    assert odds(learned, -6.0, to=2) < odds(learned, -6.0) - 1.0


def test_the_order_of_sightings_does_not_matter():
    rows = commuters(30)
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    assert np.array_equal(learn(sightings(rows), 2).log_odds, learn(sightings(shuffled), 2).log_odds)


def test_only_the_newest_count_and_nothing_is_learned_from_nothing(monkeypatch):
    assert learn(sightings(commuters(1)[:1]), 2) is NOTHING_KNOWN
    assert odds(NOTHING_KNOWN, 20.0) == 0.0
    monkeypatch.setattr(transitions, "NEWEST", 10)
    assert learn(sightings(commuters(50)), 2).hand_offs.sum() < 6


def test_a_camera_that_was_not_there_when_it_learned_says_nothing():
    learned = learn(sightings(commuters(30)), 2)
    assert odds(learned, 20.0, to=2) == 0.0
    assert odds(learned, 20.0, camera=2) == 0.0


def test_a_clock_that_jumps_back_gives_finite_odds():
    rows = [*commuters(30), (0, 1, -1e6, -1e6 + 3), (1, 0, 1e9, 1e9 + 1)]
    assert np.isfinite(learn(sightings(rows), 2).log_odds).all()
