"""Stays and paths from the database of a run folder or of a site, asked for without waiting for anybody who writes."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from sqlalchemy import ColumnElement, Engine, Select, create_engine, func, literal_column, select
from sqlalchemy.exc import SQLAlchemyError

from perdure.analytics.columns import Columns
from perdure.analytics.stays import Stays
from perdure.analytics.zones import Spell
from perdure.config import Config, parse
from perdure.errors import InputError, StoreError
from perdure.store import rows, schema, touched
from perdure.store.sqlite import cause
from perdure.types import Float64s

RUN: Final = "perdure.db"
SITE: Final = "site.db"
LONGEST_STAY_S: Final = 7200.0
"""No tracklet is longer: ``tracking.cut_after_s`` is an hour at most."""
_AT_ONCE: Final = 500
_ROW: ColumnElement[int] = literal_column("tracklets.rowid")


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes stays a visit here."""

    visit_gap_s: float
    min_visit_s: float


class Source:
    """Reads only. From any thread; every question has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_site = path.name == SITE
        self._engine: Engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
        self._lock = threading.Lock()
        standing = " WHERE kind = 'visit' AND superseded_by = ''" if self._is_site else ""
        self._columns = Columns(f"SELECT DISTINCT identity FROM events{standing}")

    @classmethod
    def of_folder(cls, folder: Path) -> Source:
        """Of a run folder, or of a site's data folder.

        Raises:
            InputError: it is neither.
        """
        for name in (SITE, RUN):
            if (folder / name).is_file():
                return cls(folder / name)
        holds = f"holds neither {RUN} (perdure run) nor {SITE} (perdure serve)"
        what = holds if folder.is_dir() else "is no folder"
        raise InputError(f"{folder} {what}: give the folder of a run or of a site, or the address of a service")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """No more questions."""
        self._engine.dispose()

    def span(self) -> tuple[float, float] | None:
        """From the first stay to the last, s; None where nobody was seen."""
        table = schema.tracklets
        found = self._all(select(func.min(table.c.start), func.max(table.c.end)))[0]
        return None if found[0] is None else (float(found[0]), float(found[1]))

    def cameras(self) -> list[str]:
        """Those that have seen somebody, by name."""
        table = schema.tracklets
        return [row[0] for row in self._all(select(table.c.camera).distinct().order_by(table.c.camera))]

    def stays(self, since: float, until: float, cameras: Sequence[str] = (), margin_s: float = 0.0) -> Stays:
        """Those of everybody who was told of, and that touch a time; ``margin_s`` before and after it too.

        Raises:
            StoreError: the database is damaged.
        """
        first = since - margin_s - LONGEST_STAY_S
        with self._cursor() as cursor:
            return self._columns.stays(cursor, first, since - margin_s, until + margin_s, cameras)

    def version(self) -> int | None:
        """Another number whenever something was changed that figures may show; None: nobody counts."""
        with self._cursor() as cursor:
            versions = touched.versions(cursor.execute)
            return None if versions is None else sum(versions.values())

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        """All that is asked with it is of one moment; one at a time, for what it reads is kept."""
        try:
            with self._lock, self._engine.connect() as connection:
                cursor = connection.connection.cursor()
                cursor.execute("BEGIN")
                yield cursor  # type: ignore[misc]
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StoreError(f"cannot read {self.path}: {error}") from error

    def spells(self, since: float, until: float, cameras: Sequence[str] = ()) -> list[Spell]:
        """What was told of zones, queues and lines in a time: what is still going on ends with it.

        Raises:
            StoreError: the database is damaged.
        """
        told = ", ".join(f"json_extract(content, '$.{name}')" for name in ("kind", "place", "direction", "outcome"))
        kind = "kind" if self._is_site else "json_extract(content, '$.kind')"
        clauses = [f"{kind} IN ('stay', 'wait', 'crossing')", "start < ?", '("end" IS NULL OR "end" >= ?)']
        if self._is_site:
            clauses.append("superseded_by = ''")
        asked = f'SELECT {told}, identity, start, "end" FROM events WHERE {" AND ".join(clauses)}'
        found = self._rows(asked, [until, since])
        return [
            Spell(of, place, who, start, until if end is None else end, direction or "", outcome or "")
            for of, place, direction, outcome, who, start, end in found
            if not cameras or place.partition("/")[0] in cameras
        ]

    def paths(self, at: Sequence[int]) -> list[Float64s]:
        """(T, 7) of each of these rows (``Stays.row``), in any order."""
        found: list[Float64s] = []
        for begin in range(0, len(at), _AT_ONCE):
            chosen = select(schema.tracklets.c.path).where(_ROW.in_(list(at[begin : begin + _AT_ONCE])))
            found += [rows.array(row.path, np.float64).reshape(-1, 7) for row in self._all(chosen)]
        return found

    def picture_sizes(self) -> dict[str, tuple[int, int]]:
        """Width and height of each camera's picture, px, as far as they were noted."""
        if self._is_site:
            return {}
        seen = schema.seen
        largest = select(seen.c.camera, func.max(seen.c.width), func.max(seen.c.height))
        found = self._all(largest.group_by(seen.c.camera))
        return {camera: (int(width), int(height)) for camera, width, height in found}

    def config(self) -> Config | None:
        """How a run was configured; None for a site, whose configuration is a file of its own."""
        if self._is_site:
            return None
        found = self._all(select(schema.meta.c.value).where(schema.meta.c.key == "plan"))
        return parse(json.loads(found[0][0])["config"], where=str(self.path)) if found else None

    def _rows(self, asked: str, given: Sequence[float | str]) -> list[tuple[Any, ...]]:
        """Plain tuples, for there may be a million of them."""
        try:
            with self._engine.connect() as connection:
                return list(connection.connection.cursor().execute(asked, tuple(given)).fetchall())
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StoreError(f"cannot read {self.path}: {error}") from error

    def _all(self, chosen: Select[Any]) -> Sequence[Any]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(chosen).all()
        except SQLAlchemyError as error:
            raise StoreError(f"cannot read {self.path}: {cause(error)}") from error
