"""The pictures of a live site: written as they are cut, and removed again where nobody comes to refer to them."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from perdure.errors import StoreError
from perdure.store.pictures import Pictures, encoded
from perdure.types import Frame, Image

_UNUSED_AFTER_S: Final = 300.0
"""A picture nobody refers to by then goes: of a stay before one camera a few of the best are kept."""

_log = logging.getLogger(__name__)


class CropBook:
    """By camera and day. A full disk loses the picture, not the person."""

    def __init__(self, pictures: Pictures, *, hold: bool = False) -> None:
        """With ``hold`` a picture stays in memory until somebody refers to it: no stranger's is ever written."""
        self._pictures, self._hold = pictures, hold
        self._taken: deque[tuple[float, str]] = deque()
        self._held: dict[str, bytes] = {}
        self._used: set[str] = set()

    def keep(self, frame: Frame, row: int, crop: Image) -> str:
        """Take a picture; the reference to it, "" where there is none."""
        day = datetime.fromtimestamp(frame.at, UTC).strftime("%Y%m%d")
        camera, index = f"{frame.camera}/{day}", int(1000 * (frame.at % 86400))
        if self._hold and min(crop.shape[:2]) >= 1:
            reference = self._pictures.reference(camera, index, row)
            self._held[reference] = encoded(crop)
        else:
            try:
                reference = self._pictures.keep(camera, index, row, crop)
            except StoreError as error:
                _log.error("%s", error)
                return ""
        self._taken.append((time.monotonic(), reference))
        return reference

    def use(self, references: Iterable[str]) -> None:
        """Somebody refers to these now."""
        for reference in references:
            self._used.add(reference)
            if (jpeg := self._held.pop(reference, None)) is not None:
                try:
                    self._pictures.write(reference, jpeg)
                except StoreError as error:
                    _log.error("%s", error)

    def prune(self) -> None:
        """Let go of old pictures that nobody refers to."""
        old = time.monotonic() - _UNUSED_AFTER_S
        while self._taken and self._taken[0][0] < old:
            _, reference = self._taken.popleft()
            if reference in self._used:
                self._used.discard(reference)
            elif self._held.pop(reference, None) is None:
                (self._pictures.root / reference).unlink(missing_ok=True)
