"""``perdure.db`` of a run folder: a journal of what the networks said, and in the end who was who."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from perdure.errors import StoreError
from perdure.store import schema
from perdure.store.changes import from_json
from perdure.store.rows import array, change_row, event_row, exemplars, exemplars_row, tracklet, tracklet_row
from perdure.store.sqlite import cause, close, open_wal
from perdure.types import Change, Crops, Detections, Event, Exemplars, Seen, Tracklet

FORMAT = "1"


@dataclass(frozen=True, slots=True)
class SeenCamera:
    """What the journal says of a camera."""

    width: int
    height: int
    frames: int
    """Up to the last one that was looked at."""
    rate_fps: float | None
    """None where a single frame was looked at."""


class RunStore:
    """One run's database (SQLite, WAL). Batches of the journal are whole or absent, also after a power cut."""

    def __init__(self, path: Path) -> None:
        """Open or create.

        Raises:
            StoreError: it cannot be written, or is not a database of ours.
        """
        self.path = path
        self._connection = open_wal(path, schema.metadata)
        if self.get("format", FORMAT) != FORMAT:
            raise StoreError(f"{path} was written by another version of perdure (format {self.get('format')})")
        self.put("format", FORMAT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close(self._connection)

    def get(self, key: str, default: str = "") -> str:
        """A fact about the run."""
        row = self._connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == key)).first()
        return str(row[0]) if row else default

    def put(self, key: str, value: str) -> None:
        """Keep a fact about the run, for good."""
        self._connection.execute(delete(schema.meta).where(schema.meta.c.key == key))
        self._connection.execute(insert(schema.meta).values(key=key, value=value))
        self.commit()

    def append(self, batch: int, seen: Sequence[Seen]) -> None:
        """Add one batch to the journal; it lasts from the next ``commit`` on."""
        self._fill(schema.seen, [_seen_row(batch, place, one) for place, one in enumerate(seen)])
        rows = [
            _crops_row(batch, place, number, crops)
            for place, one in enumerate(seen)
            for number, crops in enumerate(one.crops)
            if len(crops)
        ]
        self._fill(schema.crops, rows)

    def commit(self) -> None:
        """Make everything so far last.

        Raises:
            StoreError: the disk is full or gone; what was committed before is safe.
        """
        try:
            self._connection.commit()
        except SQLAlchemyError as error:
            raise StoreError(f"cannot write to {self.path}: {cause(error)}") from error

    def journal(self) -> Iterator[list[Seen]]:
        """All batches in order."""
        crops: dict[tuple[int, int], list[Crops]] = {}
        for row in self._connection.execute(select(schema.crops).order_by(*schema.crops.primary_key)):
            crops.setdefault((row.batch, row.place), []).append(_crops(row))
        rows = self._connection.execute(select(schema.seen).order_by(*schema.seen.primary_key))
        for _, group in itertools.groupby(rows, key=lambda row: int(row.batch)):
            yield [_seen(row, tuple(crops.get((row.batch, row.place), ()))) for row in group]

    def forget_journal(self) -> None:
        """Erase the journal, so that nothing of it is left in any file.

        Raises:
            StoreError: that is not possible.
        """
        try:
            for table in (schema.seen, schema.crops):
                self._connection.execute(delete(table))
            self._connection.commit()
            self._connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        except SQLAlchemyError as error:
            self._connection.rollback()
            raise StoreError(f"cannot erase the journal in {self.path}: {cause(error)}") from error

    def seen_cameras(self) -> dict[str, SeenCamera]:
        """The cameras of the journal, by name."""
        table = schema.seen
        low, high = func.min, func.max
        chosen = select(
            table.c.camera,
            high(table.c.width).label("width"),
            high(table.c.height).label("height"),
            low(table.c.frame_index).label("first"),
            high(table.c.frame_index).label("last"),
            low(table.c.at).label("start"),
            high(table.c.at).label("end"),
        ).group_by(table.c.camera)
        found = {}
        for row in self._connection.execute(chosen.order_by(table.c.camera)):
            span_s = row.end - row.start
            rate = (row.last - row.first) / span_s if span_s > 0 else None
            found[row.camera] = SeenCamera(row.width, row.height, row.last + 1, rate)
        return found

    def write_result(
        self,
        tracklets: Iterable[Tracklet],
        identity_of: Mapping[str, str],
        changes: Sequence[Change],
        events: Sequence[Event],
    ) -> None:
        """Replace what is known of the outcome; all of it or nothing."""
        for table in (schema.tracklets, schema.exemplars, schema.changes, schema.events):
            self._connection.execute(delete(table))
        kept = list(tracklets)
        self._fill(schema.tracklets, [tracklet_row(t, identity_of.get(t.id)) for t in kept])
        self._fill(schema.exemplars, [exemplars_row(t.id, i, e) for t in kept for i, e in enumerate(t.exemplars)])
        self._fill(schema.changes, [change_row(i, c) for i, c in enumerate(changes)])
        self._fill(schema.events, [event_row(e) for e in events])
        self.commit()

    def tracklets(self) -> list[Tracklet]:
        """The tracklets of the last result, by start."""
        parts: dict[str, list[Exemplars]] = {}
        for row in self._connection.execute(select(schema.exemplars).order_by(*schema.exemplars.primary_key)):
            parts.setdefault(row.tracklet, []).append(exemplars(row))
        table = schema.tracklets
        rows = self._connection.execute(select(table).order_by(table.c.start, table.c.id))
        return [tracklet(row, tuple(parts.get(row.id, ()))) for row in rows]

    def changes(self) -> list[Change]:
        """The gallery's log of the last result, in order.

        Raises:
            StoreError: one cannot be read.
        """
        rows = self._connection.execute(select(schema.changes).order_by(schema.changes.c.position))
        return [from_json(row.kind, row.content) for row in rows]

    def _fill(self, table: Any, rows: list[dict[str, Any]]) -> None:
        try:
            if rows:
                self._connection.execute(insert(table), rows)
        except SQLAlchemyError as error:
            raise StoreError(f"cannot write to {self.path}: {cause(error)}") from error


