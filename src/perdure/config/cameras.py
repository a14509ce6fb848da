"""The cameras: what they are, and where they are to each other."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal, Self

from pydantic import Field, model_validator

from perdure.config.section import CameraName, Section

FLOOR_TOLERANCE_M = 0.5
"""Marks on a floor may contradict each other by this much."""
ROUND_TRIP = 0.1
"""From pixels to the floor and back nothing moves by more than this share of the marks' spread."""
MOST_CORNERS = 64
SMALLEST_ZONE = 1e-4
"""Of the picture."""
SHORTEST_LINE = 0.01
"""Of the picture's width or height."""

Point = tuple[float, float]


class FloorConfig(Section):
    """Marks on the floor: where they are in the picture, and where in the building."""

    pixels: tuple[Point, ...] = Field(description="x, y of each mark in the picture, turned as configured.")
    metres: tuple[Point, ...] = Field(description="x, y of the same marks on one plan that all cameras share.")

    @model_validator(mode="after")
    def _fits(self) -> FloorConfig:
        import numpy as np

        from perdure.geometry import homography, project

        if not 4 <= len(self.pixels) == len(self.metres):
            raise ValueError(
                f"needs four marks or more, each twice: {len(self.pixels)} pixels, {len(self.metres)} metres"
            )
        pixels, metres = np.array(self.pixels), np.array(self.metres)
        off, is_plane = np.full(len(pixels), np.nan), False
        with np.errstate(all="ignore"), suppress(np.linalg.LinAlgError):
            there = homography(pixels, metres)
            off = np.linalg.norm(project(pixels, there) - metres, axis=1)
            back = project(metres, np.asarray(np.linalg.inv(there), np.float64)) - pixels
            spread = np.linalg.norm(pixels - pixels.mean(axis=0))
            is_before_camera = np.column_stack([pixels, np.ones(len(pixels))]) @ there[2] > 0
            is_plane = bool(is_before_camera.all() and np.linalg.norm(back) < ROUND_TRIP * spread)
        if off.max() <= FLOOR_TOLERANCE_M and not is_plane:
            off[:] = np.nan
        worst = int(np.argmax(np.nan_to_num(off, nan=np.inf)))
        if not off[worst] <= FLOOR_TOLERANCE_M:
            said = (
                f"mark {worst + 1} is off by {off[worst]:.1f} m"
                if np.isfinite(off[worst])
                else "they do not fit a plane"
            )
            raise ValueError(f"no floor fits the marks: {said} (are two mixed up, or three of four on one line?)")
        return self


class ZoneConfig(Section):
    """A part of the floor in a camera's picture."""

    polygon: tuple[Point, ...] = Field(description="Corners in order, shares of width and height: `[[0.1, 0.5], ...]`.")
    min_stay_s: float = Field(1.0, ge=0.0, le=3600.0, description="Shorter stays do not count.")
    max_people: int | None = Field(None, ge=0, le=100_000, description="More at once are told; none: as many as like.")
    loiter_after_s: float | None = Field(None, gt=0.0, le=86400.0, description="A longer stay is told as loitering.")
    queue: bool = Field(False, description="People here wait: how many, how long, and whether they were served.")
    served_by: CameraName | None = Field(
        None, description="The line of this camera that people of the queue cross when they were served."
    )

    @model_validator(mode="after")
    def _is_a_polygon(self) -> ZoneConfig:
        import numpy as np

        from perdure.geometry import crosses_itself

        if len(self.polygon) < 3:
            raise ValueError(f"polygon: a zone needs three corners or more, this one has {len(self.polygon)}")
        if len(self.polygon) > MOST_CORNERS:
            raise ValueError(f"polygon: {len(self.polygon)} corners are too many: at most {MOST_CORNERS}")
        _in_picture("polygon", self.polygon)
        corners = np.array(self.polygon)
        if crosses_itself(corners):
            raise ValueError("polygon: its sides cross or touch each other: give the corners in order around the zone")
        following = np.roll(corners, -1, axis=0)
        surface = abs(float(np.sum(corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]))) / 2
        if surface < SMALLEST_ZONE:
            raise ValueError("polygon: the zone is too small to stand in")
        if self.served_by is not None and not self.queue:
            raise ValueError("served_by: only a queue has it: say queue: true")
        return self


class LineConfig(Section):
    """A line across a camera's picture that people cross: in from its left to its right, seen from start to end."""

    start: Point = Field(description="x, y as shares of the picture's width and height.")
    end: Point = Field(description="x, y of its other end.")

    @model_validator(mode="after")
    def _is_a_line(self) -> LineConfig:
        _in_picture("start, end", (self.start, self.end))
        if max(abs(a - b) for a, b in zip(self.start, self.end, strict=True)) < SHORTEST_LINE:
            raise ValueError("start and end are the same: a line needs a length")
        return self


