"""What a source is, told from how it is written."""

from __future__ import annotations

import re
from pathlib import Path

from perdure.config import CameraConfig
from perdure.errors import SourceError
from perdure.video.files import open_video
from perdure.video.folder import SUFFIXES, open_pictures
from perdure.video.source import Source
from perdure.video.webcam import open_webcam


def open_source(camera: str, config: CameraConfig) -> Source:
    """The source behind ``config.source``, after at least one of its frames was decoded.

    A path that exists is a video file, a picture or a folder of pictures; else a number is a webcam.

    Raises:
        SourceError: says what is wrong with it, where, and what to do.
    """
    text = config.source
    if scheme := re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", text):
        # The rest of an address may hold a password: it is not repeated.
        raise SourceError(
            f"camera {camera!r}: {scheme[1]}:// is a live stream: watch it with perdure serve, or give a file, a folder"
            " or a webcam's number"
        )
    path = Path(text).expanduser()
    if text.isascii() and text.isdigit() and not path.exists():
        return open_webcam(camera, int(text), rotate_deg=config.rotate_deg)
    recorded = open_pictures if _is_pictures(camera, path) else open_video
    return recorded(camera, path, offset_s=config.offset_s, rate_fps=config.rate_fps, rotate_deg=config.rotate_deg)


def _is_pictures(camera: str, path: Path) -> bool:
    """Whether it is pictures rather than a video, once it is known to be readable and not empty."""
    where = f"camera {camera!r}: {path}"
    try:
        if path.is_dir():
            next(path.iterdir(), None)
            return True
        with path.open("rb") as opened:
            empty = path.is_file() and not opened.read(1)
    except FileNotFoundError as error:
        raise SourceError(f"{where}: no such file or folder; check the path (relative to {Path.cwd()})") from error
    except OSError as error:
        raise SourceError(f"{where} cannot be read: {error.strerror}; check its rights") from error
    if empty:
        raise SourceError(f"{where} is empty (0 bytes): the recording or the copy failed; copy it again")
    return path.suffix.lower() in SUFFIXES