def _seen_row(batch: int, place: int, one: Seen) -> dict[str, Any]:
    return {
        "batch": batch,
        "place": place,
        "camera": one.camera,
        "frame_index": one.index,
        "at": one.at,
        "width": one.width,
        "height": one.height,
        "kind": one.detections.kind,
        "boxes": one.detections.boxes.tobytes(),
        "scores": one.detections.scores.tobytes(),
        "flags": one.detections.flags.tobytes(),
        "warp": None if one.warp is None else one.warp.tobytes(),
    }


def _seen(row: Any, crops: tuple[Crops, ...]) -> Seen:
    boxes = array(row.boxes, np.float32).reshape(-1, 4)
    detections = Detections(boxes, array(row.scores, np.float32), array(row.flags, np.uint8), row.kind)
    warp = None if row.warp is None else array(row.warp, np.float64).reshape(3, 3)
    return Seen(row.camera, row.frame_index, row.at, row.width, row.height, detections, crops, warp)


def _crops_row(batch: int, place: int, number: int, crops: Crops) -> dict[str, Any]:
    return {
        "batch": batch,
        "place": place,
        "number": number,
        "model": crops.model,
        "part": crops.part,
        "rows": crops.rows.tobytes(),
        "vectors": crops.vectors.tobytes(),
        "quality": crops.quality.tobytes(),
        "pictures": json.dumps(crops.pictures),
    }


def _crops(row: Any) -> Crops:
    rows = array(row.rows, np.int64)
    vectors = array(row.vectors, np.float32).reshape(len(rows), -1)
    quality = array(row.quality, np.float32)
    return Crops(rows, row.model, vectors, quality, tuple(json.loads(row.pictures)), row.part)