def _in_picture(key: str, points: tuple[Point, ...]) -> None:
    for x, y in points:
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ValueError(f"{key}: [{x:g}, {y:g}] is outside the picture: its width and height are 0 to 1")


class DrawnConfig(Section):
    """What is drawn on a camera's picture."""

    zones: dict[CameraName, ZoneConfig] = Field(default_factory=dict, description="Parts of the floor, by name.")
    lines: dict[CameraName, LineConfig] = Field(default_factory=dict, description="Lines that people cross, by name.")
    max_people: int | None = Field(None, ge=0, le=100_000, description="More at once before this camera are told.")

    @model_validator(mode="after")
    def _places_fit(self) -> Self:
        if both := sorted(self.zones.keys() & self.lines.keys()):
            raise ValueError(f"{both[0]!r} is the name of a zone and of a line: rename one of them")
        for name, zone in self.zones.items():
            if zone.served_by is not None and zone.served_by not in self.lines:
                known = f"its lines: {', '.join(self.lines)}" if self.lines else "it has no lines"
                raise ValueError(f"zones.{name}.served_by: this camera has no line {zone.served_by!r}; {known}")
        return self

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything."""
        return bool(self.zones or self.lines) or self.max_people is not None


class CameraConfig(DrawnConfig):
    """One camera of the site."""

    source: str = Field(description="A video file, a folder of pictures, a webcam index, or (live) a stream's URL.")
    offset_s: float = Field(0.0, ge=-86400.0, le=86400.0, description="Recorded footage: its first frame is this late.")
    rate_fps: float | None = Field(None, gt=0.0, le=1000.0, description="For files that have no rate or a wrong one.")
    rotate_deg: Literal[0, 90, 180, 270] = Field(0, description="Turn the picture further clockwise.")
    moving: bool = Field(False, description="The camera itself pans, zooms or is carried: its motion is taken out.")
    floor: FloorConfig | None = Field(
        None,
        description="Marks on the floor, for cameras that overlap: `{pixels: [[x, y], ...], metres: [[x, y], ...]}`.",
    )
    detections: str | None = Field(None, description="File of its boxes (MOT text or JSON): no detector looks at it.")

    @property
    def drawn(self) -> DrawnConfig:
        """Its zones and lines alone."""
        return DrawnConfig.model_construct(**{key: getattr(self, key) for key in DrawnConfig.model_fields})

    def with_drawn(self, drawn: DrawnConfig) -> CameraConfig:
        """The camera with these zones and lines instead of its own."""
        return self.model_copy(update={key: getattr(drawn, key) for key in DrawnConfig.model_fields})


class TravelConfig(Section):
    """How far apart two cameras are."""

    between: tuple[CameraName, CameraName] = Field(description="Two cameras; both ways.")
    at_least_s: float = Field(ge=0.0, le=86400.0, description="Nobody gets from one to the other faster.")


class TopologyConfig(Section):
    """Where cameras are to each other. What is declared forbids; what is learned is evidence."""

    learn: bool = Field(True, description="Learn from people who walk on how long that takes, and use it.")
    cameras_overlap: bool = Field(True, description="Whether two cameras may see one place at once, unless listed.")
    overlapping: tuple[tuple[CameraName, CameraName], ...] = Field((), description="Pairs that do see one place.")
    travel: tuple[TravelConfig, ...] = Field(
        (), description="Pairs no person is seen in at once: `{between: [door, dock], at_least_s: 20}`."
    )

    @model_validator(mode="after")
    def _consistent(self) -> TopologyConfig:
        seconds: dict[frozenset[str], float] = {}
        for way in self.travel:
            pair = _pair("travel", way.between)
            if seconds.setdefault(pair, way.at_least_s) != way.at_least_s:
                raise ValueError(f"travel: {_both(pair)} is given as {seconds[pair]:g} s and as {way.at_least_s:g} s")
        for names in self.overlapping:
            pair = _pair("overlapping", names)
            if pair in seconds:
                raise ValueError(f"{_both(pair)} cannot overlap and be {seconds[pair]:g} s apart: take one of them out")
        return self

    def cameras(self) -> set[str]:
        """All cameras that are named."""
        return {name for way in self.travel for name in way.between} | {n for pair in self.overlapping for n in pair}


def _pair(key: str, names: tuple[str, str]) -> frozenset[str]:
    if names[0] == names[1]:
        raise ValueError(f"{key}: {names[0]!r} is given twice, a pair needs two cameras")
    return frozenset(names)


def _both(pair: frozenset[str]) -> str:
    return " and ".join(repr(name) for name in sorted(pair))
