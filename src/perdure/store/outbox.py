"""What each way of telling people has taken in, has still to tell, and has told; it outlives failures and restarts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, delete, select
from sqlalchemy.dialects.sqlite import insert

from perdure.store.sqlite import close, open_wal
from perdure.types import Moment

_KEPT_S = 7 * 86400.0
_metadata = MetaData()
_cursors = Table("cursors", _metadata, Column("way", String, primary_key=True), Column("seq", Integer, nullable=False))
_waiting = Table(
    "waiting",
    _metadata,
    Column("way", String, primary_key=True),
    Column("event", String, primary_key=True),
    Column("due", Float, nullable=False),
)
_told = Table(
    "told",
    _metadata,
    Column("way", String, primary_key=True),
    Column("event", String, primary_key=True),
    Column("moment", String, primary_key=True),
    Column("at", Float, nullable=False),
)


class Outbox:
    """A database (SQLite, WAL). Safe between threads."""

    def __init__(self, path: Path) -> None:
        """Opens it, or begins it.

        Raises:
            StoreError: it cannot be opened.
        """
        self._connection = open_wal(path, _metadata)
        self._lock = Lock()

    def close(self) -> None:
        """Nothing can be asked any more."""
        with self._lock:
            close(self._connection)

    def begin(self, way: str, seq: int) -> None:
        """A way that is new begins after this number; one that was there goes on where it was."""
        with self._lock:
            self._connection.execute(insert(_cursors).values(way=way, seq=seq).on_conflict_do_nothing())
            self._connection.commit()

    def cursor(self, way: str) -> int:
        """The number of what was taken in last."""
        with self._lock:
            return int(self._connection.execute(select(_cursors.c.seq).where(_cursors.c.way == way)).scalar_one())

    def take(self, way: str, seq: int, due: Mapping[str, float]) -> None:
        """Take in what was told up to this number: these events are due then; a later word on one counts."""
        rows = [{"way": way, "event": event, "due": at} for event, at in due.items()]
        with self._lock:
            if rows:
                self._connection.execute(insert(_waiting).prefix_with("OR REPLACE"), rows)
            self._connection.execute(insert(_cursors).prefix_with("OR REPLACE"), [{"way": way, "seq": seq}])
            self._connection.commit()

    def wait(self, way: str, event: str, due: float) -> None:
        """This event is looked at again then."""
        row = {"way": way, "event": event, "due": due}
        with self._lock:
            self._connection.execute(insert(_waiting).prefix_with("OR REPLACE"), [row])
            self._connection.commit()

    def due(self, way: str, at: float) -> list[str]:
        """Events whose time has come, in order."""
        chosen = select(_waiting.c.event).where(_waiting.c.way == way, _waiting.c.due <= at)
        with self._lock:
            return [row.event for row in self._connection.execute(chosen.order_by(_waiting.c.due, _waiting.c.event))]

    def done(self, way: str, event: str) -> None:
        """Nothing more to tell of an event until there is news of it."""
        with self._lock:
            self._connection.execute(delete(_waiting).where(_waiting.c.way == way, _waiting.c.event == event))
            self._connection.commit()

    def told(self, way: str, event: str, moment: Moment, at: float) -> None:
        """It has arrived. What is older than a week is forgotten."""
        row = {"way": way, "event": event, "moment": moment, "at": at}
        with self._lock:
            self._connection.execute(insert(_told).prefix_with("OR REPLACE"), [row])
            self._connection.execute(delete(_told).where(_told.c.at < at - _KEPT_S))
            self._connection.commit()

    def told_of(self, way: str, event: str) -> list[Moment]:
        """What has arrived of an event."""
        chosen = select(_told.c.moment).where(_told.c.way == way, _told.c.event == event)
        with self._lock:
            return [row.moment for row in self._connection.execute(chosen)]
