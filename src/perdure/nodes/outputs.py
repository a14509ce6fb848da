"""What a run leaves in its folder. Every file is written beside its place and then moved there, whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from perdure.errors import StoreError
from perdure.geometry import area, intersection_each
from perdure.interop.mot import write_tracks
from perdure.interop.run_folder import events_jsonl, number, people_json
from perdure.report.page import page
from perdure.report.result import RunResult
from perdure.store.pictures import Pictures
from perdure.store.store import Store
from perdure.types import Float64s, Tracklet

_STILL_IOU, _STILL_S = 0.7, 10.0


def write_outputs(out: Path, result: RunResult, store: Store, pictures: Pictures, bridge_s: float = 0.0) -> None:
    """Tracks, events, people, database, pictures and the page. For ``bridge_s`` see ``camera_tracks``.

    Raises:
        StoreError: something cannot be written.
    """
    store.write_result(result.tracklets.values(), result.identity_of, result.changes, result.events)
    for camera in result.cameras:
        rows = camera_tracks(result, camera.name, bridge_s)
        frames, numbers = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
        write_tracks(out / "tracks" / f"{camera.name}.txt", frames, numbers, rows[:, 2:6], rows[:, 6])
    write_whole(out / "events.jsonl", events_jsonl(result.events))
    write_whole(out / "people.json", people_json(result.identities, result.visits))
    if not result.interrupted:  # going on needs every picture of the journal
        pictures.prune(picture for t in result.tracklets.values() for e in t.exemplars for picture in e.pictures)
    write_whole(out / "report.html", page(result, out))


def camera_tracks(result: RunResult, camera: str, bridge_s: float = 0.0) -> Float64s:
    """(R, 7) float64 [frame (from 1), identity number, x1, y1, x2, y2, score] of one camera, by frame, then identity.

    Between two boxes of a tracklet not further apart than ``bridge_s`` the frames nobody looked at are filled in, and
    somewhat longer where the person stands still (see ``bridged``). Where two tracklets of one identity cover one frame
    (one person found twice), the box with the better score stays.
    """
    return rows_of(result.tracklets.values(), result.identity_of, camera, bridge_s)


def rows_of(
    tracklets: Iterable[Tracklet], identity_of: Mapping[str, str], camera: str, bridge_s: float = 0.0
) -> Float64s:
    """As ``camera_tracks``, of tracklets and the identities that they have."""
    parts = []
    for t in tracklets:
        if t.camera == camera and t.id in identity_of:
            path = bridged(t.path, bridge_s)
            parts.append(np.column_stack([path[:, 1] + 1, np.full(len(path), number(identity_of[t.id])), path[:, 2:]]))
    if not parts:
        return np.zeros((0, 7))
    rows = np.concatenate(parts)
    rows = rows[np.lexsort((-rows[:, 6], rows[:, 1], rows[:, 0]))]
    first = np.ones(len(rows), bool)
    first[1:] = np.any(rows[1:, :2] != rows[:-1, :2], axis=1)
    return np.asarray(rows[first])


def bridged(path: Float64s, most_s: float) -> Float64s:
    """(T, 7) ``Tracklet.path`` -> (U, 7): linear at every frame between rows not further apart than ``most_s``.

    Where the box stays in its place, up to ``_STILL_S`` are bridged as well: of a quiet camera only key frames are
    decoded, and those may be far apart.
    """
    if most_s <= 0:
        return path
    gap_s, (first, second) = np.diff(path[:, 0]), (path[:-1, 2:6], path[1:, 2:6])
    shared = intersection_each(first, second)
    still = shared > _STILL_IOU * (area(first) + area(second) - shared)
    frames = np.arange(path[0, 1], path[-1, 1] + 1)
    after = np.searchsorted(path[:, 1], frames)
    known = path[after, 1] == frames
    near = np.concatenate([[False], (gap_s <= most_s) | (still & (gap_s <= _STILL_S))])
    wanted = frames[known | near[after]]
    return np.column_stack([np.interp(wanted, path[:, 1], column) for column in path.T])


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it.

    Raises:
        StoreError: it cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
