from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.gallery.floor import NO_MEETING, Meeting, meet, path_of
from perdure.gallery.topology import SiteMap, Topology, by_floor
from perdure.types import Exemplars, Tracklet
from tests.gallery.people import DIM, faces, gallery

LOOKS = faces(6)
ABOVE = np.diag([0.01, 0.01, 1.0])
"""A camera that looks straight down: a pixel is a centimetre."""
TILTED = np.array([[1.84, 0, -960 * 1.84], [0, 0, 1500 * 1.84], [0, 1, -540.0]])
"""A camera 1.84 m above the floor whose horizon is row 540."""


def walk(id, feet, look=LOOKS[0], start=0.0, step_s=0.1, noise=0.05):
    """A tracklet whose feet are at these pixels, one after another."""
    feet = np.asarray(feet, float)
    at = start + step_s * np.arange(len(feet))
    boxes = np.column_stack([feet[:, 0] - 20, feet[:, 1] - 100, feet[:, 0] + 20, feet[:, 1]])
    path = np.column_stack([at, np.round(at * 10), boxes, np.ones(len(feet))])
    rng = np.random.default_rng([*id.encode()])
    vectors = look + noise * rng.normal(size=(2, DIM))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    exemplars = Exemplars("m", vectors, np.ones(2, np.float32), np.array([at[0], at[-1]]), ("", ""))
    return Tracklet(id, 0, id.split("/")[0], float(at[0]), float(at[-1]), path, (exemplars,), ended="left")


def straight(x, y=500.0, count=50):
    return np.column_stack([x + 2.0 * np.arange(count), np.full(count, y)])


def between(first, second):
    return meet(path_of(first, ABOVE), path_of(second, ABOVE))


def test_feet_are_the_middle_of_the_lower_edge_in_metres():
    path = path_of(walk("x/1", [[300, 400], [310, 420]]), ABOVE)
    assert path.place.tolist() == [[3.0, 4.0], [3.1, 4.2]]
    assert path.std_m.tolist() == pytest.approx([0.04, 0.04])


def test_rows_beyond_the_horizon_or_without_a_box_are_left_out():
    tracklet = walk("x/1", [[960, 900], [960, 530], [960, 700]])
    tracklet.path[2, 2:6] = np.nan
    path = path_of(tracklet, TILTED)
    assert len(path.at) == 1
    assert path.place[0].tolist() == pytest.approx([0.0, 1500 * 1.84 / 360])


def test_an_error_far_away_is_an_error_of_many_metres():
    near, far = (path_of(walk("x/1", [[960, y]] * 2), TILTED).std_m[0] for y in (1000, 580))
    assert far > 10 * near


def test_one_person_in_two_cameras_is_in_one_place_and_two_are_not():
    same, apart = between(walk("x/1", straight(100)), walk("y/1", straight(100))), 0
    assert same.distance_m == pytest.approx(0)
    assert same.log_odds > 2
    apart = between(walk("x/1", straight(100)), walk("y/1", straight(700)))
    assert apart.distance_m == pytest.approx(6)
    assert apart.log_odds < -2
    assert apart.is_impossible
    beside = between(walk("x/1", straight(100)), walk("y/1", straight(220)))
    assert same.log_odds > beside.log_odds > apart.log_odds
    assert not beside.is_impossible


def test_only_common_time_counts():
    assert between(walk("x/1", straight(100)), walk("y/1", straight(900), start=60.0)) is NO_MEETING
    assert NO_MEETING.log_odds == 0.0
    assert not NO_MEETING.is_impossible
    gap = walk("x/1", [[100, 100], [900, 100]], step_s=20.0)  # seen at 0 and 20 s, nobody knows where meanwhile
    assert between(gap, walk("y/1", straight(100, 100), start=5.0)) is NO_MEETING


def test_a_glimpse_proves_nothing():
    short = between(walk("x/1", straight(100, count=5)), walk("y/1", straight(900, count=5)))
    assert 0 < short.seconds < 1
    assert not short.is_impossible


@given(st.floats(0, 100), st.floats(0.1, 20))
def test_odds_fall_with_distance_and_are_bounded_below(distance, std):
    nearer, further = Meeting(5.0, distance, std).log_odds, Meeting(5.0, distance + 1, std).log_odds
    assert nearer >= further - 1e-9
    assert further >= np.log(0.019)


def floor_gallery():
    site = SiteMap(floors={"x": ABOVE, "y": ABOVE})
    return gallery(topology=Topology(site, learns=False))


def test_somebody_elsewhere_at_that_time_is_somebody_else_whatever_they_look_like():
    people = floor_gallery()
    people.observe([walk("x/1", straight(100)), walk("y/1", straight(900))])
    assert len(people.partition.members) == 2
    assert any("m from x/1 at that time" in veto for veto in people.log[-1].evidence.vetoes)
    people.consolidate(100.0)
    assert len(people.partition.members) == 2


def test_the_same_place_tells_two_of_a_kind_apart():
    unlike = LOOKS[0] + 0.75 * LOOKS[1]
    unlike /= np.linalg.norm(unlike)
    people = floor_gallery()
    people.observe([walk("x/1", straight(100), LOOKS[0]), walk("x/2", straight(350), LOOKS[0])])
    people.observe([walk("y/1", straight(352), unlike, noise=0.0)])
    homes = people.partition.identity_of
    assert homes["y/1"] == homes["x/2"] != homes["x/1"]
    people.consolidate(100.0)
    homes = people.partition.identity_of
    assert homes["y/1"] == homes["x/2"] != homes["x/1"]


def test_without_a_floor_nobody_meets():
    people = gallery()
    people.observe([walk("x/1", straight(100)), walk("y/1", straight(900))])
    index = people._index
    assert people.topology.meetings(0, index, people.evidence) == []
    assert by_floor([], index, 2).tolist() == [0.0, 0.0]
