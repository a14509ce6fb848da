"""What the links of a frame change in the table of tracks, the journal and the doors, in one compiled call."""

from __future__ import annotations

import numpy as np
from numba import njit

from perdure.track import columns as c
from perdure.track.frame_kernels import CROWDED, Marks, write_boxes
from perdure.track.journal import write_rows
from perdure.track.zones import learn_outcome, share_of
from perdure.types import Bools, Float64s, Ints

AWAY_S = 0.3
"""Who is seen again after this long was hidden, not just missed."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def observed(
    links: Ints,
    boxes: Float64s,
    scores: Float64s,
    flags: Marks,
    frame: tuple[float, float, float, float],
    reals: Float64s,
    wholes: Ints,
    marks: Bools,
    box: Float64s,
    exits: Float64s,
    entries: Float64s,
    rows: Float64s,
    before: Ints,
    used: int,
) -> tuple[Ints, Float64s, bool]:
    """Tracks (``Tracks``) were seen in the boxes that ``links`` (M,) gives them, the others were missed.

    ``frame``: at, index, width, height. ``exits`` and ``entries`` (``Zones``) learn from who is back from a gap, and
    say how probable it is that who was missed now is gone. ``rows`` and ``before`` (``Journal``) are written from
    ``used`` on. Returns (K,) the tracks seen, (K, 4) their boxes, and whether all tracks are confirmed.
    """
    at, size, entry = frame[0], (frame[2], frame[3]), wholes[c.ENTRY]
    which = np.flatnonzero(links >= 0)
    who, there, score = links[which], boxes[which], scores[which]
    back = which[at - reals[c.SEEN][who] >= AWAY_S]
    if len(back):
        learn_outcome(exits, box[links[back]], size, 0)
        learn_outcome(entries, boxes[back], size, 0)
    lost = write_boxes(
        who,
        there,
        score,
        flags[which] & CROWDED,
        at,
        reals[c.SEEN],
        wholes[c.MISSED],
        wholes[c.HITS],
        wholes[c.STREAK],
        reals[c.SCORE],
        reals[c.TRUST],
        box,
        marks[c.OCCLUDED],
        reals[c.DOUBT],
        reals[c.SURE],
        marks[c.ADRIFT],
    )
    reals[c.LEAVING][lost] = share_of(exits, box[lost], size)
    entry[who] = write_rows(rows, before, used, entry[who], at, frame[1], there, score)
    return who, there, bool(marks[c.CONFIRMED].all())
