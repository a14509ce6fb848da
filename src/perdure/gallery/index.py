"""All tracklets of the gallery as one contiguous table: what every score is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from perdure.gallery.scan import Codes, Dots, Nearest, Probes, nearest
from perdure.types import BEFORE_ALL, Bools, Float32s, Float64s, Ints


@dataclass(slots=True)
class Index:
    """A row per tracklet; removing one moves the last into its place. Arrays handed out are views: keep none.

    Beside the vectors it keeps them as bytes, made when first searched, which a search reads instead (``scan``).
    """

    dim: int
    dots: Dots | None = None
    """A faster product of bytes for searches of several probes at once; None: the built-in one."""
    ids: list[str] = field(default_factory=list)
    _row: dict[str, int] = field(default_factory=dict)
    _vectors: Float32s = field(init=False)
    _numbers: Float64s = field(init=False)
    _labels: Ints = field(init=False)
    _gains: Float32s = field(init=False)
    _crowding: Float32s = field(init=False)
    _weights: Float32s = field(init=False)
    _bytes: Codes | None = None

    def __post_init__(self) -> None:
        self._vectors = np.zeros((64, self.dim), np.float32)
        self._numbers = np.zeros((4, 64))
        self._labels = np.zeros((2, 64), np.int64)
        self._gains = np.ones(64, np.float32)
        self._crowding = np.full(64, np.nan, np.float32)
        self._weights = np.ones(64, np.float32)

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
        return self._numbers[0, : len(self)]

    @property
    def is_given(self) -> Bools:
        """(N,) rows that are no sightings but pictures somebody gave by hand."""
        return np.asarray(self.starts == BEFORE_ALL)

    @property
    def ends(self) -> Float64s:
        """(N,) UTC seconds."""
        return self._numbers[1, : len(self)]

    @property
    def gains(self) -> Float32s:
        """(N,) float32, room for a scorer: 1 / length of the row after what its camera has in common is taken off."""
        return self._gains[: len(self)]

    @property
    def crowding(self) -> Float32s:
        """(N,) float32, room for a scorer: how crowded it is around the row; NaN where nobody has looked yet."""
        return self._crowding[: len(self)]

    @property
    def weights(self) -> Float32s:
        """(N,) float32, how much a row counts in the mean of its identity: 1, unless the gallery says otherwise."""
        return self._weights[: len(self)]

    @property
    def qualities(self) -> Float64s:
        """(N,) in [0, 1]."""
        return self._numbers[2, : len(self)]

    @property
    def halves(self) -> Float64s:
        """(N,) cosine of the two halves of the tracklet, NaN where there is only one picture."""
        return self._numbers[3, : len(self)]

    @property
    def cameras(self) -> Ints:
        """(N,) camera codes."""
        return self._labels[0, : len(self)]

    @property
    def owners(self) -> Ints:
        """(N,) codes of identities, -1 where undecided."""
        return self._labels[1, : len(self)]

    @property
    def people(self) -> float:
        """Effective number of identities: as many of one size are as hard to guess among (inverse Simpson index).

        Fragments and passers-by, who hardly ever come again, hardly count.
        """
        sizes = np.bincount(self.owners[self.owners >= 0]).astype(np.float64)
        return float(sizes.sum() ** 2 / max(float((sizes**2).sum()), 1.0))

    @property
    def bytes_held(self) -> int:
        """Memory of the table."""
        tables = self._vectors.nbytes + self._numbers.nbytes + self._labels.nbytes + 3 * self._gains.nbytes
        return tables + (self._bytes.bytes_held if self._bytes is not None else 0)

    def put(
        self,
        tracklet: str,
        vector: Float32s,
        start: float,
        end: float,
        camera: int,
        quality: float = 1.0,
        halves: float = np.nan,
    ) -> int:
        """Add a tracklet, or replace what is known of it; its row."""
        row = self._place_of(tracklet, camera)
        self._vectors[row] = vector
        self._numbers[:, row] = start, end, quality, halves
        if self._bytes is not None:
            self._bytes.put(row, self._vectors[row])
        return row

    def put_all(
        self,
        tracklets: Sequence[str],
        vectors: Float32s,
        spans: Float64s,
        cameras: Ints,
        qualities: Float64s,
        halves: Float64s | None = None,
    ) -> Ints:
        """Add or replace many; their (T,) rows.

        Args:
            tracklets: T different ones.
            vectors: (T, D) float32, unit.
            spans: (2, T) starts and ends, UTC seconds.
            cameras: (T,) codes.
            qualities: (T,) in [0, 1].
            halves: (T,) cosines of their halves; None: not known.
        """
        rows = [self._place_of(id, camera) for id, camera in zip(tracklets, cameras.tolist(), strict=True)]
        self._vectors[rows] = vectors
        self._numbers[:, rows] = np.stack([*spans, qualities, np.full(len(rows), np.nan) if halves is None else halves])
        if self._bytes is not None:
            for row in rows:
                self._bytes.put(row, self._vectors[row])
        return np.array(rows, np.int64)

    def _place_of(self, tracklet: str, camera: int) -> int:
        """The row of a tracklet, a new one where it has none."""
        row = self._row.get(tracklet)
        if row is None:
            row = len(self)
            if row == len(self._vectors):
                self._grow()
            self.ids.append(tracklet)
            self._row[tracklet] = row
            self._labels[:, row] = camera, -1
            self._crowding[row], self._weights[row] = np.nan, 1.0
        return row

    def remove(self, tracklet: str) -> None:
        """Forget a tracklet and overwrite its evidence."""
        row, end = self._row.pop(tracklet), len(self) - 1
        if row != end:
            self.ids[row] = self.ids[end]
            self._row[self.ids[row]] = row
            self._vectors[row], self._gains[row] = self._vectors[end], self._gains[end]
            self._crowding[row], self._weights[row] = self._crowding[end], self._weights[end]
            self._numbers[:, row], self._labels[:, row] = self._numbers[:, end], self._labels[:, end]
        self._vectors[end] = 0
        if self._bytes is not None:
            self._bytes.move(end, row)
        self.ids.pop()

    def nearest(self, probes: Probes, count: int, keep: Bools | None = None) -> list[Nearest]:
        """For each probe the ``count`` rows of highest score, exactly, best first.

        Args:
            probes: what is looked for, and how a product becomes a score.
            count: rows wanted per probe; fewer are found where fewer are kept.
            keep: (N,) rows that count, such as those of a camera or a time; None: all.
        """
        if self._bytes is None:
            self._bytes = Codes.of(self._vectors)
        return nearest(self.vectors, self._bytes, self.cameras, probes, count, keep, self.dots)

    def subset(self, rows: Ints, owners: Ints) -> Index:
        """A table of these rows only, in this order, with other codes of identities."""
        part = Index(self.dim)
        part.ids = [self.ids[row] for row in rows]
        part._row = {id: place for place, id in enumerate(part.ids)}
        part._vectors, part._gains, part._crowding = self._vectors[rows], self._gains[rows], self._crowding[rows]
        part._weights = self._weights[rows]
        part._numbers, part._labels = self._numbers[:, rows], self._labels[:, rows]
        part._labels[1] = owners
        return part

    def _grow(self) -> None:
        self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._numbers = np.concatenate([self._numbers, np.zeros_like(self._numbers)], axis=1)
        self._labels = np.concatenate([self._labels, np.zeros_like(self._labels)], axis=1)
        self._gains = np.concatenate([self._gains, np.ones_like(self._gains)])
        self._weights = np.concatenate([self._weights, np.ones_like(self._weights)])
        self._crowding = np.concatenate([self._crowding, np.full_like(self._crowding, np.nan)])
        if self._bytes is not None:
            self._bytes.grow()
