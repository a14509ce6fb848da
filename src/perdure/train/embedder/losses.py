"""What the training minimises; each loss is tested against a plain loop."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def identity_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    """Cross-entropy over identities with label smoothing (Szegedy et al. 2016).

    Args:
        logits: (N, identities).
        labels: (N,) int64.
        smoothing: share of the probability spread over all identities.
    """
    return functional.cross_entropy(logits, labels, label_smoothing=smoothing)


def batch_hard_triplet(vectors: Tensor, labels: Tensor) -> Tensor:
    """Soft-margin triplet loss on the hardest pairs of a batch (Hermans et al. 2017, "In Defense of the Triplet Loss").

    For each anchor: softplus(distance to the farthest of its identity minus distance to the nearest of another).

    Args:
        vectors: (N, D).
        labels: (N,) int64; at least two identities.
    """
    distance = _distances(vectors)
    same = labels[:, None] == labels[None, :]
    farthest = distance.masked_fill(~same, float("-inf")).amax(1)
    nearest = distance.masked_fill(same, float("inf")).amin(1)
    return functional.softplus(farthest - nearest).mean()


def teacher_cosine(vectors: Tensor, teacher: Tensor) -> Tensor:
    """Mean of 1 - cosine between each vector and the teacher's, both (N, D)."""
    return (1 - functional.cosine_similarity(vectors, teacher, dim=1)).mean()


def teacher_relations(vectors: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of the two cosine matrices of a batch: who resembles whom (Tung and Mori 2019).

    Args:
        vectors: (N, D).
        teacher: (N, E).
    """
    own, other = functional.normalize(vectors, dim=1), functional.normalize(teacher, dim=1)
    return (own @ own.T - other @ other.T).square().mean()


def _distances(vectors: Tensor) -> Tensor:
    squared = (vectors * vectors).sum(1)
    between = squared[:, None] + squared[None, :] - 2 * vectors @ vectors.T
    return between.clamp_min(1e-12).sqrt()


def quality_ordering(better: Tensor, worse: Tensor, margin: float) -> Tensor:
    """Mean of how far `worse` comes within `margin` of `better` (or above it), both (N,)."""
    return torch.relu(margin - (better - worse)).mean()
