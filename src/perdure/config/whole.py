"""The sections together, and how a file becomes one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError, model_validator

from perdure.config.cameras import CameraConfig, TopologyConfig
from perdure.config.events import EventsConfig, NotifyConfig, RuleConfig
from perdure.config.recognition import DetectionConfig, EmbeddingConfig, GalleryConfig, TrackingConfig
from perdure.config.section import CameraName, Section
from perdure.config.service import LiveConfig, ServerConfig
from perdure.errors import ConfigError


class Config(Section):
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
    rules: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], RuleConfig] = Field(
        default_factory=dict, description="Which events are told to whom, by name."
    )
    live: LiveConfig = Field(default_factory=LiveConfig, description="Live cameras.")
    server: ServerConfig = Field(default_factory=ServerConfig, description="The service and its page.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where networks run.")

    @model_validator(mode="after")
    def _rules_tell_somebody(self) -> Config:
        for name, rule in self.rules.items():
            for way in rule.tell:
                if way not in self.notify:
                    known = f"the ways are {', '.join(self.notify)}" if self.notify else "there are no ways at all"
                    raise ValueError(f"rules.{name}.tell: there is no way {way!r} in notify; {known}")
        return self

    def places(self) -> set[str]:
        """What a rule's ``where`` can name: cameras, and their zones and lines as ``camera/zone``."""
        drawn = {f"{name}/{place}" for name, c in self.cameras.items() for place in (*c.zones, *c.lines)}
        return drawn | set(self.cameras)

    def silent_rules(self) -> list[str]:
        """A sentence for each place of a rule that is none: not wrong, since it may be added or drawn later."""
        known = sorted(self.places())
        said = f"there are {', '.join(known)}" if known else "there is no camera yet"
        return [
            f"rules.{name}.where: nothing is told from {place!r}, which is neither a camera nor camera/zone; {said}"
            for name, rule in self.rules.items()
            for place in rule.where
            if place not in known
        ]


def load(path: Path | None) -> Config:
    """The configuration of a YAML file, or the defaults.

    Raises:
        ConfigError: no such file, not YAML, an unknown key (the nearest known one is named), or a value out of bounds
            (the key and the allowed range are named).
    """
    if path is None:
        return Config()
    import yaml

    from perdure.config.yaml_file import content_of

    try:
        content = content_of(path.read_text(encoding="utf-8"))
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
    if not location:  # what no single key can be blamed for
        return str(error["msg"]).removeprefix("Value error, ")
    key = ".".join(str(part) for part in location)
    if error["type"] == "extra_forbidden":
        return f"unknown key {key!r}; {_known(location)}"
    bounds = _bounds(location)
    return f"{key}: {error['msg']} (got {error['input']!r}{bounds})"


def _section(location: tuple[str | int, ...]) -> type[BaseModel]:
    """The model that holds the last key of a location."""
    model: type[BaseModel] = Config
    of_each: type[BaseModel] | None = None
    for part in location[:-1]:
        if of_each is not None:  # the name of a camera, or a place in a list
            model, of_each = of_each, None
        elif (field := model.model_fields.get(str(part))) is not None:
            held, is_many = held_by(field.annotation)
            model, of_each = (model, held) if is_many else (held or model, None)
    return model


def held_by(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """The section that a field holds, if any, and whether it holds many, by name or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    sections = [found for part in get_args(annotation) if (found := held_by(part)[0]) is not None]
    return (sections[0] if sections else None), get_origin(annotation) in (dict, tuple)


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
