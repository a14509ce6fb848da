"""What a plan must hold beyond the bounds of its fields: a building that can stand, and people who can walk in it."""

from __future__ import annotations

from collections.abc import Sequence

from perdure.simulate.layout import blocks_way, extent, room_of, wall_of
from perdure.simulate.paths import Floor
from perdure.simulate.plan import OUTSIDE, Door, Lines, Plan, Rectangle, Room

_TOUCH_M = 0.011


def check(plan: Plan, lines: Lines) -> None:
    """Raise ``ConfigError`` with the line of the first thing that cannot be."""
    _names(plan, lines)
    for i, room in enumerate(plan.rooms):
        _shape(room.rect, lines, ("rooms", i, "rect"), f"room {room.name!r}")
        for other in plan.rooms[:i]:
            if _overlap(room.rect, other.rect):
                lines.fail(("rooms", i, "rect"), f"rooms {other.name!r} and {room.name!r} overlap: move one of them")
    for i, door in enumerate(plan.doors):
        _door(plan, door, lines, ("doors", i))
    if not any(OUTSIDE in door.between for door in plan.doors):
        lines.fail(("doors",), "no door leads outside: nobody could come in; let one be between a room and 'outside'")
    for i, thing in enumerate(plan.furniture):
        _shape(thing.rect, lines, ("furniture", i, "rect"), f"{thing.kind} {i + 1}")
        if thing.z is not None and not 0 <= thing.z[0] < thing.z[1]:
            lines.fail(("furniture", i, "z"), f"z is [bottom, top] with 0 <= bottom < top, got {list(thing.z)}")
    for i, spot in enumerate(plan.spots):
        if room_of(plan, *spot.at) is None:
            lines.fail(("spots", i, "at"), f"spot {spot.name!r} is in no room")
        thing_index = _furniture_at(plan, *spot.at, None)
        if thing_index is not None:
            kind = plan.furniture[thing_index].kind
            lines.fail(("spots", i, "at"), f"spot {spot.name!r} is inside a {kind}: move it beside")
    _cameras(plan, lines)
    _people(plan, lines)


def _names(plan: Plan, lines: Lines) -> None:
    groups: tuple[tuple[str, Sequence[Room] | Sequence[object]], ...] = (
        ("rooms", plan.rooms), ("doors", plan.doors), ("spots", plan.spots),
        ("cameras", plan.cameras), ("people", plan.people),
    )  # fmt: skip
    for group, members in groups:
        seen: set[str] = set()
        for i, member in enumerate(members):
            name = str(getattr(member, "name"))  # noqa: B009
            if name in seen or (group == "rooms" and name == OUTSIDE):
                lines.fail((group, i, "name"), f"two of the {group} are called {name!r}, or the name is taken")
            seen.add(name)


def _shape(rect: Rectangle, lines: Lines, at: tuple[str | int, ...], what: str) -> None:
    if not (rect[0] < rect[2] and rect[1] < rect[3]):
        lines.fail(at, f"{what}: a rectangle is [x0, y0, x1, y1] with x0 < x1 and y0 < y1, got {list(rect)}")


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > _TOUCH_M and min(a[3], b[3]) - max(a[1], b[1]) > _TOUCH_M


