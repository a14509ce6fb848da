"""What is true of simulated footage, and the files that say so. Formats: ``docs/formats.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.simulate.building import lens_of
from perdure.simulate.people import Walk
from perdure.simulate.plan import CameraPlan, Plan
from perdure.simulate.render import Shot
from perdure.types import Float64s

SEEN_VISIBILITY = 0.25
SEEN_HEIGHT_PX = 24.0
"""A person counts as seen in a frame from this share and this height on."""
_GAP_S = 2.0
"""Two sightings by one camera that are nearer than this are one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person in one frame of one camera."""

    frame: int
    """From 1, in the video's own count."""
    id: int
    box: tuple[float, float, float, float]
    """xyxy px, whole body, cut to the picture."""
    visibility: float

    @property
    def seen(self) -> bool:
        """Whether somebody could be expected to find this person here."""
        return self.visibility >= SEEN_VISIBILITY and self.box[3] - self.box[1] >= SEEN_HEIGHT_PX


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The truth of one video."""

    camera: CameraPlan
    times: Float64s
    """(F,) true seconds of the day of its frames."""
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class TrueSighting:
    """One stay before one camera."""

    camera: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class TrueVisit:
    """One person's one stay in the building."""

    person: int
    name: str
    outfit: int
    start_s: float
    end_s: float
    sightings: tuple[TrueSighting, ...]
    """In order of start; empty for somebody no camera ever saw."""


def rows(frame: int, shot: Shot) -> list[Row]:
    """The rows of one frame."""
    return [
        Row(frame, int(person), (float(b[0]), float(b[1]), float(b[2]), float(b[3])), float(visible))
        for person, b, visible in zip(shot.ids, shot.boxes, shot.visibility, strict=True)
    ]


def visits(walks: Sequence[Walk], recordings: dict[str, Recording]) -> tuple[TrueVisit, ...]:
    """Every visit with its sightings, in order of arrival."""
    out = []
    for walk in walks:
        sightings: list[TrueSighting] = []
        for name, recording in recordings.items():
            at = np.array([recording.times[r.frame - 1] for r in recording.rows if r.id == walk.guest.id and r.seen])
            at = at[(at >= walk.start) & (at <= walk.end)]
            parts = np.split(at, np.flatnonzero(np.diff(at) > _GAP_S) + 1) if len(at) else []
            sightings += [TrueSighting(name, float(part[0]), float(part[-1])) for part in parts]
        sightings.sort(key=lambda s: (s.start_s, s.camera))
        guest = walk.guest
        out.append(TrueVisit(guest.id, guest.name, guest.outfit, walk.start, walk.end, tuple(sightings)))
    return tuple(out)


def write(
    out: Path, plan: Plan, walks: Sequence[Walk], recordings: dict[str, Recording], told: Sequence[TrueVisit]
) -> None:
    """Write ``truth/``, ``calibration.json`` and ``perdure.yaml`` into a folder of footage."""
    folder = out / "truth"
    for name, recording in recordings.items():
        gt = folder / name / "gt"
        gt.mkdir(parents=True, exist_ok=True)
        _text(gt / "gt.txt", [_mot(row) for row in recording.rows])
        _text(folder / name / "seqinfo.ini", _seqinfo(recording))
        times = [f"{i + 1},{at:.6f},{at + recording.camera.clock_skew_s:.6f}" for i, at in enumerate(recording.times)]
        _text(folder / name / "times.csv", ["frame,at_s,camera_clock_s", *times])
    _text(folder / "ground.csv", ["at_s,id,x_m,y_m", *_ground(walks)])
    _text(folder / "visits.json", [json.dumps({"plan": plan.name, "visits": [_visit(v) for v in told]}, indent=1)])
    cameras = {camera.name: _calibration(camera) for camera in plan.cameras}
    _text(out / "calibration.json", [json.dumps(cameras, indent=1)])
    _text(out / "perdure.yaml", _config(out, recordings))


def _text(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _mot(row: Row) -> str:
    """A MOTChallenge line. Whom one can hardly see is a distractor (class 8): neither right nor wrong to find."""
    x0, y0, x1, y1 = row.box
    counts = "1,1" if row.seen else "0,8"
    return f"{row.frame},{row.id},{x0:.2f},{y0:.2f},{x1 - x0:.2f},{y1 - y0:.2f},{counts},{row.visibility:.3f}"


def _seqinfo(recording: Recording) -> list[str]:
    camera = recording.camera
    return [
        "[Sequence]",
        f"name={camera.name}",
        f"frameRate={camera.rate_fps:g}",
        f"seqLength={len(recording.times)}",
        f"imWidth={camera.width}",
        f"imHeight={camera.height}",
    ]


def _ground(walks: Sequence[Walk]) -> list[str]:
    lines = []
    for walk in walks:
        for at, x, y in zip(walk.at, walk.x, walk.y, strict=True):
            lines.append((round(float(at), 3), walk.guest.id, f"{at:.1f},{walk.guest.id},{x:.3f},{y:.3f}"))
    return [text for _, _, text in sorted(lines)]


def _visit(visit: TrueVisit) -> dict[str, object]:
    return {
        "person": visit.person,
        "name": visit.name,
        "outfit": visit.outfit,
        "start_s": round(visit.start_s, 3),
        "end_s": round(visit.end_s, 3),
        "sightings": [
            {"camera": s.camera, "start_s": round(s.start_s, 3), "end_s": round(s.end_s, 3)} for s in visit.sightings
        ],
    }


def _calibration(camera: CameraPlan) -> dict[str, object]:
    lens = lens_of(camera)
    pinhole = lens.matrix @ lens.rotation
    floor = np.column_stack([pinhole[:, 0], pinhole[:, 1], -pinhole @ np.array(lens.position)])
    return {
        "width": lens.width,
        "height": lens.height,
        "position_m": list(lens.position),
        "rotation": np.round(lens.rotation, 9).tolist(),
        "matrix": np.round(lens.matrix, 6).tolist(),
        "k1": lens.k1,
        "k2": lens.k2,
        "floor_to_undistorted_px": np.round(floor / floor[2, 2], 9).tolist(),
    }


def _config(out: Path, recordings: dict[str, Recording]) -> list[str]:
    """Sources with full paths, and when each began by its own clock."""
    lines = ["cameras:"]
    for name, recording in recordings.items():
        first = float(recording.times[0]) if len(recording.times) else recording.camera.starts_s
        source = json.dumps(str((out / f"{name}.mp4").resolve()))
        lines.append(f"  {name}: {{source: {source}, offset_s: {first + recording.camera.clock_skew_s:.6f}}}")
    return lines
