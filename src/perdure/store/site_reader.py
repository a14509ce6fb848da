"""Questions to ``site.db``, asked from any thread while the site writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from sqlalchemy import ColumnElement, Engine, Select, String, and_, create_engine, func, or_, select

from perdure.store import rows
from perdure.store import site_schema as schema
from perdure.store.changes import from_json
from perdure.types import Change, Event, Exemplars, Forgotten, Tracklet, Undone

_AT_ONCE = 500
Cursor = tuple[float, str]
"""(time, id) of the last row of a page: the next page begins after it, whatever has come since."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as a list shows them."""

    id: str
    name: str
    first_seen: float
    last_seen: float
    confidence: float
    evidence: float
    sightings: int
    cameras: tuple[str, ...]
    picture: str
    enrolled: int = 0
    """Pictures that were given by hand."""
    watched: bool = False

    @property
    def was_seen(self) -> bool:
        """False for somebody enrolled whom no camera has seen; then there is no first and last time."""
        return self.sightings > 0


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; times are UTC seconds, and an event counts that overlaps them."""

    identity: str | None = None
    cameras: Sequence[str] = ()
    """Seen by any of these; none given: by any at all."""
    kind: str | None = None
    since: float | None = None
    until: float | None = None
    open: bool | None = None


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """Events of one place, kind and end."""

    place: str
    kind: str
    how: str
    """in, out; served, left; or ""."""
    is_open: bool
    count: int
    seconds: float
    """They lasted together, where they are over."""


class SiteReader:
    """Reads only; every question has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._engine: Engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """No more questions."""
        self._engine.dispose()

    def events(self, which: EventFilter, after: Cursor | None = None, limit: int = 50) -> list[Event]:
        """Events that stand, the newest first."""
        table = schema.events
        chosen = select(table.c.content).where(*self._conditions(which))
        if after is not None:
            chosen = chosen.where(_older(table.c.start, table.c.id, after))
        chosen = chosen.order_by(table.c.start.desc(), table.c.id.desc()).limit(limit)
        return [rows.event(row.content) for row in self._all(chosen)]

    def event(self, id: str) -> Event | None:
        """The last revision of one event, also of one that went into another."""
        found = self._all(select(schema.events.c.content).where(schema.events.c.id == id))
        return rows.event(found[0].content) if found else None

    def count_events(self, which: EventFilter) -> int:
        """How many there are."""
        return int(self._all(select(func.count()).select_from(schema.events).where(*self._conditions(which)))[0][0])

    def place_counts(self, since: float) -> list[PlaceCount]:
        """Crossings, stays and waits that ended since then (UTC seconds) or go on, by place and how they ended."""
        table = schema.events
        said = [func.json_extract(table.c.content, f"$.{key}", type_=String) for key in ("direction", "outcome")]
        how = said[0].concat(said[1])
        chosen = (
            select(
                table.c.place,
                table.c.kind,
                how.label("how"),
                table.c.end.is_(None).label("open"),
                func.count().label("count"),
                func.coalesce(func.sum(table.c.end - table.c.start), 0.0).label("seconds"),
            )
            .where(*self._at_places(since))
            .group_by(table.c.place, table.c.kind, "how", "open")
        )
        counted = self._all(chosen)
        return [PlaceCount(r.place, r.kind, r.how, bool(r.open), r.count, r.seconds) for r in counted]

    def place_visitors(self, since: float) -> dict[str, int]:
        """How many different people crossed or were at each place since then (UTC seconds)."""
        table = schema.events
        people = func.count(table.c.identity.distinct()).label("people")
        chosen = select(table.c.place, people).where(*self._at_places(since)).group_by(table.c.place)
        return {row.place: row.people for row in self._all(chosen)}

    def _at_places(self, since: float) -> list[ColumnElement[bool]]:
        table = schema.events
        return [*self._conditions(EventFilter(since=since)), table.c.kind.in_(("crossing", "stay", "wait"))]

    def told_after(self, seq: int, limit: int = 500) -> list[tuple[int, Event]]:
        """What was told after this number, in order, each with its own."""
        table = schema.told
        chosen = select(table.c.seq, table.c.content).where(table.c.seq > seq).order_by(table.c.seq).limit(limit)
        return [(row.seq, rows.event(row.content)) for row in self._all(chosen)]

    def last_told(self) -> int:
        """The number of what was told last; 0 before anything was."""
        return int(self._all(select(func.coalesce(func.max(schema.told.c.seq), 0)))[0][0])

    def people(
        self,
        after: Cursor | None = None,
        limit: int = 50,
        cameras: Sequence[str] = (),
        named: str | None = None,
        listed: Literal["enrolled", "watched"] | None = None,
    ) -> list[Person]:
        """The last seen first; ``named``: whose name or id has this in it; ``listed``: only those."""
        table = schema.people
        chosen = select(table)
        if listed is not None:
            chosen = chosen.where(table.c[listed] > 0)
        if cameras:
            chosen = chosen.where(_by_any(table.c.cameras, cameras))
        if named:
            chosen = chosen.where(
                or_(table.c.name.icontains(named, autoescape=True), table.c.id.icontains(named, autoescape=True))
            )
        if after is not None:
            chosen = chosen.where(_older(table.c.last_seen, table.c.id, after))
        chosen = chosen.order_by(table.c.last_seen.desc(), table.c.id.desc()).limit(limit)
        return [_person(row) for row in self._all(chosen)]

    def person(self, id: str) -> Person | None:
        """One of them."""
        found = self._all(select(schema.people).where(schema.people.c.id == id))
        return _person(found[0]) if found else None

    def count_people(self) -> int:
        """How many there are."""
        return int(self._all(select(func.count()).select_from(schema.people))[0][0])

    def passers(self, limit: int = 366) -> list[tuple[str, str, int]]:
        """(day, camera, stays) of strangers who were not kept, the newest days first."""
        table = schema.passers
        found = self._all(select(table).order_by(table.c.day.desc(), table.c.camera).limit(limit))
        return [(row.day, row.camera, row.stays) for row in found]

    def tracklets_of(self, identity: str, limit: int = 1000) -> list[Tracklet]:
        """The newest sightings of somebody, by start, newest first; with their exemplars."""
        table = schema.tracklets
        chosen = select(table).where(table.c.identity == identity).order_by(table.c.start.desc()).limit(limit)
        found = self._all(chosen)
        parts: dict[str, list[Exemplars]] = {}
        wanted = schema.exemplars.c.tracklet.in_([row.id for row in found])
        for row in self._all(select(schema.exemplars).where(wanted).order_by(*schema.exemplars.primary_key)):
            parts.setdefault(row.tracklet, []).append(rows.exemplars(row))
        return [rows.tracklet(row, tuple(parts.get(row.id, ()))) for row in found]

    def changes_about(self, names: Sequence[str]) -> list[tuple[str, Change]]:
        """(name, change) in order: what the log says of these tracklets, and where identities were merged away."""
        about, log = schema.mentions, schema.changes
        joined = select(about.c.name, log.c.kind, log.c.content).join(log, log.c.position == about.c.position)
        found = []
        for begin in range(0, len(names), _AT_ONCE):
            chosen = joined.where(about.c.name.in_(names[begin : begin + _AT_ONCE])).order_by(log.c.position)
            found += [(row.name, from_json(row.kind, row.content)) for row in self._all(chosen)]
        return found

    def log(self, before: int | None = None, limit: int = 50) -> list[tuple[int, Change, bool]]:
        """(position, change, whether it stands) of the gallery's log, the newest first."""
        table = schema.changes
        chosen = select(table).order_by(table.c.position.desc()).limit(limit)
        if before is not None:
            chosen = chosen.where(table.c.position < before)
        page = self._all(chosen)
        if not page:
            return []
        taken_back = self._taken_back(page[-1].position)
        return [(row.position, from_json(row.kind, row.content), row.position not in taken_back) for row in page]

    def _taken_back(self, since: int) -> set[int]:
        """Positions from ``since`` on that do not stand, as ``gallery.ledger.standing``: an undoing may be undone."""
        table = schema.changes
        undone = (table.c.kind == Undone.__name__, table.c.position > since)
        chosen = select(table).where(*undone).order_by(table.c.position.desc())
        gone: set[int] = set()
        for row in self._all(chosen):
            change = from_json(row.kind, row.content)
            if isinstance(change, Undone) and row.position not in gone and change.position < row.position:
                gone.add(change.position)
        forgotten = select(table.c.position).where(table.c.kind == Forgotten.__name__, table.c.position.in_(gone))
        return gone - {row.position for row in self._all(forgotten)}

    def identity_of(self, tracklet: str) -> str | None:
        """Whom a tracklet shows."""
        table = schema.tracklets
        found = self._all(select(table.c.identity).where(table.c.id == tracklet))
        return found[0].identity if found else None

    def elsewhere(self, tracklets: Sequence[str], cameras: Sequence[str]) -> list[str]:
        """Those of these tracklets that no such camera saw, or that are not known."""
        table, known = schema.tracklets, set[str]()
        for begin in range(0, len(tracklets), _AT_ONCE):
            some = table.c.id.in_(tracklets[begin : begin + _AT_ONCE])
            known |= {row.id for row in self._all(select(table.c.id).where(some, table.c.camera.in_(cameras)))}
        return [id for id in tracklets if id not in known]

    def _conditions(self, which: EventFilter) -> list[ColumnElement[bool]]:
        table = schema.events
        wanted: list[ColumnElement[bool]] = [table.c.superseded_by == ""]
        if which.identity is not None:
            wanted.append(table.c.identity == which.identity)
        if which.kind is not None:
            wanted.append(table.c.kind == which.kind)
        if which.cameras:
            wanted.append(_by_any(table.c.cameras, which.cameras))
        if which.until is not None:
            wanted.append(table.c.start <= which.until)
        if which.since is not None:
            wanted.append(or_(table.c.end.is_(None), table.c.end >= which.since))
            wanted.append(table.c.start >= self._earliest(which.since))
        if which.open is not None:
            wanted.append(table.c.end.is_(None) if which.open else table.c.end.is_not(None))
        return wanted

    def _earliest(self, since: float) -> float:
        """No visit that began before this can reach ``since``: what begins later is all that has to be read."""
        table = schema.meta
        longest = self._all(select(table.c.value).where(table.c.key == schema.LONGEST_VISIT_S))
        going_on = self._all(select(func.min(schema.events.c.start)).where(schema.events.c.end.is_(None)))[0][0]
        reach = since - (float(longest[0].value) if longest else 0.0)
        return reach if going_on is None else min(reach, float(going_on))

    def _all(self, chosen: Select[Any]) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(chosen))


def _by_any(column: ColumnElement[str], cameras: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(column.contains(f"|{camera}|", autoescape=True) for camera in cameras))


def _older(time: ColumnElement[float], id: ColumnElement[str], than: Cursor) -> ColumnElement[bool]:
    return or_(time < than[0], and_(time == than[0], id < than[1]))


def _person(row: Any) -> Person:
    cameras = tuple(camera for camera in row.cameras.split("|") if camera)
    return Person(
        row.id,
        row.name,
        row.first_seen,
        row.last_seen,
        row.confidence,
        row.evidence,
        row.sightings,
        cameras,
        row.picture,
        row.enrolled,
        bool(row.watched),
    )
