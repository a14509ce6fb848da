"""A camera as geometry: a pinhole with radial distortion, fixed in the building. World metres, z up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perdure.types import Float64s


@dataclass(frozen=True)
class Lens:
    """Where a camera is, where it looks, and how it projects.

    ``yaw_deg`` is counted from +x towards +y, ``pitch_deg`` downwards, ``roll_deg`` clockwise as
    seen from behind the camera.
    Distortion is ``1 + k1 r^2 + k2 r^4`` on normalised coordinates (Brown, "Close-range camera calibration", 1971).
    """

    position: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float
    hfov_deg: float
    width: int
    height: int
    roll_deg: float = 0.0
    k1: float = 0.0
    k2: float = 0.0

    @property
    def focal_px(self) -> float:
        """Focal length in pixels; the pixels are square."""
        return self.width / 2 / math.tan(math.radians(self.hfov_deg) / 2)

    @cached_property
    def matrix(self) -> Float64s:
        """(3, 3) float64 camera matrix; pixel centres lie at half integers."""
        f = self.focal_px
        return np.array([[f, 0, self.width / 2], [0, f, self.height / 2], [0, 0, 1.0]])

    @cached_property
    def rotation(self) -> Float64s:
        """(3, 3) float64, world to camera: rows are the camera's right, down and forward in the world."""
        yaw, pitch, roll = map(math.radians, (self.yaw_deg, self.pitch_deg, self.roll_deg))
        forward = np.array([math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), -math.sin(pitch)])
        right = np.array([math.sin(yaw), -math.cos(yaw), 0.0])
        down = np.cross(forward, right)
        c, s = math.cos(roll), math.sin(roll)
        return np.stack([c * right + s * down, -s * right + c * down, forward])

    def depth(self, points: Float64s) -> Float64s:
        """(N,) distance of (N, 3) world points along the optical axis, metres."""
        return np.asarray((points - np.array(self.position)) @ self.rotation[2])

    def project(self, points: Float64s) -> Float64s:
        """(N, 2) pixels of (N, 3) world points; NaN for points behind the camera or beyond the lens's field."""
        camera = (np.asarray(points, np.float64) - np.array(self.position)) @ self.rotation.T
        z = np.where(camera[:, 2] > 1e-9, camera[:, 2], np.nan)
        normal = camera[:, :2] / z[:, None]
        r2 = np.sum(normal**2, axis=1)
        factor = 1 + self.k1 * r2 + self.k2 * r2**2
        factor = np.where(1 + 3 * self.k1 * r2 + 5 * self.k2 * r2**2 > 0, factor, np.nan)
        return np.asarray(normal * factor[:, None] * self.focal_px + [self.width / 2, self.height / 2])

    def rays(self, pixels: Float64s) -> Float64s:
        """(N, 3) unit directions in the world that are seen at (N, 2) pixels: the inverse of ``project``."""
        distorted = (np.asarray(pixels, np.float64) - [self.width / 2, self.height / 2]) / self.focal_px
        normal = distorted.copy()
        for _ in range(12):
            r2 = np.sum(normal**2, axis=1, keepdims=True)
            normal = distorted / np.maximum(1 + self.k1 * r2 + self.k2 * r2**2, 0.2)
        camera = np.column_stack([normal, np.ones(len(normal))])
        camera /= np.linalg.norm(camera, axis=1, keepdims=True)
        return np.asarray(camera @ self.rotation)

    def floor_points(self, pixels: Float64s) -> Float64s:
        """(N, 2) metres on the floor (z = 0) seen at (N, 2) pixels; NaN at and above the horizon."""
        rays = self.rays(pixels)
        scale = np.where(rays[:, 2] < -1e-9, -self.position[2] / np.minimum(rays[:, 2], -1e-9), np.nan)
        return np.asarray(np.array(self.position[:2]) + rays[:, :2] * scale[:, None])
