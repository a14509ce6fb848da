"""Retrieval by the Market-1501 protocol: CMC, mean average precision and mean inverse negative penalty.

Protocol (Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015): gallery pictures of the query's
person from the query's camera, and junk, are left out of its ranking; distractors stay in it and are always wrong;
a query without a true match in another camera does not count. Average precision is the mean of the precision at each
true match. mINP is the mean of (true matches) / (rank of the last one) (Ye et al., "Deep Learning for Person
Re-identification: A Survey and Outlook", eq. 10, TPAMI 2021). Equal distances rank in gallery order, as in a stable
sort, so a figure depends on nothing but the arrays given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from perdure.evaluate.datasets import DISTRACTOR, JUNK
from perdure.types import Float32s, Float64s, Ints

BLOCK_ROWS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Who is on N pictures and which camera took them."""

    person: Ints
    """(N,) int64; ``DISTRACTOR`` 0 and ``JUNK`` -1 are not people."""
    camera: Ints
    """(N,) int64."""

    def __len__(self) -> int:
        return len(self.person)

    def __getitem__(self, rows: Ints) -> Labels:
        return Labels(self.person[rows], self.camera[rows])


@dataclass(frozen=True, slots=True, eq=False)
class RetrievalScores:
    """What a ranking is worth, over all queries and for each. NaN throughout where no query counts."""

    cmc: Float64s
    """(R,) share of counted queries with a true match among the first 1..R."""
    mean_ap: float
    mean_inp: float
    average_precision: Float64s
    """(Q,) NaN for a query that does not count."""
    inverse_negative_penalty: Float64s
    """(Q,) matches / rank of the last match; NaN for a query that does not count."""
    first_rank: Ints
    """(Q,) rank of the first true match, from 1; 0 for a query that does not count."""
    matches: Ints
    """(Q,) true matches in other cameras."""

    @property
    def counted(self) -> int:
        """Queries with a true match."""
        return int(np.count_nonzero(self.matches))


def score_vectors(
    query_vectors: Float32s, gallery_vectors: Float32s, query: Labels, gallery: Labels, max_rank: int = 50
) -> RetrievalScores:
    """Scores a ranking by cosine of (Q, D) and (G, D) unit vectors, without ever holding a Q x G matrix."""
    return score_blocks(cosine_blocks(query_vectors, gallery_vectors), query, gallery, max_rank)


def score_distances(distances: Float32s, query: Labels, gallery: Labels, max_rank: int = 50) -> RetrievalScores:
    """Scores a ranking by a (Q, G) matrix of distances; smaller is nearer.

    Raises:
        ValueError: shapes do not agree, or a distance is NaN.
    """
    if distances.shape != (len(query), len(gallery)):
        raise ValueError(f"distances {distances.shape} for {len(query)} queries and {len(gallery)} gallery pictures")
    blocks = (distances[start : start + BLOCK_ROWS] for start in range(0, len(query), BLOCK_ROWS))
    return score_blocks(blocks, query, gallery, max_rank)


def cosine_blocks(queries: Float32s, gallery: Float32s, rows: int = BLOCK_ROWS) -> Iterator[Float32s]:
    """Negative cosines (B, G) of successive blocks of unit vectors: they rank like any distance on the sphere.

    The block's array is used again for the next one.
    """
    negative = np.ascontiguousarray(-queries)
    out = np.empty((min(rows, len(queries)), len(gallery)), np.float32)
    for start in range(0, len(queries), rows):
        block = negative[start : start + rows]
        yield np.matmul(block, gallery.T, out=out[: len(block)])


def score_blocks(blocks: Iterable[Float32s], query: Labels, gallery: Labels, max_rank: int = 50) -> RetrievalScores:
    """Scores a ranking whose (B, G) blocks of distances arrive in query order.

    Raises:
        ValueError: a distance is NaN, or the blocks hold another number of queries.
    """
    from perdure.evaluate.rank_kernel import match_ranks

    kept = np.flatnonzero(gallery.person != JUNK)
    searched = gallery if len(kept) == len(gallery) else gallery[kept]
    grouped = np.argsort(searched.person, kind="stable")
    people = searched.person[grouped]
    first = np.searchsorted(people, query.person, "left")
    last = np.where(query.person > DISTRACTOR, np.searchsorted(people, query.person, "right"), first)
    matches = (last - first) - _same_camera(query, searched)
    offsets = np.concatenate([[0], np.cumsum(matches)])
    ranks = np.zeros(offsets[-1], np.int64)
    done = 0
    for block in blocks:
        rows = slice(done, done + len(block))
        ordered = match_ranks(
            np.ascontiguousarray(block if len(searched) == len(gallery) else block[:, kept], np.float32),
            query.camera[rows],
            first[rows],
            last[rows],
            grouped,
            searched.camera,
            ranks,
            offsets[done : done + len(block) + 1],
        )
        if not ordered:
            raise ValueError("a distance is NaN")
        done += len(block)
    if done != len(query):
        raise ValueError(f"distances of {done} queries, labels of {len(query)}")
    return _summary(ranks, offsets, max_rank)


def _same_camera(query: Labels, gallery: Labels) -> Ints:
    """(Q,) how many gallery pictures show the query's person in the query's camera; 0 for queries of nobody."""
    cameras = np.unique(np.concatenate([query.camera, gallery.camera]))
    wanted, shown = (
        labels.person * len(cameras) + np.searchsorted(cameras, labels.camera) for labels in (query, gallery)
    )
    pairs, counts = np.unique(shown, return_counts=True)
    place = np.searchsorted(pairs, wanted)
    found = np.append(pairs, -1)[place] == wanted
    counts = np.where(found, np.append(counts, 0)[place], 0)
    return np.where(query.person > DISTRACTOR, counts, 0)


def _summary(ranks: Ints, offsets: Ints, max_rank: int) -> RetrievalScores:
    matches = np.diff(offsets)
    counted = np.flatnonzero(matches)
    owner = np.repeat(np.arange(len(matches)), matches)
    place = np.arange(len(ranks)) - offsets[owner] + 1
    precision = np.bincount(owner, place / np.maximum(ranks, 1), minlength=len(matches))
    average = np.full(len(matches), np.nan)
    penalty = np.full(len(matches), np.nan)
    first = np.zeros(len(matches), np.int64)
    average[counted] = precision[counted] / matches[counted]
    penalty[counted] = matches[counted] / ranks[offsets[counted + 1] - 1]
    first[counted] = ranks[offsets[counted]]
    if not len(counted):
        return RetrievalScores(np.full(max_rank, np.nan), np.nan, np.nan, average, penalty, first, matches)
    histogram = np.bincount(np.minimum(first[counted], max_rank + 1), minlength=max_rank + 2)
    cmc = np.cumsum(histogram)[1 : max_rank + 1] / len(counted)
    return RetrievalScores(
        cmc, float(average[counted].mean()), float(penalty[counted].mean()), average, penalty, first, matches
    )
