"""From the plan of a building to what can be seen and walked in: a scene of boxes, lenses and sensors."""

from __future__ import annotations

import numpy as np

from perdure.simulate import scene as surfaces
from perdure.simulate.layout import extent, outward, wall_of
from perdure.simulate.lens import Lens
from perdure.simulate.looks import Colour, srgb
from perdure.simulate.plan import OUTSIDE, CameraPlan, Door, Furniture, Plan, Room
from perdure.simulate.scene import Scene
from perdure.simulate.sensor import Sensor

_WALL_M = 0.04
"""Each room brings its own half of a shared wall."""
_DOOR_M = 2.05
_FLOORS = {"planks": surfaces.PLANKS, "tiles": surfaces.TILES, "carpet": surfaces.CARPET, "stone": surfaces.STONE}
_KINDS: dict[str, tuple[int, str, str]] = {
    "shelf": (surfaces.GOODS, "#8A8070", "#8A8070"),
    "counter": (surfaces.WOOD, "#7A5A38", "#7A5A38"),
    "table": (surfaces.WOOD, "#8A6844", "#8A6844"),
    "desk": (surfaces.WOOD, "#B9A78C", "#B9A78C"),
    "sofa": (surfaces.FABRIC, "#5A6470", "#5A6470"),
    "cupboard": (surfaces.WOOD, "#CFC8BB", "#CFC8BB"),
    "bed": (surfaces.FABRIC, "#C8CCD2", "#C8CCD2"),
    "partition": (surfaces.FABRIC, "#7C8790", "#7C8790"),
    "poster": (surfaces.POSTER, "#405570", "#C08040"),
    "window": (surfaces.WINDOW, "#FFFFFF", "#FFFFFF"),
}
"""Surface and colours of the kinds of furniture."""


def _hex(text: str) -> Colour:
    return srgb(int(text[1:], 16))


class _Boxes:
    def __init__(self) -> None:
        self.boxes: list[list[float]] = []
        self.surface: list[list[float]] = []

    def add(self, corners: list[float], kind: int, colour: str, second: str | None = None) -> None:
        if all(corners[i] < corners[i + 3] for i in range(3)):
            self.boxes.append(corners)
            self.surface.append([kind, *_hex(colour), *_hex(second or colour), len(self.boxes)])


def scene_of(plan: Plan) -> Scene:
    """The empty building."""
    out = _Boxes()
    xs = [r.rect[0] for r in plan.rooms] + [r.rect[2] for r in plan.rooms]
    ys = [r.rect[1] for r in plan.rooms] + [r.rect[3] for r in plan.rooms]
    out.add([min(xs) - 30, min(ys) - 30, -0.2, max(xs) + 30, max(ys) + 30, -0.01], surfaces.STONE, "#9A9A96")
    lamps: list[list[float]] = []
    for room in plan.rooms:
        _room(out, plan, room)
        lamps += _lamps(room, plan.height_m)
    for door in plan.doors:
        _frame(out, plan, door)
        if OUTSIDE in door.between:
            lamps.append(_daylight(plan, door))
    for thing in plan.furniture:
        _furniture(out, thing)
    ambient = np.array([[0.30, 0.31, 0.33], [0.20, 0.185, 0.16]]) * plan.daylight
    return Scene(np.array(out.boxes), np.array(out.surface, np.float64), np.array(lamps).reshape(-1, 6), ambient)


def _room(out: _Boxes, plan: Plan, room: Room) -> None:
    x0, y0, x1, y1 = room.rect
    top = plan.height_m
    out.add([x0, y0, -0.2, x1, y1, 0.0], _FLOORS[room.floor], room.floor_colour, "#6E6C68")
    out.add([x0, y0, top, x1, y1, top + 0.15], surfaces.PAINT, "#F2F0EC")
    for axis, place, inward in ((0, x0, 1), (0, x1, -1), (1, y0, 1), (1, y1, -1)):
        low, high = (y0, y1) if axis == 0 else (x0, x1)
        near, far = sorted((place, place + inward * _WALL_M))
        openings = []
        for door in plan.doors:
            if room.name in door.between and wall_of(door, room) == (axis, place):
                along = door.at[1 - axis]
                openings.append((along - door.width_m / 2, along + door.width_m / 2))
        edge = low
        for start, end in [*sorted(openings), (high, high)]:
            out.add(_wall(axis, near, far, edge, start, 0.0, top), surfaces.PAINT, room.wall_colour)
            out.add(_wall(axis, near, far, start, end, _DOOR_M, top), surfaces.PAINT, room.wall_colour)
            edge = end


def _wall(axis: int, near: float, far: float, low: float, high: float, bottom: float, top: float) -> list[float]:
    if axis == 0:
        return [near, low, bottom, far, high, top]
    return [low, near, bottom, high, far, top]


