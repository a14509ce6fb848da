"""What a trained network says of a pair of a track and a box, beside the fitted evidence: forward pass only.

``perdure train association`` makes the weights (docs/track.md); they reach the tracker as arrays. A net is a correction
to the parent's evidence, so that one whose weights are all 0 tracks as the default does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from numba import njit

from perdure.types import Bools, Float64s, Ints

PAIR_COLUMNS = (
    "evidence",
    "error_x",
    "error_y",
    "error_width",
    "error_height",
    "overlap_predicted",
    "overlap_last",
    "unseen",
    "hits",
    "score",
    "trust",
    "lead_of_track",
    "lead_of_box",
    "border_of_box",
    "border_of_track",
    "step",
    "heading",
    "occluded",
)
"""What is told of a pair, see ``described``."""
LOST_COLUMNS = ("unseen", "hits", "trust", "border", "leaving", "pace")
"""What is told of a track without a box, see ``described_lost``."""
_LEAST_LEAD = -6.0


class Net(NamedTuple):
    """Weights in float64. ``worth = share * evidence + shift + z @ linear + relu(z @ first + bias) @ last`` with
    ``z = (row - mean) / scale``, in nats; ``lost_shift + zl @ lost_linear`` above 0 ends a track without a box.
    """

    share: float
    floor: float
    """Pairs are described from this evidence of the parent on, in nats."""
    mean: Float64s
    """(F,); F is 0 for no net, else that of ``PAIR_COLUMNS``."""
    scale: Float64s
    linear: Float64s
    shift: float
    first: Float64s
    """(F, H)"""
    bias: Float64s
    last: Float64s
    lost_mean: Float64s
    """(L,), that of ``LOST_COLUMNS``."""
    lost_scale: Float64s
    lost_linear: Float64s
    lost_shift: float

    @staticmethod
    def none() -> Net:
        """No net: the parent alone."""
        return _no_net()

    @classmethod
    def of(cls, arrays: Mapping[str, npt.ArrayLike]) -> Self:
        """A checked net from arrays named as the fields.

        Raises:
            ValueError: an array is missing, has another shape than documented, or holds what is not finite.
        """
        values = {}
        for name in cls._fields:
            if name not in arrays:
                raise ValueError(f"no array {name!r}")
            values[name] = np.array(arrays[name], np.float64, order="C")
            if not np.isfinite(values[name]).all():
                raise ValueError(f"{name!r} holds a number that is not finite")
        hidden = values["bias"].size
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("share", "floor", "shift", "lost_shift"), ())
        shapes |= dict.fromkeys(("mean", "scale", "linear"), (len(PAIR_COLUMNS),))
        shapes |= dict.fromkeys(("lost_mean", "lost_scale", "lost_linear"), (len(LOST_COLUMNS),))
        shapes |= {"first": (len(PAIR_COLUMNS), hidden), "bias": (hidden,), "last": (hidden,)}
        for name, shape in shapes.items():
            if values[name].shape != shape:
                raise ValueError(f"{name!r} is {values[name].shape}, expected {shape}")
            if name.endswith("scale") and (values[name] <= 0).any():
                raise ValueError(f"{name!r} is not above 0")
        plain: dict[str, Any] = {name: float(v) if v.ndim == 0 else v for name, v in values.items()}
        return cls(**plain)


def _no_net() -> Net:
    no = np.zeros(0)
    return Net(1.0, 0.0, no, no, no, 0.0, np.zeros((0, 0)), no, no, no, no, no, -1.0)


no_net = njit(cache=True, nogil=True)(_no_net)
"""``Net.none`` for compiled code."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def described(
    place: Float64s,
    speed: Float64s,
    var_place: Float64s,
    last_box: Float64s,
    unseen: Float64s,
    hits: Ints,
    trust: Float64s,
    occluded: Bools,
    boxes: Float64s,
    measured: Float64s,
    scores: Float64s,
    size: tuple[float, float],
    dt: float,
    shares: Float64s,
    track: Ints,
    box: Ints,
    gain: Float64s,
) -> Float64s:
    """(P, F) ``PAIR_COLUMNS`` of each pair: the evidence, its parts, who else wants the two, border, age, scores."""
    of_track, of_box = _best_two(track, gain, len(place)), _best_two(box, gain, len(boxes))
    rows = np.empty((len(gain), 18))
    for p in range(len(gain)):
        i, j = track[p], box[p]
        height = max(place[i, 3], 1.0)
        rows[p, 0] = gain[p] / 5
        sideways = 0.0
        for c in range(4):
            error = (measured[j, c] - place[i, c]) / np.sqrt(var_place[i, c] + (height * shares[c]) ** 2)
            rows[p, 1 + c] = np.log1p(abs(error))
            if c == 0:
                sideways = error
        half_w, half_h = max(place[i, 2], 1.0) / 2, height / 2
        x, y = place[i, 0], place[i, 1]
        rows[p, 5] = _iou(x - half_w, y - half_h, x + half_w, y + half_h, boxes[j])
        rows[p, 6] = _iou(last_box[i, 0], last_box[i, 1], last_box[i, 2], last_box[i, 3], boxes[j])
        rows[p, 7] = np.log1p(unseen[i] / 0.1)
        rows[p, 8] = np.log1p(min(hits[i], 100)) / 2
        rows[p, 9], rows[p, 10] = scores[j], trust[i]
        rows[p, 11], rows[p, 12] = _lead(of_track, i, gain[p]) / 5, _lead(of_box, j, gain[p]) / 5
        rows[p, 13] = _to_border(measured[j], size)
        rows[p, 14] = _to_border(place[i], size)
        rows[p, 15] = 10 * dt
        rows[p, 16] = np.tanh(sideways) * np.tanh(4 * speed[i, 0] / height)
        rows[p, 17] = 1.0 if occluded[i] else 0.0
    return rows


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def worth(rows: Float64s, gain: Float64s, net: Net) -> Float64s:
    """(P,) nats of described pairs."""
    out = np.empty(len(gain))
    columns, hidden = len(net.mean), len(net.bias)
    z = np.empty(columns)
    for p in range(len(gain)):
        total = net.share * gain[p] + net.shift
        for c in range(columns):
            z[c] = (rows[p, c] - net.mean[c]) / net.scale[c]
            total += z[c] * net.linear[c]
        for h in range(hidden):
            unit = net.bias[h]
            for c in range(columns):
                unit += z[c] * net.first[c, h]
            if unit > 0:
                total += unit * net.last[h]
        out[p] = total
    return out


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def described_lost(
    i: int,
    place: Float64s,
    speed: Float64s,
    unseen: float,
    hits: Ints,
    trust: Float64s,
    leaving: Float64s,
    size: tuple[float, float],
) -> Float64s:
    """(L,) the ``LOST_COLUMNS`` of track ``i``."""
    row = np.empty(6)
    row[0], row[1] = np.log1p(unseen / 0.1), np.log1p(min(hits[i], 100)) / 2
    row[2], row[3], row[4] = trust[i], _to_border(place[i], size), leaving[i]
    row[5] = min(np.hypot(speed[i, 0], speed[i, 1]) / max(place[i, 3], 1.0), 3.0)
    return row


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def worth_of_ending(row: Float64s, net: Net) -> float:
    """Nats for ending a described track now, over holding it."""
    total = net.lost_shift
    for c in range(len(row)):
        total += (row[c] - net.lost_mean[c]) / net.lost_scale[c] * net.lost_linear[c]
    return total


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def given_up(
    place: Float64s,
    speed: Float64s,
    seen: Float64s,
    missed: Ints,
    confirmed: Bools,
    hits: Ints,
    trust: Float64s,
    leaving: Float64s,
    at: float,
    size: tuple[float, float],
    net: Net,
) -> Bools:
    """(N,) confirmed tracks without a box that the net ends now."""
    ended = np.zeros(len(seen), np.bool_)
    for i in range(len(seen)):
        if missed[i] > 0 and confirmed[i]:
            row = described_lost(i, place, speed, at - seen[i], hits, trust, leaving, size)
            ended[i] = worth_of_ending(row, net) > 0
    return ended


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _best_two(node: Ints, gain: Float64s, count: int) -> Float64s:
    """(count, 2) the two best gains of each track (or box)."""
    best = np.full((count, 2), _LEAST_LEAD)
    for p in range(len(gain)):
        n = node[p]
        if gain[p] > best[n, 0]:
            best[n, 1], best[n, 0] = best[n, 0], gain[p]
        elif gain[p] > best[n, 1]:
            best[n, 1] = gain[p]
    return best


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _lead(best: Float64s, node: int, gain: float) -> float:
    """How much better this pair is than the best other one of its track (or box)."""
    other = best[node, 1] if gain >= best[node, 0] else best[node, 0]
    return float(min(max(gain - other, -12.0), 12.0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _iou(x1: float, y1: float, x2: float, y2: float, box: Float64s) -> float:
    wide, high = min(x2, box[2]) - max(x1, box[0]), min(y2, box[3]) - max(y1, box[1])
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    return float(shared / ((x2 - x1) * (y2 - y1) + (box[2] - box[0]) * (box[3] - box[1]) - shared))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _to_border(place: Float64s, size: tuple[float, float]) -> float:
    """Heights from the left, right or lower border, in [-0.2, 1]; ``place`` (4,) is centre and size."""
    height, half = max(place[3], 1.0), place[2] / 2
    away = min(place[0] - half, size[0] - place[0] - half, size[1] - place[1] - place[3] / 2)
    return float(min(max(away / height, -0.2), 1.0))
