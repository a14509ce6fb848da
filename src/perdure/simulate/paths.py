"""Where people can walk: a grid of the floor, and ways through doors around furniture."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from perdure.simulate.layout import blocks_way, outward, wall_of
from perdure.simulate.plan import OUTSIDE, Door, Plan
from perdure.types import Bools, Float64s, Ints

_CELL_M = 0.1
_BODY_M = 0.26
"""Half of what a walking body needs."""
_MARGIN_M = 4.0
"""How far around the building people may walk."""


class Floor:
    """The walkable floor of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        rects = np.array([room.rect for room in plan.rooms])
        self._low = rects[:, :2].min(axis=0) - _MARGIN_M
        size = np.ceil((rects[:, 2:].max(axis=0) + _MARGIN_M - self._low) / _CELL_M).astype(int)
        centres = [self._low[i] + (np.arange(size[i]) + 0.5) * _CELL_M for i in (0, 1)]
        self._x, self._y = np.meshgrid(*centres, indexing="ij")
        self.free = self._walkable()
        self._graph = self._connect()
        self._trees: dict[int, tuple[Float64s, Ints]] = {}

    def _inside(self, rect: tuple[float, float, float, float], grow: float) -> Bools:
        x0, y0, x1, y1 = rect
        inside_x = (self._x > x0 - grow) & (self._x < x1 + grow)
        return np.asarray(inside_x & (self._y > y0 - grow) & (self._y < y1 + grow))

    def _walkable(self) -> Bools:
        free = np.ones(self._x.shape, np.bool_)
        for room in self.plan.rooms:
            free &= ~self._inside(room.rect, _BODY_M)
        for room in self.plan.rooms:
            free |= self._inside(room.rect, -_BODY_M - 0.04)
        for door in self.plan.doors:
            room = next(r for r in self.plan.rooms if r.name in door.between)
            wall = wall_of(door, room)
            assert wall is not None
            half = max(door.width_m / 2 - 0.22, 0.12)
            x, y = door.at
            rect = (
                (x - 0.45, y - half, x + 0.45, y + half) if wall[0] == 0 else (x - half, y - 0.45, x + half, y + 0.45)
            )
            free |= self._inside(rect, 0.0)
        for thing in self.plan.furniture:
            if blocks_way(thing):
                free &= ~self._inside(thing.rect, _BODY_M - 0.04)
        return free

    def _connect(self) -> sparse.csr_array:
        """Neighbouring free cells, the way between them dearer beside walls and furniture."""
        clearance = ndimage.distance_transform_edt(self.free) * _CELL_M
        dear = 1 + 1.5 * np.exp(-clearance / 0.15)
        number = np.arange(self.free.size).reshape(self.free.shape)
        rows, columns, costs = [], [], []
        for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1)):
            a = (slice(0, -dx or None), slice(max(-dy, 0), -dy if dy > 0 else None))
            b = (slice(dx, None), slice(max(dy, 0), dy if dy < 0 else None))
            both = self.free[a] & self.free[b]
            rows.append(number[a][both])
            columns.append(number[b][both])
            costs.append(((dear[a] + dear[b]) / 2 * _CELL_M * np.hypot(dx, dy))[both])
        shape = (self.free.size, self.free.size)
        return sparse.csr_array((np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), shape=shape)

    def _cell(self, point: tuple[float, float]) -> tuple[int, int]:
        i, j = np.floor((np.array(point) - self._low) / _CELL_M).astype(int)
        return int(np.clip(i, 0, self.free.shape[0] - 1)), int(np.clip(j, 0, self.free.shape[1] - 1))

    def is_free(self, x: float, y: float) -> bool:
        """Whether a body may be centred here."""
        return bool(self.free[self._cell((x, y))])

    def nearest(self, point: tuple[float, float]) -> tuple[float, float]:
        """The free place nearest to a point."""
        if self.is_free(*point):
            return point
        away = np.where(self.free, np.hypot(self._x - point[0], self._y - point[1]), np.inf)
        i, j = np.unravel_index(int(np.argmin(away)), away.shape)
        return float(self._x[i, j]), float(self._y[i, j])

    def home(self, door: Door) -> tuple[float, float]:
        """Where people come from and go to behind an outer door: aside of it, out of sight."""
        dx, dy = outward(self.plan, door)
        aside = [(door.at[0] + 1.0 * dx + s * 2.6 * dy, door.at[1] + 1.0 * dy + s * 2.6 * dx) for s in (1, -1)]
        for place in aside:
            if self.is_free(*place):
                return place
        return self.nearest((door.at[0] + 1.5 * dx, door.at[1] + 1.5 * dy))

    def outer(self, name: str | None) -> Door:
        """A door to the outside by name; None: the first one."""
        doors = [d for d in self.plan.doors if OUTSIDE in d.between]
        return next(d for d in doors if name is None or d.name == name)

    def way_home(self, point: tuple[float, float]) -> bool:
        """Whether a place (or the free place nearest to it, within a pace) is joined to the first outer door."""
        start = self.nearest(point)
        if np.hypot(start[0] - point[0], start[1] - point[1]) > 0.6:
            return False
        far, _ = self._tree(self.home(self.outer(None)))
        return bool(np.isfinite(far[np.ravel_multi_index(self._cell(start), self.free.shape)]))

    def distances(self, starts: Float64s, ends: Float64s) -> Float64s:
        """(E,) metres of the shortest walk from any of (S, 2) places to each of (E, 2); inf where there is none."""
        roots = [int(np.ravel_multi_index(self._cell((float(x), float(y))), self.free.shape)) for x, y in starts]
        far = csgraph.dijkstra(self._graph, directed=False, indices=roots, min_only=True)
        cells = [int(np.ravel_multi_index(self._cell((float(x), float(y))), self.free.shape)) for x, y in ends]
        return np.asarray(far, np.float64)[cells]

    def _tree(self, goal: tuple[float, float]) -> tuple[Float64s, Ints]:
        root = int(np.ravel_multi_index(self._cell(self.nearest(goal)), self.free.shape))
        if root not in self._trees:
            far, before = csgraph.dijkstra(  # type: ignore[call-overload]
                self._graph, directed=False, indices=root, return_predecessors=True
            )
            self._trees[root] = (np.asarray(far, np.float64), np.asarray(before, np.int64))
        return self._trees[root]

    def way(self, start: tuple[float, float], goal: tuple[float, float]) -> Float64s:
        """(K, 2) a smooth way, points about 0.1 m apart, both ends included; a straight line where none is known."""
        _, before = self._tree(goal)
        cell = int(np.ravel_multi_index(self._cell(self.nearest(start)), self.free.shape))
        cells = [cell]
        while before[cells[-1]] >= 0:
            cells.append(int(before[cells[-1]]))
        i, j = np.unravel_index(np.array(cells), self.free.shape)
        middle = np.column_stack([self._x[i, j], self._y[i, j]])
        corners = self._taut(np.vstack([start, middle[1:-1], goal]))
        return self._smooth(_resample(corners))

    def _taut(self, points: Float64s) -> Float64s:
        """The way pulled straight where the straight line is free."""
        kept, at = [points[0]], 0
        while at < len(points) - 1:
            low, high = at + 1, len(points) - 1
            for ahead in range(high, low, -max(1, (high - low) // 40)):
                if self._clear(points[at], points[ahead]):
                    low = ahead
                    break
            kept.append(points[low])
            at = low
        return np.array(kept)

    def _clear(self, a: Float64s, b: Float64s) -> bool:
        steps = max(int(np.hypot(*(b - a)) / 0.05), 2)
        line = a + np.linspace(0, 1, steps)[:, None] * (b - a)
        cells = np.floor((line - self._low) / _CELL_M).astype(int)
        cells = np.clip(cells, 0, np.array(self.free.shape) - 1)
        return bool(self.free[cells[:, 0], cells[:, 1]].all())

    def _smooth(self, way: Float64s) -> Float64s:
        """Corners rounded as far as the walls allow."""
        for window in (9, 5, 3):
            if len(way) < window + 2:
                continue
            padded = np.vstack([np.repeat(way[:1], window // 2, 0), way, np.repeat(way[-1:], window // 2, 0)])
            kernel = np.ones(window) / window
            soft = np.column_stack([np.convolve(padded[:, k], kernel, "valid") for k in (0, 1)])
            soft[[0, -1]] = way[[0, -1]]
            cells = np.floor((soft - self._low) / _CELL_M).astype(int)
            if self.free[np.clip(cells[:, 0], 0, None), np.clip(cells[:, 1], 0, None)].mean() > 0.98:
                return soft
        return way


def _resample(points: Float64s) -> Float64s:
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0], np.cumsum(steps)])
    count = max(int(along[-1] / 0.1) + 1, 2)
    even = np.linspace(0, along[-1], count)
    return np.column_stack([np.interp(even, along, points[:, k]) for k in (0, 1)])
