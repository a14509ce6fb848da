"""Retrieval metrics and re-ranking at Market-1501 size against reference programs, in one run on one core.

    python bench/retrieval.py            # metrics, then re-ranking at full size and the dense one at a third
    python bench/retrieval.py --metrics  # metrics only, half a minute

Made-up vectors with the counts of Market-1501: 3,368 queries, 15,913 gallery pictures, 750 people, 6 cameras; spread so
that mAP is near .6, as with a middling model. The compiled sort-based ranker is the published protocol in numba with
one argsort a query, as the Cython rankers do it.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import multiprocessing
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

from perdure.evaluate.rerank import ca_jaccard, k_reciprocal
from perdure.evaluate.retrieval import Labels, score_distances

QUERIES, GALLERY, PEOPLE, CAMERAS = 3368, 15913, 750, 6
SPREAD = {64: 1.2, 256: 1.95, 512: 2.35}


@njit(cache=True)
def sort_based(distances, q_person, q_camera, g_person, g_camera, precision, penalty, first):
    for q in range(len(distances)):
        found, place, total, last = 0, 0, 0.0, 0
        for g in np.argsort(distances[q]):
            if g_person[g] == q_person[q] and g_camera[g] == q_camera[q]:
                continue
            place += 1
            if g_person[g] == q_person[q]:
                found += 1
                total += found / place
                last = place
                if found == 1:
                    first[q] = place
        if found:
            precision[q], penalty[q] = total / found, found / last


def python_loop(distances, query, gallery):
    precisions = []
    for q in range(len(distances)):
        found, place, total = 0, 0, 0.0
        for g in sorted(range(len(gallery.person)), key=distances[q].tolist().__getitem__):
            if gallery.person[g] == query.person[q] and gallery.camera[g] == query.camera[q]:
                continue
            place += 1
            if gallery.person[g] == query.person[q]:
                found += 1
                total += found / place
        if found:
            precisions.append(total / found)
    return np.array(precisions)


def numpy_loop(distances, query, gallery):
    precisions = []
    for q in range(len(distances)):
        order = np.argsort(distances[q], kind="stable")
        same = gallery.person[order] == query.person[q]
        kept = same[~(same & (gallery.camera[order] == query.camera[q]))]
        if kept.any():
            precisions.append(float((np.cumsum(kept)[kept] / (np.flatnonzero(kept) + 1)).mean()))
    return np.array(precisions)


def dense_k_reciprocal(vectors, queries, k1=20, k2=6, weight=0.3):
    """The published program's shape: N x N distances, a full argsort, dense weights, row by row."""
    original = (2 - 2 * vectors @ vectors.T).astype(np.float32)
    original /= original.max(axis=1, keepdims=True)
    rank = np.argsort(original, axis=1, kind="stable").astype(np.int32)

    def mutual(i, k):
        forward = rank[i, : k + 1]
        return forward[(rank[forward, : k + 1] == i).any(axis=1)]

    encoded = np.zeros_like(original)
    for i in range(len(vectors)):
        own = mutual(i, k1)
        members = own
        for candidate in own:
            theirs = mutual(candidate, int(np.around(k1 / 2)))
            if len(np.intersect1d(theirs, own)) > 2 / 3 * len(theirs):
                members = np.append(members, theirs)
        members = np.unique(members)
        weights = np.exp(-original[i, members])
        encoded[i, members] = weights / weights.sum()
    expanded = np.zeros_like(encoded)
    for i in range(len(vectors)):
        expanded[i] = encoded[rank[i, :k2]].mean(axis=0)
    holders = [np.flatnonzero(expanded[:, i]) for i in range(len(vectors))]
    jaccard = np.zeros((queries, len(vectors)), np.float32)
    for i in range(queries):
        shared = np.zeros(len(vectors), np.float32)
        for column in np.flatnonzero(expanded[i]):
            who = holders[column]
            shared[who] += np.minimum(expanded[i, column], expanded[who, column])
        jaccard[i] = 1 - shared / (2 - shared)
    return (jaccard * (1 - weight) + original[:queries] * weight)[:, queries:]


def made_up(queries, gallery, dim, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(PEOPLE + 1, dim)).astype(np.float32)

    def labelled(count, lowest):
        labels = Labels(rng.integers(lowest, PEOPLE + 1, count), rng.integers(0, CAMERAS, count))
        vectors = centres[labels.person] + SPREAD[dim] * rng.normal(size=(count, dim)).astype(np.float32)
        return labels, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return *labelled(queries, 1), *labelled(gallery, 0)


