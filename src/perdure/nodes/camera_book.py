"""``cameras.yaml`` of a site: the cameras that were added by command or on the page, beside those of perdure.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

from perdure.config import CameraConfig, Config, parse
from perdure.errors import ConfigError, StoreError

NAME: Final = "cameras.yaml"


def read(folder: Path) -> dict[str, CameraConfig]:
    """The cameras of a site's folder; none where there is no file.

    Raises:
        ConfigError: the file is not as written here.
    """
    path = folder / NAME
    if not path.is_file():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    return dict(parse({"cameras": content}, where=str(path)).cameras)


def write(folder: Path, cameras: dict[str, CameraConfig]) -> None:
    """Replace them; the old file stays until the new one is whole. Only its owner may read it: it holds passwords.

    Raises:
        StoreError: it cannot be written.
    """
    content = {name: camera.model_dump(mode="json", exclude_defaults=True) for name, camera in cameras.items()}
    path = folder / NAME
    part = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.touch(mode=0o600)
        part.write_text(yaml.safe_dump(content, sort_keys=True), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def together(config: Config, folder: Path) -> Config:
    """The configuration with the cameras of the folder.

    Raises:
        ConfigError: two cameras have one name.
    """
    added = read(folder)
    if both := sorted(added.keys() & config.cameras.keys()):
        raise ConfigError(f"camera {both[0]!r} is in perdure.yaml and in {folder / NAME}: take it out of one of them")
    return config.model_copy(update={"cameras": {**config.cameras, **added}})