def _frame(out: _Boxes, plan: Plan, door: Door) -> None:
    """The wooden frame around an opening."""
    room = next(r for r in plan.rooms if r.name in door.between)
    wall = wall_of(door, room)
    assert wall is not None
    axis, place = wall
    along, half = door.at[1 - axis], door.width_m / 2
    for low, high in ((along - half - 0.06, along - half), (along + half, along + half + 0.06)):
        out.add(_wall(axis, place - 0.055, place + 0.055, low, high, 0.0, _DOOR_M + 0.06), surfaces.WOOD, "#8C8478")
    out.add(
        _wall(axis, place - 0.055, place + 0.055, along - half, along + half, _DOOR_M, _DOOR_M + 0.06),
        surfaces.WOOD,
        "#8C8478",
    )


def _lamps(room: Room, height_m: float) -> list[list[float]]:
    x0, y0, x1, y1 = room.rect
    colour = np.array([1.40, 1.42, 1.50]) * (1 - room.warmth) + np.array([1.58, 1.42, 1.18]) * room.warmth
    power = room.light * colour * (height_m / 2.7) ** 2
    out = []
    for i in range(room.lamps):
        share = (i + 0.5) / room.lamps
        wide = x1 - x0 >= y1 - y0
        x = x0 + share * (x1 - x0) if wide else (x0 + x1) / 2
        y = (y0 + y1) / 2 if wide else y0 + share * (y1 - y0)
        out.append([x, y, height_m - 0.06, *power])
    return out


def _daylight(plan: Plan, door: Door) -> list[float]:
    """Light before an outer door."""
    dx, dy = outward(plan, door)
    power = 9.0 * plan.daylight
    return [door.at[0] + 2.2 * dx, door.at[1] + 2.2 * dy, 3.6, power, power * 1.03, power * 1.1]


def _furniture(out: _Boxes, thing: Furniture) -> None:
    x0, y0, x1, y1 = thing.rect
    low, high = extent(thing)
    kind, colour, second = _KINDS[thing.kind]
    colour, second = (thing.colour, thing.colour) if thing.colour else (colour, second)
    if thing.kind in ("table", "desk"):
        out.add([x0, y0, high - 0.05, x1, y1, high], kind, colour)
        for x in (x0 + 0.03, x1 - 0.09):
            for y in (y0 + 0.03, y1 - 0.09):
                out.add([x, y, low, x + 0.06, y + 0.06, high - 0.05], surfaces.PAINT, "#4A4A4C")
        if thing.kind == "desk":
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            wide = x1 - x0 >= y1 - y0
            dx, dy = (0.27, 0.02) if wide else (0.02, 0.27)
            out.add([x - dx, y - dy, high + 0.12, x + dx, y + dy, high + 0.45], surfaces.PAINT, "#222326")
            out.add([x - 0.03, y - 0.03, high, x + 0.03, y + 0.03, high + 0.12], surfaces.PAINT, "#222326")
    elif thing.kind in ("sofa", "bed"):
        seat = low + 0.5 * (high - low) if thing.kind == "sofa" else high
        out.add([x0, y0, low + 0.06, x1, y1, seat], kind, colour)
        if x1 - x0 >= y1 - y0:
            out.add([x0, y1 - 0.22, low + 0.06, x1, y1, high + (0.35 if thing.kind == "bed" else 0.0)], kind, colour)
        else:
            out.add([x0, y0, low + 0.06, x0 + 0.22, y1, high + (0.35 if thing.kind == "bed" else 0.0)], kind, colour)
    else:
        out.add([x0, y0, low, x1, y1, high], kind, colour, second)
        if thing.kind == "counter":
            out.add([x0 - 0.03, y0 - 0.03, high - 0.04, x1 + 0.03, y1 + 0.03, high], surfaces.STONE, "#C9C5BC")


def lens_of(camera: CameraPlan) -> Lens:
    """The geometry of a planned camera."""
    return Lens(
        position=camera.at,
        yaw_deg=camera.yaw_deg,
        pitch_deg=camera.pitch_deg,
        hfov_deg=camera.hfov_deg,
        width=camera.width,
        height=camera.height,
        roll_deg=camera.roll_deg,
        k1=camera.k1,
    )


def sensor_of(camera: CameraPlan) -> Sensor:
    """How a planned camera turns light into numbers."""
    base = Sensor()
    return Sensor(
        gains=camera.white_balance,
        exposure=base.exposure * camera.exposure,
        contrast=camera.contrast,
        saturation=camera.saturation,
        photon_noise=base.photon_noise * camera.noise,
        read_noise=base.read_noise * camera.noise,
        blur_px=base.blur_px * max(camera.width / 640, 0.5),
        exposure_s=camera.shutter_s,
    )
