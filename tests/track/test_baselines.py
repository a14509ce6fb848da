"""What sets each tracker of the literature apart from the one before."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.config import TrackingConfig
from perdure.track.build import build
from perdure.track.core import RuleTracker
from perdure.track.ocsort import OcSortRule
from perdure.types import Detections

from .conftest import SIZE, box_at, play

Frames = list[tuple[float, dict[int, np.ndarray]]]


def drive(name: str, frames: list[tuple[np.ndarray, np.ndarray]]) -> tuple[RuleTracker, list[list[int]]]:
    """Boxes and scores per frame in, the numbers believed in each frame out."""
    tracker = build("cam", TrackingConfig.model_validate({"tracker": name}))
    numbers = []
    for index, (boxes, scores) in enumerate(frames):
        tracker.propose(index, index / 25, SIZE, Detections.of(boxes, scores))
        tracker.commit([])
        numbers.append(tracker.observed()[1].tolist())
    return tracker, numbers


def weak_in_between(name: str) -> int:
    """How many of ten frames with a weak box in the middle of a walk are covered."""
    frames = [(box_at(100 + 3 * f)[None], np.array([0.3 if 20 <= f < 30 else 0.9])) for f in range(50)]
    return sum(len(n) for n in drive(name, frames)[1][20:30])


def test_bytetrack_uses_weak_boxes_and_sort_does_not() -> None:
    assert weak_in_between("sort") == 0
    assert weak_in_between("bytetrack") == weak_in_between("botsort") == 10


def test_sort_believes_three_boxes_and_bytetrack_two() -> None:
    frames = [(box_at(100)[None], np.array([0.9]))] * 4
    assert [len(n) for n in drive("sort", frames)[1]] == [0, 0, 1, 1]
    assert [len(n) for n in drive("bytetrack", frames)[1]] == [0, 1, 1, 1]


def turned_around(name: str) -> float:
    """Sideways speed (px per frame) right after a person, unseen while turning, is found walking back."""
    walk = [box_at(50 + 9 * f) for f in range(20)]
    back = [box_at(221 - 3 * f) for f in range(1, 4)]
    nothing = (np.zeros((0, 4)), np.zeros(0))
    frames = [(b[None], np.array([0.9])) for b in walk] + [nothing] * 6 + [(b[None], np.array([0.9])) for b in back]
    tracker, numbers = drive(name, frames)
    assert numbers[-1] == [1]
    return float(tracker._tracks.motion.speed[0, 0])


def test_ocsort_recovers_at_the_last_observation_and_forgets_the_wrong_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    replayed = turned_around("ocsort")
    monkeypatch.setattr(OcSortRule, "_re_update", lambda self, scene, links: None)
    assert replayed < turned_around("ocsort")
    with pytest.raises(AssertionError):
        turned_around("sort")


@pytest.mark.parametrize("name", ["deepsort", "botsort"])
def test_looks_decide_between_two_who_stand_together(name: str) -> None:
    """Two people side by side are unseen for a moment in which they change places."""
    frames: Frames = []
    for f in range(60):
        if 30 <= f < 33:
            frames.append((f / 25, {}))
        else:
            left, right = box_at(300), box_at(308)
            frames.append((f / 25, {0: left, 1: right} if f < 30 else {0: right, 1: left}))
    run = play(frames, tracker=name)
    assert {person: len(set(numbers)) for person, numbers in run.numbers.items()} == {0: 1, 1: 1}
    without = play(frames, tracker=name, looks=False)
    assert {len(set(numbers)) for numbers in without.numbers.values()} == {2}


def test_deepsort_prefers_the_track_seen_last() -> None:
    """The cascade: a long lost track may not take the box of one that is followed."""
    frames = [(np.stack([box_at(200), box_at(400)]), np.array([0.9, 0.9]))] * 20
    frames += [(box_at(400)[None] - np.array([8.0 * f, 0, 8.0 * f, 0]), np.array([0.9])) for f in range(1, 26)]
    assert drive("deepsort", frames)[1][-1] == [2]
