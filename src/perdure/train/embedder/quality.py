"""The quality head: how far an embedding can be trusted, learned after the embedding is final.

The network stays as it is; only the head is trained, so the embedding is bit for bit the same with and without it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from perdure.train.embedder.augment import Strength, augment, degrade, plain
from perdure.train.embedder.data import Crops
from perdure.train.embedder.losses import quality_ordering
from perdure.train.embedder.nets import BodyNet
from perdure.train.embedder.validate import as_planes, embed

log = logging.getLogger(__name__)

SHARPNESS = 20.0  # inverse temperature of the softmax over identity centres
MARGIN = 0.1  # a degraded crop should come this far below its original


@dataclass(frozen=True)
class QualityPlan:
    """How long and on what the head is trained."""

    steps: int = 600
    batch: int = 32
    learning_rate: float = 2e-3
    ordering: float = 2.0


def train_quality(
    net: BodyNet, labelled: Crops, labels: np.ndarray, size_hw: tuple[int, int], plan: QualityPlan, seed: int
) -> None:
    """Train the quality head of `net` in place on labelled crops and the same crops made worse.

    The target of a worsened crop is what its embedding is worth (`worth`): an uncertainty as in Shi and Jain 2019,
    "Probabilistic Face Embeddings", but learned directly as an error. The crops themselves give no target, because the
    network knows them by heart, the bad ones too; of them it is only asked that each stands above its worsened self.
    """
    rng = np.random.default_rng((seed, 77))
    torch.manual_seed(seed)
    vectors, _ = embed(net, labelled, size_hw)
    centres = _centres(vectors, labels)
    optimizer = torch.optim.AdamW(net.quality_head.parameters(), lr=plan.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, plan.steps)
    net.eval()
    for step in range(plan.steps):
        index = rng.integers(len(labelled), size=plan.batch)
        out = net(as_planes(_views(labelled, index, size_hw, rng)))
        asis, varied, worse = out.quality.chunk(3)
        target = worth(out.embedding[plan.batch :].detach(), centres, torch.from_numpy(np.tile(labels[index], 2)))
        loss = functional.mse_loss(torch.cat([varied, worse]), target)
        loss = loss + plan.ordering * quality_ordering(asis, worse, MARGIN)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            ordered = float((asis > worse).float().mean())
            log.info("quality  step %d  loss %.4f  ordered %.3f", step + 1, float(loss.detach()), ordered)


def worth(embedding: Tensor, centres: Tensor, labels: Tensor) -> Tensor:
    """(N,) in 0..1: mean of the cosine to the own centre and the softmax share of the own centre.

    Args:
        embedding: (N, D).
        centres: (identities, D) unit norm.
        labels: (N,) int64.
    """
    cosines = functional.normalize(embedding, dim=1) @ centres.T
    own = cosines.gather(1, labels[:, None]).squeeze(1)
    share = (SHARPNESS * cosines).softmax(1).gather(1, labels[:, None]).squeeze(1)
    return (own.clamp(0, 1) + share) / 2


def _centres(vectors: np.ndarray, labels: np.ndarray) -> Tensor:
    sums = np.zeros((int(labels.max()) + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, labels, vectors)
    return functional.normalize(torch.from_numpy(sums), dim=1)


def _views(crops: Crops, index: np.ndarray, size_hw: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(3B, H, W, 3) uint8: B as they are, B augmented and a little worse, B clearly worse."""
    strangers = rng.integers(len(crops), size=len(index))
    pairs = [(crops.pixels[i], crops.pixels[s]) for i, s in zip(index, strangers, strict=True)]
    strength = Strength(colour_p=0.3, erase_p=0.2)
    asis = [plain(c, size_hw) for c, _ in pairs]
    varied = [augment(degrade(c, o, rng.uniform(0, 0.6), rng), o, size_hw, strength, rng) for c, o in pairs]
    worse = [plain(degrade(c, o, rng.uniform(0.3, 1.0), rng), size_hw) for c, o in pairs]
    return np.stack(asis + varied + worse)
