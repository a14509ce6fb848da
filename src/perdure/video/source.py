"""The seam for anything that gives pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from perdure.types import Frame


class Source(Protocol):
    """One camera's pictures, in order of capture."""

    @property
    def camera(self) -> str:
        """The camera's name."""

    @property
    def length(self) -> int | None:
        """About how many frames there are, for a progress bar; None where nobody knows."""

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """The frames from index ``start`` on; ``index`` and ``at`` are the same as if read from the beginning.

        Raises:
            SourceError: it cannot be opened, or broke; what came before is valid.
        """
