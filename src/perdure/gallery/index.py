"""All tracklets of the gallery as one contiguous table: what every score is computed from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perdure.types import Float32s, Float64s, Ints


@dataclass(slots=True)
class Index:
    """A row per tracklet; removing one moves the last into its place. Arrays handed out are views: keep none."""

    dim: int
    ids: list[str] = field(default_factory=list)
    _row: dict[str, int] = field(default_factory=dict)
    _vectors: Float32s = field(init=False)
    _numbers: Float64s = field(init=False)
    _codes: Ints = field(init=False)

    def __post_init__(self) -> None:
        self._vectors = np.zeros((64, self.dim), np.float32)
        self._numbers = np.zeros((64, 4))
        self._codes = np.zeros((64, 2), np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, tracklet: str) -> bool:
        return tracklet in self._row

    def row(self, tracklet: str) -> int:
        """Where a tracklet is now."""
        return self._row[tracklet]

    @property
    def vectors(self) -> Float32s:
        """(N, D) float32, unit."""
        return self._vectors[: len(self)]

    @property
    def starts(self) -> Float64s:
        """(N,) UTC seconds."""
        return self._numbers[: len(self), 0]

    @property
    def ends(self) -> Float64s:
        """(N,) UTC seconds."""
        return self._numbers[: len(self), 1]

    @property
    def projections(self) -> Float64s:
        """(N,) room for a scorer: what the row has in common with its camera."""
        return self._numbers[: len(self), 2]

    @property
    def qualities(self) -> Float64s:
        """(N,) in [0, 1]."""
        return self._numbers[: len(self), 3]

    @property
    def cameras(self) -> Ints:
        """(N,) camera codes."""
        return self._codes[: len(self), 0]

    @property
    def owners(self) -> Ints:
        """(N,) codes of identities, -1 where undecided."""
        return self._codes[: len(self), 1]

    def put(self, tracklet: str, vector: Float32s, start: float, end: float, camera: int, quality: float = 1.0) -> int:
        """Add a tracklet, or replace what is known of it; its row."""
        row = self._row.get(tracklet)
        if row is None:
            row = len(self)
            if row == len(self._vectors):
                self._grow()
            self.ids.append(tracklet)
            self._row[tracklet] = row
            self._codes[row] = camera, -1
        self._vectors[row] = vector
        self._numbers[row, [0, 1, 3]] = start, end, quality
        return row

    def remove(self, tracklet: str) -> None:
        """Forget a tracklet and overwrite its evidence."""
        row, end = self._row.pop(tracklet), len(self) - 1
        if row != end:
            self.ids[row] = self.ids[end]
            self._row[self.ids[row]] = row
            for table in (self._vectors, self._numbers, self._codes):
                table[row] = table[end]
        self._vectors[end] = 0
        self.ids.pop()

    def _grow(self) -> None:
        self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._numbers = np.concatenate([self._numbers, np.zeros_like(self._numbers)])
        self._codes = np.concatenate([self._codes, np.zeros_like(self._codes)])
