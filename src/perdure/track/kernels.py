"""The loops of the default association, compiled: gating on a grid and assignment by connected components (numba).

A crowd is many small groups: a detection competes only with what is near, so no matrix over all pairs is ever made.
Without the JIT (``NUMBA_DISABLE_JIT=1``) the same functions run as plain Python.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from perdure.types import Bools, Float64s, Ints

_A_LITTLE_MORE = 1 + 1e-9
"""Rounding decides about no pair."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def near_pairs(
    place: Float64s,
    var_place: Float64s,
    shares: Float64s,
    offset: Float64s,
    floor: Float64s,
    measured: Float64s,
    terms: tuple[float, float, float, float],
) -> tuple[Ints, Ints, Float64s]:
    """Track, box and evidence of every pair above the ``floor`` (N,) of its track, in order of track.

    Motion: a Student t with ``freedom`` degrees around ``place`` (N, 4) with variance ``var_place`` plus that of a
    detection (``shares`` (4,) of the height), because people start, stop and turn more often than a Gaussian allows,
    against a density that is flat over the picture and over sizes up to one height. Overlap: intersection over union of
    the boxes grown by ``buffer`` of their sides (C-BIoU, Yang et al., WACV 2023, eq. 1), times ``overlap_weight``.
    ``offset`` (N,) is all else that is known, the flat density of the picture too; a track with ``inf`` as its floor
    takes no part. ``measured`` (M, 4) centre x, centre y, width, height. ``terms``: freedom, weight of the motion, of
    the overlap, and buffer.

    Boxes wait in a grid of about one box per cell, so the cost grows with people and near pairs, not with all pairs.
    """
    freedom, motion_weight, overlap_weight, buffer = terms
    corner, cell, cells, first, order = _grid(measured)
    room = 4 * (len(place) + len(measured)) + 64
    track, box, gain = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    found = 0
    spread = np.empty(4)
    for i in range(len(place)):
        height = max(place[i, 3], 1.0)
        volume = (2 * np.pi) ** 4
        for c in range(4):
            spread[c] = var_place[i, c] + (height * shares[c]) ** 2
            volume *= spread[c]
        peak = offset[i] + motion_weight * (2 * np.log(height) - 0.5 * np.log(volume))
        most = (peak + overlap_weight - floor[i]) / motion_weight
        if most <= 0:
            continue
        farthest = freedom * (np.exp(2 * most / (freedom + 4)) - 1)
        reach_x, reach_y = np.sqrt(farthest * spread[0]), np.sqrt(farthest * spread[1])
        most_aside, most_above = reach_x * _A_LITTLE_MORE, reach_y * _A_LITTLE_MORE
        left = _cell(place[i, 0] - reach_x, corner[0], cell[0], cells)
        right = _cell(place[i, 0] + reach_x, corner[0], cell[0], cells)
        half_w, half_h = max(place[i, 2], 1.0) * (0.5 + buffer), height * (0.5 + buffer)
        for row in range(
            _cell(place[i, 1] - reach_y, corner[1], cell[1], cells),
            _cell(place[i, 1] + reach_y, corner[1], cell[1], cells) + 1,
        ):
            for k in range(first[row * cells + left], first[row * cells + right + 1]):
                j = order[k]
                aside, above = measured[j, 0] - place[i, 0], measured[j, 1] - place[i, 1]
                if abs(aside) > most_aside or abs(above) > most_above:
                    continue
                distance = aside**2 / spread[0] + above**2 / spread[1]
                for c in range(2, 4):
                    distance += (measured[j, c] - place[i, c]) ** 2 / spread[c]
                if distance > farthest:
                    continue
                llr = peak - motion_weight * (freedom + 4) / 2 * np.log1p(distance / freedom)
                w, h = measured[j, 2] * (0.5 + buffer), measured[j, 3] * (0.5 + buffer)
                wide = min(place[i, 0] + half_w, measured[j, 0] + w) - max(place[i, 0] - half_w, measured[j, 0] - w)
                high = min(place[i, 1] + half_h, measured[j, 1] + h) - max(place[i, 1] - half_h, measured[j, 1] - h)
                if wide > 0 and high > 0:
                    shared = wide * high
                    llr += overlap_weight * shared / (4 * half_w * half_h + 4 * w * h - shared)
                if llr > floor[i]:
                    if found == room:
                        track, box, gain = _doubled(track), _doubled(box), _doubled(gain)
                        room *= 2
                    track[found], box[found], gain[found] = i, j, llr
                    found += 1
    return track[:found], box[:found], gain[:found]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _grid(measured: Float64s) -> tuple[Float64s, Float64s, int, Ints, Ints]:
    """Boxes by the cell of their centre: corner and size of the cells, cells per side, where each begins, the order."""
    m = len(measured)
    corner, far = np.zeros(2), np.ones(2)
    if m:
        for axis in range(2):
            corner[axis], far[axis] = measured[:, axis].min(), measured[:, axis].max()
    cells = max(int(np.sqrt(m)), 1)
    cell = np.maximum((far - corner) / cells, 1e-9)
    where = np.empty(m, np.int64)
    first = np.zeros(cells * cells + 1, np.int64)
    for j in range(m):
        row = _cell(measured[j, 1], corner[1], cell[1], cells)
        where[j] = row * cells + _cell(measured[j, 0], corner[0], cell[0], cells)
        first[where[j] + 1] += 1
    for k in range(cells * cells):
        first[k + 1] += first[k]
    order, filled = np.empty(m, np.int64), first.copy()
    for j in range(m):
        order[filled[where[j]]] = j
        filled[where[j]] += 1
    return corner, cell, cells, first, order


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _cell(value: float, corner: float, size: float, cells: int) -> int:
    return int(min(max((value - corner) / size, 0.0), cells - 1.0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _doubled(values: np.ndarray) -> np.ndarray:
    longer = np.empty(2 * len(values), values.dtype)
    longer[: len(values)] = values
    return longer


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def link_passes(track: Ints, box: Ints, gain: Float64s, of_track: Ints, of_box: Ints, passes: int) -> Ints:
    """(M,) links of several passes in turn, each the one-to-one assignment of greatest total gain among what is left.

    Bit p of ``of_track`` (N,) and ``of_box`` (M,) says who takes part in pass p; only gains above 0 count. In each pass
    every connected component is solved on its own: alone, or by the Hungarian method.
    """
    links, free = np.full(len(of_box), -1, np.int64), np.ones(len(of_track), np.bool_)
    used = np.empty(len(track), np.int64)
    best, second = np.empty(len(of_track) + len(of_box)), np.empty(len(of_track) + len(of_box))
    node = np.empty(len(of_track) + len(of_box), np.int64)
    for turn in range(passes):
        bit, count = 1 << turn, 0
        for p in range(len(track)):
            if of_track[track[p]] & of_box[box[p]] & bit and gain[p] > 0:
                used[count] = p
                count += 1
        before = count + 1
        while count < before:
            before = count
            count = _link_clear(track, box, gain, used[:count], best, second, links, free)
        if count:
            _link_components(track, box, gain, used[:count], node, links, free)
    return links


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _link_clear(
    track: Ints, box: Ints, gain: Float64s, used: Ints, best: Float64s, second: Float64s, links: Ints, free: Bools
) -> int:
    """Links every pair worth at least the best other pair of its track and that of its box together.

    Such a pair is part of an optimal assignment: whatever the two would gain apart is no more. The pairs still open are
    moved to the front of ``used``; their number.
    """
    n_tracks, count = len(free), 0
    for p in used:
        if free[track[p]] and links[box[p]] < 0:
            used[count] = p
            count += 1
            best[track[p]] = best[n_tracks + box[p]] = second[track[p]] = second[n_tracks + box[p]] = 0.0
    for p in used[:count]:
        for node in (track[p], n_tracks + box[p]):
            if gain[p] > best[node]:
                second[node], best[node] = best[node], gain[p]
            elif gain[p] > second[node]:
                second[node] = gain[p]
    left = 0
    for p in used[:count]:
        i, j = track[p], n_tracks + box[p]
        others = (second[i] if gain[p] == best[i] else best[i]) + (second[j] if gain[p] == best[j] else best[j])
        if gain[p] >= others and free[i] and links[box[p]] < 0:
            links[box[p]], free[i] = i, False
        else:
            used[left] = p
            left += 1
    return left


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _link_components(track: Ints, box: Ints, gain: Float64s, used: Ints, node: Ints, links: Ints, free: Bools) -> None:
    """The assignment of the pairs ``used``, each connected component on its own; ``node`` (N + M,) is room to work."""
    n_tracks = len(free)
    parent = node.copy()
    for p in used:
        parent[track[p]], parent[n_tracks + box[p]] = track[p], n_tracks + box[p]
    for p in used:
        a, b = _root(parent, track[p]), _root(parent, n_tracks + box[p])
        if a != b:
            parent[b] = a
    roots = np.empty(len(used), np.int64)
    for k in range(len(used)):
        roots[k] = _root(parent, track[used[k]])
    order = np.argsort(roots, kind="mergesort")
    start = 0
    while start < len(used):
        stop = start + 1
        while stop < len(used) and roots[order[stop]] == roots[order[start]]:
            stop += 1
        _link_group(track, box, gain, used[order[start:stop]], n_tracks, node, links, free)
        start = stop


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _link_group(
    track: Ints, box: Ints, gain: Float64s, group: Ints, n_tracks: int, place: Ints, links: Ints, free: Bools
) -> None:
    """One connected component: its pairs as a small dense matrix, solved exactly."""
    for p in group:
        place[track[p]] = place[n_tracks + box[p]] = -1
    rows, columns = np.empty(len(group), np.int64), np.empty(len(group), np.int64)
    n, m = 0, 0
    for p in group:
        if place[track[p]] < 0:
            place[track[p]], rows[n] = n, track[p]
            n += 1
        if place[n_tracks + box[p]] < 0:
            place[n_tracks + box[p]], columns[m] = m, box[p]
            m += 1
    cost = np.zeros((min(n, m), max(n, m)))
    for p in group:
        i, j = place[track[p]], place[n_tracks + box[p]]
        if n <= m:
            cost[i, j] = -gain[p]
        else:
            cost[j, i] = -gain[p]
    chosen = hungarian(cost)
    for i in range(len(chosen)):
        if cost[i, chosen[i]] < 0:
            row, column = (rows[i], columns[chosen[i]]) if n <= m else (rows[chosen[i]], columns[i])
            links[column], free[row] = row, False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def hungarian(cost: Float64s) -> Ints:
    """(N,) the column of each row in the cheapest full assignment of an (N, M) matrix, N <= M.

    Shortest augmenting paths with potentials: Kuhn 1955, Munkres 1957, in the O(N^2 M) form of Jonker and Volgenant,
    "A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems", Computing 1987.
    """
    n, m = cost.shape
    row_price, column_price = np.zeros(n + 1), np.zeros(m + 1)
    row_of, before = np.zeros(m + 1, np.int64), np.zeros(m + 1, np.int64)
    for i in range(1, n + 1):
        row_of[0] = i
        column = 0
        least, done = np.full(m + 1, np.inf), np.zeros(m + 1, np.bool_)
        while True:
            done[column] = True
            row, step, following = row_of[column], np.inf, 0
            for j in range(1, m + 1):
                if not done[j]:
                    slack = cost[row - 1, j - 1] - row_price[row] - column_price[j]
                    if slack < least[j]:
                        least[j], before[j] = slack, column
                    if least[j] < step:
                        step, following = least[j], j
            for j in range(m + 1):
                if done[j]:
                    row_price[row_of[j]] += step
                    column_price[j] -= step
                else:
                    least[j] -= step
            column = following
            if row_of[column] == 0:
                break
        while column:
            row_of[column] = row_of[before[column]]
            column = before[column]
    chosen = np.empty(n, np.int64)
    for j in range(1, m + 1):
        if row_of[j]:
            chosen[row_of[j] - 1] = j - 1
    return chosen


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def doubtful(
    track: Ints,
    box: Ints,
    gain: Float64s,
    links: Ints,
    crowded: npt.NDArray[np.uint8],
    occluded: Bools,
    pictured: Bools,
    margin: float,
    within: float,
) -> Bools:
    """(M,) boxes whose looks could change a link: ``within`` so many nats of the best for a track that is asked.

    Asked is one that has a picture, and a second candidate closer than ``margin``, or is back from an occlusion in a
    box that is not ``crowded``.
    """
    own = np.full(len(links), -np.inf)
    for p in range(len(track)):
        if links[box[p]] == track[p]:
            own[box[p]] = gain[p]
    second = second_best(track, box, gain, links, len(pictured))
    asked = np.zeros(len(pictured), np.bool_)
    for j in range(len(links)):
        i = links[j]
        if i >= 0 and pictured[i]:
            asked[i] = second[j] > max(own[j] - margin, 0.0) or (occluded[i] and crowded[j] == 0)
    near: Bools = rivals(track, box, gain, asked, within, len(links))
    return near


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def second_best(track: Ints, box: Ints, gain: Float64s, links: Ints, n_tracks: int) -> Float64s:
    """(M,) for each linked box the best gain of another pair of its track or of itself; ``-inf`` where none."""
    linked_box = np.full(n_tracks, -1, np.int64)
    for j in range(len(links)):
        if links[j] >= 0:
            linked_box[links[j]] = j
    second = np.full(len(links), -np.inf)
    for p in range(len(track)):
        if links[box[p]] == track[p]:
            continue
        if links[box[p]] >= 0:
            second[box[p]] = max(second[box[p]], gain[p])
        if linked_box[track[p]] >= 0:
            second[linked_box[track[p]]] = max(second[linked_box[track[p]]], gain[p])
    return second


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def rivals(track: Ints, box: Ints, gain: Float64s, asked: Bools, within: float, n_boxes: int) -> Bools:
    """(M,) boxes with a gain above 0 and ``within`` of the best for one of the ``asked`` tracks (N,)."""
    best = np.full(len(asked), -np.inf)
    for p in range(len(track)):
        best[track[p]] = max(best[track[p]], gain[p])
    near = np.zeros(n_boxes, np.bool_)
    for p in range(len(track)):
        if asked[track[p]] and gain[p] > max(best[track[p]] - within, 0.0):
            near[box[p]] = True
    return near


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def fresh(boxes: Float64s, scores: Float64s, links: Ints, high_score: float, most: float) -> Bools:
    """(M,) unlinked boxes of high score that overlap (IoU) no linked one by ``most`` or more."""
    new = np.zeros(len(boxes), np.bool_)
    for j in range(len(boxes)):
        new[j] = links[j] < 0 and scores[j] >= high_score and not _on_a_linked_box(boxes, j, links, most)
    return new


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _on_a_linked_box(boxes: Float64s, j: int, links: Ints, most: float) -> bool:
    x1, y1, x2, y2 = boxes[j]
    for u in range(len(boxes)):
        if links[u] < 0:
            continue
        wide, high = min(x2, boxes[u, 2]) - max(x1, boxes[u, 0]), min(y2, boxes[u, 3]) - max(y1, boxes[u, 1])
        if wide > 0 and high > 0:
            union = (x2 - x1) * (y2 - y1) + (boxes[u, 2] - boxes[u, 0]) * (boxes[u, 3] - boxes[u, 1]) - wide * high
            if wide * high >= most * union:
                return True
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _root(parent: Ints, node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
