"""How well an embedder finds people again: rank-1 and mean average precision on held-out identities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from perdure.evaluate.datasets import query_each
from perdure.evaluate.retrieval import Labels, score_vectors
from perdure.train.embedder.augment import plain
from perdure.train.embedder.data import Crops
from perdure.train.embedder.nets import BodyNet


@dataclass(frozen=True)
class Retrieval:
    """Rank-1 and mean average precision, both in 0..1, over `queries` queries."""

    rank1: float
    mean_ap: float
    queries: int


def retrieval(vectors: np.ndarray, identities: np.ndarray, cameras: np.ndarray, queries: np.ndarray) -> Retrieval:
    """Score the queries against all crops by the Market-1501 protocol (Zheng et al. 2015).

    Gallery crops of the query's own identity and camera are junk: neither right nor wrong. Queries whose identity no
    other camera saw are left out.

    Args:
        vectors: (N, D) float32 unit norm, queries and gallery.
        identities: (N,) int64.
        cameras: (N,) int64.
        queries: (Q,) int64 into the N.
    """
    labels = Labels(identities + 1, cameras)  # there, 0 and below are not people
    scores = score_vectors(vectors[queries], vectors, labels[queries], labels, max_rank=1)
    return Retrieval(float(scores.cmc[0]), scores.mean_ap, scores.counted)


def embed(net: BodyNet, crops: Crops, size_hw: tuple[int, int], batch: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (N, D) float32 and quality (N,) float32 of crops that are only resized."""
    net.eval()
    device = next(net.parameters()).device
    vectors, quality = [], []
    with torch.inference_mode():
        for start in range(0, len(crops), batch):
            pixels = np.stack([plain(p, size_hw) for p in crops.pixels[start : start + batch]])
            out = net(as_planes(pixels, device))
            vectors.append(torch.nn.functional.normalize(out.embedding, dim=1).cpu().numpy())
            quality.append(out.quality.cpu().numpy())
    return np.concatenate(vectors), np.concatenate(quality)


def as_planes(pixels: np.ndarray, device: torch.device | None = None) -> torch.Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32 in channels-last memory, without a copy of the order."""
    return torch.from_numpy(pixels).to(device or "cpu").permute(0, 3, 1, 2).float()


def validate(net: BodyNet, crops: Crops, size_hw: tuple[int, int], seed: int = 0) -> Retrieval:
    """Embed held-out crops and score them; the queries are one crop per identity and camera."""
    vectors, _ = embed(net, crops, size_hw)
    return retrieval(vectors, crops.identities, crops.cameras, query_each(crops.identities + 1, crops.cameras, seed))
