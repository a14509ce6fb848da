from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from perdure.simulate.paths import Floor
from perdure.simulate.people import STEP_S, Day, Walk, guests, present
from perdure.simulate.plan import Plan
from perdure.simulate.reading import load, parse


@pytest.fixture(scope="module")
def tiny(tiny_text: str) -> Plan:
    return parse(tiny_text)


@pytest.fixture(scope="module")
def shop() -> Plan:
    return load("shop", minutes=4)


@pytest.fixture(scope="module")
def shop_walks(shop: Plan) -> list[Walk]:
    return Day(shop).walks()


def test_ways_go_through_doors_and_around_furniture(tiny: Plan) -> None:
    floor = Floor(tiny)
    way = floor.way((1.0, 1.0), (7.0, 3.0))
    np.testing.assert_allclose(way[[0, -1]], [[1, 1], [7, 3]], atol=0.1)
    at_wall = way[np.argmin(np.abs(way[:, 0] - 5.0))]
    assert abs(at_wall[1] - 2.0) < 0.5
    assert np.hypot(*np.diff(way, axis=0).T).max() < 0.2
    in_table = (way[:, 0] > 2.4) & (way[:, 0] < 3.2) & (way[:, 1] > 2.2) & (way[:, 1] < 3.0)
    assert not in_table.any()
    inside, outside = floor.distances(np.array([[1.0, 1.0]]), np.array([[1.0, 2.0], [1.5, -2.0]]))
    assert 0.9 < inside < 1.6
    assert outside > 3.0


def test_a_script_is_followed(tiny: Plan) -> None:
    walks = {walk.guest.name: walk for walk in Day(tiny).walks()}
    ann, bob = walks["ann"], walks["bob"]
    assert ann.start == -3.0
    assert bob.start == 0.0
    assert ann.end == pytest.approx(tiny.minutes * 60, abs=0.2)
    assert np.hypot(ann.x - 3.9, ann.y - 1.2).min() < 0.2
    assert np.hypot(ann.x[-1] - 7, ann.y[-1] - 3) < 0.3
    assert ann.guest.look.top_colour == bob.guest.look.top_colour
    assert {walk.guest.name for walk in present(list(walks.values()), -1.0)} == {"ann"}


def test_people_walk_like_people(shop_walks: list[Walk]) -> None:
    for walk in shop_walks:
        step = np.hypot(np.diff(walk.x), np.diff(walk.y))
        assert step.max() < 2.0 * STEP_S, walk.guest.name
        np.testing.assert_allclose(np.diff(walk.at), STEP_S, atol=1e-6)
        assert np.abs(np.diff(walk.heading)).max() < np.radians(31)


def test_nobody_walks_through_walls_or_furniture(shop: Plan, shop_walks: list[Walk]) -> None:
    floor = Floor(shop)
    for walk in shop_walks:
        free = np.array([floor.is_free(float(x), float(y)) for x, y in zip(walk.x, walk.y, strict=True)])
        assert free.mean() > 0.97, walk.guest.name
        for thing in shop.furniture:
            x0, y0, x1, y1 = thing.rect
            assert not ((walk.x > x0) & (walk.x < x1) & (walk.y > y0) & (walk.y < y1)).any(), walk.guest.name


def test_people_keep_apart(shop_walks: list[Walk]) -> None:
    close = total = 0
    for at in np.arange(30.0, 230.0, 1.0):
        here = [walk for walk in shop_walks if walk.start + 4 < at < walk.end - 4]
        spots = np.array([[np.interp(at, w.at, w.x), np.interp(at, w.at, w.y)] for w in here]).reshape(-1, 2)
        away = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
        pairs = away[np.triu_indices(len(spots), 1)]
        close += int((pairs < 0.3).sum())
        total += len(pairs)
    assert total > 100
    assert close / total < 0.02


def test_nobody_is_twice_in_the_building(shop_walks: list[Walk]) -> None:
    for person in {walk.guest.id for walk in shop_walks}:
        visits = sorted((w.start, w.end) for w in shop_walks if w.guest.id == person)
        for before, after in pairwise(visits):
            assert after[0] >= before[1] + 5.0 - 1e-6


def test_a_queue_is_served_one_at_a_time(tiny_text: str) -> None:
    people = "".join(
        f"  - {{name: p{i}, visits: [{{arrives_s: {i}, stops: [{{spot: line, stay_s: 3}}]}}]}}\n" for i in range(3)
    )
    plan = parse(tiny_text[: tiny_text.index("people:")] + "people:\n" + people).model_copy(update={"minutes": 0.6})
    walks = Day(plan).walks()
    times = np.arange(0, 36, 0.1)
    near = np.zeros((3, len(times)), bool)
    for k, walk in enumerate(walks):
        x, y = np.interp(times, walk.at, walk.x), np.interp(times, walk.at, walk.y)
        near[k] = (np.hypot(x - 1.0, y - 3.0) < 0.35) & (times >= walk.start) & (times <= walk.end)
    assert near.any(axis=1).all()
    assert near.sum(axis=0).max() == 1
    served = [times[row][0] for row in near]
    assert np.diff(served).min() > 2.5


def test_crowds_follow_the_seed(shop: Plan) -> None:
    first, again, other = (guests(shop, 1, seed) for seed in (0, 0, 1))
    assert first == again
    assert [g.visit for g in first] != [g.visit for g in other]
    assert guests(shop, 2, 0) != first
    names = [guest.name for guest in first]
    assert len(names) > len(set(names))  # somebody comes back
    arrivals = [guest.visit.arrives_s for guest in first]
    assert arrivals == sorted(arrivals)


def test_outfits_change_the_clothes_but_not_the_person(tiny_text: str) -> None:
    text = tiny_text.replace("arrives_s: 0,", "arrives_s: 0, outfit: 1,")
    usual = next(g for g in guests(parse(tiny_text), 1) if g.name == "bob")
    other = next(g for g in guests(parse(text), 1) if g.name == "bob")
    assert other.id == usual.id
    assert other.look.height_m == usual.look.height_m
    assert other.look.top_colour != usual.look.top_colour
