"""The loops of the default association, compiled: sorted-sweep gating and assignment by connected components (numba).

A crowd is many small groups: a detection competes only with what is near, so no matrix over all pairs is ever made.
Without the JIT (``NUMBA_DISABLE_JIT=1``) the same functions run as plain Python.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from perdure.types import Bools, Float64s, Ints


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def near_pairs(
    place: Float64s,
    spread: Float64s,
    active: Bools,
    measured: Float64s,
    by_x: Ints,
    offset: Float64s,
    freedom: float,
    motion_weight: float,
    overlap_weight: float,
    buffer: float,
    floor: float,
    track: Ints,
    box: Ints,
    gain: Float64s,
) -> int:
    """Evidence of every pair above ``floor``, in order of track; the number of pairs.

    Motion: a Student t with ``freedom`` degrees around ``place`` (N, 4) with variance ``spread`` (people start, stop
    and turn more often than a Gaussian allows), against a density that is flat over the picture and over sizes up to
    one height (``flat`` nats, without the height). Overlap: intersection over union of the boxes grown by ``buffer`` of
    their sides (C-BIoU, Yang et al., WACV 2023, eq. 1), less 0.3, times ``overlap_weight``. ``measured`` (M, 4) centre
    x, centre y, width, height; ``by_x`` sorts it by centre x. Where ``track``, ``box``, ``gain`` are too short, the
    rest is only counted.
    """
    found = 0
    xs = measured[by_x, 0]
    for i in range(len(place)):
        if not active[i]:
            continue
        height = max(place[i, 3], 1.0)
        peak = 2 * np.log(height)
        for c in range(4):
            peak -= 0.5 * np.log(2 * np.pi * spread[i, c])
        peak = offset[i] + motion_weight * peak
        most = (peak + overlap_weight - floor) / motion_weight
        if most <= 0:
            continue
        farthest = freedom * (np.exp(2 * most / (freedom + 4)) - 1)
        reach = np.sqrt(farthest * spread[i, 0])
        half_w, half_h = max(place[i, 2], 1.0) * (0.5 + buffer), height * (0.5 + buffer)
        for k in range(np.searchsorted(xs, place[i, 0] - reach), len(xs)):
            j = by_x[k]
            if xs[k] > place[i, 0] + reach:
                break
            distance = 0.0
            for c in range(4):
                distance += (measured[j, c] - place[i, c]) ** 2 / spread[i, c]
            if distance > farthest:
                continue
            llr = peak - motion_weight * (freedom + 4) / 2 * np.log1p(distance / freedom)
            w, h = measured[j, 2] * (0.5 + buffer), measured[j, 3] * (0.5 + buffer)
            wide = min(place[i, 0] + half_w, measured[j, 0] + w) - max(place[i, 0] - half_w, measured[j, 0] - w)
            high = min(place[i, 1] + half_h, measured[j, 1] + h) - max(place[i, 1] - half_h, measured[j, 1] - h)
            shared = max(wide, 0.0) * max(high, 0.0)
            llr += overlap_weight * shared / (4 * half_w * half_h + 4 * w * h - shared)
            if llr > floor:
                if found < len(track):
                    track[found], box[found], gain[found] = i, j, llr
                found += 1
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def link_pairs(track: Ints, box: Ints, gain: Float64s, joins: Bools, links: Ints, free: Bools) -> None:
    """Adds to ``links`` (M,) the one-to-one assignment of greatest total gain among the pairs that ``joins`` admits.

    Only gains above 0 of free tracks (``free`` (N,)) and unlinked boxes count. Each connected component is solved on
    its own: alone, or by the Hungarian method.
    """
    n_tracks, n_nodes = len(free), len(free) + len(links)
    parent = np.arange(n_nodes)
    used = np.empty(len(track), np.int64)
    count = 0
    for p in range(len(track)):
        if joins[p] and gain[p] > 0 and free[track[p]] and links[box[p]] < 0:
            used[count] = p
            count += 1
            a, b = _root(parent, track[p]), _root(parent, n_tracks + box[p])
            if a != b:
                parent[b] = a
    used = used[:count]
    roots = np.empty(count, np.int64)
    for k in range(count):
        roots[k] = _root(parent, track[used[k]])
    order = np.argsort(roots, kind="mergesort")
    place = np.empty(n_nodes, np.int64)
    start = 0
    while start < count:
        stop = start + 1
        while stop < count and roots[order[stop]] == roots[order[start]]:
            stop += 1
        group = used[order[start:stop]]
        if len(group) == 1:
            links[box[group[0]]], free[track[group[0]]] = track[group[0]], False
        else:
            _link_group(track, box, gain, group, n_tracks, place, links, free)
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
def hits_used(boxes: Float64s, candidates: Ints, used: Ints, most: float) -> Bools:
    """(K,) which of the candidate boxes overlap (IoU) a used one by ``most`` or more."""
    hit = np.zeros(len(candidates), np.bool_)
    for a in range(len(candidates)):
        x1, y1, x2, y2 = boxes[candidates[a]]
        for u in used:
            wide, high = min(x2, boxes[u, 2]) - max(x1, boxes[u, 0]), min(y2, boxes[u, 3]) - max(y1, boxes[u, 1])
            if wide > 0 and high > 0:
                union = (x2 - x1) * (y2 - y1) + (boxes[u, 2] - boxes[u, 0]) * (boxes[u, 3] - boxes[u, 1]) - wide * high
                if wide * high >= most * union:
                    hit[a] = True
                    break
    return hit


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _root(parent: Ints, node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
