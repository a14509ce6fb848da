"""``cameras.yaml`` and ``places.yaml`` of a site, beside perdure.yaml.

They hold the cameras that were added by command or on the page, and the zones and lines that were drawn on the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml
from pydantic import ValidationError

from perdure.config import CameraConfig, Config, DrawnConfig, parse
from perdure.config.yaml_file import content_of
from perdure.errors import ConfigError, StoreError

NAME: Final = "cameras.yaml"
DRAWN_NAME: Final = "places.yaml"


def read(folder: Path) -> dict[str, CameraConfig]:
    """The cameras of a site's folder; none where there is no file.

    Raises:
        ConfigError: the file is not as written here.
    """
    path = folder / NAME
    return dict(parse({"cameras": _content(path)}, where=str(path)).cameras)


def write(folder: Path, cameras: dict[str, CameraConfig]) -> None:
    """Replace them; the old file stays until the new one is whole. Only its owner may read it: it holds passwords.

    Raises:
        StoreError: it cannot be written.
    """
    _write(folder / NAME, cameras)


def read_drawn(folder: Path) -> dict[str, DrawnConfig]:
    """What was drawn on the page, by camera; none where there is no file.

    Raises:
        ConfigError: the file is not as written here.
    """
    path = folder / DRAWN_NAME
    try:
        return {str(name): DrawnConfig.model_validate(drawn) for name, drawn in _content(path).items()}
    except ValidationError as error:
        said = (f"{path}: {'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors())
        raise ConfigError("\n".join(said)) from error


def write_drawn(folder: Path, drawn: Mapping[str, DrawnConfig]) -> None:
    """Replace what was drawn, as ``write``.

    Raises:
        StoreError: it cannot be written.
    """
    _write(folder / DRAWN_NAME, drawn)


def _content(path: Path) -> dict[object, object]:
    if not path.is_file():
        return {}
    try:
        content = content_of(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected names of cameras at the top")
    return content


def _write(path: Path, sections: Mapping[str, DrawnConfig]) -> None:
    content = {name: section.model_dump(mode="json", exclude_defaults=True) for name, section in sections.items()}
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch(mode=0o600)
        part.write_text(yaml.safe_dump(content, sort_keys=True), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def together(config: Config, folder: Path) -> Config:
    """The configuration with the cameras of the folder, and what was drawn on their pictures.

    Raises:
        ConfigError: two cameras have one name, or one was drawn on twice.
    """
    added = read(folder)
    if both := sorted(added.keys() & config.cameras.keys()):
        raise ConfigError(f"camera {both[0]!r} is in perdure.yaml and in {folder / NAME}: take it out of one of them")
    cameras = {**config.cameras, **added}
    for name, drawn in read_drawn(folder).items():
        if name not in cameras:
            continue
        if cameras[name].is_drawn:
            raise ConfigError(
                f"zones and lines of {name!r} are in perdure.yaml and in {folder / DRAWN_NAME}: take them out of one"
            )
        cameras[name] = cameras[name].with_drawn(drawn)
    return config.model_copy(update={"cameras": cameras})
