"""Visits are told, joined or missed; events are counted once each."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perdure.evaluate.visits import Told, VisitScores, events_of, group_visits, identity_number, visit_scores


def scored(visit: list[int], person: list[int], event: list[int], events: int) -> VisitScores:
    """Scores where every true box is matched to a box of the event given, or to none (-1)."""
    told = np.array(event)
    rows = np.flatnonzero(told >= 0)
    return visit_scores(np.array(visit), np.array(person), rows, told[rows], events)


def test_boxes_are_grouped_by_id_and_gap_in_any_order() -> None:
    ids, times = np.array([1, 2, 1, 1, 2]), np.array([300.0, 5.0, 0.0, 100.0, 6.0])
    visit = group_visits(ids, times, 120.0)
    assert visit[2] == visit[3] != visit[0]
    assert visit[1] == visit[4]
    assert len(set(visit.tolist())) == 3
    assert len(set(group_visits(ids, times, 200.0).tolist())) == 2


def test_one_event_per_visit_is_ideal() -> None:
    scores = scored([0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], 2)
    assert (scores.told, scores.joined, scores.missed, scores.false_events) == (2, 0, 0, 0)
    assert scores.events_per_visit == 1.0


def test_a_visit_told_twice_and_a_false_event() -> None:
    scores = scored([0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], 3)
    assert (scores.told, scores.false_events, scores.events_per_visit) == (1, 1, 2.0)


def test_two_visits_in_one_event_are_joined() -> None:
    same = scored([0, 0, 0, 1, 1], [7, 7, 7, 7, 7], [0] * 5, 1)
    assert (same.told, same.joined, same.joined_people, same.missed) == (1, 1, 0, 0)
    other = scored([0, 0, 0, 1, 1], [7, 7, 7, 8, 8], [0] * 5, 1)
    assert (other.told, other.joined, other.joined_people, other.missed) == (1, 1, 1, 0)


def test_a_few_stray_boxes_hold_no_visit() -> None:
    visit = [0] * 20 + [1] * 20
    scores = scored(visit, visit, [0] * 20 + [0] + [-1] * 19, 1)
    assert (scores.told, scores.joined, scores.missed) == (1, 0, 1)


def test_nothing_is_defined() -> None:
    none = np.zeros(0, np.int64)
    assert visit_scores(none, none, none, none, 0).figures()["events_per_visit"] == 0.0
    assert visit_scores(none, none, none, none, 3).false_events == 3
    assert visit_scores(np.zeros(2, np.int64), np.zeros(2, np.int64), none, none, 0).missed == 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 4)), min_size=1, max_size=40))
def test_every_visit_is_one_of_three(rows: list[tuple[int, int]]) -> None:
    visit = np.unique([v for v, _ in rows], return_inverse=True)[1].tolist()
    scores = scored(visit, [v // 2 for v in visit], [e for _, e in rows], 5)
    assert scores.told + scores.joined + scores.missed == scores.visits
    assert 0 <= scores.joined_people <= scores.joined
    assert scores.events - scores.false_events >= scores.told


def test_a_box_belongs_to_the_nearest_event_of_its_identity() -> None:
    ids, times = np.array([12, 12, 12, 3, 9]), np.array([5.0, 29.0, 900.0, 5.0, 5.0])
    events = (Told(12, 0.0, 10.0), Told(12, 30.0, math.inf), Told(3, 100.0, 200.0))
    assert events_of(ids, times, events).tolist() == [0, 1, 1, 2, -1]


def test_identities_are_numbers_in_box_files() -> None:
    assert (identity_number("P12"), identity_number("person-007"), identity_number("Ann")) == (12, 7, -1)
