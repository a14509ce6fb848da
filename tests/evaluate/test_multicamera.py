"""Several cameras at once: global ids, floor positions, false tracks and events."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from perdure.evaluate.multicamera import Camera, multicamera_report, score_cameras
from perdure.evaluate.report import to_html
from perdure.evaluate.tracking import score
from perdure.evaluate.tracks import Tracks, Truth
from perdure.evaluate.visits import Told


def walk(frames: range, person: int, left: float) -> Tracks:
    """One person standing still."""
    return Tracks.of(list(frames), [person] * len(frames), [[left, 0, left + 10, 30]] * len(frames))


def together(*parts: Tracks) -> Tracks:
    """All of them as one."""
    return Tracks.of(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("frames", "ids", "boxes")))


def camera(name: str, truth: Tracks, result: Tracks, **more: object) -> Camera:
    """At one frame a second."""
    return Camera(name, Truth.of(truth), result, 1.0, **more)  # type: ignore[arg-type]


def test_a_perfect_result_over_two_cameras() -> None:
    a, b = walk(range(1, 50), 1, 0), together(walk(range(60, 90), 1, 5), walk(range(60, 90), 2, 100))
    scores = score_cameras([camera("a", a, a), camera("b", b, b)], 120.0)
    assert scores.image.figures()["HOTA"] == scores.image.figures()["IDF1"] == scores.identities.b_cubed_f == 1.0
    assert (scores.visits.visits, scores.visits.events_per_visit, scores.false_tracks) == (2, 1.0, 0)
    assert scores.camera_minutes == pytest.approx((49 + 30) / 60)


def test_an_identity_lost_between_cameras_shows_in_global_figures_only() -> None:
    a, b = walk(range(1, 50), 1, 0), walk(range(60, 109), 1, 0)
    scores = score_cameras([camera("a", a, a), camera("b", b, walk(range(60, 109), 9, 0))], 120.0)
    assert all(s.identity.idf1 == 1.0 for s in scores.by_camera.values())
    assert scores.image.identity.idf1 == 0.5
    assert scores.identities.fragments_per_person == 2.0
    assert (scores.visits.told, scores.visits.events_per_visit) == (1, 2.0)


def test_one_camera_scores_as_alone() -> None:
    random = np.random.default_rng(0)
    frames, ids, corner = np.repeat(np.arange(20), 5), np.tile(np.arange(5), 20), random.uniform(0, 60, (100, 2))
    truth = Tracks.of(frames, ids, np.hstack([corner, corner + 20]))
    result = replace(truth, boxes=truth.boxes + random.normal(0, 4, (100, 4)))
    scores = score_cameras([camera("a", truth, result)], 120.0)
    assert scores.image.figures() == score(Truth.of(truth), result).figures()


def test_tracks_of_nobody_are_counted_by_camera_minute() -> None:
    truth = walk(range(1, 61), 1, 0)
    result = together(walk(range(1, 61), 1, 0), walk(range(1, 31), 5, 500), walk(range(31, 61), 6, 500))
    scores = score_cameras([camera("a", truth, result)], 120.0)
    assert (scores.false_tracks, scores.false_tracks_per_minute, scores.visits.false_events) == (2, 2.0, 2)


def test_floor_joins_what_two_cameras_see_at_once() -> None:
    a, b = walk(range(1, 11), 1, 0), walk(range(1, 11), 1, 300)
    place = np.tile([3.0, 4.0], (10, 1))
    near = camera("a", a, a, truth_floor=place, result_floor=place + np.array([0.4, 0.0]))
    far = camera("b", b, b, truth_floor=place, result_floor=place + np.array([0.2, 0.0]))
    floor = score_cameras([near, far, camera("c", Tracks.none(), Tracks.none())], 120.0).floor
    assert floor is not None
    figures = floor.figures()
    assert (figures["TP"], figures["FP"], figures["FN"]) == (10, 0, 0)
    assert figures["MOTP"] == pytest.approx(1 - 0.3 / 2)


def test_unknown_places_are_left_out_of_the_floor() -> None:
    a = walk(range(1, 11), 1, 0)
    place = np.full((10, 2), np.nan)
    place[:4] = 1.0
    floor = score_cameras([camera("a", a, a, truth_floor=place, result_floor=place)], 120.0).floor
    assert floor is not None
    assert floor.clear.tp == 4


def test_events_of_the_run_count_not_the_ids() -> None:
    a = together(walk(range(1, 20), 1, 0), walk(range(500, 520), 1, 0))
    one = score_cameras([camera("a", a, a)], 120.0)
    assert (one.visits.visits, one.visits.events, one.visits.told) == (2, 2, 2)
    joined = score_cameras([camera("a", a, a)], 120.0, [Told(1, 0.0, math.inf)])
    assert (joined.visits.told, joined.visits.joined, joined.visits.joined_people) == (1, 1, 0)
    silent = score_cameras([camera("a", a, a)], 120.0, [])
    assert (silent.visits.missed, silent.visits.events_per_visit) == (2, 0.0)


def test_cameras_start_when_they_start() -> None:
    a, b = walk(range(1, 50), 1, 0), walk(range(1, 50), 1, 0)
    apart = score_cameras([camera("a", a, a), camera("b", b, b, offset_s=1000.0)], 120.0)
    at_once = score_cameras([camera("a", a, a), camera("b", b, b)], 120.0)
    assert (apart.visits.visits, at_once.visits.visits) == (2, 1)


def test_distractors_do_not_shift_the_rows() -> None:
    truth = together(walk(range(1, 10), 1, 0), walk(range(1, 10), 2, 100))
    person = truth.ids == 1
    one = Camera("a", Truth.of(truth, person, ~person), truth, 1.0)
    scores = score_cameras([one], 120.0)
    assert (scores.visits.visits, scores.visits.events, scores.visits.told) == (1, 1, 1)
    assert (scores.image.clear.fp, scores.false_tracks) == (0, 0)


def test_nothing_at_all_is_defined_and_can_be_shown() -> None:
    scores = score_cameras([camera("a", Tracks.none(), Tracks.none())], 120.0)
    assert scores.false_tracks_per_minute == 0.0
    page = to_html(multicamera_report(scores))
    assert page.count("<svg") == 1
    assert "visits told" in page
