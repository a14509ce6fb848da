"""What lasts as rows of a database, and back, exactly. Arrays are raw little-endian bytes."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from perdure.store.changes import kind_of, to_json
from perdure.types import Change, Event, Exemplars, Sighting, Tracklet

_EVENT, _SIGHTING = (tuple(field.name for field in fields(kind)) for kind in (Event, Sighting))


def tracklet_row(tracklet: Tracklet, identity: str | None) -> dict[str, Any]:
    """Of ``tracklets``."""
    return {
        "id": tracklet.id,
        "revision": tracklet.revision,
        "camera": tracklet.camera,
        "identity": identity,
        "start": tracklet.start,
        "end": tracklet.end,
        "began": tracklet.began,
        "ended": tracklet.ended,
        "supersedes": tracklet.supersedes,
        "path": tracklet.path.tobytes(),
        "width": tracklet.size[0],
        "height": tracklet.size[1],
    }


def exemplars_row(tracklet: str, number: int, exemplars: Exemplars) -> dict[str, Any]:
    """Of ``exemplars``."""
    return {
        "tracklet": tracklet,
        "number": number,
        "model": exemplars.model,
        "part": exemplars.part,
        "vectors": exemplars.vectors.tobytes(),
        "quality": exemplars.quality.tobytes(),
        "at": exemplars.at.tobytes(),
        "pictures": json.dumps(exemplars.pictures),
    }


def tracklet(row: Any, parts: tuple[Exemplars, ...]) -> Tracklet:
    """From its row and its exemplars."""
    return Tracklet(
        row.id,
        row.revision,
        row.camera,
        row.start,
        row.end,
        array(row.path, np.float64).reshape(-1, 7),
        parts,
        began=row.began,
        ended=row.ended,
        supersedes=row.supersedes,
        size=(row.width or 0, row.height or 0),
    )


def exemplars(row: Any) -> Exemplars:
    """From their row."""
    quality = array(row.quality, np.float32)
    vectors = array(row.vectors, np.float32).reshape(len(quality), -1)
    at = array(row.at, np.float64)
    return Exemplars(row.model, vectors, quality, at, tuple(json.loads(row.pictures)), row.part)


def change_row(position: int, change: Change) -> dict[str, Any]:
    """Of ``changes``."""
    return {"position": position, "kind": kind_of(change), "at": change.at, "content": to_json(change)}


def event_row(event: Event) -> dict[str, Any]:
    """Of ``events``."""
    return {
        "id": event.id,
        "revision": event.revision,
        "identity": event.identity,
        "start": event.start,
        "end": event.end,
        "content": json.dumps(_plain(event)),
    }


def _plain(event: Event) -> dict[str, Any]:
    """As ``asdict``, which copies every number deeply and takes ten times as long."""
    sightings = [{name: getattr(s, name) for name in _SIGHTING} for s in event.sightings]
    return {name: getattr(event, name) for name in _EVENT} | {"sightings": sightings}


def event(content: str) -> Event:
    """From the content of its row."""
    told = json.loads(content)
    return Event(**told | {"sightings": tuple(Sighting(**sighting) for sighting in told["sightings"])})


def array(content: bytes, dtype: npt.DTypeLike) -> Any:
    """Flat, read-only."""
    return np.frombuffer(content, dtype)
