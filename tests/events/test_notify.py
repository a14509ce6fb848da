from __future__ import annotations

from dataclasses import replace

import pytest

from perdure.events.notify import Guest, Rule, due_at, is_active, is_quiet, wanted
from perdure.types import Event, Sighting

NOON = 12 * 3600.0
VISIT = Event("visit/door/1", "visit", "P1", 100.0, None, (Sighting("door/1", "door", 100.0, 110.0),))
CLOSED = replace(VISIT, end=200.0, revision=3)
STRANGER, ANN, REGULAR = Guest("", 100.0, 100.0), Guest("Ann", 100.0, 100.0), Guest("", 5.0, 100.0)


def tell(event=VISIT, guest=STRANGER, told=(), local_s=NOON, **rule):
    return wanted(event, guest, Rule(**rule), told, local_s)


def test_a_visit_is_told_once_however_often_it_is_revised():
    assert tell() == "opened"
    assert tell(replace(VISIT, revision=7), told=("opened",)) is None
    assert tell(CLOSED, told=("opened",)) is None


def test_the_end_is_told_where_somebody_wants_it():
    both = ("opened", "closed")
    assert tell(on=both) == "opened"
    assert tell(CLOSED, on=both, told=("opened",)) == "closed"
    assert tell(CLOSED, on=both, told=both) is None
    assert tell(on=("closed",)) is None
    assert tell(CLOSED, on=("closed",)) == "closed"


def test_a_visit_that_was_over_at_once_is_still_told():
    assert tell(CLOSED) == "opened"
    assert due_at(VISIT, Rule(after_s=5.0)) == 105.0
    assert due_at(CLOSED, Rule()) == 200.0


def test_one_that_went_into_another_is_not():
    assert tell(replace(VISIT, superseded_by="visit/yard/1")) is None


def test_only_the_cameras_and_people_that_are_wanted():
    assert tell(cameras=("door", "gate")) == "opened"
    assert tell(cameras=("gate",)) is None
    assert [bool(tell(guest=g, only="strangers")) for g in (STRANGER, ANN)] == [True, False]
    assert [bool(tell(guest=g, only="known")) for g in (STRANGER, ANN)] == [False, True]
    assert [bool(tell(guest=g, only="returning")) for g in (STRANGER, REGULAR)] == [False, True]


@pytest.mark.parametrize(
    ("hour", "quiet"), [(21.9, False), (22, True), (23.9, True), (0, True), (5.9, True), (6, False)]
)
def test_quiet_hours_reach_over_midnight(hour, quiet):
    assert is_quiet(hour * 3600, Rule(quiet=((22 * 3600, 6 * 3600),))) == quiet
    assert (tell(local_s=hour * 3600, quiet=((22 * 3600, 6 * 3600),)) is None) == quiet


CROSSING = replace(
    VISIT, id="crossing/door/sill/door/1/1", kind="crossing", end=100.0, place="door/sill", direction="in"
)
CROWD = Event("occupancy/door/1/1", "occupancy", "", 100.0, None, (), place="door/till", people=4)


def test_each_rule_is_about_the_kinds_and_places_it_names():
    assert tell(CROSSING) is None
    assert tell(CROSSING, kinds=("crossing",)) == "opened"
    assert tell(CROSSING, kinds=("crossing",), places=("door/sill",)) == "opened"
    assert tell(CROSSING, kinds=("crossing",), places=("door",)) == "opened"
    assert tell(CROSSING, kinds=("crossing",), places=("door/other", "yard")) is None
    assert tell(CROSSING, kinds=("crossing",), direction="out") is None
    assert tell(CROSSING, kinds=("crossing",), on=("opened", "closed"), told=("closed",)) is None


def test_too_many_people_are_nobody_in_particular():
    assert tell(CROWD, kinds=("occupancy",)) == "opened"
    assert tell(CROWD, kinds=("occupancy",), only="strangers") is None
    assert tell(CROWD, kinds=("occupancy",), names=("Ann",)) is None


def test_people_by_name_new_ones_and_those_on_the_watch_list():
    watched = Guest("Ann", 5.0, 100.0, is_watched=True)
    assert [bool(tell(guest=g, names=("Ann",))) for g in (STRANGER, ANN)] == [False, True]
    assert [bool(tell(guest=g, only="new")) for g in (STRANGER, ANN, REGULAR)] == [True, True, False]
    assert [bool(tell(guest=g, only="watched")) for g in (ANN, watched)] == [False, True]


@pytest.mark.parametrize(
    ("hour", "weekday", "counts"),
    [(17, 4, False), (23, 4, True), (3, 5, True), (3, 4, False), (23, 5, False), (7, 5, False)],
)
def test_a_night_belongs_to_the_day_on_which_it_began(hour, weekday, counts):
    friday_night = Rule(active=((18 * 3600, 6 * 3600),), days=(4,))
    assert is_active(hour * 3600, weekday, friday_night) == counts


def test_days_without_times_are_whole_days():
    assert [is_active(NOON, day, Rule(days=(5, 6))) for day in (4, 5, 6)] == [False, True, True]
