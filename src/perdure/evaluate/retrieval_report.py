"""What ``perdure eval retrieval`` prints, writes as JSON and draws."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.report import Cell, Report, Table, new_figure
from perdure.evaluate.rerank import ca_jaccard, k_reciprocal
from perdure.evaluate.retrieval import Labels, RetrievalScores, score_distances, score_vectors
from perdure.types import Ints

RERANKINGS = ("none", "k-reciprocal", "ca-jaccard")
SHOWN_RANKS = (1, 5, 10, 20)


def scores_of(embeddings: Embeddings, query: Ints, gallery: Ints, rerank: str = "none") -> RetrievalScores:
    """Scores searching the rows ``query`` among the rows ``gallery``; ``rerank`` is one of ``RERANKINGS``."""
    labels = Labels(embeddings.person, embeddings.camera)
    if rerank == "none":
        vectors = embeddings.vectors
        return score_vectors(vectors[query], vectors[gallery], labels[query], labels[gallery])
    if rerank == "k-reciprocal":
        distances = k_reciprocal(embeddings.vectors, query, gallery)
    else:
        distances = ca_jaccard(embeddings.vectors, embeddings.camera, query, gallery)
    return score_distances(distances, labels[query], labels[gallery])


def figures(scores: RetrievalScores) -> dict[str, float]:
    """The usual figures by name."""
    ranks = {f"rank-{rank}": float(scores.cmc[rank - 1]) for rank in SHOWN_RANKS}
    return {**ranks, "mAP": scores.mean_ap, "mINP": scores.mean_inp}


def report(runs: Mapping[str, RetrievalScores], embeddings: Embeddings, query: Ints, gallery: Ints) -> Report:
    """One row per re-ranking rule, the CMC curves, and how the queries' average precision is spread."""
    names = tuple(figures(next(iter(runs.values()))))
    rows: tuple[tuple[Cell, ...], ...] = tuple((name, *figures(scores).values()) for name, scores in runs.items())
    some = next(iter(runs.values()))
    people = len(np.unique(embeddings.person[gallery][embeddings.person[gallery] > 0]))
    cameras = len(np.unique(embeddings.camera[gallery]))
    notes = (
        f"{embeddings.model}: {some.counted:,} of {len(query):,} queries have a match in another camera; "
        f"gallery {len(gallery):,} pictures, {people:,} people, {cameras:,} cameras.",
    )
    curves = new_figure()
    axes = curves.add_subplot(xlabel="rank", ylabel="share of queries matched", title="CMC")
    spread = new_figure()
    bars = spread.add_subplot(xlabel="average precision", ylabel="queries")
    for name, scores in runs.items():
        axes.plot(np.arange(1, len(scores.cmc) + 1), scores.cmc, label=name)
        bars.hist(scores.average_precision[scores.matches > 0], bins=20, range=(0, 1), histtype="step", label=name)
    axes.legend()
    bars.legend()
    table = Table("Retrieval, Market-1501 protocol", ("re-ranking", *names), rows)
    return Report("perdure eval retrieval", (table,), {"CMC": curves, "Average precision": spread}, notes)