def timed(run: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def metrics() -> None:
    query, query_vectors, gallery, gallery_vectors = made_up(QUERIES, GALLERY, 64)
    distances = 1 - query_vectors @ gallery_vectors.T
    precision, penalty, first = np.full(QUERIES, np.nan), np.full(QUERIES, np.nan), np.zeros(QUERIES, np.int64)
    arrays = (distances, query.person, query.camera, gallery.person, gallery.camera, precision, penalty, first)
    scores = score_distances(distances, query, gallery)
    sort_based(*arrays)
    # its sort leaves equal distances in any order, so single queries may differ by a place
    assert np.allclose(scores.average_precision, precision, atol=0.01, equal_nan=True)
    assert np.allclose(scores.mean_ap, np.nanmean(precision), atol=1e-6)
    assert np.allclose(scores.mean_inp, np.nanmean(penalty), atol=1e-6)
    assert np.count_nonzero(scores.first_rank != first) < 5
    few = 40
    assert np.allclose(numpy_loop(distances[:few], query, gallery), precision[:few][scores.matches[:few] > 0])
    ours = timed(lambda: score_distances(distances, query, gallery), 9)
    rows = [
        ("perdure", ours, "all queries"),
        ("compiled, sort-based (numba)", timed(lambda: sort_based(*arrays), 5), "all queries"),
        (
            "numpy, one query at a time",
            timed(lambda: numpy_loop(distances[:400], query, gallery), 3) * QUERIES / 400,
            "from 400 queries",
        ),
        (
            "plain Python loop",
            timed(lambda: python_loop(distances[:few], query, gallery), 3) * QUERIES / few,
            f"from {few} queries",
        ),
    ]
    print(f"CMC, mAP, mINP of {QUERIES} x {GALLERY} distances (mAP {scores.mean_ap:.3f}), median CPU seconds")
    for name, seconds, note in rows:
        print(f"  {name:32s} {seconds:9.3f} s  {seconds / ours:8.1f} x   {note}")


def peak_mb() -> float:
    """Largest resident memory of this process since the last restart of the count (Linux)."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def restarted_peak_mb() -> float:
    """Starts the count of ``peak_mb`` at what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def _measure(name: str, scale: int, dim: int, report) -> None:
    query, query_vectors, _, gallery_vectors = made_up(QUERIES // scale, GALLERY // scale, dim)
    vectors = np.concatenate([query_vectors, gallery_vectors])
    camera = np.random.default_rng(1).integers(0, CAMERAS, len(vectors))
    queries, gallery = np.arange(len(query)), np.arange(len(query), len(vectors))
    small = np.arange(64)
    k_reciprocal(vectors[:64], small, small)
    ca_jaccard(vectors[:64], camera[:64], small, small)
    before = restarted_peak_mb()
    start = time.process_time()
    if name == "dense":
        result = dense_k_reciprocal(vectors, len(query))
    elif name == "k-reciprocal":
        result = k_reciprocal(vectors, queries, gallery)
    else:
        result = ca_jaccard(vectors, camera, queries, gallery)
    seconds = time.process_time() - start
    report.send((seconds, peak_mb() - before, result[::50]))


def measured(name: str, scale: int, dim: int) -> tuple[float, float, np.ndarray]:
    """Seconds, extra peak MB and some rows of the result, in a process of its own."""
    receive, send = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_measure, args=(name, scale, dim, send))
    process.start()
    answer = receive.recv()
    process.join()
    return answer


def reranking(dim: int, dense_scale: int) -> None:
    print(f"Re-ranking of {QUERIES} x {GALLERY}, {dim} dimensions; CPU seconds, memory beyond the vectors")
    for scale in sorted({dense_scale, 1}, reverse=True):
        ours = measured("k-reciprocal", scale, dim)
        print(f"  size 1/{scale}: perdure k-reciprocal   {ours[0]:8.2f} s  {ours[1]:8.0f} MB")
        camera_aware = measured("ca-jaccard", scale, dim)
        print(f"  size 1/{scale}: perdure CA-Jaccard     {camera_aware[0]:8.2f} s  {camera_aware[1]:8.0f} MB")
        if scale == dense_scale:
            dense = measured("dense", scale, dim)
            print(f"  size 1/{scale}: dense numpy            {dense[0]:8.2f} s  {dense[1]:8.0f} MB")
            print(f"    ratio {dense[0] / ours[0]:.1f} x faster, 1/{dense[1] / ours[1]:.1f} of the memory, ", end="")
            print(f"largest difference {np.abs(dense[2] - ours[2]).max():.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metrics", action="store_true", help="only the metrics")
    parser.add_argument("--dim", type=int, default=256, choices=sorted(SPREAD))
    parser.add_argument("--dense-scale", type=int, default=3, help="the dense program runs at 1/this size")
    options = parser.parse_args()
    metrics()
    if not options.metrics:
        reranking(options.dim, options.dense_scale)
