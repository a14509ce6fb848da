"""One identity per person over all cameras: tracking metrics, purity, fragments and visits together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perdure.evaluate.clear import matches
from perdure.evaluate.overlap import Overlaps, overlaps
from perdure.evaluate.pairs import BoxOverlap, FloorDistance
from perdure.evaluate.partition import PartitionScores, partition
from perdure.evaluate.report import Report, Table, new_figure, table_of
from perdure.evaluate.tracking import TrackingScores, score, scores_of
from perdure.evaluate.tracks import Tracks, Truth
from perdure.evaluate.visits import Told, VisitScores, events_of, group_visits, visit_scores
from perdure.types import Bools, Float64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """Truth and result of one camera; ids mean the same person in all cameras. Frame 1 is at ``offset_s``."""

    name: str
    truth: Truth
    result: Tracks
    fps: float
    offset_s: float = 0.0
    truth_floor: Float64s | None = None
    """(N, 2) metres of each truth box, NaN where unknown; None where the camera is not calibrated."""
    result_floor: Float64s | None = None
    """(M, 2) metres of each result box, as above."""

    def times_s(self, frames: Ints) -> Float64s:
        """Seconds on the clock that all cameras share."""
        return self.offset_s + (frames - 1) / self.fps

    @property
    def minutes(self) -> float:
        """From its first to its last frame with a box."""
        frames = np.concatenate([self.truth.tracks.frames, self.result.frames])
        return float(np.ptp(frames) + 1) / self.fps / 60 if len(frames) else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class MulticameraScores:
    """What a result is worth over all its cameras."""

    image: TrackingScores
    """All cameras as one sequence, one after another, with global ids."""
    by_camera: Mapping[str, TrackingScores]
    floor: TrackingScores | None
    """On the floor, of the calibrated cameras: a match is within 1 m; a person is one point per instant."""
    identities: PartitionScores
    """Of the matched boxes: people against result ids."""
    visits: VisitScores
    false_tracks: int
    """Result ids of one camera that match nobody in more than half of their boxes."""
    camera_minutes: float

    @property
    def false_tracks_per_minute(self) -> float:
        """False tracks per camera minute."""
        return self.false_tracks / self.camera_minutes if self.camera_minutes else 0.0

    def figures(self) -> dict[str, object]:
        """All of it by name."""
        return {
            "image": self.image.figures(),
            "cameras": {name: scores.figures() for name, scores in self.by_camera.items()},
            "floor": self.floor.figures() if self.floor else None,
            "identities": self.identities.figures(),
            "visits": self.visits.figures(),
            "false_tracks": self.false_tracks,
            "camera_minutes": self.camera_minutes,
            "false_tracks_per_minute": self.false_tracks_per_minute,
        }


def score_cameras(
    cameras: Sequence[Camera], visit_gap_s: float, events: Sequence[Told] | None = None
) -> MulticameraScores:
    """Scores of a result over all cameras at once; defined also where a camera, or all, are empty.

    Args:
        cameras: at least one.
        visit_gap_s: a visit ends when its person is unseen everywhere for longer.
        events: what the result told, None: its ids, cut by the same rule.
    """
    truth, result = _one_sequence(cameras)
    table = overlaps(truth, result, BoxOverlap())
    matched = table.pairs[matches(table)]
    times = np.concatenate([c.times_s(c.truth.tracks.frames) for c in cameras])[truth.counted]
    result_times = np.concatenate([c.times_s(c.result.frames) for c in cameras])[table.result_kept]
    ids = result.ids[table.result_kept]
    event = group_visits(ids, result_times, visit_gap_s) if events is None else events_of(ids, result_times, events)
    known = event[matched.result] >= 0
    return MulticameraScores(
        image=scores_of(table),
        by_camera={c.name: score(c.truth, c.result) for c in cameras},
        floor=_on_floor(cameras),
        identities=partition(table.truth_ids[matched.truth], table.result_ids[matched.result]),
        visits=visit_scores(
            group_visits(table.truth_ids, times, visit_gap_s),
            table.truth_ids,
            matched.truth[known],
            event[matched.result][known],
            len(np.unique(event)) if events is None else len(events),
        ),
        false_tracks=_false_tracks(cameras, table, matched.result),
        camera_minutes=sum(c.minutes for c in cameras),
    )


def _one_sequence(cameras: Sequence[Camera]) -> tuple[Truth, Tracks]:
    """All cameras one after another, their frames made disjoint, rows in order of frame."""
    frames = [f for c in cameras for f in (c.truth.tracks.frames, c.result.frames)]
    low, high = min(int(f.min(initial=0)) for f in frames), max(int(f.max(initial=0)) for f in frames)
    span = high - low + 1

    def joined(parts: Sequence[Tracks]) -> Tracks:
        return Tracks(
            np.concatenate([part.frames - low + span * i for i, part in enumerate(parts)]),
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.boxes for part in parts]),
        )

    truth = Truth(
        joined([c.truth.tracks for c in cameras]),
        np.concatenate([c.truth.counted for c in cameras]),
        np.concatenate([c.truth.distractor for c in cameras]),
    )
    return truth, joined([c.result for c in cameras])


def _false_tracks(cameras: Sequence[Camera], table: Overlaps, matched: Ints) -> int:
    """Ids of one camera of which more than half of the boxes match nobody."""
    camera = np.repeat(np.arange(len(cameras)), [len(c.result) for c in cameras])[table.result_kept]
    track = np.unique(np.stack([camera, table.result_ids]), axis=1, return_inverse=True)[1].reshape(-1)
    boxes = np.bincount(track)
    return int((2 * np.bincount(track[matched], minlength=len(boxes)) < boxes).sum())


def _on_floor(cameras: Sequence[Camera]) -> TrackingScores | None:
    """Scores on the floor plan, None without a calibrated camera."""
    calibrated = [c for c in cameras if c.truth_floor is not None and c.result_floor is not None]
    if not calibrated:
        return None
    rate = max(c.fps for c in calibrated)
    truth = _points([(c, c.truth.tracks, c.truth_floor, c.truth.counted) for c in calibrated], rate)
    result = _points([(c, c.result, c.result_floor, np.ones(len(c.result), np.bool_)) for c in calibrated], rate)
    return score(Truth.of(truth), result, FloorDistance())


def _points(parts: Sequence[tuple[Camera, Tracks, Float64s | None, Bools]], rate_fps: float) -> Tracks:
    """One point per person and instant: the mean of where the cameras see them."""
    ticks, ids, points = [], [], []
    for camera, tracks, floor, wanted in parts:
        assert floor is not None
        rows = wanted & np.isfinite(floor).all(axis=1)
        ticks.append(np.rint(camera.times_s(tracks.frames[rows]) * rate_fps).astype(np.int64))
        ids.append(tracks.ids[rows])
        points.append(floor[rows])
    keys = np.stack([np.concatenate(ticks), np.concatenate(ids)])
    at = np.concatenate(points)
    unique, where = np.unique(keys, axis=1, return_inverse=True)
    count = np.bincount(where.reshape(-1), minlength=unique.shape[1])
    mean = [np.bincount(where.reshape(-1), at[:, axis], minlength=len(count)) / count for axis in (0, 1)]
    return Tracks(unique[0], unique[1], np.stack(mean, axis=1))


def multicamera_report(scores: MulticameraScores) -> Report:
    """Tables of all cameras together and apart, identities and visits, and a picture of how the visits went."""
    apart = {name: s.figures() for name, s in scores.by_camera.items()}
    together = {"all": scores.image.figures()}
    floor = {"floor": scores.floor.figures()} if scores.floor else {}
    identities, visits = scores.identities, scores.visits
    tracks = {"false_tracks": scores.false_tracks, "false_tracks_per_camera_minute": scores.false_tracks_per_minute}
    figure = new_figure(6, 2)
    axes = figure.add_subplot(xlabel="true visits", yticks=[])
    left = 0
    for name, count in {"told": visits.told, "joined": visits.joined, "missed": visits.missed}.items():
        axes.barh(0, count, left=left, label=f"{name} {count}")
        left += count
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.4), ncols=3)
    return Report(
        "Cameras together",
        (
            table_of(
                "Global identities",
                together | floor | apart,
                ("HOTA", "DetA", "AssA", "IDF1", "IDP", "IDR", "MOTA", "FP", "FN", "IDSW"),
            ),
            _list("Identities of the matched boxes", identities.figures()),
            _list("Visits and events", visits.figures() | tracks),
        ),
        {"What became of the visits": figure},
        ("all: every camera at once; floor: calibrated cameras, on the floor plan; then each camera alone, same ids.",),
    )


def _list(title: str, figures: Mapping[str, float]) -> Table:
    """One figure a row."""
    return Table(title, ("", "value"), tuple((name.replace("_", " "), value) for name, value in figures.items()))
