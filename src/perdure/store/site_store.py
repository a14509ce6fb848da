"""``site.db``: what a live site keeps for good, written by its only writer, a step of the pipeline at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Table, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from perdure.errors import StoreError
from perdure.store import last_good, rows, touched
from perdure.store import site_schema as schema
from perdure.store.changes import from_json
from perdure.store.sqlite import cause, close, open_wal
from perdure.types import Change, Enrolled, Event, Exemplars, Identity, Matched, Merged, Moved, Split, Tracklet

FORMAT = "1"


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the pipeline changed; it is kept whole or not at all."""

    tracklets: Sequence[Tracklet] = ()
    first_change: int = 0
    """Position of the first of ``changes`` in the log."""
    changes: Sequence[Change] = ()
    identity_of: Mapping[str, str] | None = None
    """Of the tracklets whose identity may have changed."""
    people: Sequence[Identity] = ()
    """As they are now; ``is_gone`` ones go."""
    events: Sequence[Event] = ()
    passers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """More stays of strangers who are not kept, by day (YYYY-MM-DD) and camera."""

    @property
    def says_anything(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.tracklets or self.changes or self.people or self.events or self.passers)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a site knew when it was last heard of."""

    tracklets: list[Tracklet]
    """By start."""
    changes: list[Change]
    events: list[Event]
    """The last revision of each, also of those that went into others, by start."""


class SiteStore:
    """One site's database (SQLite, WAL). Steps are whole or absent, also after a kill at any moment."""

    def __init__(self, path: Path) -> None:
        """Open or create.

        Raises:
            StoreError: it cannot be written, is damaged, or is no database of ours.
        """
        self.path = path
        try:
            self._connection = open_wal(path, schema.metadata)
        except StoreError as error:
            found = error.__cause__
            if isinstance(found, SQLAlchemyError) and last_good.is_damage(found):
                raise last_good.DamagedError(last_good.damaged(path, cause(found))) from error
            raise
        try:
            last_good.check(self._connection, path)
        except StoreError:
            close(self._connection)
            raise
        if self.get("format", FORMAT) != FORMAT:
            raise StoreError(f"{path} was written by another version of perdure (format {self.get('format')})")
        self.put("format", FORMAT)
        for index in (schema.tracklets_by_start, schema.events_told):  # which older databases lack
            self._write(lambda index=index: index.create(self._connection, checkfirst=True))
        self._write(self._count_changes)

    def _count_changes(self) -> None:
        """Keep ``touched``, also of what was there before."""
        if self._connection.execute(select(schema.touched.c.day).limit(1)).first() is None:
            self._connection.exec_driver_sql(touched.FILL)
        for trigger in touched.TRIGGERS:
            self._connection.exec_driver_sql(trigger)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing can be kept any more."""
        close(self._connection)

    def get(self, key: str, default: str = "") -> str:
        """A fact about the site."""
        found = self._connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == key)).first()
        return str(found[0]) if found else default

    def put(self, key: str, value: str) -> None:
        """Keep a fact about the site."""
        self._write(lambda: self._replace(schema.meta, [{"key": key, "value": value}]))

    def load(self) -> Kept:
        """Everything, to begin again where it ended.

        Raises:
            StoreError: it is damaged.
        """
        try:
            return Kept(self._tracklets(), self._changes(), self._events())
        except SQLAlchemyError as error:
            raise last_good.DamagedError(last_good.damaged(self.path, cause(error))) from error

    def save(self, step: Step) -> None:
        """Keep a step.

        Raises:
            StoreError: it cannot be written, such as on a full disk; the database is as it was before.
        """
        self._write(lambda: self._save(step))

    def copy(self) -> None:
        """Replace the last good copy, which ``last_good`` offers when the database is found damaged.

        Raises:
            StoreError: the database is damaged, or the copy cannot be written; the old copy stays as it is.
        """
        self._connection.rollback()
        last_good.copy(self._connection, self.path)

    def erase(self, identity: str, tracklets: Sequence[str], log: Sequence[Change]) -> None:
        """Overwrite all that is kept of somebody; ``log`` is what the log says without them.

        What SQLite frees is zeroed, the write-ahead log emptied and the last good copy replaced, so that no file holds
        anything of it any more.

        Raises:
            StoreError: it cannot be written; then all is as it was before.
        """
        self._write(lambda: self._erase(identity, list(tracklets), log))
        try:
            self._connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        except SQLAlchemyError as error:
            raise StoreError(f"{self.path}: erased, but still in its write-ahead log: {cause(error)}") from error
        if last_good.copy_of(self.path).exists():
            self.copy()

    def _erase(self, identity: str, tracklets: list[str], log: Sequence[Change]) -> None:
        run = self._connection.execute
        run(delete(schema.exemplars).where(schema.exemplars.c.tracklet.in_(tracklets)))
        run(delete(schema.tracklets).where(schema.tracklets.c.id.in_(tracklets)))
        run(delete(schema.people).where(schema.people.c.id == identity))
        own = select(schema.events.c.id).where(schema.events.c.identity == identity)
        run(delete(schema.told).where(schema.told.c.event.in_(own)))
        run(delete(schema.events).where(schema.events.c.identity == identity))
        run(delete(schema.changes))
        run(delete(schema.mentions))
        self._replace(schema.changes, [rows.change_row(i, change) for i, change in enumerate(log)])
        self._replace(schema.mentions, _mentions(0, log))

    def drop_events(self, before: float) -> None:
        """Visits that ended before this time (UTC seconds) go."""
        self._write(lambda: self._connection.execute(delete(schema.events).where(schema.events.c.end < before)))

    def forget_told(self, keep: int) -> None:
        """Of what was told only the newest so many stay."""
        newest = select(func.max(schema.told.c.seq)).scalar_subquery()
        self._write(lambda: self._connection.execute(delete(schema.told).where(schema.told.c.seq <= newest - keep)))

    def _save(self, step: Step) -> None:
        identity_of = step.identity_of or {}
        ids = [tracklet.id for tracklet in step.tracklets]
        self._connection.execute(delete(schema.exemplars).where(schema.exemplars.c.tracklet.in_(ids)))
        told = [rows.tracklet_row(t, identity_of.get(t.id)) for t in step.tracklets]
        self._replace(schema.tracklets, told)
        parts = [rows.exemplars_row(t.id, i, e) for t in step.tracklets for i, e in enumerate(t.exemplars)]
        self._replace(schema.exemplars, parts)
        logged = [rows.change_row(step.first_change + i, change) for i, change in enumerate(step.changes)]
        self._replace(schema.changes, logged)
        self._replace(schema.mentions, _mentions(step.first_change, step.changes))
        table = schema.tracklets
        for id in identity_of.keys() - set(ids):
            self._connection.execute(update(table).where(table.c.id == id).values(identity=identity_of[id]))
        gone = [identity.id for identity in step.people if identity.is_gone]
        self._connection.execute(delete(schema.people).where(schema.people.c.id.in_(gone)))
        self._replace(schema.people, [_person_row(identity) for identity in step.people if not identity.is_gone])
        happened = [_event_row(event) for event in step.events]
        self._replace(schema.events, happened)
        for (day, camera), stays in step.passers.items():
            counted = insert(schema.passers).values(day=day, camera=camera, stays=stays)
            key, more = ["day", "camera"], {"stays": schema.passers.c.stays + stays}
            self._connection.execute(counted.on_conflict_do_update(index_elements=key, set_=more))
        self._note_longest(step.events)
        self._replace(schema.told, [{"event": row["id"], "content": row["content"]} for row in happened])

    def _note_longest(self, events: Iterable[Event]) -> None:
        """How long the longest visit was: a question about a time need not look at older ones than that."""
        lasted = max((event.end - event.start for event in events if event.end is not None), default=0.0)
        if lasted > float(self.get(schema.LONGEST_VISIT_S, "0")):
            self._replace(schema.meta, [{"key": schema.LONGEST_VISIT_S, "value": repr(float(lasted))}])

    def _replace(self, table: Table, content: Iterable[Mapping[str, Any]]) -> None:
        if found := list(content):
            self._connection.execute(insert(table).prefix_with("OR REPLACE"), found)

    def _write(self, work: Any) -> None:
        try:
            work()
            self._connection.commit()
        except SQLAlchemyError as error:
            self._connection.rollback()
            raise StoreError(f"cannot write to {self.path}: {cause(error)}; nothing was lost but this step") from error

    def _tracklets(self) -> list[Tracklet]:
        parts: dict[str, list[Exemplars]] = {}
        for row in self._connection.execute(select(schema.exemplars).order_by(*schema.exemplars.primary_key)):
            parts.setdefault(row.tracklet, []).append(rows.exemplars(row))
        table = schema.tracklets
        found = self._connection.execute(select(table).order_by(table.c.start, table.c.id))
        return [rows.tracklet(row, tuple(parts.get(row.id, ()))) for row in found]

    def _changes(self) -> list[Change]:
        found = self._connection.execute(select(schema.changes).order_by(schema.changes.c.position))
        return [from_json(row.kind, row.content) for row in found]

    def _events(self) -> list[Event]:
        table = schema.events
        every = select(table.c.content).order_by(table.c.start, table.c.id)
        return [rows.event(row.content) for row in self._connection.execute(every)]


def _mentions(first: int, changes: Iterable[Change]) -> list[dict[str, Any]]:
    found: list[tuple[str, int]] = []
    for position, change in enumerate(changes, first):
        match change:
            case Enrolled(tracklet=tracklet) | Matched(tracklet=tracklet) | Moved(tracklet=tracklet):
                found.append((tracklet, position))
            case Split(tracklets=tracklets):
                found += [(tracklet, position) for tracklet in tracklets]
            case Merged(source=source):
                found.append((source, position))
    return [{"name": name, "position": position} for name, position in found]


def barred(cameras: Iterable[str]) -> str:
    """Names in a form in which one can be looked for: ``|door|yard|``."""
    return "".join(f"|{camera}" for camera in cameras) + "|"


def _person_row(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.id,
        "name": identity.name,
        "first_seen": identity.first_seen if identity.sightings else 0.0,
        "last_seen": identity.last_seen if identity.sightings else 0.0,
        "confidence": identity.confidence,
        "evidence": identity.evidence,
        "sightings": len(identity.sightings),
        "cameras": barred(identity.cameras),
        "picture": identity.picture,
        "enrolled": len(identity.given),
        "watched": int(identity.watched),
    }


def _event_row(event: Event) -> dict[str, Any]:
    cameras = barred(event.cameras)
    more = {"kind": event.kind, "cameras": cameras, "superseded_by": event.superseded_by, "place": event.place}
    return rows.event_row(event) | more
