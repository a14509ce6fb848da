"""Stays as columns in memory, a day at a time: read once, and again only where somebody changed something.

A month of a busy site is a quarter of a million rows, which take half a second to fetch; figures ask for most of them
again and again. The database says which days were changed since (``store.touched``), so what is kept is
what a fresh look would give, whoever wrote: a merge, an erasure, another process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from perdure.analytics.stays import Stays
from perdure.store import touched
from perdure.types import Bools, Float64s, Ints

MOST_STAYS: Final = 2_000_000
"""Kept at most, some 40 bytes each; then the days that were not asked for the longest go."""
_NOT_COUNTED: Final = -1
"""The version of what nobody counts changes of: it is read again each time."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The stays that begin in a span, by person, start, end and camera."""

    version: int
    person: Ints
    camera: Ints
    start: Float64s
    end: Float64s
    row: Ints

    def some(self, keep: Bools) -> _Part:
        """Some of them, in order."""
        columns = self.person[keep], self.camera[keep], self.start[keep], self.end[keep], self.row[keep]
        return _Part(self.version, *columns)


@dataclass(slots=True)
class Columns:
    """What was read of one database. From one thread at a time."""

    told_of: str
    """Asks for everybody of whom a visit was told."""
    _parts: dict[int, _Part] = field(default_factory=dict)
    """By day, the one asked for last at the end."""
    _people: list[str] = field(default_factory=list)
    _person: dict[str, int] = field(default_factory=dict)
    _cameras: list[str] = field(default_factory=list)
    _camera: dict[str, int] = field(default_factory=dict)
    _told: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))
    """(P,) of whom a visit was told."""
    _told_names: frozenset[str] = frozenset()
    _told_version: int = _NOT_COUNTED

    def stays(self, cursor: sqlite3.Cursor, first: float, since: float, until: float, cameras: Sequence[str]) -> Stays:
        """Those of everybody who was told of that begin from ``first`` to before ``until`` and end after ``since``."""
        versions = touched.versions(cursor.execute)
        if versions is None:
            parts = [self._read(cursor, "start >= :first AND start < :until", {"first": first, "until": until})]
        else:
            days = sorted(day for day in versions if first // touched.DAY_S <= day <= until // touched.DAY_S)
            parts = [self._day(cursor, day, versions[day]) for day in days]
        self._hear(cursor, (versions or {}).get(touched.TOLD, _NOT_COUNTED))
        kept = [part.some(self._wanted(part, first, since, until, cameras)) for part in parts]
        return self._joined(kept)

    def _joined(self, parts: Sequence[_Part]) -> Stays:
        """Parts that follow each other in time."""
        person, camera, row = (
            np.concatenate([np.zeros(0, np.int64), *of])
            for of in ([p.person for p in parts], [p.camera for p in parts], [p.row for p in parts])
        )
        start, end = (np.concatenate([np.zeros(0), *of]) for of in ([p.start for p in parts], [p.end for p in parts]))
        order = np.argsort(person, kind="stable")
        names = sorted(self._cameras[code] for code in np.flatnonzero(np.bincount(camera)).tolist())
        place = np.zeros(len(self._cameras), np.int64)
        place[[self._camera[name] for name in names]] = np.arange(len(names))
        columns = person[order], place[camera[order]], start[order], end[order], row[order]
        return Stays(*columns, tuple(self._people), tuple(names))

    def _wanted(self, part: _Part, first: float, since: float, until: float, cameras: Sequence[str]) -> Bools:
        keep = self._told[part.person] & (part.start >= first) & (part.start < until) & (part.end >= since)
        if cameras:
            keep &= np.isin(part.camera, [self._camera[name] for name in cameras if name in self._camera])
        return np.asarray(keep)

    def _day(self, cursor: sqlite3.Cursor, day: int, version: int) -> _Part:
        part = self._parts.pop(day, None)
        if part is None or part.version != version:
            part = self._read(cursor, touched.OF_DAY, touched.bounds(day), version)
        self._parts[day] = part
        kept = sum(len(other.row) for other in self._parts.values())
        while kept > MOST_STAYS and len(self._parts) > 1:
            oldest = next(iter(self._parts))
            kept -= len(self._parts.pop(oldest).row)
        return part

    def _read(
        self, cursor: sqlite3.Cursor, which: str, given: Mapping[str, float], version: int = _NOT_COUNTED
    ) -> _Part:
        """From the index by start, which holds all of it."""
        columns = 'identity, camera, start, "end", rowid'
        asked = f"SELECT {columns} FROM tracklets WHERE {which} AND +identity IS NOT NULL"
        found = cursor.execute(asked, dict(given)).fetchall()
        people, cameras, starts, ends, rows = zip(*found, strict=True) if found else ((), (), (), (), ())
        person, camera = _coded(people, self._people, self._person), _coded(cameras, self._cameras, self._camera)
        start, end, row = np.array(starts, np.float64), np.array(ends, np.float64), np.array(rows, np.int64)
        order = np.lexsort((camera, end, start, person))
        return _Part(version, person[order], camera[order], start[order], end[order], row[order])

    def _hear(self, cursor: sqlite3.Cursor, version: int) -> None:
        """Of whom a visit was told: not of those who were only glimpsed."""
        if version == _NOT_COUNTED or version != self._told_version:
            self._told_names = frozenset(row[0] for row in cursor.execute(self.told_of))
            self._told, self._told_version = np.zeros(0, np.bool_), version
        if len(self._told) < len(self._people):
            more = [name in self._told_names for name in self._people[len(self._told) :]]
            self._told = np.concatenate([self._told, np.array(more, np.bool_)])


def _coded(names: Sequence[str], known: list[str], code: dict[str, int]) -> Ints:
    """(N,) code of each name; new ones get the next."""
    for name in dict.fromkeys(names):
        if name not in code:
            code[name] = len(known)
            known.append(name)
    return np.fromiter((code[name] for name in names), np.int64, len(names))
