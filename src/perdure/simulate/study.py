"""A coverage study of a plan: what no camera sees, how large people appear, how long hand-offs take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.simulate.building import lens_of, scene_of
from perdure.simulate.paths import Floor
from perdure.simulate.plan import CameraPlan, Plan
from perdure.simulate.scene import Scene, visible_from
from perdure.types import Bools, Float64s

CELL_M = 0.25
PERSON_M = 1.7
WALK_MPS = 1.25
GOOD_PX = 96.0
"""From this height on an embedder has something to work with; below 64 px detectors begin to fail."""
USABLE_PX = 64.0


@dataclass(frozen=True, eq=False)
class Coverage:
    """What cameras see of the walkable floor: N places on a grid, C cameras."""

    places: Float64s
    """(N, 2) metres."""
    rooms: tuple[str, ...]
    """Room of each place."""
    height_px: Float64s
    """(N, C) how tall a standing person appears; 0 where the camera sees less than half of them."""
    handoff_s: Float64s
    """(C, C) shortest walk from what one camera sees to what another sees; 0: they overlap, inf: no way."""

    def seen(self, least_px: float = USABLE_PX) -> Bools:
        """(N, C) where a camera shows a person at least this tall."""
        return self.height_px >= least_px


def study(plan: Plan) -> Coverage:
    """The coverage of a plan."""
    floor, scene = Floor(plan), scene_of(plan)
    places, rooms = standing_places(plan, floor)
    heights = np.stack([_heights(scene, camera, places) for camera in plan.cameras], axis=1)
    return Coverage(places, rooms, heights, _handoffs(floor, places, heights >= USABLE_PX))


def standing_places(plan: Plan, floor: Floor) -> tuple[Float64s, tuple[str, ...]]:
    """(N, 2) grid points of the rooms where somebody can stand, metres, and the room of each."""
    points: list[tuple[float, float]] = []
    rooms: list[str] = []
    for room in plan.rooms:
        x0, y0, x1, y1 = room.rect
        for x in np.arange(x0 + CELL_M / 2, x1, CELL_M):
            for y in np.arange(y0 + CELL_M / 2, y1, CELL_M):
                if floor.is_free(float(x), float(y)):
                    points.append((float(x), float(y)))
                    rooms.append(room.name)
    return np.array(points).reshape(-1, 2), tuple(rooms)


def _heights(scene: Scene, camera: CameraPlan, places: Float64s) -> Float64s:
    """(N,) apparent height in px of somebody at each place, 0 where most of the body is hidden or outside."""
    lens = lens_of(camera)
    levels = np.linspace(0.1, PERSON_M - 0.05, 6)
    visible = np.zeros((len(levels), len(places)), np.bool_)
    pixels = np.zeros((len(levels), len(places), 2))
    for i, z in enumerate(levels):
        points = np.column_stack([places, np.full(len(places), z)])
        pixels[i] = lens.project(points)
        inside = (pixels[i] >= 0).all(axis=1) & (pixels[i] < [lens.width, lens.height]).all(axis=1)
        visible[i] = inside & visible_from(scene, np.array(lens.position), points)
    tall = np.hypot(*(pixels[-1] - pixels[0]).T) * PERSON_M / (levels[-1] - levels[0])
    return np.asarray(np.where(visible.mean(axis=0) >= 0.5, np.nan_to_num(tall), 0.0))


def _handoffs(floor: Floor, places: Float64s, seen: Bools) -> Float64s:
    cameras = seen.shape[1]
    out = np.full((cameras, cameras), np.inf)
    for a in range(cameras):
        if not seen[:, a].any():
            continue
        away = floor.distances(places[seen[:, a]], places)
        for b in range(cameras):
            if seen[:, b].any():
                out[a, b] = float(away[seen[:, b]].min()) / WALK_MPS
    return out


def table(plan: Plan, coverage: Coverage) -> list[tuple[str, ...]]:
    """Rows per room: floor area, share no camera sees, share seen at a good height, median height, cameras."""
    best = coverage.height_px.max(axis=1)
    rooms = np.array(coverage.rooms)
    rows: list[tuple[str, ...]] = []
    for room in plan.rooms:
        here = rooms == room.name
        if not here.any():
            continue
        watching = [c.name for i, c in enumerate(plan.cameras) if coverage.seen()[here, i].mean() > 0.05]
        seen = best[here] >= USABLE_PX
        median = f"{np.median(best[here][seen]):.0f}" if seen.any() else "-"
        rows.append(
            (
                room.name,
                f"{here.sum() * CELL_M**2:.0f}",
                f"{100 * (1 - seen.mean()):.0f} %",
                f"{100 * (best[here] >= GOOD_PX).mean():.0f} %",
                median,
                ", ".join(watching) or "none",
            )
        )
    return rows


def blind_spots(coverage: Coverage, most: int = 5) -> list[tuple[float, float, float]]:
    """The largest connected places no camera sees: middle x, y in metres and area in square metres."""
    from scipy import ndimage

    blind = ~coverage.seen().any(axis=1)
    if not blind.any():
        return []
    cells = np.round((coverage.places - coverage.places.min(axis=0)) / CELL_M).astype(int)
    grid = np.zeros(cells.max(axis=0) + 1, np.bool_)
    grid[cells[blind, 0], cells[blind, 1]] = True
    labels, count = ndimage.label(grid)
    label = labels[cells[:, 0], cells[:, 1]]
    found = []
    for k in range(1, count + 1):
        here = label == k
        x, y = coverage.places[here].mean(axis=0)
        found.append((float(x), float(y), float(here.sum() * CELL_M**2)))
    return sorted(found, key=lambda spot: -spot[2])[:most]


def _bounds(plan: Plan) -> tuple[float, float, float, float]:
    rects = np.array([room.rect for room in plan.rooms])
    x0, y0 = rects[:, :2].min(axis=0)
    x1, y1 = rects[:, 2:].max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def draw(plan: Plan, coverage: Coverage, path: Path, caption: str) -> None:
    """A PNG of the floor: how tall people appear, what nobody sees, where the cameras look; and a line below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle, Wedge

    best = coverage.height_px.max(axis=1)
    x0, y0, x1, y1 = _bounds(plan)
    figure = Figure(figsize=(10, float(np.clip(8.5 * (y1 - y0) / (x1 - x0) + 1.5, 3.5, 12))), layout="constrained")
    axes = FigureCanvasAgg(figure).figure.subplots()
    seen = best >= USABLE_PX
    points = axes.scatter(*coverage.places[seen].T, c=best[seen], s=26, marker="s", cmap="viridis", vmin=0, vmax=250)
    axes.scatter(*coverage.places[~seen].T, c="#C0392B", s=26, marker="s", label=f"nobody sees {USABLE_PX:.0f} px")
    figure.colorbar(points, ax=axes, shrink=0.6, label="height of a standing person, px")
    for room in plan.rooms:
        x0, y0, x1, y1 = room.rect
        axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, lw=1.5))
        axes.text(x0 + 0.15, y1 - 0.15, room.name, va="top", fontsize=9, weight="bold")
    for door in plan.doors:
        axes.plot(*door.at, "w", marker="s", ms=7, mec="k")
    for thing in plan.furniture:
        x0, y0, x1, y1 = thing.rect
        axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, color="#8A8070", alpha=0.6))
    for camera in plan.cameras:
        half = camera.hfov_deg / 2
        wedge = Wedge(camera.at[:2], 1.0, camera.yaw_deg - half, camera.yaw_deg + half, color="k", alpha=0.35)
        axes.add_patch(wedge)
        axes.annotate(camera.name, camera.at[:2], color="k", fontsize=9, xytext=(4, 4), textcoords="offset points")
    axes.set_aspect("equal")
    axes.set_xlabel("x, m")
    axes.set_ylabel("y, m")
    figure.supxlabel(caption, fontsize=10)
    if (~seen).any():
        axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)
