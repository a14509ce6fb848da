"""Questions about a plan: which room, which wall, how high, which way is out."""

from __future__ import annotations

from perdure.simulate.plan import Door, Furnishing, Furniture, Plan, Room

_EXTENTS: dict[Furnishing, tuple[float, float]] = {
    "shelf": (0.0, 1.75),
    "counter": (0.0, 1.0),
    "table": (0.0, 0.75),
    "desk": (0.0, 0.74),
    "sofa": (0.0, 0.85),
    "cupboard": (0.0, 2.0),
    "bed": (0.0, 0.55),
    "partition": (0.0, 1.4),
    "poster": (1.1, 1.9),
    "window": (1.0, 2.1),
}
"""Bottom and top of the kinds of furniture, metres."""


def room_of(plan: Plan, x: float, y: float) -> Room | None:
    """The room that holds a point of the floor, or None."""
    for room in plan.rooms:
        x0, y0, x1, y1 = room.rect
        if x0 <= x <= x1 and y0 <= y <= y1:
            return room
    return None


def wall_of(door: Door, room: Room) -> tuple[int, float] | None:
    """Axis (0: a wall of constant x) and place of the wall of ``room`` in which the whole door lies, or None."""
    x0, y0, x1, y1 = room.rect
    x, y = door.at
    half = door.width_m / 2
    for axis, place, low, high in ((0, x0, y0, y1), (0, x1, y0, y1), (1, y0, x0, x1), (1, y1, x0, x1)):
        across, along = (x, y) if axis == 0 else (y, x)
        if abs(across - place) <= 0.02 and low <= along - half + 1e-9 and along + half <= high + 1e-9:
            return axis, place
    return None


def outward(plan: Plan, door: Door) -> tuple[float, float]:
    """Unit direction from an outer door into the open."""
    room = next(r for r in plan.rooms if r.name in door.between)
    wall = wall_of(door, room)
    assert wall is not None
    axis, place = wall
    sign = 1.0 if place >= (room.rect[axis] + room.rect[axis + 2]) / 2 else -1.0
    return (sign, 0.0) if axis == 0 else (0.0, sign)


def extent(thing: Furniture) -> tuple[float, float]:
    """Bottom and top of a piece of furniture, metres."""
    return thing.z if thing.z is not None else _EXTENTS[thing.kind]


def blocks_way(thing: Furniture) -> bool:
    """Whether people have to walk around it."""
    return thing.kind not in ("poster", "window") and extent(thing)[0] < 1.9
