"""What a plan says: rooms, doors, furniture, spots, cameras and people; and where in the file each of it stands."""

from __future__ import annotations

from typing import Annotated, Literal, NoReturn

import yaml
from pydantic import BaseModel, ConfigDict, Field

from perdure.errors import ConfigError

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Metres = Annotated[float, Field(ge=-500.0, le=500.0)]
Point = tuple[Metres, Metres]
Rectangle = tuple[Metres, Metres, Metres, Metres]
Hex = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
Gain = Annotated[float, Field(ge=0.5, le=2.0)]
Flooring = Literal["planks", "tiles", "carpet", "stone"]
Furnishing = Literal["shelf", "counter", "table", "desk", "sofa", "cupboard", "bed", "partition", "poster", "window"]
OUTSIDE = "outside"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Room(_Part):
    """A rectangle with a floor and walls."""

    name: Name = Field(description="Unique among rooms; 'outside' is taken.")
    rect: Rectangle = Field(description="x0, y0, x1, y1 in metres, x0 < x1 and y0 < y1; rooms may touch, not overlap.")
    floor: Flooring = Field("planks", description="What people walk on.")
    floor_colour: Hex = Field("#A58560", description="Its colour.")
    wall_colour: Hex = Field("#D9D4C6", description="Paint of the walls.")
    lamps: int = Field(2, ge=0, le=8, description="Ceiling lamps, spread along the longer side.")
    light: float = Field(1.0, ge=0.0, le=4.0, description="Brightness of each lamp; 1 is a normal room.")
    warmth: float = Field(0.5, ge=0.0, le=1.0, description="Colour of the lamps: 0 cold daylight, 1 warm.")


class Door(_Part):
    """An opening in a wall that two rooms share, or a room and the outside."""

    name: Name = Field(description="Unique among doors.")
    between: tuple[Name, Name] = Field(description="Two rooms, or a room and 'outside'.")
    at: Point = Field(description="Middle of the opening, on the shared wall, metres.")
    width_m: float = Field(1.0, ge=0.6, le=6.0, description="Clear width.")


class Furniture(_Part):
    """A box people walk around, or (poster, window) a flat thing on a wall."""

    kind: Furnishing = Field(description="What it looks like.")
    rect: Rectangle = Field(description="x0, y0, x1, y1 in metres.")
    z: tuple[float, float] | None = Field(None, description="Bottom and top in metres; the default suits the kind.")
    colour: Hex | None = Field(None, description="Its colour; the default suits the kind.")


class Spot(_Part):
    """A place where people stay."""

    name: Name = Field(description="Unique among spots.")
    at: Point = Field(description="Where they stand, metres.")
    facing_deg: float = Field(0.0, ge=-360.0, le=360.0, description="Where they look, from +x towards +y.")
    doing: Literal["standing", "reaching", "holding"] = Field("standing", description="What they do there.")
    queue: bool = Field(False, description="One at a time; the others wait behind, one pace apart.")
    staff: bool = Field(False, description="Only for staff: the public does not choose it.")


class CameraPlan(_Part):
    """A camera on a wall or ceiling."""

    name: Name = Field(description="Unique among cameras; names the files.")
    at: tuple[Metres, Metres, Annotated[float, Field(ge=0.3, le=20.0)]] = Field(description="x, y, height in metres.")
    yaw_deg: float = Field(ge=-360.0, le=360.0, description="Where it looks, from +x towards +y.")
    pitch_deg: float = Field(20.0, ge=-30.0, le=89.0, description="How far down it looks.")
    roll_deg: float = Field(0.0, ge=-45.0, le=45.0, description="Turned clockwise.")
    hfov_deg: float = Field(80.0, ge=10.0, le=125.0, description="Horizontal field of view (without distortion).")
    k1: float = Field(-0.04, ge=-0.15, le=0.15, description="Radial distortion; negative is a barrel.")
    width: int = Field(640, ge=64, le=3840, multiple_of=2, description="Picture width, px.")
    height: int = Field(360, ge=64, le=2160, multiple_of=2, description="Picture height, px.")
    rate_fps: float = Field(10.0, ge=0.5, le=60.0, description="Frames per second.")
    starts_s: float = Field(0.0, ge=0.0, le=3600.0, description="Its recording begins this late.")
    clock_skew_s: float = Field(0.0, ge=-3600.0, le=3600.0, description="Its own clock is this far ahead.")
    dropped: float = Field(0.0, ge=0.0, le=0.9, description="Share of frames that are lost.")
    exposure: float = Field(1.0, ge=0.2, le=4.0, description="Brightness of its picture; 1 is right.")
    shutter_s: float = Field(0.02, ge=0.0, le=0.2, description="How long the shutter is open: motion blur.")
    white_balance: tuple[Gain, Gain, Gain] = Field((1.0, 1.0, 1.0), description="Gains of red, green and blue.")
    saturation: float = Field(1.0, ge=0.0, le=2.0, description="0 is grey.")
    contrast: float = Field(0.15, ge=0.0, le=1.0, description="Strength of the tone curve.")
    noise: float = Field(1.0, ge=0.0, le=10.0, description="Sensor noise relative to a decent indoor camera.")


