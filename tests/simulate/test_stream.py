from __future__ import annotations

import itertools
import tracemalloc
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from perdure.errors import ConfigError, InputError
from perdure.simulate.stream import MONDAY, Faults, StreamPlan, TrueTracklet, stream
from perdure.simulate.stream_fit import fit, tracklets_of
from perdure.simulate.stream_people import FittedPeople, Habits, PeopleModel, RealPeople
from perdure.simulate.stream_traffic import DAY_S, CameraGraph, Traffic, visits
from perdure.types import Float32s, Ints

GRAPH = CameraGraph.corridor(5)
BUSY = Traffic(days=0.07, visits_per_day=4000, people=400)
MORNING = MONDAY + 8 * 3600
NO_FAULTS = Faults(0.0, 0.0, 0.0)


def crowd(people: int = 60, dim: int = 16, seed: int = 0) -> tuple[Float32s, Ints, Ints, Ints]:
    """Rectified vectors of people in four cameras with a bias, two tracklets in each, three pictures in each."""
    rng = np.random.default_rng(seed)
    person, camera, tracklet, _ = np.indices((people, 4, 2, 3)).reshape(4, -1)
    place, stay = person * 4 + camera, (person * 4 + camera) * 2 + tracklet
    vectors = (
        0.3
        + rng.normal(size=(people, dim))[person]
        + 0.3 * rng.normal(size=(4, dim))[camera]
        + 0.4 * rng.normal(size=(people * 4, dim))[place]
        + 0.3 * rng.normal(size=(people * 8, dim))[stay]
        + 0.4 * rng.normal(size=(len(person), dim))
    )
    vectors = np.maximum(vectors, 0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), person + 1, camera, stay


@pytest.fixture(scope="module")
def model() -> PeopleModel:
    vectors, person, camera, tracklet = crowd()
    return fit("made", vectors, person, camera, tracklet, np.ones(len(vectors), np.float32))


@pytest.fixture(scope="module")
def looks(model: PeopleModel) -> FittedPeople:
    return FittedPeople(model, seed=3)


def told(looks: FittedPeople | RealPeople, plan: StreamPlan) -> list[TrueTracklet]:
    return list(stream(looks, GRAPH, replace(plan, start_at=MORNING)))


def test_the_same_plan_gives_the_same_stream_and_another_seed_another(looks: FittedPeople) -> None:
    plan = StreamPlan(replace(BUSY, days=0.01))
    first, again = told(looks, plan), told(looks, plan)
    assert len(first) == len(again) > 30
    for one, other in zip(first, again, strict=True):
        assert one.tracklet.id == other.tracklet.id
        assert one.person == other.person
        np.testing.assert_array_equal(one.tracklet.exemplars[0].vectors, other.tracklet.exemplars[0].vectors)
        np.testing.assert_array_equal(one.tracklet.path, other.tracklet.path)
    different = told(looks, replace(plan, seed=1))
    assert [t.person for t in different] != [t.person for t in first]


def test_tracklets_are_well_formed_and_in_order_of_their_end(looks: FittedPeople) -> None:
    found = told(looks, StreamPlan(BUSY))
    ends = [t.tracklet.end for t in found]
    assert ends == sorted(ends)
    assert len({t.tracklet.id for t in found}) == len(found)
    for one in found:
        tracklet, exemplars = one.tracklet, one.tracklet.exemplars[0]
        assert tracklet.start < tracklet.end
        assert tracklet.camera in GRAPH.names
        assert (np.diff(tracklet.path[:, 0]) > 0).all()
        assert tracklet.path[[0, -1], 0].tolist() == [tracklet.start, tracklet.end]
        assert len(one.path_person) == len(tracklet.path)
        assert len(one.exemplar_person) == len(exemplars) == 4
        assert ((exemplars.at > tracklet.start) & (exemplars.at < tracklet.end)).all()
        np.testing.assert_allclose(np.linalg.norm(exemplars.vectors, axis=1), 1, atol=1e-5)
        assert ((exemplars.quality >= 0) & (exemplars.quality <= 1)).all()
        assert one.person in one.exemplar_person


def test_without_faults_everybody_is_alone_in_their_tracklets_and_in_one_place_at_a_time(looks: FittedPeople) -> None:
    found = told(looks, StreamPlan(BUSY, NO_FAULTS))
    assert {t.fault for t in found} == {"none"}
    by_person: dict[int, list[TrueTracklet]] = {}
    for one in found:
        assert set(one.exemplar_person) == set(one.path_person) == {one.person}
        by_person.setdefault(one.person, []).append(one)
    for mine in by_person.values():
        mine.sort(key=lambda t: t.tracklet.start)
        assert all(a.tracklet.end < b.tracklet.start for a, b in itertools.pairwise(mine))


