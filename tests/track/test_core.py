from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.config import TrackingConfig
from perdure.track.build import build
from perdure.track.motion_warp import warped_boxes
from perdure.types import Crops, Detections, Flag

from .conftest import SIZE, box_at, play

NAMES = ["default", "sort", "deepsort", "bytetrack", "ocsort", "botsort"]
Frames = list[tuple[float, dict[int, np.ndarray]]]


@pytest.mark.parametrize("name", NAMES)
def test_one_walk_is_one_tracklet(name: str, walk: Frames) -> None:
    run = play(walk, tracker=name)
    (tracklet,) = run.last().values()
    assert tracklet.id == "cam/1"
    assert tracklet.camera == "cam"
    assert len(tracklet.path) == 40
    np.testing.assert_array_equal(tracklet.path[:, 1], np.arange(40))
    np.testing.assert_allclose(tracklet.path[:, 2:6], np.array([f[1][0] for f in walk]), atol=1e-3)
    assert (tracklet.start, tracklet.end) == (walk[0][0], walk[-1][0])
    assert set(run.numbers[0]) == {1}


@pytest.mark.parametrize("name", NAMES)
def test_two_far_people_keep_their_numbers(name: str) -> None:
    frames = [(f / 10, {0: box_at(100 + 5 * f), 1: box_at(500 - 3 * f)}) for f in range(30)]
    run = play(frames, tracker=name)
    assert {p: len(set(n)) for p, n in run.numbers.items()} == {0: 1, 1: 1}


def test_told_open_then_closed_with_rising_revisions(walk: Frames) -> None:
    run = play(walk)
    assert [t.revision for t in run.told] == [1, 2]
    first, last = run.told
    assert (first.ended, last.ended) == ("open", "lost")
    assert 1.0 <= first.end - first.start < 1.3
    assert len(first.exemplars[0]) >= 1
    assert len(last.exemplars[0]) > len(first.exemplars[0])


def test_without_pictures_a_track_is_told_at_its_end(walk: Frames) -> None:
    run = play(walk, looks=False)
    assert [(t.ended, t.exemplars) for t in run.told] == [("lost", ())]


def test_few_crops_are_asked_for() -> None:
    run = play([(f / 10, {0: box_at(200 + f)}) for f in range(200)])
    assert 10 <= run.asked <= 30


def test_flagged_crops_are_no_exemplars_unless_there_is_nothing_else(walk: Frames) -> None:
    run = play(walk, flags=lambda boxes: np.full(len(boxes), int(Flag.TRUNCATED)))
    assert run.asked == 1
    assert len(next(iter(run.last().values())).exemplars[0]) == 1


def test_a_blip_is_never_told() -> None:
    frames: Frames = [(f / 10, {0: box_at(200)} if f < 2 else {}) for f in range(60)]
    assert play(frames).told == []


def test_long_stay_is_cut_and_linked() -> None:
    run = play([(f / 5, {0: box_at(300)}) for f in range(150)], cut_after_s=10.0)
    first, second, third = sorted(run.last().values(), key=lambda t: t.start)
    assert (first.began, first.ended, first.supersedes) == ("appeared", "cut", None)
    assert (second.began, second.ended, second.supersedes) == ("cut", "cut", first.id)
    assert (third.began, third.supersedes) == ("cut", second.id)
    paths = np.concatenate([first.path, second.path, third.path])
    np.testing.assert_array_equal(paths[:, 1], np.arange(150))
    assert all(t.start <= t.exemplars[0].at.min() and t.exemplars[0].at.max() <= t.end for t in (first, second, third))


def test_walking_out_is_left_and_coming_in_is_entered() -> None:
    frames: Frames = [(f / 10, {0: box_at(10 + 18 * f)} if f < 36 else {}) for f in range(80)]
    (tracklet,) = play(frames).last().values()
    assert (tracklet.began, tracklet.ended) == ("entered", "left")


def test_short_gap_is_bridged_and_not_invented() -> None:
    frames: Frames = [(f / 10, {} if 15 <= f < 22 else {0: box_at(80 + 8 * f)}) for f in range(45)]
    (tracklet,) = play(frames).last().values()
    assert len(tracklet.path) == 38
    assert not np.isin(np.arange(15, 22), tracklet.path[:, 1]).any()


def test_long_absence_ends_the_tracklet() -> None:
    frames: Frames = [(f / 10, {} if 20 <= f < 80 else {0: box_at(300)}) for f in range(110)]
    run = play(frames, lost_after_s=3.0)
    assert len(run.last()) == 2


def test_irregular_times_and_detector_gaps() -> None:
    times = np.cumsum(np.random.default_rng(3).choice([0.03, 0.1, 0.4], 60))
    run = play([(float(t), {0: box_at(50 + 25 * t), 1: box_at(600 - 25 * t, 200)}) for t in times])
    assert [len(set(n)) for n in run.numbers.values()] == [1, 1]


