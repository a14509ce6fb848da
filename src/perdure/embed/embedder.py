"""The seam for anything that turns a crop into an appearance vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from perdure.types import Float32s, Image


class Embedder(Protocol):
    """Turns crops of one person each into vectors that are close for the same person."""

    @property
    def name(self) -> str:
        """The model's name in the catalogue; vectors of different names are never compared."""

    @property
    def dim(self) -> int:
        """D, the length of a vector."""

    @property
    def border(self) -> float:
        """What it wants to see around a box on every side, in shares of the box's sides (``crop.borders``)."""

    def embed(self, crops: Sequence[Image]) -> tuple[Float32s, Float32s]:
        """(K, D) float32 unit vectors and (K,) float32 quality in [0, 1] of K crops ((h, w, 3) uint8 BGR)."""
