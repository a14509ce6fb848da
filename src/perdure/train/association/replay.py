"""The default tracker on recorded boxes, without pictures, as one compiled loop: the world of the policy stage.

A recording of a minute is replayed in some ten milliseconds. Every step calls the very kernels of the tracker, so that
a replay without a net and without exploring gives the tracker's own links (a test compares the two).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from perdure.track.frame_kernels import believed, over, write_boxes
from perdure.track.kernels import fresh
from perdure.track.learned import Net, described_lost, worth_of_ending
from perdure.track.linking import Constants, Found, Known, Terms, associate
from perdure.track.walking import faded, predict_walk, update_walk
from perdure.track.zones import COUNTS, SURE, learn_outcome, share_of
from perdure.train.association.choices import Choices, ends, hold_some, no_choices, note_pairs
from perdure.train.association.table import Clip, Seen, Table, begin, look, move, room_for
from perdure.types import Float64s, Ints

_AWAY_S = 0.3
"""As in ``track.core``."""


class Replayed(NamedTuple):
    """What came of a replay."""

    numbers: Ints
    """(B,) track number of each box that was shown under one, else 0."""
    tracks: int
    links: Choices
    ends: Choices
    pairs: Choices
    """Every described pair of a known person, where asked for; taken: the box shows whom the track showed last."""


@njit(cache=True)  # type: ignore[untyped-decorator]
def replay(
    clip: Clip, constants: Constants, net: Net, low_score: float, warmth: float, seed: int, room: int
) -> Replayed:
    """Track a clip. With ``warmth`` above 0 links are accepted or held, and lost tracks ended, by chance:
    ``p = sigmoid(nats / warmth)``, so that what is clear stays clear. ``room``: keep so many described pairs.
    """
    np.random.seed(seed)  # noqa: NPY002 - compiled code has no other generator
    most = len(clip.boxes) + 1
    t, n, last_number = room_for(most), 0, 0
    chances = most if warmth > 0 else 1
    links_made = no_choices(chances, len(net.mean))
    ends_made, pairs = no_choices(chances, len(net.lost_mean)), no_choices(room, len(net.mean))
    exits, sway, numbers = np.zeros(COUNTS), np.zeros(3), np.zeros(len(clip.boxes), np.int64)
    for f in range(len(clip.at)):
        now = look(clip, f, low_score)
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
        note_pairs(pairs, f, t, track, clip.owner[now.rows], box, gain, told)
        if warmth > 0:
            hold_some(links_made, f, t, track, clip.owner[now.rows], box, gain, told, links, warmth)
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
            begin(t, n, now, j, last_number, clip.owner[now.rows[j]], constants)
            n += 1
        n = _end_some(t, n, now, f, clip.size, exits, constants, net, warmth, ends_made)
    return Replayed(numbers, last_number, links_made, ends_made, pairs)


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
    """``linking.associate`` for the first ``n`` tracks."""
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
    found = Found(now.boxes, now.measured, now.scores, size, now.at, now.dt)
    terms = Terms(constants.shares, constants.prices, net)
    return associate(known, found, terms, easier, sway)  # type: ignore[no-any-return]


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
    lost = write_boxes(
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
    for i in lost:
        t.leaving[i] = share_of(exits, t.box[i : i + 1], size)[0]
    sure = believed(
        t.born[:n], t.seen[:n], t.missed[:n], t.hits[:n], t.trust[:n], constants.confirm_s, constants.trust_start
    )
    t.confirmed[:n] |= sure


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
            ended[i] = ends(made, f, t.shown[i], row, worth_of_ending(row, net), now.dt, warmth)
        if not ended[i]:
            move(t, i, kept)
            kept += 1
        elif t.confirmed[i]:
            learn_outcome(exits, t.box[i : i + 1], size, 1)
    return kept
