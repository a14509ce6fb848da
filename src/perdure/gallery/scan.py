"""Exact nearest rows of a large table at a quarter of the memory traffic: bytes first, then floats for what may win.

Every vector v is also kept as v' = scale * codes with |v - v'| = e known. For a probe p, kept likewise as p' with error
d, Cauchy and Schwarz give |v p - v' p'| <= e |p| + |v'| d. A row is left out only where even the highest product that
this allows scores below the k-th best seen so far, so nothing is missed: the floats of the few other rows decide. (An
approximate index would turn a miss into a false enrolment.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from perdure.types import Bools, Float32s, Ints

Bytes: TypeAlias = npt.NDArray[np.uint8]
Dots: TypeAlias = Callable[[Bytes, npt.NDArray[np.int8]], npt.NDArray[np.int32]]
"""(n, D) uint8 and (D, B) int8 in -``PROBE_MOST`` to ``PROBE_MOST`` -> (n, B) int32, exactly their product."""

BLOCK = 2048
"""Rows whose products with a batch fit in a core's cache."""
PROBE_MOST = 64
"""Codes of probes reach this far: two products with bytes then fit into 16 bits, in which CPUs without VNNI add."""
ROUNDING = 1e-5
"""More than float32 arithmetic can be off in a product of unit vectors."""


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """What is looked for: the score of row r for probe b is ``gain[r] * (v_r p_b - shift[camera_r, b])``."""

    vectors: Float32s
    """(B, D) float32, of any length."""
    gain: Float32s | None = None
    """(N,) float32, positive; None: 1."""
    shift: Float32s | None = None
    """(C, B) float32 by camera code; None: 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """Of one probe, best first; equal scores by row."""

    rows: Ints
    scores: Float32s


@dataclass(slots=True, eq=False)
class Codes:
    """The table as bytes."""

    codes: Bytes
    """(capacity, D) uint8: 128 + the signed code."""
    scales: Float32s
    errors: Float32s
    """(capacity,) length of what the code leaves out."""

    @classmethod
    def of(cls, vectors: Float32s) -> Codes:
        """The codes of a table, unused rows included."""
        codes, scales, errors = _encode(vectors)
        return cls(codes, scales, errors)

    @property
    def bytes_held(self) -> int:
        """Memory."""
        return self.codes.nbytes + self.scales.nbytes + self.errors.nbytes

    def put(self, row: int, vector: Float32s) -> None:
        """A row has another vector."""
        codes, scales, errors = _encode(vector[None])
        self.codes[row], self.scales[row], self.errors[row] = codes[0], scales[0], errors[0]

    def move(self, source: int, target: int) -> None:
        """The last row takes the place of another and is wiped."""
        for table in (self.codes, self.scales, self.errors):
            table[target] = table[source]
        self.codes[source], self.scales[source], self.errors[source] = 128, 0, 0

    def grow(self) -> None:
        """Double the capacity."""
        self.codes = np.concatenate([self.codes, np.full_like(self.codes, 128)])
        self.scales = np.concatenate([self.scales, np.zeros_like(self.scales)])
        self.errors = np.concatenate([self.errors, np.zeros_like(self.errors)])


def nearest(
    vectors: Float32s,
    table: Codes,
    cameras: Ints,
    probes: Probes,
    count: int,
    keep: Bools | None = None,
    dots: Dots | None = None,
) -> list[Nearest]:
    """For each of B probes the ``count`` best of N rows; see ``Index.nearest``."""
    from perdure.gallery import scan_kernel

    total, batch = len(vectors), len(probes.vectors)
    count = min(count, total)
    if count == 0:
        return [Nearest(np.zeros(0, np.int64), np.zeros(0, np.float32))] * batch
    codes, scales, errors = _encode(probes.vectors, PROBE_MOST)
    signed = (codes.astype(np.int16) - 128).astype(np.int8)
    lengths = np.linalg.norm(probes.vectors, axis=1).astype(np.float32)
    worst = table.errors[:total].max()
    slack = (worst + ROUNDING) * lengths + (1 + worst) * errors
    shift = np.zeros((1, batch), np.float32) if probes.shift is None else np.ascontiguousarray(probes.shift, np.float32)
    groups = np.zeros(total, np.int64) if probes.shift is None else cameras
    gain = np.ones(total, np.float32) if probes.gain is None else probes.gain
    kept = np.zeros(0, bool) if keep is None else keep
    best, rows = np.full((batch, count), -np.inf, np.float32), np.full((batch, count), -1)
    offset = 128 * signed.sum(axis=1, dtype=np.int32)
    query = (probes.vectors, scales, offset, shift, slack.astype(np.float32))
    state = (vectors, table.scales, gain, groups, kept, best, rows)
    if dots is None or batch < FEW:
        for b in range(batch):
            scan_kernel.scan(table.codes[:total], signed[b], b, *query, *state)
    else:
        columns = np.ascontiguousarray(signed.T)
        for begin in range(0, total, BLOCK):
            scan_kernel.take(dots(table.codes[begin : min(begin + BLOCK, total)], columns), begin, *query, *state)
    return [_sorted(rows[b], best[b]) for b in range(batch)]


def _sorted(rows: Ints, scores: Float32s) -> Nearest:
    order = np.lexsort((rows, -scores))
    order = order[rows[order] >= 0]
    return Nearest(rows[order], scores[order])


FEW = 3
"""Fewer probes than this are faster one by one."""


def _encode(vectors: Float32s, most: int = 127) -> tuple[Bytes, Float32s, Float32s]:
    """Codes (n, D) of 128 - ``most`` to 128 + ``most``, scales (n,) and errors (n,) of (n, D) vectors."""
    scales = np.abs(vectors).max(axis=1, initial=0.0) / np.float32(most)
    codes = np.rint(vectors / np.where(scales > 0, scales, 1)[:, None])
    errors = np.linalg.norm(vectors - codes * scales[:, None], axis=1)
    return (codes + 128).astype(np.uint8), scales.astype(np.float32), errors.astype(np.float32)