def test_time_must_advance() -> None:
    tracker = build("cam", TrackingConfig())
    tracker.propose(0, 10.0, SIZE, Detections.none())
    tracker.commit([])
    with pytest.raises(ValueError, match=r"frame 1 at 10\.0 after frame 0 at 10\.0"):
        tracker.propose(1, 10.0, SIZE, Detections.none())
    with pytest.raises(ValueError, match="does not advance"):
        tracker.propose(1, float("nan"), SIZE, Detections.none())


def test_propose_and_commit_alternate() -> None:
    tracker = build("cam", TrackingConfig())
    with pytest.raises(ValueError, match="without propose"):
        tracker.commit([])
    tracker.propose(0, 1.0, SIZE, Detections.none())
    with pytest.raises(ValueError, match="before commit"):
        tracker.propose(1, 2.0, SIZE, Detections.none())


def test_broken_boxes_are_dropped() -> None:
    tracker = build("cam", TrackingConfig())
    good = box_at(300)
    bad = [[np.nan, 0, 5, 5], [50, 50, 20, 90], [50, 50, 50, 90], [0, 0, np.inf, 9]]
    for index in range(8):
        found = Detections.of(np.array([*bad, good]), np.full(5, 0.9))
        tracker.propose(index, index / 10, SIZE, found)
        tracker.commit([])
    rows, numbers = tracker.observed()
    assert (rows.tolist(), numbers.tolist()) == ([4], [1])


def test_a_changed_dimension_is_named(walk: Frames) -> None:
    tracker = build("cam", TrackingConfig())
    for index, (at, people) in enumerate(walk):
        rows = tracker.propose(index, at, SIZE, Detections.of(people[0][None], [0.9]))
        dim = 8 if index < 20 else 9
        vectors = np.ones((1, dim), np.float32) / np.sqrt(dim, dtype=np.float32)
        crops = [Crops(rows, "toy", vectors, np.ones(1, np.float32), ("",))] if len(rows) else []
        if index >= 20 and crops:
            with pytest.raises(ValueError, match="toy gave 8 numbers per crop, now 9"):
                tracker.commit(crops)
            return
        tracker.commit(crops)
    pytest.fail("no crop was asked for after the change")


@pytest.mark.parametrize(("name", "count"), [("default", 5000), *((n, c) for n in NAMES for c in (0, 1, 500))])
def test_any_number_of_detections(name: str, count: int) -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 4000, (count, 2))
    tracker = build("cam", TrackingConfig(tracker=name))  # type: ignore[arg-type]
    for index in range(3):
        boxes = np.concatenate([corner, corner + np.array([20, 50])], axis=1) + index
        tracker.propose(index, index / 10, (4100, 4100), Detections.of(boxes, np.full(count, 0.9)))
        tracker.commit([])
    assert len(tracker.current()[0]) <= count


def test_two_cameras_are_independent(walk: Frames) -> None:
    alone = play(walk).last()
    first, second = (build(c, TrackingConfig()) for c in ("a", "b"))
    for index, (at, people) in enumerate(walk):
        for tracker in (first, second):
            tracker.propose(index, at, SIZE, Detections.of(people[0][None], [0.9]))
            tracker.commit([])
    (a,), (b,) = first.finish(), second.finish()
    assert (a.id, b.id) == ("a/1", "b/1")
    np.testing.assert_array_equal(a.path, b.path)
    np.testing.assert_array_equal(a.path, alone["cam/1"].path)


def test_camera_motion_is_followed() -> None:
    """The camera jumps 150 px to the right; without the warp the person would be somebody else."""
    tracker = build("cam", TrackingConfig())
    for index in range(20):
        jump = 150.0 if index >= 10 else 0.0
        warp = np.array([[1.0, 0, -150], [0, 1, 0], [0, 0, 1]]) if index == 10 else None
        found = Detections.of(box_at(400 - jump)[None], [0.9])
        tracker.propose(index, index / 10, SIZE, found, warp)
        tracker.commit([])
    assert [t.id for t in tracker.finish()] == ["cam/1"]


def test_a_roll_and_a_zoom_during_an_occlusion_are_followed() -> None:
    """The camera turns by half a degree and zooms by 1 % a frame about a corner; a person by the other is hidden."""

    def ends(warps: bool) -> list[str]:
        tracker, seen = build("cam", TrackingConfig()), box_at(560, 400)[None]
        c, s = 1.01 * np.cos(np.radians(-0.5)), 1.01 * np.sin(np.radians(-0.5))
        step = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        for index in range(34):
            seen = warped_boxes(seen, step) if index > 10 else seen
            found = Detections.of(seen, [0.9]) if not 10 < index < 22 else Detections.none()
            tracker.propose(index, index / 10, (1280, 960), found, step if warps and index > 10 else None)
            tracker.commit([])
        return [t.id for t in tracker.finish()]

    assert ends(warps=True) == ["cam/1"]
    assert len(ends(warps=False)) == 2


