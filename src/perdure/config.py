"""``perdure.yaml``: one file, every field with a description, bounds and a default that suits four home cameras."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from perdure.errors import ConfigError

TrackerName = Literal["default", "sort", "deepsort", "bytetrack", "ocsort", "botsort"]
PolicyName = Literal["default", "ema", "ring-centroid", "nearest", "micro-track"]


FLOOR_TOLERANCE_M = 0.5
"""Marks on a floor may contradict each other by this much."""
ROUND_TRIP = 0.1
"""From pixels to the floor and back nothing moves by more than this share of the marks' spread."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Point = tuple[float, float]


class FloorConfig(_Section):
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


class CameraConfig(_Section):
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


class DetectionConfig(_Section):
    """Which people are found, and how much compute that may take."""

    model: str = Field("auto", description="Name in the catalogue or an ONNX file with a card; auto: the built-in one.")
    min_score: float = Field(0.1, ge=0.0, le=1.0, description="Boxes below this are not even looked at.")
    min_height_px: float = Field(24.0, ge=1.0, le=10000.0, description="Smaller people are ignored.")
    nms_iou: float = Field(0.65, gt=0.0, le=1.0, description="Of two boxes that overlap more, the weaker one goes.")
    every: int = Field(1, ge=1, le=1000, description="Leave out all frames but every n-th, whatever happens in them.")
    motion: bool = Field(True, description="Look where something moves; false: at every frame.")
    heartbeat_s: float = Field(2.0, gt=0.0, le=60.0, description="Look this often where nothing moves and nobody is.")
    still_every_s: float = Field(0.5, gt=0.0, le=10.0, description="Where people are who do not move.")
    steady_every_s: float = Field(0.2, gt=0.0, le=10.0, description="Where all that moves are people surely followed.")
    moving_every_s: float = Field(
        0.1, gt=0.0, le=10.0, description="Where something else moves; in doubt: every frame."
    )


class EmbeddingConfig(_Section):
    """How appearance becomes a vector."""

    model: str = Field("auto", description="Name in the catalogue or an ONNX file with a card; auto: the built-in one.")


class TrackingConfig(_Section):
    """Short-term tracking inside one camera."""

    tracker: TrackerName = Field("default", description="Association rule; the others are baselines.")
    high_score: float = Field(0.5, ge=0.0, le=1.0, description="Boxes from here on may start a track (first pass).")
    low_score: float = Field(0.1, ge=0.0, le=1.0, description="Boxes from here on may continue a track (second pass).")
    confirm_s: float = Field(0.25, ge=0.0, le=10.0, description="A track is believed after this long.")
    lost_after_s: float = Field(3.0, gt=0.0, le=600.0, description="A track unseen for longer is closed.")
    cut_after_s: float = Field(60.0, ge=5.0, le=3600.0, description="A longer stay is cut into linked tracklets.")
    embed_every_s: float = Field(0.5, ge=0.0, le=60.0, description="Seconds between embedded crops of one track.")
    tell_after_s: float = Field(1.0, ge=0.0, le=60.0, description="A track is told, open, once it is this old.")

    @model_validator(mode="after")
    def _ordered(self) -> TrackingConfig:
        if self.low_score > self.high_score:
            raise ValueError(f"low_score {self.low_score} is above high_score {self.high_score}")
        return self


class GalleryConfig(_Section):
    """Who is who."""

    policy: PolicyName = Field("default", description="Representation and decision rule; the others are baselines.")
    false_match_rate: float | None = Field(
        None, gt=0.0, lt=0.5, description="At most this share of strangers is matched; none: what is most probable."
    )
    return_rate: float = Field(0.88, gt=0.0, lt=1.0, description="Share of tracklets of people seen before.")
    threshold: float | None = Field(None, ge=-1.0, le=1.0, description="For the baselines; None: from the card.")
    wait_s: float = Field(10.0, ge=0.0, le=600.0, description="An unclear tracklet waits at most this long.")
    exemplars_per_tracklet: int = Field(8, ge=1, le=64, description="Pictures kept of one tracklet.")
    maintain: bool = Field(True, description="Look after the gallery all the time: split, move, merge, retire.")
    consolidate: bool = Field(True, description="Look at everything again at the end of recorded footage.")


Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
CameraName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class TravelConfig(_Section):
    """How far apart two cameras are."""

    between: tuple[CameraName, CameraName] = Field(description="Two cameras; both ways.")
    at_least_s: float = Field(ge=0.0, le=86400.0, description="Nobody gets from one to the other faster.")


class TopologyConfig(_Section):
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


class EventsConfig(_Section):
    """What is worth telling."""

    visit_gap_s: float = Field(120.0, gt=0.0, le=86400.0, description="A visit ends when unseen for this long.")
    min_evidence: float = Field(
        0.4, ge=0.0, le=100.0, description="People whose pictures add up to less quality are not told."
    )
    min_visit_s: float = Field(0.5, ge=0.0, le=3600.0, description="Shorter visits are not told.")


class LiveConfig(_Section):
    """Live cameras: ``perdure serve``."""

    analysis_fps: float = Field(10.0, gt=0.0, le=60.0, description="At most so many frames a second of a camera count.")
    silent_after_s: float = Field(10.0, ge=1.0, le=600.0, description="A stream silent for this long is opened anew.")
    frozen_after_s: float = Field(
        30.0, ge=1.0, le=3600.0, description="One whose picture stands still for this long too."
    )
    retention_days: float = Field(
        30.0, gt=0.0, le=3650.0, description="Older pictures and visits go; people unseen for so long are erased."
    )


