"""Everybody who is stored, ready to be searched by appearance: of a site's database or of a run's.

The gallery compares with few: who was seen once and did not come back is soon no candidate any more. A question is
about everybody, so the search has a table of its own, one vector per stored tracklet, filled when somebody first
searches and brought up to date before every search.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Engine, Executable, create_engine, func, literal_column, select, text

from perdure.errors import InputError
from perdure.gallery import alike
from perdure.gallery.alike import Alike, Asked
from perdure.gallery.calibrate import Calibration
from perdure.gallery.exemplars import means
from perdure.gallery.index import Index
from perdure.gallery.scoring import CentredLinkage
from perdure.models.integer_dots import integer_dots
from perdure.store import rows, schema, touched
from perdure.types import Event, Float32s, Sighting

UNCALIBRATED = Calibration(slope=1.0, offset=0.0, impostor_mean=0.0, impostor_std=1.0)
"""For a model whose card says nothing of its similarities: the order is right, a probability there is none."""
_CHUNK = 2000
_ROW: ColumnElement[int] = literal_column("tracklets.rowid")


@dataclass(frozen=True, slots=True)
class Within:
    """Which sightings count. Times are s, as in the database; none given: all."""

    cameras: Collection[str] = ()
    since: float | None = None
    until: float | None = None

    def holds(self, sighting: Sighting) -> bool:
        """Whether a sighting is by one of the cameras and touches the time."""
        return (
            (not self.cameras or sighting.camera in self.cameras)
            and (self.since is None or sighting.end >= self.since)
            and (self.until is None or sighting.start <= self.until)
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody who may be the one who is looked for, and where they were."""

    identity: str
    probability: float | None
    """None where the model's card is not calibrated."""
    similarity: float
    nearest: str
    """The tracklet most like it."""
    journeys: tuple[Event, ...]
    """Visits with a sighting that counts, the newest first; each with all its sightings in order."""


def models_in(path: Path) -> list[str]:
    """Whose body vectors a database holds, the most first."""
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    e = schema.exemplars
    counted = select(e.c.model, func.count()).where(e.c.part == "body").group_by(e.c.model)
    with engine.connect() as connection:
        found = connection.execute(counted.order_by(func.count().desc(), e.c.model)).all()
    engine.dispose()
    return [row[0] for row in found]