def test_who_is_left_behind_by_a_turning_camera_is_found_where_they_stand() -> None:
    """A camera pans away from somebody for a second and a half, and back."""
    tracker, left = build("cam", TrackingConfig()), 0.0
    for index in range(60):
        pan = 60.0 if 10 <= index < 20 else -60.0 if 25 <= index < 35 else 0.0
        left += pan
        seen = box_at(300 - left)[None]
        found = Detections.of(seen, [0.9]) if seen[0, 0] > 0 else Detections.none()
        tracker.propose(index, index / 10, SIZE, found, np.array([[1.0, 0, -pan], [0, 1, 0], [0, 0, 1]]))
        tracker.commit([])
        assert len(found) or tracker._tracks.number.tolist() == [1]
    assert [t.id for t in tracker.finish()] == ["cam/1"]


def test_doors_are_forgotten_once_the_camera_shows_another_place() -> None:
    tracker = build("cam", TrackingConfig())
    for person in range(8):
        for index in range(40):
            at, x = 6.0 * person + index / 10, 200 + 10.0 * min(index, 15)
            found = Detections.of(box_at(x)[None], [0.9]) if index < 16 else Detections.none()
            tracker.propose(100 * person + index, at, SIZE, found)
            tracker.commit([])
    door = box_at(350)[None]
    assert tracker._zones.leaving(door, SIZE)[0] > 0.8
    tracker.propose(10_000, 100.0, SIZE, Detections.none(), np.array([[1.0, 0, 5], [0, 1, 0], [0, 0, 1]]))
    tracker.commit([])
    assert tracker._zones.leaving(door, SIZE)[0] < 0.5


def test_current_shows_who_is_followed(walk: Frames) -> None:
    tracker = build("cam", TrackingConfig())
    for index, (at, people) in enumerate(walk[:20]):
        tracker.propose(index, at, SIZE, Detections.of(people[0][None], [0.9]))
        tracker.commit([])
    numbers, boxes = tracker.current()
    assert numbers.tolist() == [1]
    np.testing.assert_allclose(boxes[0], walk[19][1][0], atol=6)


def test_expected_says_where_people_are_and_who_is_in_doubt() -> None:
    """One person who stands; another comes in the second second, crosses the first and goes away."""
    tracker = build("cam", TrackingConfig())
    certain: dict[float, list[bool]] = {}
    for index in range(80):
        boxes = [[100, 100, 140, 220]]
        if 20 <= index < 60:
            boxes.append([300 - 6 * (index - 20), 100, 340 - 6 * (index - 20), 220])
        tracker.propose(index, index / 10, SIZE, Detections.of(boxes, [0.9] * len(boxes)))
        tracker.commit([])
        expected, sure = tracker.expected()
        assert len(expected) == len(sure) >= 1
        certain[index / 10] = sure.tolist()
    assert certain[0.3] == [False]
    assert certain[1.9] == [True]
    assert False in certain[2.3]
    assert False in certain[5.0]
    assert all(certain[7.5])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(NAMES))
def test_properties_of_any_scene(seed: int, name: str) -> None:
    """Numbers are unique in a frame and never reused, paths are in order of time, the order of boxes is irrelevant."""
    rng = np.random.default_rng(seed)
    start, speed = rng.uniform([50, 100], [590, 380], (6, 2)), rng.normal(0, 60, (6, 2))
    shuffled, plain = (build("cam", TrackingConfig(tracker=name)) for _ in range(2))  # type: ignore[arg-type]
    told, closed, at = [], set(), 0.0
    for index in range(25):
        at += float(rng.choice([0.05, 0.1, 0.5]))
        place = start + speed * at + rng.normal(0, 2, (6, 2))
        boxes = np.array([box_at(x, y, 100) for x, y in place])[rng.random(6) < 0.8]
        scores = rng.uniform(0.2, 1.0, len(boxes))
        order = rng.permutation(len(boxes))
        plain.propose(index, at, SIZE, Detections.of(boxes, scores))
        shuffled.propose(index, at, SIZE, Detections.of(boxes[order], scores[order]))
        plain.commit([])
        shuffled.commit([])
        rows, numbers = plain.observed()
        assert len(set(numbers.tolist())) == len(numbers)
        assert not set(numbers.tolist()) & closed
        other_rows, _ = shuffled.observed()
        np.testing.assert_array_equal(np.sort(order[other_rows]), np.sort(rows))
        new = plain.tell()
        told += new
        closed |= {int(t.id.split("/")[1]) for t in new if t.ended != "open"}
    told += plain.finish()
    assert len({t.key for t in told}) == len(told)
    for tracklet in told:
        assert np.all(np.diff(tracklet.path[:, 0]) > 0)
        assert np.all(np.diff(tracklet.path[:, 1]) > 0)
