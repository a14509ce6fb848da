"""The tracklets of a run over footage as a stream with truth, so that its gallery can be tried again, part by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perdure.errors import InputError
from perdure.evaluate.camerafiles import read_cameras
from perdure.evaluate.mistakes import Mistake, worst
from perdure.evaluate.stream import Stream
from perdure.evaluate.tracks import Tracks
from perdure.geometry import area, intersection_each
from perdure.store.run_store import RunStore
from perdure.types import Float64s, Tracklet

SAME_PLACE_IOU = 0.5
NOBODY = 0
DATABASE = "perdure.db"


def of_run(folder: Path, truth: Path, fps: float = 25.0) -> Stream:
    """What the gallery of a finished run was told: each tracklet that shows somebody, once, when it had closed.

    A tracklet shows the person whose truth boxes cover most of its own, if those are half of them (IoU 0.5).

    Args:
        folder: of ``perdure run``.
        truth: ground truth of the same cameras, ids shared between them (docs/formats.md).
        fps: of cameras whose rate the truth does not tell; it changes nothing here.

    Raises:
        InputError: no run, no truth, other cameras, or nobody of the truth was tracked.
        StoreError: the database is none of ours.
    """
    if not has_database(folder):
        raise InputError(f"{folder} holds no run: no {DATABASE} (make one with perdure run)")
    stream = _stream(folder, truth, fps)
    if stream is None:
        raise InputError(f"nobody of the truth in {truth} is on the tracks of {folder}: are they of the same footage?")
    return stream


def _stream(folder: Path, truth: Path, fps: float) -> Stream | None:
    """As ``of_run``; None where nobody of the truth was tracked."""
    cameras = {camera.name: camera.truth.tracks for camera in read_cameras(truth, folder, fps)}
    with RunStore(folder / DATABASE) as store:
        tracklets = sorted(store.tracklets(), key=lambda t: (t.end, t.id))
    told = [t for t in tracklets if t.exemplars and t.camera in cameras]
    person = np.array([shown(t, cameras[t.camera]) for t in told], np.int64)
    if not (person != NOBODY).any():
        return None
    model = told[0].exemplars[0].model
    ends = np.array([t.end for t in told])
    boxes = np.array([len(t.path) for t in told], np.int64)
    return Stream(model, tuple(told), ends, person, boxes).only(person != NOBODY)


def has_database(folder: Path) -> bool:
    """Whether this is the folder of a run that kept its evidence, not only its boxes."""
    return (folder / DATABASE).is_file()


def worst_of_run(folder: Path, truth: Path, fps: float = 25.0) -> list[Mistake]:
    """The worst merges and fragments of a finished run, with what its log said at the time.

    None where nobody of the truth was tracked.

    Raises:
        InputError: other cameras than the run's.
        StoreError: the database is none of ours, or not readable.
    """
    stream = _stream(folder, truth, fps)
    if stream is None:
        return []
    with RunStore(folder / DATABASE) as store:
        return worst(stream, store.changes())


def shown(tracklet: Tracklet, truth: Tracks) -> int:
    """The person of the truth that a tracklet shows, ``NOBODY`` where none is on half of its boxes."""
    frames = tracklet.path[:, 1].astype(np.int64) + 1
    first, after = np.searchsorted(truth.frames, [frames, frames + 1])
    count = after - first
    own = np.repeat(np.arange(len(frames)), count)
    other = np.arange(len(own)) - np.repeat(np.cumsum(count) - count, count) + first[own]
    ids = truth.ids[other[_iou(tracklet.path[own, 2:6], truth.boxes[other]) >= SAME_PLACE_IOU]]
    people, times = np.unique(ids, return_counts=True)
    return int(people[times.argmax()]) if len(times) and 2 * times.max() >= len(frames) else NOBODY


def _iou(first: Float64s, second: Float64s) -> Float64s:
    """(N,) of the boxes in the same row."""
    shared = intersection_each(first, second)
    union = area(first) + area(second) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))
