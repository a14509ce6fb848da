from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from perdure.events.flow import Passage, Presence, flows, of_sightings, passages
from perdure.types import Sighting


def test_from_place_to_place_in_order():
    visit = [Presence("yard", 30, 40), Presence("door", 0, 10), Presence("hall", 8, 20)]
    assert passages(visit) == [Passage("door", "hall", 10, 8), Passage("hall", "yard", 20, 30)]


def test_two_stays_at_one_place_are_no_passage_and_nor_are_two_visits():
    stays = [Presence("door", 0, 10), Presence("door", 12, 20), Presence("hall", 25, 30)]
    assert passages(stays) == [Passage("door", "hall", 20, 25)]
    assert flows({"P1": [stays[:1], stays[2:]], "P2": [stays]}) == {"P1": [], "P2": [Passage("door", "hall", 20, 25)]}


def test_sightings_are_presences():
    assert of_sightings([Sighting("door/1", "door", 1, 2)]) == [Presence("door", 1, 2)]


presences = st.builds(
    lambda place, start, lasted: Presence(place, start, start + lasted),
    st.sampled_from("abc"),
    st.floats(0, 100),
    st.floats(0, 20),
)


@given(st.lists(presences, max_size=10))
def test_a_passage_goes_on_where_the_one_before_ended(visit):
    found = passages(visit)
    for before, after in itertools.pairwise(found):
        assert before.target == after.source
        assert before.arrived_at <= after.arrived_at
    assert all(p.source != p.target for p in found)