def _door(plan: Plan, door: Door, lines: Lines, at: tuple[str | int, ...]) -> None:
    rooms = {room.name: room for room in plan.rooms}
    if door.between[0] == door.between[1]:
        lines.fail((*at, "between"), f"door {door.name!r} joins {door.between[0]!r} to itself")
    walls = []
    for name in door.between:
        if name == OUTSIDE:
            continue
        if name not in rooms:
            known = ", ".join([*rooms, OUTSIDE])
            lines.fail((*at, "between"), f"door {door.name!r} leads to nowhere: no room {name!r}; known: {known}")
        wall = wall_of(door, rooms[name])
        if wall is None:
            lines.fail((*at, "at"), f"door {door.name!r} at {list(door.at)} is not in a wall of {name!r}")
        walls.append(wall)
    if len(walls) == 2 and (walls[0][0] != walls[1][0] or abs(walls[0][1] - walls[1][1]) > 0.02):
        lines.fail((*at, "at"), f"door {door.name!r} is not in a wall that {' and '.join(door.between)} share")
    if OUTSIDE in door.between:
        axis, place = walls[0]
        inner = next(rooms[name] for name in door.between if name != OUTSIDE)
        beyond = list(door.at)
        beyond[axis] = place + (0.3 if place >= (inner.rect[axis] + inner.rect[axis + 2]) / 2 else -0.3)
        behind = room_of(plan, beyond[0], beyond[1])
        if behind is not None:
            lines.fail((*at, "between"), f"door {door.name!r} does not lead outside: {behind.name!r} is behind it")


def _furniture_at(plan: Plan, x: float, y: float, z: float | None) -> int | None:
    """The furniture that holds a point, or, without ``z``, a place of the floor."""
    for i, thing in enumerate(plan.furniture):
        low, high = extent(thing)
        hit = blocks_way(thing) if z is None else low < z < high
        if hit and thing.rect[0] < x < thing.rect[2] and thing.rect[1] < y < thing.rect[3]:
            return i
    return None


def _cameras(plan: Plan, lines: Lines) -> None:
    for i, camera in enumerate(plan.cameras):
        at = ("cameras", i, "at")
        x, y, z = camera.at
        room = room_of(plan, x, y)
        if room is not None:
            if z >= plan.height_m:
                lines.fail(at, f"camera {camera.name!r} is inside the ceiling: {z} m of {plan.height_m} m")
            gap = min(x - room.rect[0], y - room.rect[1], room.rect[2] - x, room.rect[3] - y)
            if gap < 0.06:
                lines.fail(at, f"camera {camera.name!r} is inside a wall of {room.name!r}: keep 0.06 m distance")
        thing = _furniture_at(plan, x, y, z)
        if thing is not None:
            lines.fail(at, f"camera {camera.name!r} is inside a {plan.furniture[thing].kind}")


def _people(plan: Plan, lines: Lines) -> None:
    spots = {spot.name: spot for spot in plan.spots}
    outer = {door.name for door in plan.doors if OUTSIDE in door.between}
    known = {person.name for person in plan.people}
    floor = Floor(plan)
    for i, spot in enumerate(plan.spots):
        if not floor.way_home(spot.at):
            lines.fail(("spots", i, "at"), f"no way from spot {spot.name!r} to a door that leads outside")
    for i, person in enumerate(plan.people):
        if person.twin_of is not None and (person.twin_of not in known or person.twin_of == person.name):
            lines.fail(
                ("people", i, "twin_of"), f"{person.name!r} is dressed like nobody: no person {person.twin_of!r}"
            )
        for j, visit in enumerate(person.visits):
            at: tuple[str | int, ...] = ("people", i, "visits", j)
            for door in (visit.door, visit.leaves_by):
                if door is not None and door not in outer:
                    lines.fail(
                        at, f"{person.name!r} uses a door {door!r} that does not lead outside; known: {sorted(outer)}"
                    )
            for k, stop in enumerate(visit.stops):
                if stop.spot not in spots:
                    lines.fail(
                        (*at, "stops", k, "spot"),
                        f"{person.name!r} goes to a spot {stop.spot!r} that is not in the plan",
                    )
            if visit.stays and not visit.stops:
                lines.fail((*at, "stays"), f"{person.name!r} stays, but at no stop: give the visit one")
            if visit.day > plan.days:
                lines.fail((*at, "day"), f"{person.name!r} comes on day {visit.day}, the plan has {plan.days}")
    if plan.crowd is not None and not any(not spot.staff for spot in plan.spots):
        lines.fail(("crowd",), "a crowd needs at least one spot that is not for staff")
