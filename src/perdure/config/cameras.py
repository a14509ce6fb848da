"""The cameras: what they are, and where they are to each other."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from pydantic import Field, model_validator

from perdure.config.section import CameraName, Section

FLOOR_TOLERANCE_M = 0.5
"""Marks on a floor may contradict each other by this much."""
ROUND_TRIP = 0.1
"""From pixels to the floor and back nothing moves by more than this share of the marks' spread."""

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


class CameraConfig(Section):
    """One camera of the site."""

    source: str = Field(description="A video file, a folder of pictures, a webcam index, or (live) a stream's URL.")
    offset_s: float = Field(0.0, ge=-86400.0, le=86400.0, description="Recorded footage: its first frame is this late.")
    rate_fps: float | None = Field(None, gt=0.0, le=1000.0, description="For files that have no rate or a wrong one.")
    rotate_deg: Literal[0, 90, 180, 270] = Field(0, description="Turn the picture further clockwise.")
    floor: FloorConfig | None = Field(
        None,
        description="Marks on the floor, for cameras that overlap: `{pixels: [[x, y], ...], metres: [[x, y], ...]}`.",
    )
    detections: str | None = Field(None, description="File of its boxes (MOT text or JSON): no detector looks at it.")


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
