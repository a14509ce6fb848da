"""Doors are learned from who never comes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.track.zones import AT_BORDER, INSIDE, SURE, Zones

from .conftest import SIZE, box_at, play

DOOR, PILLAR = box_at(200)[None], box_at(450)[None]


def test_before_anything_is_seen_the_border_is_the_exit() -> None:
    zones = Zones()
    assert zones.leaving(DOOR, SIZE).tolist() == [INSIDE]
    assert zones.leaving(box_at(20)[None], SIZE).tolist() == [AT_BORDER]


def test_a_door_and_a_pillar_are_told_apart() -> None:
    zones = Zones()
    for _ in range(8):
        zones.gone(DOOR, SIZE)
        zones.back(PILLAR, PILLAR + 30.0, SIZE)
    assert zones.leaving(DOOR, SIZE)[0] >= SURE
    assert zones.leaving(PILLAR, SIZE)[0] < 0.1
    assert zones.entering(PILLAR + 30.0, SIZE)[0] < 0.1


def test_people_come_in_where_nobody_was_lost() -> None:
    zones = Zones()
    for _ in range(8):
        zones.came(DOOR, SIZE)
    assert zones.entering(DOOR, SIZE)[0] >= SURE
    assert zones.leaving(DOOR, SIZE)[0] == INSIDE


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.floats(-900, 900), st.floats(-900, 900)), max_size=30))
def test_shares_are_probabilities_anywhere(happened: list[tuple[int, float, float]]) -> None:
    zones = Zones()
    for kind, x, y in happened:
        box = box_at(x, y)[None]
        if kind == 0:
            zones.gone(box, SIZE)
        elif kind == 1:
            zones.came(box, SIZE)
        else:
            zones.back(box, box, SIZE)
        for share in (zones.leaving(box, SIZE), zones.entering(box, SIZE)):
            assert 0 < share[0] < 1


Frames = list[tuple[float, dict[int, np.ndarray]]]


def visits_to_a_door(people: int) -> Frames:
    """One after the other walks from the left border to a door in the middle and is gone."""
    frames: Frames = []
    for person in range(people):
        start = len(frames)
        frames += [((start + f) / 10, {person: box_at(20 + 8 * f)}) for f in range(40)]
        frames += [((start + 40 + f) / 10, {}) for f in range(35)]
    return frames


def test_a_tracker_learns_the_door() -> None:
    told = sorted(play(visits_to_a_door(9), looks=False).last().values(), key=lambda t: t.start)
    assert [t.ended for t in told[:3]] == ["lost"] * 3
    assert [t.ended for t in told[-2:]] == ["left"] * 2
    assert {t.began for t in told} == {"entered"}


@pytest.mark.parametrize(("before", "one"), [(0, True), (9, False)])
def test_nobody_is_carried_through_a_learned_exit(before: int, one: bool) -> None:
    """Who steps out of a door a second later is somebody else: known only once the door is."""
    frames = visits_to_a_door(before)
    start = len(frames)
    frames += [((start + f) / 10, {100: box_at(20 + 8 * f)}) for f in range(40)]
    frames += [((start + 40 + f) / 10, {}) for f in range(9)]
    frames += [((start + 49 + f) / 10, {101: box_at(334 - 8 * f)}) for f in range(30)]
    numbers = play(frames, looks=False).numbers
    assert bool(set(numbers[100]) & set(numbers[101])) == one
