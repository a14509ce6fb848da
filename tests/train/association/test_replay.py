"""The compiled replay is the tracker."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.config import TrackingConfig
from perdure.track.core import RuleTracker
from perdure.track.default import DefaultRule
from perdure.track.learned import Net
from perdure.train.association.replay import replay
from perdure.types import Detections

from .scenes import no_change, walkers


def numbers_of(clip, net: Net) -> np.ndarray:
    """(B,) what the tracker itself shows."""
    config = TrackingConfig(confirm_s=0.1, cut_after_s=3600)
    rule = DefaultRule(config.high_score, config.confirm_s, config.lost_after_s, net=net)
    tracker, shown = RuleTracker("cam", config, rule), np.zeros(len(clip.boxes), np.int64)
    for f, at in enumerate(clip.at.tolist()):
        rows = slice(int(clip.first[f]), int(clip.first[f + 1]))
        size = (int(clip.size[0]), int(clip.size[1]))
        tracker.propose(f, at, size, Detections.of(clip.boxes[rows], clip.scores[rows]))
        tracker.commit([])
        seen, numbers = tracker.observed()
        shown[rows.start + seen] = numbers
    return shown


def replayed(clip, net: Net, **given) -> np.ndarray:
    rule = DefaultRule(0.5, 0.1, 3.0)
    wanted = {"low_score": 0.1, "warmth": 0.0, "seed": 0, "room": 0} | given
    return replay(clip, rule.constants(), net, *wanted.values())


@pytest.mark.parametrize("camera_px", [0.0, 8.0])
@pytest.mark.parametrize("with_net", [False, True])
def test_a_replay_shows_what_the_tracker_shows(camera_px: float, with_net: bool) -> None:
    """People who cross, are missed, hidden, come and go, of a still and of a shaking camera."""
    clip = walkers(camera_px=camera_px)
    net = no_change(linear_of={"unseen": -0.4, "score": 0.3}, lost_of={"unseen": 1.0}) if with_net else Net.none()
    shown = replayed(clip, net).numbers
    assert len(np.unique(shown)) > 5
    np.testing.assert_array_equal(shown, numbers_of(clip, net))


def test_a_net_of_zeros_changes_nothing() -> None:
    clip = walkers()
    plain, zeros = replayed(clip, Net.none()), replayed(clip, no_change())
    np.testing.assert_array_equal(plain.numbers, zeros.numbers)


def test_chance_makes_choices_that_a_seed_repeats() -> None:
    clip, net = walkers(people=20), no_change(floor=-3.0)
    first, again, other = (replayed(clip, net, warmth=0.7, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.numbers, again.numbers)
    assert (first.numbers != other.numbers).any()
    made = first.links
    count = int(made.count[0])
    held, nats = ~made.taken[:count], made.nats[:count]
    assert 0 < held.sum() < count
    assert nats[held].mean() < nats[~held].mean()


def test_pairs_are_labelled_by_whom_the_track_showed() -> None:
    pairs = replayed(walkers(people=20, frames=100), no_change(floor=-3.0), room=4000).pairs
    count = int(pairs.count[0])
    same, evidence = pairs.taken[:count], pairs.nats[:count]
    assert 100 < same.sum() < count
    assert evidence[same].mean() > evidence[~same].mean() + 1
    np.testing.assert_allclose(pairs.rows[:count, 0], evidence / 5)
