"""``perdure track``: people of somebody else's detections followed, MOTChallenge text in and out."""

from __future__ import annotations

import math
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perdure.interop.mot import Sequence, TrackRows
    from perdure.track.core import RuleTracker
    from perdure.types import Float32s, Tracklet

_SMOOTH_S = 0.15


def track(
    detections: Annotated[Path, typer.Option(help="A MOTChallenge sequence folder (det/det.txt), or one file.")],
    out: Annotated[Path, typer.Option(help="The file to write, MOTChallenge text.")],
    tracker: Annotated[str, typer.Option(help="Which tracker; see docs/track.md.")] = "default",
    embeddings: Annotated[
        Path | None, typer.Option(help="npz with 'vectors' (one per line of the detections) and maybe 'quality'.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="perdure.yaml; its section 'tracking' counts.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second; default: seqinfo.ini, else 30.")] = None,
    fill: Annotated[
        float, typer.Option(help="Recorded footage: fill gaps up to so many seconds, and smooth the paths (0: off).")
    ] = 0.0,
    live: Annotated[
        bool, typer.Option("--live", help="Write what was known at each frame, without corrections in hindsight.")
    ] = False,
) -> None:
    """Follow people in detections you bring along; needs no video and no network."""
    from perdure import config as configuration
    from perdure.assemble import association
    from perdure.errors import ConfigError
    from perdure.interop.mot import read_looks, read_sequence, write_tracks
    from perdure.track.build import build

    if fps is not None and not 0 < fps < math.inf:
        raise ConfigError(f"--fps: {fps} must be a number above 0")
    if not 0 <= fill < math.inf:
        raise ConfigError(f"--fill: {fill:g} must be a number of seconds, not below 0")
    if fill and live:
        raise ConfigError("--fill looks ahead: it does not go with --live")
    settings = configuration.load(config).tracking.model_dump() | {"tracker": tracker}
    tracking = configuration.parse({"tracking": settings}, where="--tracker").tracking
    sequence = read_sequence(detections, fps)
    looks = None if embeddings is None else read_looks(embeddings, sequence.boxes)
    follower = build(sequence.name, tracking, net=association(tracking))
    rows = _followed(follower, sequence, looks, live, fill)
    write_tracks(out, rows.frames, rows.numbers, rows.boxes, rows.scores)
    people = len(set(rows.numbers.tolist()))
    without_area = int(((sequence.boxes.boxes[:, 2:] <= sequence.boxes.boxes[:, :2]).any(axis=1)).sum())
    left_out = f"; {without_area} boxes without area were left out" if without_area else ""
    typer.echo(f"{out}: {len(rows.frames)} boxes of {people} tracks in {sequence.length} frames{left_out}")


def _followed(
    tracker: RuleTracker, sequence: Sequence, looks: tuple[Float32s, Float32s] | None, live: bool, fill_s: float
) -> TrackRows:
    """Drive the tracker through a sequence."""
    import numpy as np

    from perdure.interop.mot import TrackRows, joined_paths
    from perdure.types import Crops

    told, seen = [], [TrackRows.none()]
    filled = np.unique(sequence.boxes.frames).tolist()
    frame = 0
    while frame < sequence.length:
        frame += 1
        found = sequence.boxes.detections(frame)
        if not len(found) and not len(tracker.expected()[0]):  # nobody is there, nobody awaited
            following = bisect_left(filled, frame)
            frame = filled[following] if following < len(filled) else sequence.length
            found = sequence.boxes.detections(frame)
        wanted = tracker.propose(frame - 1, (frame - 1) / sequence.rate_fps, sequence.size, found)
        crops = []
        if looks is not None and len(wanted):
            lines = sequence.boxes.rows(frame).start + wanted
            crops = [Crops(wanted, "embeddings", looks[0][lines], looks[1][lines], ("",) * len(wanted))]
        tracker.commit(crops)
        told += tracker.tell()
        if live:
            rows, numbers = tracker.observed()
            at = np.full(len(rows), frame, np.int64)
            seen.append(
                TrackRows(at, numbers, found.boxes[rows].astype(np.float64), found.scores[rows].astype(np.float64))
            )
    if live:
        return TrackRows.joined(seen)
    told += tracker.finish()
    return joined_paths([_whole(one, fill_s) for one in told] if fill_s else told)


def _whole(tracklet: Tracklet, fill_s: float) -> Tracklet:
    """With gaps filled and its path smoothed."""
    from dataclasses import replace

    from perdure.track.fill import filled, smoothed

    return replace(tracklet, path=smoothed(filled(tracklet.path, fill_s), _SMOOTH_S))
