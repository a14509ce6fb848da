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


def centroid_triplet(vectors: Tensor, labels: Tensor) -> Tensor:
    """Soft-margin triplet loss to identity means (Wieczorek et al. 2021, "On the Unreasonable Effectiveness of
    Centroids"): the anchor against the mean of its identity's other crops and the nearest mean of another identity.

    Args:
        vectors: (N, D).
        labels: (N,) int64; at least two identities with two crops each.
    """
    _, index, count = torch.unique(labels, return_inverse=True, return_counts=True)
    sums = vectors.new_zeros(len(count), vectors.shape[1]).index_add(0, index, vectors)
    means = sums / count[:, None]
    others = (sums[index] - vectors) / (count[index] - 1).clamp_min(1)[:, None]
    to_own = (vectors - others).square().sum(1).clamp_min(1e-12).sqrt()
    to_means = _distances(vectors, means)
    nearest = to_means.scatter(1, index[:, None], float("inf")).amin(1)
    return functional.softplus(to_own - nearest).mean()


def centre(vectors: Tensor, labels: Tensor, centres: Tensor) -> Tensor:
    """Half the mean squared distance to the centre of the own identity (Wen et al. 2016, "A Discriminative Feature
    Learning Approach for Deep Face Recognition", eq. 2; the mean over the batch instead of the sum).

    Args:
        vectors: (N, D).
        labels: (N,) int64.
        centres: (identities, D) without gradient; `moved_centres` has them follow.
    """
    return 0.5 * (vectors - centres[labels]).square().sum(1).mean()


def moved_centres(centres: Tensor, vectors: Tensor, labels: Tensor, rate: float = 0.5) -> Tensor:
    """(identities, D) the centres after a batch, each moved towards its vectors (Wen et al. 2016, eq. 4).

    By `rate` times the sum of the differences over one more than their number, so that one odd crop does not carry a
    centre away; those of identities that are not in the batch stay.
    """
    off = torch.zeros_like(centres).index_add(0, labels, vectors.to(centres.dtype) - centres[labels])
    count = torch.bincount(labels, minlength=len(centres)).to(centres.dtype)
    return centres + rate * off / (1 + count)[:, None]


def contrastive(vectors: Tensor, labels: Tensor, margin: float = 0.4) -> Tensor:
    """Siamese loss on all pairs of unit vectors (Hadsell et al. 2006): same pairs draw together, different ones push
    apart while their cosine is above `margin`; the mean over same pairs plus the mean over active different pairs.

    Args:
        vectors: (N, D).
        labels: (N,) int64.
        margin: cosine below which different people are far enough apart.
    """
    unit = functional.normalize(vectors, dim=1)
    cosine = unit @ unit.T
    same, different = _pairs(labels)
    near = torch.relu(cosine[different] - margin)
    active = (near > 0).sum().clamp_min(1)
    return (1 - cosine[same]).mean() + near.sum() / active


def circle(vectors: Tensor, labels: Tensor, margin: float = 0.25, scale: float = 64.0) -> Tensor:
    """Circle loss (Sun et al. 2020, eq. 6 and 8): pairs far from their optimum weigh more; the mean over anchors.

    Args:
        vectors: (N, D).
        labels: (N,) int64; every anchor needs a pair of each kind.
        margin: relaxation m: optimum 1 + m for same pairs, -m for different ones.
        scale: gamma.
    """
    unit = functional.normalize(vectors, dim=1)
    cosine = unit @ unit.T
    same, different = _pairs(labels)
    pull = -scale * (1 + margin - cosine.detach()).clamp_min(0) * (cosine - (1 - margin))
    push = scale * (cosine.detach() + margin).clamp_min(0) * (cosine - margin)
    together = pull.masked_fill(~same, float("-inf")).logsumexp(1)
    apart = push.masked_fill(~different, float("-inf")).logsumexp(1)
    return functional.softplus(together + apart).mean()


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


def box_consistency(first: Tensor, second: Tensor) -> Tensor:
    """Mean of 1 - cosine between the vectors of two boxes around the same people, both (N, D)."""
    return (1 - functional.cosine_similarity(first, second, dim=1)).mean()


def camera_proxies(
    vectors: Tensor,
    own: Tensor,
    proxies: Tensor,
    group: Tensor,
    camera: Tensor,
    temperature: float = 0.07,
    hardest: int = 50,
) -> Tensor:
    """Contrast with proxies of groups in cameras (Wang et al. 2021, "Camera-aware Proxies", eq. 5 and 8).

    Within the camera: the own proxy against the others of that camera. Across: the own group's proxies in other cameras
    against the `hardest` most alike proxies of other groups; half weight, as in the paper. Means over the batch.

    Args:
        vectors: (B, D).
        own: (B,) int64, the proxy of each.
        proxies: (M, D) unit norm.
        group: (M,) int64.
        camera: (M,) int64.
        temperature: of both softmaxes.
        hardest: negatives across cameras.
    """
    logits = functional.normalize(vectors, dim=1) @ proxies.T / temperature  # (B, M)
    near = camera[own][:, None] == camera[None, :]
    within = functional.cross_entropy(logits.masked_fill(~near, float("-inf")), own)
    mine = group[own][:, None] == group[None, :]
    across = mine & ~near
    has = across.any(1)
    if not bool(has.any()):
        return within
    strangers = logits.masked_fill(mine, float("-inf")).topk(min(hardest, logits.shape[1]), dim=1).values
    rest = torch.cat([strangers, logits.masked_fill(~across, float("-inf"))], 1).logsumexp(1)
    share = (logits - rest[:, None]).masked_fill(~across, 0).sum(1) / across.sum(1).clamp_min(1)
    return within - 0.5 * share[has].mean()


def quality_ordering(better: Tensor, worse: Tensor, margin: float) -> Tensor:
    """Mean of how far `worse` comes within `margin` of `better` (or above it), both (N,)."""
    return torch.relu(margin - (better - worse)).mean()


def _distances(vectors: Tensor, others: Tensor | None = None) -> Tensor:
    others = vectors if others is None else others
    squared = (vectors * vectors).sum(1)[:, None] + (others * others).sum(1)[None, :]
    return (squared - 2 * vectors @ others.T).clamp_min(1e-12).sqrt()


def _pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (N, N) of pairs of one identity (without a crop and itself) and of two."""
    same = labels[:, None] == labels[None, :]
    return same & ~torch.eye(len(labels), dtype=torch.bool), ~same