class ServerConfig(_Section):
    """The service and its page."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0: every network of this machine.")
    port: int = Field(8710, ge=1, le=65535, description="Port to listen on.")
    https: bool = Field(False, description="A proxy in front speaks HTTPS: cookies are sent over nothing else.")


class NotifyConfig(_Section):
    """One way to be told of visits: give exactly one of webhook, mqtt, mail, command and file."""

    webhook: str = Field("", description="http(s) address that gets a POST of JSON.")
    secret: str = Field("", description="Webhook: signs what is sent (HMAC-SHA256, docs/live.md).")
    mqtt: str = Field("", description="mqtt(s)://user:password@broker:1883")
    topic: str = Field("perdure/visits", min_length=1, description="MQTT: where it is published.")
    mail: str = Field("", description="smtp(s)://user:password@server:587")
    sender: str = Field("", description="E-mail: from whom; empty: the first of `to`.")
    to: tuple[str, ...] = Field((), description="E-mail: to whom.")
    command: tuple[str, ...] = Field((), description="Program and arguments; gets the JSON on its standard input.")
    file: str = Field("", description="File that gets a line of JSON each.")
    tell: tuple[Literal["opened", "closed"], ...] = Field(("opened",), min_length=1, description="What of a visit.")
    cameras: tuple[CameraName, ...] = Field((), description="Only visits seen by one of these; none: all.")
    only: Literal["everybody", "strangers", "known", "returning"] = Field(
        "everybody", description="strangers: without a name; known: with one; returning: seen on an earlier visit."
    )
    quiet: tuple[tuple[Clock, Clock], ...] = Field(
        (), description='Nothing is told: `[["22:00", "06:00"]]`, local time.'
    )
    after_s: float = Field(5.0, ge=0.0, le=600.0, description="A visit is told when it is this old.")


class Config(_Section):
    """The whole of ``perdure.yaml``."""

    cameras: dict[CameraName, CameraConfig] = Field(default_factory=dict, description="Cameras by name.")
    detection: DetectionConfig = Field(default_factory=DetectionConfig, description="Finding people.")
    embedding: EmbeddingConfig = Field(default_factory=EmbeddingConfig, description="Appearance vectors.")
    tracking: TrackingConfig = Field(default_factory=TrackingConfig, description="Tracking in one camera.")
    gallery: GalleryConfig = Field(default_factory=GalleryConfig, description="Identities.")
    topology: TopologyConfig = Field(default_factory=TopologyConfig, description="Ways between cameras.")
    events: EventsConfig = Field(default_factory=EventsConfig, description="Events.")
    notify: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], NotifyConfig] = Field(
        default_factory=dict, description="Ways to be told of visits, by name."
    )
    live: LiveConfig = Field(default_factory=LiveConfig, description="Live cameras.")
    server: ServerConfig = Field(default_factory=ServerConfig, description="The service and its page.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where networks run.")


def load(path: Path | None) -> Config:
    """The configuration of a YAML file, or the defaults.

    Raises:
        ConfigError: no such file, not YAML, an unknown key (the nearest known one is named), or a value out of bounds
            (the key and the allowed range are named).
    """
    if path is None:
        return Config()
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys such as 'cameras:' at the top, found a {type(content).__name__}")
    return parse(content or {}, where=str(path))


def parse(content: dict[str, object], where: str = "configuration") -> Config:
    """A configuration from plain data; ``where`` starts the error message.

    Raises:
        ConfigError: see ``load``.
    """
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{where}: {_explain(e)}" for e in error.errors())) from error  # type: ignore[arg-type]


def _explain(error: dict[str, object]) -> str:
    """One validation error as a sentence that names the key and what is allowed."""
    location: tuple[str | int, ...] = error["loc"]  # type: ignore[assignment]
    key = ".".join(str(part) for part in location)
    if error["type"] == "extra_forbidden":
        return f"unknown key {key!r}; {_known(location)}"
    bounds = _bounds(location)
    return f"{key}: {error['msg']} (got {error['input']!r}{bounds})"


def _section(location: tuple[str | int, ...]) -> type[BaseModel]:
    """The model that holds the last key of a location."""
    model: type[BaseModel] = Config
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        if field is not None and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            model = field.annotation
        elif model is Config and location[0] == "cameras":
            model = CameraConfig if len(location) > 2 else Config
        elif model is Config and location[0] == "notify":
            model = NotifyConfig if len(location) > 2 else Config
    return model


def _known(location: tuple[str | int, ...]) -> str:
    import difflib

    names = list(_section(location).model_fields)
    close = difflib.get_close_matches(str(location[-1]), names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(names)}"


def _bounds(location: tuple[str | int, ...]) -> str:
    """The allowed range of a numeric field, from its own declaration."""
    field = _section(location).model_fields.get(str(location[-1]))
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    limits = [
        f"{sign} {getattr(item, name)}"
        for item in (field.metadata if field else [])
        for name, sign in signs.items()
        if getattr(item, name, None) is not None
    ]
    return f", allowed: {' and '.join(limits)}" if limits else ""
