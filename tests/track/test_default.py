"""Crossings and occlusions: who is who afterwards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from perdure.config import TrackingConfig
from perdure.track.build import build
from perdure.track.default import DefaultRule
from perdure.track.scene import Looks, Scene
from perdure.track.tracks import Tracks
from perdure.types import Detections, Flag

from .conftest import SIZE, box_at, crowded, play

Frames = list[tuple[float, dict[int, np.ndarray]]]


def crossing(turn_back: bool) -> Frames:
    """Two people meet in the middle, the far one is hidden while they overlap; they pass, or both turn back."""
    frames: Frames = []
    for f in range(60):
        step = min(f, 60 - f) if turn_back else f
        first, second = box_at(140 + 6 * step, 240), box_at(500 - 6 * step, 236, 150)
        hidden = abs(first[0] - second[0]) < 25
        frames.append((f / 10, {0: first} if hidden else {0: first, 1: second}))
    return frames


def purity(frames: Frames, **config: object) -> list[set[int]]:
    """For each told tracklet the set of people in it."""
    run = play(frames, flags=crowded, **config)
    where = {(i, tuple(np.float32(b).tolist())): p for i, (_, people) in enumerate(frames) for p, b in people.items()}
    return [{where[int(r[1]), tuple(np.float32(r[2:6]).tolist())] for r in t.path} for t in run.last().values()]


def test_passing_people_are_not_swapped() -> None:
    assert all(len(people) == 1 for people in purity(crossing(turn_back=False)))


def test_turning_back_is_seen_by_looks() -> None:
    """Motion alone predicts that they pass: only appearance can tell that they did not."""
    assert all(len(people) == 1 for people in purity(crossing(turn_back=True)))


def test_lost_person_is_recovered_by_looks_beyond_any_overlap() -> None:
    """Hidden for two seconds while walking on and changing pace: the box comes back far from the old one."""
    frames: Frames = []
    for f in range(70):
        x = 80.0 + 6 * min(f, 20) if f <= 20 else 320.0 + 4 * (f - 40)
        frames.append((f / 10, {} if 20 < f < 40 else {0: box_at(x)}))
    run = play(frames, lost_after_s=4.0)
    assert len(run.last()) == 1


def test_another_person_does_not_take_a_lost_track() -> None:
    frames: Frames = [(f / 10, {0: box_at(80 + 6 * f)} if f <= 20 else {}) for f in range(40)]
    frames += [(f / 10, {1: box_at(320.0 + 4 * (f - 40))}) for f in range(40, 70)]
    assert len(play(frames, lost_after_s=4.0).last()) == 2


def test_low_boxes_continue_but_never_start() -> None:
    frames: Frames = [(f / 10, {0: box_at(100 + 5 * f)}) for f in range(30)]
    assert play(frames, score=0.3).told == []


def swapped_in_a_crowd() -> tuple[Frames, Callable[[np.ndarray], np.ndarray]]:
    """Person 1 steps exactly where person 0 stood, while the crops are crowded; boxes alone cannot tell."""
    frames: Frames = [(f / 10, {0 if f < 22 else 1: box_at(300 + f)}) for f in range(50)]
    count = iter(range(50))
    return frames, lambda boxes: np.full(len(boxes), int(Flag.CROWDED) if 20 <= next(count) < 28 else 0)


def test_a_swap_is_undone_when_the_person_is_seen_clearly() -> None:
    frames, flags = swapped_in_a_crowd()
    first, second = sorted(play(frames, flags=flags).last().values(), key=lambda t: t.start)
    assert first.path[-1, 1] == 19
    assert first.ended == "lost"
    np.testing.assert_array_equal(second.path[:, 1], np.arange(20, 50))
    assert first.exemplars[0].at.max() < 2.0
    assert second.exemplars[0].at.min() >= 2.8


def test_without_looks_a_swap_cannot_be_seen() -> None:
    frames, flags = swapped_in_a_crowd()
    assert len(play(frames, flags=flags, looks=False).last()) == 1


@pytest.mark.parametrize(("later_s", "second", "doubt"), [(0.1, -3.0, 3.46), (2.0, -3.0, 5.89), (0.1, 3.5, 0.0)])
def test_looks_of_frames_in_a_row_are_nearly_one_look(later_s: float, second: float, doubt: float) -> None:
    """A look that speaks for somebody else by 3 nats, and another like it; or one that settles the doubt."""
    rule = DefaultRule(0.5, 0.25, 3.0)
    tracks = Tracks.started(rule.model, np.array([1]), box_at(200)[None], np.array([0.9]), 0.0)
    tracks.confirmed[:] = True
    for at, says in ((1.0, -3.0), (1.0 + later_s, second)):
        llr = np.full((1, 1), says)
        looks = Looks(np.array([0]), np.ones(1), np.full((1, 1), 0.3), llr, np.ones((1, 1), np.float32))
        tracks.seen[:] = at - 0.1
        scene = Scene(
            tracks,
            at,
            SIZE,
            box_at(200)[None],
            np.array([0.9]),
            np.zeros(1, np.uint8),
            rule.model,
            np.ones(1, np.bool_),
        )
        verdict = rule.relink(scene, rule.link(scene), looks)
        tracks.doubt[:] = verdict.doubt
    assert verdict.links.tolist() == [0]
    assert tracks.doubt[0] == pytest.approx(doubt, abs=0.01)


@pytest.mark.parametrize(("aside", "flag", "ids"), [(2.0, 2, 1), (40.0, 2, 2), (40.0, 0, 1)])
def test_a_faint_box_in_another_continues_a_track_only_where_it_is_expected(aside: float, flag: int, ids: int) -> None:
    """Somebody stands still: for a second only a faint box is left of them, in place or beside it."""
    tracker = build("cam", TrackingConfig(lost_after_s=0.5))
    for index in range(40):
        faint = 20 <= index < 30
        found = Detections.of([box_at(300 + aside * faint)], [0.3 if faint else 0.9], [flag if faint else 0])
        tracker.propose(index, index / 10, SIZE, found)
        tracker.commit([])
    assert len(tracker.finish()) == ids
