"""The default tracker on recorded boxes, without pictures, as one compiled loop: the world of the policy stage.

A recording of a minute is replayed in some ten milliseconds. Every step calls the very kernels of the tracker, so that
a replay without a net and without exploring gives the tracker's own links (a test compares the two).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from perdure.track.frame_kernels import believed, over, usable, write_boxes
from perdure.track.kernels import fresh
from perdure.track.learned import Net, described_lost, worth_of_ending
from perdure.track.linking import Constants, Known, evidence, passes
from perdure.track.motion_warp import believed_shift
from perdure.track.walking import faded, predict_walk, update_walk
from perdure.track.zones import COUNTS, SURE, learn_outcome, share_of
from perdure.types import Bools, Float64s, Ints

Marks = npt.NDArray[np.uint8]

_AWAY_S = 0.3
"""As in ``track.core``."""
_CERTAIN = 8.0
"""Decisions that explore less than once in some thousand times are not worth recording."""


class Clip(NamedTuple):
    """Recorded boxes of one camera, in order of time, and whose they are."""

    boxes: Float64s
    """(B, 4) xyxy, px."""
    scores: Float64s
    """(B,) in [0, 1]."""
    first: Ints
    """(F + 1,) the boxes of frame f are those from ``first[f]`` to ``first[f + 1]``."""
    at: Float64s
    """(F,) seconds."""
    size: tuple[float, float]
    owner: Ints
    """(B,) person 0, 1, ... that a box shows, -1: nobody."""


class Choices(NamedTuple):
    """Choices of one kind that a replay makes by chance; ``count[0]`` of the rows are written."""

    count: Ints  # type: ignore[assignment]
    where: Ints
    """(C, 3) frame, the person the track showed last, the person the box shows; -1: nobody."""
    rows: Float64s
    """(C, K) what the net was told."""
    nats: Float64s
    """(C,) what it answered."""
    taken: Bools
    """(C,) linked (or ended), not held."""


class Replayed(NamedTuple):
    """What came of a replay."""

    numbers: Ints
    """(B,) track number of each box that was shown under one, else 0."""
    tracks: int
    links: Choices
    ends: Choices
    pairs: Choices
    """Every described pair of a known person, where asked for; taken: the box shows whom the track showed last."""


class Table(NamedTuple):
    """Room for all tracks, one row each; see ``Tracks`` and ``Motion``."""

    place: Float64s
    speed: Float64s
    var_place: Float64s
    covar: Float64s
    var_speed: Float64s
    box: Float64s
    seen: Float64s
    born: Float64s
    score: Float64s
    trust: Float64s
    doubt: Float64s
    sure: Float64s
    leaving: Float64s
    missed: Ints
    hits: Ints
    streak: Ints
    number: Ints
    shown: Ints
    """Person it showed last, -1: nobody yet."""
    confirmed: Bools
    occluded: Bools
    never: Bools
    uncrowded: Marks


class Seen(NamedTuple):
    """The usable boxes of one frame."""

    rows: Ints
    """Their places in the clip."""
    boxes: Float64s
    measured: Float64s
    scores: Float64s
    at: float
    dt: float


@njit(cache=True)  # type: ignore[untyped-decorator]
def replay(
    clip: Clip, constants: Constants, net: Net, low_score: float, warmth: float, seed: int, room: int
) -> Replayed:
    """Track a clip. With ``warmth`` above 0 links are accepted or held, and lost tracks ended, by chance:
    ``p = sigmoid(nats / warmth)``, so that what is clear stays clear. ``room``: keep so many described pairs.
    """
    np.random.seed(seed)  # noqa: NPY002 - compiled code has no other generator
    most = len(clip.boxes) + 1
    t, n, last_number = _room(most), 0, 0
    chances = most if warmth > 0 else 1
    links_made = _no_choices(chances, len(net.mean))
    ends_made, pairs = _no_choices(chances, len(net.lost_mean)), _no_choices(room, len(net.mean))
    exits, sway, numbers = np.zeros(COUNTS), np.zeros(3), np.zeros(len(clip.boxes), np.int64)
    for f in range(len(clip.at)):
        now = _look(clip, f, low_score)
        if n:
            predict_walk(
                t.place[:n],
                t.speed[:n],
                t.var_place[:n],
                t.covar[:n],
                t.var_speed[:n],
                faded(now.dt, constants.speed_fades_s),
                now.dt,
                constants.pushed,
                constants.drift,
            )
        track, box, gain, told, links = _associate(t, n, now, clip.size, constants, net, 3 * warmth, sway)
        _note_pairs(pairs, f, t, track, clip.owner[now.rows], box, gain, told)
        if warmth > 0:
            _hold_some(links_made, f, t, track, clip.owner[now.rows], box, gain, told, links, warmth)
        _write_down(t, n, now, links, clip.size, exits, constants)
        for j in np.flatnonzero(links >= 0):
            own = clip.owner[now.rows[j]]
            if own >= 0:
                t.shown[links[j]] = own
            if t.confirmed[links[j]]:
                numbers[now.rows[j]] = t.number[links[j]]
        for j in np.flatnonzero(
            fresh(now.boxes, now.scores, links, constants.prices.high_score, constants.used_overlap)
        ):
            last_number += 1
            _begin(t, n, now, j, last_number, clip.owner[now.rows[j]], constants)
            n += 1
        n = _end_some(t, n, now, f, clip.size, exits, constants, net, warmth, ends_made)
    return Replayed(numbers, last_number, links_made, ends_made, pairs)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _room(most: int) -> Table:
    never = np.zeros(most, np.bool_)
    return Table(
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.bool_),
        np.zeros(most, np.bool_),
        never,
        np.zeros(most, np.uint8),
    )


@njit(cache=True)  # type: ignore[untyped-decorator]
def _no_choices(room: int, columns: int) -> Choices:
    count, where = np.zeros(1, np.int64), np.zeros((room, 3), np.int64)
    return Choices(count, where, np.zeros((room, columns)), np.zeros(room), np.zeros(room, np.bool_))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _note(made: Choices, f: int, whose: int, other: int, row: Float64s, nats: float, taken: bool) -> None:
    k = made.count[0]
    if k < len(made.nats):
        made.where[k, 0], made.where[k, 1], made.where[k, 2] = f, whose, other
        made.rows[k], made.nats[k], made.taken[k] = row, nats, taken
        made.count[0] += 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def _look(clip: Clip, f: int, low_score: float) -> Seen:
    start, stop = clip.first[f], clip.first[f + 1]
    rows = start + usable(clip.boxes[start:stop], clip.scores[start:stop], low_score)
    boxes, measured = clip.boxes[rows], np.empty((len(rows), 4))
    for j in range(len(rows)):
        for c in range(2):
            half = (boxes[j, c + 2] - boxes[j, c]) / 2
            measured[j, c], measured[j, c + 2] = boxes[j, c] + half, 2 * half
    dt = clip.at[f] - clip.at[f - 1] if f else 0.0
    return Seen(rows, boxes, measured, clip.scores[rows], clip.at[f], dt)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _associate(
    t: Table,
    n: int,
    now: Seen,
    size: tuple[float, float],
    constants: Constants,
    net: Net,
    easier: float,
    sway: Float64s,
) -> tuple[Ints, Ints, Float64s, Float64s, Ints]:
    """Pairs, what each is worth and why, and the links as if each were worth ``easier`` nats more."""
    track, box, gain, told = _evidence(t, n, now, size, constants, net)
    links = _links(t, n, now, track, box, gain + easier, constants)
    steady = t.confirmed[:n] & (t.missed[:n] == 0)
    shift = believed_shift(sway, t.place[:n], now.measured, steady, links)
    if shift[0] != 0 or shift[1] != 0:
        for i in range(n):
            t.place[i, 0] += shift[0]
            t.place[i, 1] += shift[1]
        track, box, gain, told = _evidence(t, n, now, size, constants, net)
        links = _links(t, n, now, track, box, gain + easier, constants)
    return track, box, gain, told, links


@njit(cache=True)  # type: ignore[untyped-decorator]
def _evidence(
    t: Table, n: int, now: Seen, size: tuple[float, float], constants: Constants, net: Net
) -> tuple[Ints, Ints, Float64s, Float64s]:
    known = Known(
        t.place[:n],
        t.speed[:n],
        t.var_place[:n],
        t.seen[:n],
        t.missed[:n],
        t.hits[:n],
        t.trust[:n],
        t.box[:n],
        t.confirmed[:n],
        t.leaving[:n],
        t.never[:n],
        t.occluded[:n],
        t.never[:n],
    )
    return evidence(  # type: ignore[no-any-return]
        known, now.boxes, now.measured, now.scores, size, now.at, now.dt, constants.shares, constants.prices, net
    )


@njit(cache=True)  # type: ignore[untyped-decorator]
def _links(t: Table, n: int, now: Seen, track: Ints, box: Ints, gain: Float64s, constants: Constants) -> Ints:
    prices = constants.prices
    return passes(  # type: ignore[no-any-return]
        track,
        box,
        gain,
        t.confirmed[:n],
        t.seen[:n],
        now.scores,
        now.at,
        prices.moving_s,
        prices.low_unseen_s,
        prices.high_score,
    )


@njit(cache=True)  # type: ignore[untyped-decorator]
def _note_pairs(
    pairs: Choices, f: int, t: Table, track: Ints, owner: Ints, box: Ints, gain: Float64s, told: Float64s
) -> None:
    if not len(pairs.nats):
        return
    for p in range(len(gain)):
        whose, other = t.shown[track[p]], owner[box[p]]
        if whose >= 0 or other >= 0:
            _note(pairs, f, whose, other, told[p], gain[p], whose == other)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _hold_some(
    made: Choices,
    f: int,
    t: Table,
    track: Ints,
    owner: Ints,
    box: Ints,
    gain: Float64s,
    told: Float64s,
    links: Ints,
    warmth: float,
) -> None:
    """Each link is accepted or held by chance."""
    for p in range(len(gain)):
        i, j = track[p], box[p]
        if links[j] == i:
            taken = _by_chance(gain[p] / warmth)
            if abs(gain[p]) < _CERTAIN * warmth:
                _note(made, f, t.shown[i], owner[j], told[p], gain[p], taken)
            if not taken:
                links[j] = -1


@njit(cache=True)  # type: ignore[untyped-decorator]
def _write_down(
    t: Table, n: int, now: Seen, links: Ints, size: tuple[float, float], exits: Float64s, constants: Constants
) -> None:
    """Linked boxes go into the tracks, the others are missed; who is seen long enough is believed."""
    linked = np.flatnonzero(links >= 0)
    who, there = links[linked], now.boxes[linked]
    for i in who:
        if now.at - t.seen[i] >= _AWAY_S:
            learn_outcome(exits, t.box[i : i + 1], size, 0)
    update_walk(t.place[:n], t.speed[:n], t.var_place[:n], t.covar[:n], t.var_speed[:n], who, there, constants.shares)
    write_boxes(
        who,
        there,
        now.scores[linked],
        t.uncrowded[: len(who)],
        now.at,
        t.seen[:n],
        t.missed[:n],
        t.hits[:n],
        t.streak[:n],
        t.score[:n],
        t.trust[:n],
        t.box[:n],
        t.occluded[:n],
        t.doubt[:n],
        t.sure[:n],
        t.never[:n],
    )
    for i in range(n):
        if t.missed[i] == 1:
            t.leaving[i] = share_of(exits, t.box[i : i + 1], size)[0]
    sure = believed(
        t.born[:n], t.seen[:n], t.missed[:n], t.hits[:n], t.trust[:n], constants.confirm_s, constants.trust_start
    )
    t.confirmed[:n] |= sure


@njit(cache=True)  # type: ignore[untyped-decorator]
def _begin(t: Table, i: int, now: Seen, j: int, number: int, person: int, constants: Constants) -> None:
    """Row ``i`` is a new track at box ``j``."""
    height = max(now.measured[j, 3], 1.0)
    for c in range(4):
        t.place[i, c], t.speed[i, c], t.covar[i, c], t.box[i, c] = now.measured[j, c], 0.0, 0.0, now.boxes[j, c]
        t.var_place[i, c] = (height * constants.shares[c]) ** 2
        t.var_speed[i, c] = (height * constants.start_speed[c]) ** 2
    t.seen[i], t.born[i], t.sure[i] = now.at, now.at, now.at
    t.score[i], t.trust[i], t.leaving[i] = now.scores[j], now.scores[j], 0.0
    t.missed[i], t.hits[i], t.streak[i], t.number[i], t.shown[i] = 0, 1, 1, number, person
    t.confirmed[i], t.occluded[i] = False, False


@njit(cache=True)  # type: ignore[untyped-decorator]
def _end_some(
    t: Table,
    n: int,
    now: Seen,
    f: int,
    size: tuple[float, float],
    exits: Float64s,
    constants: Constants,
    net: Net,
    warmth: float,
    made: Choices,
) -> int:
    """Tracks that are over go, by rule, by the net or by chance; how many are left."""
    ended = over(
        t.place[:n],
        t.seen[:n],
        t.missed[:n],
        t.confirmed[:n],
        t.trust[:n],
        t.leaving[:n],
        now.at,
        size[0],
        size[1],
        constants.lost_after_s,
        constants.trust_keep,
        SURE,
        constants.left_after_s,
    )
    kept = 0
    for i in range(n):
        if len(net.lost_mean) and not ended[i] and t.missed[i] > 0 and t.confirmed[i]:
            row = described_lost(i, t.place, t.speed, now.at - t.seen[i], t.hits, t.trust, t.leaving, size)
            ended[i] = _ends(made, f, t.shown[i], row, worth_of_ending(row, net), now.dt, warmth)
        if not ended[i]:
            _move(t, i, kept)
            kept += 1
        elif t.confirmed[i]:
            learn_outcome(exits, t.box[i : i + 1], size, 1)
    return kept


@njit(cache=True)  # type: ignore[untyped-decorator]
def _by_chance(odds: float) -> bool:
    return bool(np.random.random() < 1 / (1 + np.exp(-odds)))  # noqa: NPY002 - see above


@njit(cache=True)  # type: ignore[untyped-decorator]
def _ends(made: Choices, f: int, whose: int, row: Float64s, nats: float, dt: float, warmth: float) -> bool:
    """Does the net end a lost track? By chance ``exp(nats / warmth)`` is how often that happens in a second."""
    if warmth == 0:
        return nats > 0
    odds = nats / warmth + np.log(max(dt, 1e-3))
    taken = _by_chance(odds)
    if abs(odds) < _CERTAIN:
        _note(made, f, whose, -1, row, odds, taken)
    return bool(taken)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _move(t: Table, i: int, to: int) -> None:
    if i == to:
        return
    for c in range(4):
        t.place[to, c], t.speed[to, c], t.box[to, c] = t.place[i, c], t.speed[i, c], t.box[i, c]
        t.var_place[to, c], t.covar[to, c] = t.var_place[i, c], t.covar[i, c]
        t.var_speed[to, c] = t.var_speed[i, c]
    t.seen[to], t.born[to], t.score[to], t.trust[to] = t.seen[i], t.born[i], t.score[i], t.trust[i]
    t.sure[to], t.leaving[to], t.shown[to], t.number[to] = t.sure[i], t.leaving[i], t.shown[i], t.number[i]
    t.missed[to], t.hits[to], t.streak[to] = t.missed[i], t.hits[i], t.streak[i]
    t.confirmed[to], t.occluded[to] = t.confirmed[i], t.occluded[i]