def test_faults_come_as_often_as_asked_and_the_truth_knows_them(looks: FittedPeople) -> None:
    found = told(looks, StreamPlan(BUSY, Faults(fragment=0.3, swap=0.5, mixed=0.1)))
    count = Counter(t.fault for t in found)
    assert set(count) == {"none", "fragment", "swap", "mixed"}
    assert count["mixed"] / len(found) == pytest.approx(0.08, abs=0.03)
    assert count["swap"] % 2 == 0
    for one in found:
        shown = set(one.path_person.tolist())
        if one.fault in {"swap", "mixed"}:
            assert len(shown | set(one.exemplar_person.tolist())) == 2
        else:
            assert shown == {one.person}


def test_a_swap_loses_nobody_and_keeps_the_ends(looks: FittedPeople) -> None:
    clean = told(looks, StreamPlan(BUSY, NO_FAULTS))
    swapped = told(looks, StreamPlan(BUSY, Faults(0, 1, 0)))
    pairs = [t for t in swapped if t.fault == "swap"]
    assert len(pairs) >= 10
    assert sorted(t.tracklet.end for t in swapped) == sorted(t.tracklet.end for t in clean)
    assert sorted(t.tracklet.start for t in swapped) == sorted(t.tracklet.start for t in clean)
    for one in pairs:
        first, last = one.path_person[0], one.path_person[-1]
        partner = [t for t in pairs if t.path_person[0] == last and t.path_person[-1] == first]
        assert partner


def test_fragments_are_two_tracklets_with_a_gap(looks: FittedPeople) -> None:
    found = told(looks, StreamPlan(BUSY, Faults(1, 0, 0)))
    parts = [t for t in found if t.fault == "fragment"]
    began, ended = Counter(t.tracklet.began for t in parts), Counter(t.tracklet.ended for t in parts)
    assert began["appeared"] == began["entered"] == ended["lost"] == ended["left"] == len(parts) / 2


