"""The default association of one frame, compiled: which pairs there are, what each is worth, and who gets whom.

The tracker calls these once per frame, and the replay simulator of the training (``train.association``) for a whole
recording from compiled code, so what is trained on is what runs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from perdure.track import columns as c
from perdure.track.frame_kernels import CROWDED, Marks, centred, offsets
from perdure.track.kernels import link_passes, near_pairs
from perdure.track.learned import Net, described, no_net, worth
from perdure.track.motion_warp import believed_shift
from perdure.types import Bools, Float64s, Ints

FIRST, LOW, NEW, LATE = 1, 2, 4, 8
"""The passes, as bits."""
PASSES = 4


class Known(NamedTuple):
    """What the association reads of the N tracks; see ``Tracks`` and ``Motion``."""

    place: Float64s
    speed: Float64s
    var_place: Float64s
    seen: Float64s
    missed: Ints
    hits: Ints
    trust: Float64s
    box: Float64s
    confirmed: Bools
    leaving: Float64s
    adrift: Bools
    occluded: Bools
    pictured: Bools


class Prices(NamedTuple):
    """What the evidence of a pair is made of, in nats; see ``default.Weights``."""

    prior: float
    motion: float
    freedom: float
    overlap: float
    buffer: float
    unseen: float
    leaving: float
    stays: float
    young: float
    late: float
    moving_s: float
    low_unseen_s: float
    crowded_low: float
    floor: float
    high_score: float


class Found(NamedTuple):
    """The M boxes of one frame."""

    boxes: Float64s
    """(M, 4) xyxy px."""
    measured: Float64s
    """(M, 4) the same boxes: centre and size."""
    scores: Float64s
    size: tuple[float, float]
    """Width and height of the picture."""
    at: float
    dt: float
    """Seconds since the frame before."""


class Terms(NamedTuple):
    """What the evidence of a pair is made of."""

    shares: Float64s
    """(4,) of the height: standard deviation of a detection, see ``WalkingModel``."""
    prices: Prices
    net: Net


class Constants(NamedTuple):
    """All constants of the default rule that matter for boxes without pictures."""

    prices: Prices
    shares: Float64s
    """(4,) of the height: standard deviation of a detection, see ``WalkingModel``."""
    pushed: tuple[float, float, float, float]
    drift: tuple[float, float, float, float]
    start_speed: tuple[float, float, float, float]
    speed_fades_s: float
    trust_start: float
    trust_keep: float
    confirm_s: float
    lost_after_s: float
    left_after_s: float
    used_overlap: float


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def evidence(known: Known, found: Found, terms: Terms) -> tuple[Ints, Ints, Float64s, Float64s]:
    """Track, box, evidence of every pair that motion and overlap, or these and looks, could link; and (P, F) what a
    learned net was told of each pair (of no columns without one).
    """
    prices, net = terms.prices, terms.net
    flat = prices.prior + prices.motion * np.log(found.size[0] * found.size[1])
    weights = (flat, prices.unseen, prices.leaving, prices.young, prices.late, prices.moving_s)
    offset, least = offsets(
        known.seen,
        known.missed,
        known.hits,
        known.leaving,
        known.adrift,
        known.pictured,
        found.at,
        weights,
        prices.stays,
        prices.floor,
    )
    if net.scale.size:
        for i in range(len(least)):
            if least[i] < np.inf:
                least[i] = min(least[i], net.floor)
    worths = (prices.freedom, prices.motion, prices.overlap, prices.buffer)
    track, box, gain = near_pairs(known.place, known.var_place, terms.shares, offset, least, found.measured, worths)
    if not net.scale.size:
        return track, box, gain, np.zeros((len(gain), 0))
    rows = described(
        known.place,
        known.speed,
        known.var_place,
        known.box,
        found.at - known.seen,
        known.hits,
        known.trust,
        known.occluded,
        found.boxes,
        found.measured,
        found.scores,
        found.size,
        found.dt,
        terms.shares,
        track,
        box,
        gain,
    )
    return track, box, worth(rows, gain, net), rows


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def passes(
    track: Ints,
    box: Ints,
    gain: Float64s,
    confirmed: Bools,
    seen: Float64s,
    scores: Float64s,
    at: float,
    moving_s: float,
    low_unseen_s: float,
    high_score: float,
) -> Ints:
    """(M,) links: high boxes to confirmed tracks, low ones to those left, high ones left to new tracks, then to the
    long lost.
    """
    of_track, of_box = np.empty(len(seen), np.int64), np.empty(len(scores), np.int64)
    for i in range(len(seen)):
        unseen = at - seen[i]
        if not confirmed[i]:
            of_track[i] = NEW
        elif unseen > moving_s + 0.05:
            of_track[i] = LATE
        else:
            of_track[i] = FIRST + LOW if unseen <= low_unseen_s else FIRST
    for j in range(len(scores)):
        of_box[j] = FIRST + NEW + LATE if scores[j] >= high_score else LOW
    links: Ints = link_passes(track, box, gain, of_track, of_box, PASSES)
    return links


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def without_doubles(
    track: Ints,
    box: Ints,
    gain: Float64s,
    links: Ints,
    scores: Float64s,
    flags: Marks,
    high_score: float,
    least: float,
) -> Ints:
    """(M,) the links without those of low boxes that are flagged as crowded and worth less than ``least``."""
    kept = links.copy()
    for p in range(len(track)):
        j = box[p]
        if links[j] == track[p] and flags[j] & CROWDED and scores[j] < high_score and gain[p] < least:
            kept[j] = -1
    return kept


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def associate(
    known: Known, found: Found, terms: Terms, easier: float, sway: Float64s
) -> tuple[Ints, Ints, Float64s, Float64s, Ints]:
    """Pairs, what each is worth and why, and the (M,) links as if each were worth ``easier`` nats more.

    Where the links show that the camera has moved (``sway``: see ``believed_shift``), the tracks are
    moved along, in place, and associated again.
    """
    at, prices = found.at, terms.prices
    when = (prices.moving_s, prices.low_unseen_s, prices.high_score)
    track, box, gain, told = evidence(known, found, terms)
    links = passes(track, box, gain + easier, known.confirmed, known.seen, found.scores, at, *when)
    steady = known.confirmed & (known.missed == 0)
    shift = believed_shift(sway, known.place, found.measured, steady, links)
    if shift[0] != 0 or shift[1] != 0:
        for i in range(len(known.place)):
            known.place[i, 0] += shift[0]
            known.place[i, 1] += shift[1]
        track, box, gain, told = evidence(known, found, terms)
        links = passes(track, box, gain + easier, known.confirmed, known.seen, found.scores, at, *when)
    return track, box, gain, told, links


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def associated(
    tracks: tuple[Any, ...],
    boxes: Float64s,
    scores: Float64s,
    flags: Marks,
    frame: tuple[float, float, float, float],
    shares: Float64s,
    prices: Float64s,
    net: tuple[Any, ...] | None,
    sway: Float64s,
) -> tuple[Ints, Ints, Float64s, Ints]:
    """``associate`` for a caller that is not compiled, links ``without_doubles``.

    Plain tuples and one array of prices, for named tuples cost half a millisecond a call. ``tracks``: place, speed and
    variance of place (``Motion``), last boxes and blocks (``Tracks``), and which have a picture; ``frame``: width,
    height, at, dt.
    """
    p = prices
    reals, wholes, marks = tracks[4], tracks[5], tracks[6]
    known = Known(
        tracks[0],
        tracks[1],
        tracks[2],
        reals[c.SEEN],
        wholes[c.MISSED],
        wholes[c.HITS],
        reals[c.TRUST],
        tracks[3],
        marks[c.CONFIRMED],
        reals[c.LEAVING],
        marks[c.ADRIFT],
        marks[c.OCCLUDED],
        tracks[7],
    )
    worths = Prices(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12], p[13], p[14])
    if net is None:
        learned = no_net()
    else:
        n = net
        learned = Net(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], n[12])
    found = Found(boxes, centred(boxes), scores, (frame[0], frame[1]), frame[2], frame[3])
    track, box, gain, _, links = associate(known, found, Terms(shares, worths, learned), 0.0, sway)
    links = without_doubles(track, box, gain, links, scores, flags, worths.high_score, worths.crowded_low)
    return track, box, gain, links
