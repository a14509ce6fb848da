"""Visits of people against events of a result: told once, told twice, missed, or joined with another visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perdure.types import Float64s, Ints

HELD = 0.1
"""An event holds a visit if it has at least this share of the visit's true boxes."""


@dataclass(frozen=True, slots=True)
class VisitScores:
    """Every true visit is told, joined or missed."""

    visits: int
    """A visit: one person's true boxes in all cameras with no gap of more than ``visit_gap_s``."""
    told: int
    """Visits that are the main visit (most matched boxes) of at least one event."""
    joined: int
    """Visits that only an event held whose main visit is another one: separate visits wrongly joined."""
    joined_people: int
    """Those of the joined that were swallowed by another person's event."""
    missed: int
    """The rest: no event is about them or holds them."""
    events: int
    false_events: int
    """Events without a single box that shows a person of the truth."""

    @property
    def events_per_visit(self) -> float:
        """Events that show people, per told visit: 1 is ideal, more are notifications in vain; 0 if nothing is told."""
        return (self.events - self.false_events) / self.told if self.told else 0.0

    def figures(self) -> dict[str, float]:
        """All of them by name."""
        return {
            "visits": self.visits,
            "visits_told": self.told,
            "visits_joined": self.joined,
            "visits_joined_with_others": self.joined_people,
            "visits_missed": self.missed,
            "events": self.events,
            "false_events": self.false_events,
            "events_per_visit": self.events_per_visit,
        }


def group_visits(ids: Ints, times_s: Float64s, visit_gap_s: float) -> Ints:
    """(N,) which visit, from 0, each box belongs to: same id, and no gap above ``visit_gap_s``."""
    order = np.lexsort((times_s, ids))
    begins = (np.diff(ids[order]) != 0) | (np.diff(times_s[order]) > visit_gap_s)
    visit = np.empty(len(ids), np.int64)
    visit[order] = np.cumsum(np.append(False, begins)[: len(ids)])
    return visit


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a result."""

    identity: int
    """As in the id column of its boxes."""
    start_s: float
    end_s: float
    """Infinite while open."""


def identity_number(identity: str) -> int:
    """The id that stands for an identity in box files: its digits (P12 is 12), -1 if there are none."""
    digits = "".join(c for c in identity if c.isdigit())
    return int(digits) if digits else -1


def events_of(ids: Ints, times_s: Float64s, events: Sequence[Told]) -> Ints:
    """(M,) the event of each box: of its identity, the one nearest in time; -1 if its identity has none."""
    event = np.full(len(ids), -1)
    distance = np.full(len(ids), np.inf)
    rows_of = {int(i): np.flatnonzero(ids == i) for i in np.unique(ids)}
    for number, told in enumerate(events):
        rows = rows_of.get(told.identity, np.zeros(0, np.int64))
        away = np.maximum(0.0, np.maximum(told.start_s - times_s[rows], times_s[rows] - told.end_s))
        nearer = away < distance[rows]
        event[rows[nearer]] = number
        distance[rows[nearer]] = away[nearer]
    return event


def visit_scores(visit: Ints, person: Ints, matched_truth: Ints, matched_event: Ints, events: int) -> VisitScores:
    """How the events tell of the visits.

    Args:
        visit: (N,) of each true box, from 0.
        person: (N,) of each true box.
        matched_truth: (K,) rows of the true boxes that a box of an event is matched to.
        matched_event: (K,) that event, in [0, events).
        events: how many there are.
    """
    visits = int(visit.max(initial=-1)) + 1
    person_of = np.zeros(visits, np.int64)
    person_of[visit] = person
    size = np.bincount(visit, minlength=visits)
    cells, count = np.unique(visit[matched_truth] * max(1, events) + matched_event, return_counts=True)
    cell_visit, cell_event = cells // max(1, events), cells % max(1, events)

    by_count = np.lexsort((-cell_visit, count))
    main = np.full(events, -1)
    main[cell_event[by_count]] = cell_visit[by_count]
    told = np.zeros(visits, np.bool_)
    told[main[main >= 0]] = True

    held = (count >= HELD * size[cell_visit]) & ~told[cell_visit]
    joined = np.unique(cell_visit[held])
    own = held & (person_of[main[cell_event]] == person_of[cell_visit])
    return VisitScores(
        visits=visits,
        told=int(told.sum()),
        joined=len(joined),
        joined_people=len(np.setdiff1d(joined, cell_visit[own])),
        missed=visits - int(told.sum()) - len(joined),
        events=events,
        false_events=int((main < 0).sum()),
    )
