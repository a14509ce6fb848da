from __future__ import annotations

import numpy as np
import pytest

from perdure.gallery.clocks import clocks, no_clocks
from perdure.gallery.topology import SiteMap, Topology
from perdure.gallery.transitions import Sightings
from tests.gallery.people import faces, gallery, tracklet

LOOKS = faces(20)


def there_and_back(people, ahead_s, ways, seed=0, back=1.0):
    """Everybody walks each way in about 20 s, and a share ``back`` of them returns; recorded by these clocks."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        at = 40.0 * person
        for a, b in ways:
            route = (a, b, a) if rng.random() < back else (a, b)
            for camera in route:
                rows.append((person, camera, at + ahead_s[camera], at + 3 + ahead_s[camera]))
                at += 3 + 20 * np.exp(0.3 * rng.normal())
            at += 1000.0
    owner, camera, start, end = (np.array(column) for column in zip(*rows, strict=True))
    return Sightings(camera, start, end, owner, np.ones(len(rows)))


def test_clocks_are_found_from_people_who_walk_both_ways():
    ahead = np.array([0.0, 9.0, 0.0, -5.0])
    found = clocks(there_and_back(40, ahead, [(0, 1), (1, 2), (0, 3)]), 4)
    assert found.ahead_s == pytest.approx(ahead, abs=2.5)
    assert (np.abs(found.ahead_s - ahead) < 4 * found.std_s).all()


def test_right_clocks_are_left_alone():
    found = clocks(there_and_back(60, np.zeros(3), [(0, 1), (1, 2)]), 3)
    assert np.abs(found.ahead_s).max() < 2


def test_a_way_that_is_walked_in_one_direction_says_nothing():
    found = clocks(there_and_back(60, np.array([0.0, 9.0]), [(0, 1)], back=0.15), 2)
    assert found.ahead_s.tolist() == [0.0, 0.0]
    assert np.isinf(found.std_s).all()


def test_cameras_without_a_way_between_them_are_judged_apart():
    found = clocks(there_and_back(40, np.array([0.0, 8.0, 100.0, 100.0, 7.0]), [(0, 1), (2, 3)]), 5)
    assert found.ahead_s[:4] == pytest.approx([-4, 4, 0, 0], abs=2.5)
    assert np.isinf(found.std_s[4])


def test_doubtful_hand_offs_do_not_count():
    sightings = there_and_back(40, np.array([0.0, 9.0]), [(0, 1)])
    doubtful = Sightings(sightings.camera, sightings.start, sightings.end, sightings.owner, sightings.weight * 0.4)
    assert clocks(doubtful, 2).ahead_s.tolist() == no_clocks(2).ahead_s.tolist()


def test_a_wrong_clock_is_told_and_gets_the_benefit_of_the_doubt():
    site = SiteMap({frozenset(("x", "y")): 10.0}, others_overlap=False)
    people = gallery(topology=Topology(site))
    ahead = np.array([0.0, 6.0])
    sightings = there_and_back(60, ahead, [(0, 1)])
    for number in np.argsort(sightings.start):
        camera, look = "xy"[sightings.camera[number]], LOOKS[sightings.owner[number] % 20]
        people.observe([tracklet(f"{camera}/{number}", look, sightings.start[number], sightings.end[number])])
    people.consolidate(1e6)
    clock = dict(people.topology.wrong_clocks())
    assert clock["y"] - clock["x"] == pytest.approx(6, abs=2.5)
    index = people._index
    row, back = index.row("y/1"), index.row("x/2")
    by_the_clocks = 10 - (index.starts[back] - index.ends[row])
    assert people.topology.too_close(row, index)[back] < by_the_clocks - 3
    people.topology.clocks = no_clocks(0)
    assert people.topology.too_close(row, index)[back] == pytest.approx(by_the_clocks)
