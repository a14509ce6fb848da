"""The bookkeeping of a frame over the table of tracks, compiled: one call instead of some dozen small array steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from perdure.track import columns as c
from perdure.types import Bools, Flag, Float64s, Ints

Marks = npt.NDArray[np.uint8]
CROWDED = np.uint8(Flag.CROWDED)

TRUST_S = 1.0
"""The scores of about this long make up the trust in a track."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def usable(boxes: Float64s, scores: Float64s, low_score: float) -> Ints:
    """(K,) rows with a finite, positive box and a score that counts."""
    rows, count = np.empty(len(boxes), np.int64), 0
    for j in range(len(boxes)):
        x1, y1, x2, y2 = boxes[j]
        finite = np.isfinite(x1) and np.isfinite(y1) and np.isfinite(x2) and np.isfinite(y2)
        if finite and x2 > x1 and y2 > y1 and low_score <= scores[j] < np.inf:
            rows[count] = j
            count += 1
    return rows[:count]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def centred(boxes: Float64s) -> Float64s:
    """(M, 4) centre x, centre y, width and height of xyxy boxes."""
    measured = np.empty((len(boxes), 4))
    for j in range(len(boxes)):
        for axis in range(2):
            half = (boxes[j, axis + 2] - boxes[j, axis]) / 2
            measured[j, axis], measured[j, axis + 2] = boxes[j, axis] + half, 2 * half
    return measured


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def shown(rows: Ints, number: Ints, confirmed: Bools, source_rows: Ints) -> tuple[Ints, Ints, Ints]:
    """(M,) the track number of each box or -1, from the row of its track; and of the K boxes of confirmed tracks the
    row in what was found, ``source_rows`` (M,), and the number.
    """
    numbers, of, believed_in = np.full(len(rows), -1, np.int64), np.empty(len(rows), np.int64), 0
    told = np.empty(len(rows), np.int64)
    for j in range(len(rows)):
        if rows[j] >= 0:
            numbers[j] = number[rows[j]]
            if confirmed[rows[j]]:
                of[believed_in], told[believed_in] = source_rows[j], numbers[j]
                believed_in += 1
    return numbers, of[:believed_in], told[:believed_in]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def write_boxes(
    rows: Ints,
    boxes: Float64s,
    scores: Float64s,
    crowded: Marks,
    at: float,
    seen: Float64s,
    missed: Ints,
    hits: Ints,
    streak: Ints,
    score: Float64s,
    trust: Float64s,
    box: Float64s,
    occluded: Bools,
    doubt: Float64s,
    sure: Float64s,
    adrift: Bools,
) -> Ints:
    """Tracks ``rows`` (K,) were seen at ``at`` in these boxes (K, 4), all others were missed; see ``Tracks``.

    (L,) the rows of those missed for the first time.
    """
    missed += 1
    for k in range(len(rows)):
        i = rows[k]
        trust[i] += (1 - np.exp((seen[i] - at) / TRUST_S)) * (scores[k] - trust[i])
        seen[i], score[i], adrift[i] = at, scores[k], False
        for axis in range(4):
            box[i, axis] = boxes[k, axis]
        hits[i] += 1
        streak[i] = 1 if missed[i] > 1 else streak[i] + 1
        missed[i] = 0
        occluded[i] |= crowded[k] != 0
    lost, count = np.empty(len(missed), np.int64), 0
    for i in range(len(missed)):
        occluded[i] |= missed[i] > 0
        if not occluded[i] and doubt[i] == 0:
            sure[i] = seen[i]
        if missed[i] == 1:
            lost[count] = i
            count += 1
    return lost[:count]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def due(
    links: Ints,
    flags: Marks,
    scores: Float64s,
    high_score: float,
    at: float,
    reals: Float64s,
    wholes: Ints,
    marks: Bools,
    confirm_s: float,
    embed_every_s: float,
    tell_after_s: float,
) -> Bools:
    """(M,) boxes whose track is due for a picture: a clean one (high, no flag), or any if a track to be told has none.

    The more pictures there are, the longer until the next. ``reals``, ``wholes`` and ``marks``: see ``Tracks``.
    """
    asked, confirmed = np.zeros(len(links), np.bool_), marks[c.CONFIRMED]
    born, pictured, pictures = reals[c.BORN], reals[c.PICTURED], wholes[c.PICTURES]
    for j in range(len(links)):
        i = links[j]
        if i >= 0 and (confirmed[i] or at - born[i] >= confirm_s):
            clean = flags[j] == 0 and scores[j] >= high_score
            regular = clean and at - pictured[i] >= embed_every_s * (1 + pictures[i] / 4)
            asked[j] = regular or (pictures[i] == 0 and at - born[i] >= tell_after_s)
    return asked


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def believed(
    born: Float64s, seen: Float64s, missed: Ints, hits: Ints, trust: Float64s, confirm_s: float, least_trust: float
) -> Bools:
    """(N,) tracks seen now, old enough and trusted, with three boxes, or two over twice the time."""
    confirmed = np.zeros(len(seen), np.bool_)
    for i in range(len(seen)):
        age = seen[i] - born[i]
        boxes = hits[i] >= 3 or (hits[i] >= 2 and age >= 2 * confirm_s)
        confirmed[i] = missed[i] == 0 and age >= confirm_s and trust[i] >= least_trust and boxes
    return confirmed


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def over(
    place: Float64s,
    seen: Float64s,
    missed: Ints,
    confirmed: Bools,
    trust: Float64s,
    leaving: Float64s,
    at: float,
    width: float,
    height: float,
    lost_after_s: float,
    least_trust: float,
    sure: float,
    left_after_s: float,
) -> Bools:
    """(N,) tracks that are over: unseen for too long, walked out of the picture, not believed, or missed while new.

    Nobody is carried through an exit: where it is ``sure`` that who is lost has left, ``left_after_s`` is enough.
    """
    ended = np.zeros(len(seen), np.bool_)
    for i in range(len(seen)):
        outside = place[i, 0] < 0 or place[i, 0] > width or place[i, 1] < 0 or place[i, 1] > height
        ended[i] = (
            at - seen[i] > lost_after_s
            or (missed[i] > 0 and leaving[i] >= sure and at - seen[i] > left_after_s)
            or (outside and missed[i] > 0)
            or (not confirmed[i] and missed[i] >= 2)
            or trust[i] < least_trust
        )
    return ended


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def offsets(
    seen: Float64s,
    missed: Ints,
    hits: Ints,
    leaving: Float64s,
    adrift: Bools,
    pictured: Bools,
    at: float,
    weights: tuple[float, float, float, float, float, float],
    stays: float,
    floor: float,
) -> tuple[Float64s, Float64s]:
    """What is known of each track before any box is looked at, and the least evidence of a pair that is worth keeping.

    ``weights``: prior, per log(1 + seconds unseen / 0.1), of the log odds that somebody lost here ``stays``, of a young
    track that was missed, of one unseen for long, and the seconds from which on it is. A track that has no picture
    needs no pair below 0, one that is adrift none at all.
    """
    prior, unseen_weight, leaving_weight, young, late, moving_s = weights
    offset, least = np.empty(len(seen)), np.empty(len(seen))
    last, of_unseen = -1.0, 0.0
    for i in range(len(seen)):
        unseen = at - seen[i]
        if unseen != last:  # most were seen in the frame before
            last, of_unseen = unseen, unseen_weight * np.log1p(unseen / 0.1)
        offset[i] = prior + of_unseen
        if missed[i] > 0:
            offset[i] += leaving_weight * np.log((1 - leaving[i]) / stays)
            if hits[i] <= 5:
                offset[i] += young
        least[i] = floor if pictured[i] else 0.0
        if unseen > moving_s + 0.05:
            offset[i] += late
        if adrift[i]:
            least[i] = np.inf
    return offset, least
