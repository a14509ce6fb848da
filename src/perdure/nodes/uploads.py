"""Pictures that somebody sent: looked at by their header before anything is decoded."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image as Pillow

from perdure.errors import InputError
from perdure.types import Image

_FORMATS = ("JPEG", "PNG", "WEBP")


def decoded(content: bytes, what: str, least_px: int, most_pixels: int) -> Image:
    """The picture, BGR.

    Some dozens of bytes may claim to be gigabytes of pixels; so large ones are refused before memory is taken.

    Args:
        content: the file.
        what: begins the message.
        least_px: of each side.
        most_pixels: width times height.

    Raises:
        InputError: it is no JPEG, PNG or WebP picture, too small or too large.
    """
    try:
        with Pillow.open(io.BytesIO(content), formats=_FORMATS) as picture:
            width, height = picture.size
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise InputError(f"{what}: far too many pixels; at most {most_pixels // 10**6} megapixels") from error
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow's readers raise at rubbish
        raise InputError(f"{what}: this is no JPEG, PNG or WebP picture") from error
    if min(height, width) < least_px or height * width > most_pixels:
        limits = f"at least {least_px} px a side, at most {most_pixels // 10**6} megapixels"
        raise InputError(f"{what}: {width} x {height} px; {limits}")
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{what}: this is no JPEG, PNG or WebP picture")
    return np.asarray(image, np.uint8)
