"""Who was before which camera when, as arrays, and the visits these make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perdure.types import Bools, Float64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """N stays of people before cameras, by person, then start. A stay is one tracklet."""

    person: Ints
    """(N,) place in ``people``."""
    camera: Ints
    """(N,) place in ``cameras``."""
    start: Float64s
    """(N,) s, UTC or since the recording's start."""
    end: Float64s
    """(N,) s."""
    row: Ints
    """(N,) where its path is found (``read.Source.paths``)."""
    people: tuple[str, ...]
    cameras: tuple[str, ...]

    @classmethod
    def of(
        cls,
        people: Sequence[str],
        cameras: Sequence[str],
        start: Sequence[float],
        end: Sequence[float],
        row: Sequence[int] = (),
    ) -> Stays:
        """From one name of a person and of a camera for each of N stays, in any order."""
        person, people_named = _coded(people)
        camera, cameras_named = _coded(cameras)
        starts, ends = np.asarray(start, np.float64), np.asarray(end, np.float64)
        rows = np.asarray(row, np.int64) if len(row) else np.arange(len(starts))
        order = np.lexsort((camera, ends, starts, person))
        return cls(person[order], camera[order], starts[order], ends[order], rows[order], people_named, cameras_named)

    def __len__(self) -> int:
        return len(self.person)

    def __getitem__(self, rows: Ints | Bools) -> Stays:
        """Some of them; increasing rows keep the order."""
        part = (self.person[rows], self.camera[rows], self.start[rows], self.end[rows], self.row[rows])
        return Stays(*part, self.people, self.cameras)


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """V visits: stays of one person without a gap longer than ``visit_gap_s`` (``perdure.events.visits``)."""

    person: Ints
    """(V,) place in ``Stays.people``."""
    start: Float64s
    end: Float64s
    of_stay: Ints
    """(N,) the visit of each stay; -1: of none, for it was too short to be one."""

    def __len__(self) -> int:
        return len(self.person)


def visits(stays: Stays, visit_gap_s: float, min_visit_s: float = 0.0) -> Visits:
    """The visits that stays make, in the order of the stays; ``perdure.events.visits.group`` on arrays."""
    if not len(stays):
        nothing = np.zeros(0)
        return Visits(np.zeros(0, np.int64), nothing, nothing, np.zeros(0, np.int64))
    begins = np.ones(len(stays), bool)
    begins[1:] = (stays.person[1:] != stays.person[:-1]) | (stays.start[1:] > latest_end(stays)[:-1] + visit_gap_s)
    number = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    start, end = stays.start[first], np.maximum.reduceat(stays.end, first)
    long_enough = end - start >= min_visit_s
    place = np.where(long_enough, np.cumsum(long_enough) - 1, -1)
    return Visits(stays.person[first][long_enough], start[long_enough], end[long_enough], place[number])


def latest_end(stays: Stays) -> Float64s:
    """(N,) until when the person of each stay has been seen, this stay included."""
    # One running maximum for all: people are lifted apart by more than all of time, and set down again.
    lift = stays.person * (float(stays.end.max()) - float(stays.start.min()) + 1.0)
    return np.asarray(np.maximum.accumulate(stays.end + lift) - lift)


def _coded(names: Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    """(N,) code of each name, and the names by code, sorted."""
    known = sorted(set(names))
    code = {name: place for place, name in enumerate(known)}
    return np.fromiter((code[name] for name in names), np.int64, len(names)), tuple(known)