class Stop(_Part):
    """One part of a visit."""

    spot: Name = Field(description="Where to go.")
    stay_s: float = Field(2.0, ge=0.0, le=86400.0, description="How long to stay there.")


class Visit(_Part):
    """Somebody comes in, goes round, and leaves."""

    arrives_s: float = Field(
        ge=-3600.0, le=86400.0, description="Seconds after the recording's start; below 0: before."
    )
    stops: tuple[Stop, ...] = Field((), description="In order.")
    door: Name | None = Field(None, description="The way in; default: the first door to the outside.")
    leaves_by: Name | None = Field(None, description="The way out; default: the door they came by.")
    stays: bool = Field(False, description="True: is still at the last stop when the day ends, and so never leaves.")
    outfit: int = Field(0, ge=0, le=99, description="Another number is another set of clothes.")
    day: int = Field(1, ge=1, le=366, description="Which day; each day is its own recording.")


class Person(_Part):
    """Somebody with a script."""

    name: Name = Field(description="Unique among people.")
    look: int | None = Field(
        None, ge=0, le=2**31, description="Seed of the looks; default: drawn from the plan's seed."
    )
    twin_of: Name | None = Field(None, description="Wears the same clothes as this person, but is somebody else.")
    role: Literal["visitor", "staff"] = Field("visitor", description="Staff may use staff spots.")
    walks_mps: float = Field(1.25, ge=0.3, le=2.5, description="Walking speed.")
    visits: tuple[Visit, ...] = Field(min_length=1, description="When they come.")


class Crowd(_Part):
    """People drawn at random from the seed: who, when, where to and how long."""

    per_hour: float = Field(ge=0.0, le=2000.0, description="Groups that arrive per hour (Poisson).")
    group: tuple[float, ...] = Field(
        (0.75, 0.2, 0.05), min_length=1, max_length=6, description="Weights of 1, 2, ... people."
    )
    stops: tuple[int, int] = Field((1, 4), description="Fewest and most spots of one visit.")
    stay_s: tuple[float, float] = Field((3.0, 25.0), description="Shortest and longest stay at one spot.")
    returns: float = Field(0.3, ge=0.0, le=1.0, description="Share of groups that come back the same day.")
    gap_s: tuple[float, float] = Field((20.0, 180.0), description="Shortest and longest absence before that.")
    twins: float = Field(0.05, ge=0.0, le=1.0, description="Share of people dressed like somebody before them.")
    changes: float = Field(0.0, ge=0.0, le=1.0, description="Share of returns in other clothes.")


class Plan(_Part):
    """A whole building and what happens in it."""

    name: Name = Field(description="Of the building.")
    seed: int = Field(0, ge=0, le=2**31, description="Everything random follows from it.")
    minutes: float = Field(5.0, gt=0.0, le=1440.0, description="Length of a day's recording.")
    days: int = Field(1, ge=1, le=366, description="Days recorded; each is a folder of its own.")
    height_m: float = Field(2.7, ge=2.0, le=12.0, description="Height of the rooms.")
    daylight: float = Field(1.0, ge=0.0, le=4.0, description="Light that comes from everywhere.")
    rooms: tuple[Room, ...] = Field(min_length=1, description="The floor plan.")
    doors: tuple[Door, ...] = Field(min_length=1, description="At least one leads outside.")
    furniture: tuple[Furniture, ...] = Field((), description="What stands in the way or hangs on a wall.")
    spots: tuple[Spot, ...] = Field((), description="Where people stay.")
    cameras: tuple[CameraPlan, ...] = Field(min_length=1, description="Who watches.")
    people: tuple[Person, ...] = Field((), description="People with a script.")
    crowd: Crowd | None = Field(None, description="People without one.")


class Lines:
    """Where each key of a YAML file stands."""

    def __init__(self, node: yaml.Node | None, path: str) -> None:
        self.path = path
        self._line: dict[tuple[str | int, ...], int] = {}
        if node is not None:
            self._walk(node, ())

    def _walk(self, node: yaml.Node, at: tuple[str | int, ...]) -> None:
        self._line.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._line[(*at, key.value)] = key.start_mark.line + 1
                self._walk(value, (*at, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._walk(value, (*at, index))

    def of(self, at: tuple[str | int, ...]) -> str:
        """``FILE, line N`` of a key or of the nearest thing that holds it."""
        while at and at not in self._line:
            at = at[:-1]
        line = self._line.get(at)
        return f"{self.path}, line {line}" if line else self.path

    def fail(self, at: tuple[str | int, ...], message: str) -> NoReturn:
        """Raise ``ConfigError`` with the line."""
        raise ConfigError(f"{self.of(at)}: {message}")