def test_people_return_cameras_connect_and_hours_matter() -> None:
    stays = list(visits(Traffic(days=3, visits_per_day=400, people=10_000, returning=0.5), GRAPH, 0.0, seed=1))
    visitors = [route[0].person for route in stays]
    assert len(set(visitors)) / len(visitors) == pytest.approx(0.5, abs=0.05)
    assert len(visitors) == pytest.approx(1200, rel=0.1)
    for route in stays:
        for before, after in itertools.pairwise(route):
            assert abs(before.camera - after.camera) == 1
            assert 2 < after.start - before.end < 60
    hours = np.bincount([int(route[0].start % DAY_S // 3600) for route in stays], minlength=24)
    assert hours[1:5].sum() == 0
    assert hours[17:19].sum() > 4 * hours[22:24].sum()
    limited = {route[0].person for route in visits(Traffic(days=1, people=7, visits_per_day=300), GRAPH, 0.0, 1)}
    assert limited == set(range(7))


def test_one_camera_is_enough() -> None:
    graph = CameraGraph.corridor(1)
    assert all(len(route) == 1 for route in visits(Traffic(days=0.5), graph, 0.0, seed=0))


def test_a_stream_is_never_kept_in_memory(looks: FittedPeople) -> None:
    plan = StreamPlan(BUSY, start_at=MORNING)
    next(stream(looks, GRAPH, plan))
    tracemalloc.start()
    carried = sum(t.tracklet.path.nbytes + t.tracklet.exemplars[0].vectors.nbytes for t in stream(looks, GRAPH, plan))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.3 * carried


def test_looks_keep_to_the_person_and_change_with_the_clothes(model: PeopleModel) -> None:
    changing = FittedPeople(model, 0, Habits(new_clothes=1.0, clothes_share=0.9, look_alikes=0.0))
    keeping = FittedPeople(model, 0, Habits(new_clothes=0.0, look_alikes=0.0))

    def likeness(people: FittedPeople, other_person: int, other_day: int) -> float:
        scores = []
        for person in range(60):
            first = people.pictures(person, 0, 0, 2, np.random.default_rng(1)).vectors
            second = people.pictures(person + other_person, other_day, 1, 2, np.random.default_rng(2)).vectors
            scores.append(first @ second.T)
        return float(np.mean(scores))

    strangers = likeness(keeping, 100, 0)
    assert likeness(keeping, 0, 0) == pytest.approx(likeness(keeping, 0, 1), abs=0.02)
    assert strangers + 0.1 < likeness(changing, 0, 0)
    assert strangers < likeness(changing, 0, 1) < likeness(changing, 0, 0) - 0.1


def test_look_alikes_are_harder_to_tell_apart(model: PeopleModel) -> None:
    def closest(habits: Habits) -> float:
        people = FittedPeople(model, 0, habits)
        vectors = np.concatenate([people.pictures(p, 0, 0, 1, np.random.default_rng(p)).vectors for p in range(150)])
        return float(np.sort(vectors @ vectors.T - 2 * np.eye(150), axis=1)[:, -1].mean())

    assert closest(Habits(look_alikes=1.0, alikeness=0.95)) > closest(Habits(look_alikes=0.0)) + 0.01


def test_the_fitted_model_has_the_scores_of_the_crowd(model: PeopleModel) -> None:
    vectors, person, camera, tracklet = crowd()
    people = FittedPeople(model, 1, Habits(new_clothes=0.0, look_alikes=0.0))
    made = np.concatenate(
        [
            people.pictures(
                int(person[row]) - 1, 0, int(camera[row]), 3, np.random.default_rng(int(tracklet[row]))
            ).vectors
            for row in range(0, len(vectors), 3)
        ]
    )
    same, spot = person[:, None] == person, camera[:, None] == camera
    tracked = tracklet[:, None] == tracklet
    above = np.triu(np.ones(same.shape, bool), 1)
    for kind in (tracked, same & ~spot, ~same):
        real, simulated = (v @ v.T for v in (vectors, made))
        assert simulated[kind & above].mean() == pytest.approx(real[kind & above].mean(), abs=0.04)
        assert simulated[kind & above].std() == pytest.approx(real[kind & above].std(), abs=0.06)
    assert (made >= 0).all(), "a rectified network never gives negative values"


def test_noise_falls_with_quality_where_the_data_say_so() -> None:
    vectors, person, camera, tracklet = crowd(seed=4)
    rng = np.random.default_rng(0)
    quality = rng.random(len(vectors)).astype(np.float32)
    vectors = vectors + (0.5 * (1 - quality))[:, None] * rng.normal(size=vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    fitted = fit("made", vectors, person, camera, tracklet, quality)
    assert fitted.noise_by_quality[0] > 1.3 * fitted.noise_by_quality[-1]
    assert float(np.mean(fitted.noise_by_quality**2)) == pytest.approx(1)


def test_real_people_are_drawn_from_their_own_tracklets() -> None:
    vectors, person, camera, tracklet = crowd(people=20)
    looks = RealPeople.of("made", vectors, person, camera, tracklet, names=[str(i) for i in range(len(vectors))])
    assert looks.people == 20
    found = told(looks, StreamPlan(replace(BUSY, people=20)))
    assert {t.person for t in found} == set(range(20))
    for one in found:
        exemplars = one.tracklet.exemplars[0]
        assert len(exemplars) == len(one.exemplar_person) <= 4
        for name, vector, whom in zip(exemplars.pictures, exemplars.vectors, one.exemplar_person, strict=True):
            assert person[int(name)] - 1 == whom
            np.testing.assert_array_equal(vectors[int(name)], vector)
    with pytest.raises(ConfigError, match="wants 400 people, the embeddings have 20"):
        told(looks, StreamPlan(BUSY))
    with pytest.raises(InputError, match="no people"):
        RealPeople.of("made", vectors, np.zeros_like(person), camera, tracklet)


def test_tracklets_are_cut_at_gaps() -> None:
    person = np.array([1, 1, 1, 1, 2, 1])
    camera = np.array([1, 1, 1, 2, 1, 1])
    frame = np.array([0, 250, 501, 0, 0, 10])
    assert tracklets_of(person, camera, np.ones(6, int), frame).tolist() == [0, 0, 1, 2, 3, 0]
    assert len(tracklets_of(*(np.zeros(0, np.int64),) * 4)) == 0


@pytest.mark.parametrize(
    "plan",
    [
        StreamPlan(replace(BUSY, days=0)),
        StreamPlan(replace(BUSY, returning=1.5)),
        StreamPlan(BUSY, Faults(swap=2)),
        StreamPlan(BUSY, exemplars=0),
    ],
)
def test_plans_out_of_range_are_refused(looks: FittedPeople, plan: StreamPlan) -> None:
    with pytest.raises(ConfigError):
        told(looks, plan)


def test_too_little_to_fit_is_named() -> None:
    vectors, person, camera, tracklet = crowd(people=5)
    quality = np.ones(len(vectors), np.float32)
    with pytest.raises(InputError, match="two people"):
        fit("made", vectors, np.ones_like(person), camera, tracklet, quality)
    with pytest.raises(InputError, match="more than one camera"):
        fit("made", vectors, person, np.zeros_like(camera), tracklet, quality)
    with pytest.raises(ConfigError, match="at least one camera"):
        CameraGraph.corridor(0)