@dataclass(slots=True)
class SearchIndex:
    """Searches one database. From any thread; one search at a time."""

    path: Path
    model: str
    dim: int
    calibration: Calibration | None
    return_rate: float
    _engine: Engine = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _index: Index = field(init=False)
    _scorer: CentredLinkage = field(init=False)
    _names: list[str] = field(default_factory=list)
    _codes: dict[str, int] = field(default_factory=dict)
    _cameras: dict[str, int] = field(default_factory=dict)
    _last_row: int = 0
    _versions: dict[int, int] = field(default_factory=dict)
    """How often each day had been changed."""

    def __post_init__(self) -> None:
        self._engine = create_engine(f"sqlite:///file:{self.path}?mode=ro&uri=true")
        self._index = Index(self.dim, integer_dots())
        self._scorer = CentredLinkage(self.calibration or UNCALIBRATED)

    def close(self) -> None:
        """No more questions."""
        self._engine.dispose()

    def by_pictures(self, vectors: Float32s, quality: Float32s, within: Within, count: int) -> list[Found]:
        """People most probably on (B, D) pictures of one person, with (B,) qualities; the most probable first."""
        return self._search(lambda: alike.of_pictures(vectors, quality, self._scorer, self._index), within, count)

    def by_person(self, identity: str, within: Within, count: int) -> list[Found]:
        """The person with certainty, and others who may be the same, the most probable first.

        Raises:
            InputError: nothing is stored of this person.
        """

        def asked() -> Asked:
            own = np.flatnonzero(self._index.owners == self._codes.get(identity, -2))
            if not len(own):
                raise InputError(f"nothing is stored of {identity}")
            return alike.of_tracklets(own, self._scorer, self._index)

        others = self._search(asked, within, count)
        own = self.journeys([identity], within).get(identity, ())
        return [Found(identity, 1.0, 1.0, "", own), *others] if own else others

    def drop(self, tracklets: Sequence[str]) -> None:
        """These are erased: overwrite what is held of them."""
        with self._lock:
            for id in tracklets:
                if id in self._index:
                    self._index.remove(id)

    @property
    def bytes_held(self) -> int:
        """Memory of the table."""
        return self._index.bytes_held

    def __len__(self) -> int:
        return len(self._index)

    def journeys(self, identities: Sequence[str], within: Within) -> dict[str, tuple[Event, ...]]:
        """The visits of people that have a sighting that counts, the newest first."""
        chosen = select(schema.events.c.content).where(schema.events.c.identity.in_(list(identities)))
        found: dict[str, list[Event]] = {}
        for row in self._all(chosen.order_by(schema.events.c.start.desc())):
            event = rows.event(row.content)
            if event.kind == "visit" and not event.superseded_by and any(map(within.holds, event.sightings)):
                found.setdefault(event.identity, []).append(event)
        return {identity: tuple(events) for identity, events in found.items()}

    # --- the table ------------------------------------------------------------------------------------------------

    def _search(self, ask: Callable[[], Asked], within: Within, count: int) -> list[Found]:
        with self._lock:
            self._catch_up()
            if not len(self._index):
                return []
            found = alike.alike(ask(), self._scorer, self._index, count, self.return_rate, self._mask(within))
            names = [self._names[one.owner] for one in found]
        journeys = self.journeys(names, within)
        return [
            self._found(one, name, journeys[name]) for one, name in zip(found, names, strict=True) if name in journeys
        ]

    def _found(self, one: Alike, name: str, journeys: tuple[Event, ...]) -> Found:
        sure = one.probability if self.calibration is not None else None
        return Found(name, sure, one.similarity, one.nearest, journeys)

    def _mask(self, within: Within) -> Any:
        """(N,) which tracklets count; None: all."""
        if not within.cameras and within.since is None and within.until is None:
            return None
        keep = np.ones(len(self._index), bool)
        if within.cameras:
            codes = [self._cameras[name] for name in within.cameras if name in self._cameras]
            keep &= np.isin(self._index.cameras, codes)
        if within.since is not None:
            keep &= self._index.ends >= within.since
        if within.until is not None:
            keep &= self._index.starts <= within.until
        return keep

    def _catch_up(self) -> None:
        """Take what was written since the last search: new evidence, and on the days that were changed who is who."""
        newest = int(self._all(select(func.coalesce(func.max(_ROW), 0)).select_from(schema.tracklets))[0][0])
        with self._engine.connect() as connection:
            versions = touched.versions(connection.exec_driver_sql)
        taken = self._take(self._last_row, newest) if newest > self._last_row else []
        self._last_row = newest
        if versions is None:  # of a run, which is not written to
            if taken:
                self._regroup("1", {}, list(self._index.ids))
        else:
            seen, self._versions = self._versions, versions
            for day in versions.keys() - {touched.TOLD, touched.PLACES}:
                if versions[day] != seen.get(day):
                    rows_of_day = np.flatnonzero(np.trunc(self._index.starts / touched.DAY_S) == day)
                    held = [self._index.ids[row] for row in rows_of_day]
                    self._regroup(touched.OF_DAY, touched.bounds(day), held)
        if placed := [self._index.row(id) for id in taken if id in self._index]:
            self._scorer.refresh(self._index, np.array(placed))

    def _take(self, after: int, until: int) -> list[str]:
        """Tracklets of these rows, which have vectors of the model: a revised one has a new row."""
        t, e = schema.tracklets, schema.exemplars
        joined = select(t.c.id, t.c.camera, t.c.start, t.c.end, e.c.vectors, e.c.quality)
        wanted = joined.join(e, e.c.tracklet == t.c.id).where(e.c.model == self.model, e.c.part == "body")
        taken: list[str] = []
        for begin in range(after, until, _CHUNK):
            found = self._all(wanted.where(begin < _ROW, min(begin + _CHUNK, until) >= _ROW))
            if fit := [row for row in found if row.quality and len(row.vectors) == self.dim * len(row.quality)]:
                self._put(fit)
                taken += [row.id for row in fit]
        return taken

    def _put(self, found: Sequence[Any]) -> None:
        """These rows, all at once."""
        vectors = rows.array(b"".join(row.vectors for row in found), np.float32).reshape(-1, self.dim)
        quality = rows.array(b"".join(row.quality for row in found), np.float32)
        sizes = np.array([len(row.quality) // quality.itemsize for row in found])
        looks, worth = means(vectors, quality, np.cumsum(sizes) - sizes)
        cameras = [self._cameras.setdefault(row.camera, len(self._cameras)) for row in found]
        spans = np.array([[row.start for row in found], [row.end for row in found]])
        self._index.put_all([row.id for row in found], looks, spans, np.array(cameras), worth)

    def _regroup(self, which: str, given: Mapping[str, float], held: Sequence[str]) -> None:
        """Who is who now among some tracklets, and who of those that are held is erased."""
        chosen = text(f"SELECT id, identity FROM tracklets WHERE {which}").bindparams(**given)
        homes = {row[0]: row[1] for row in self._all(chosen)}
        for id in held:
            if id not in homes:
                self._index.remove(id)
        there = [id for id in held if id in homes]
        if there:
            self._index.owners[[self._index.row(id) for id in there]] = [self._code(homes[id]) for id in there]

    def _code(self, identity: str | None) -> int:
        if identity is None:
            return -1
        if identity not in self._codes:
            self._codes[identity] = len(self._names)
            self._names.append(identity)
        return self._codes[identity]

    def _all(self, chosen: Executable) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(chosen).all()
