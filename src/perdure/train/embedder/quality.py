"""The quality head: how far an embedding can be trusted, learned after the embedding is final.

The network stays as it is; only the head is trained, so the embedding is bit for bit the same with and without it, and
what the head sees has to be computed only once per picture.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from perdure.train.embedder.augment import Strength, augment, degrade, plain
from perdure.train.embedder.data import Crops
from perdure.train.embedder.losses import quality_ordering
from perdure.train.embedder.nets import BodyNet
from perdure.train.embedder.validate import as_planes, embed

log = logging.getLogger(__name__)

SHARPNESS = 20.0  # inverse temperature of the softmax over identity centres
MARGIN = 0.1  # a degraded crop should come this far below its original
CROPS_PER_CENTRE = 6
OTHERS = 400  # people an embedding is told from where the set has no identities
LENGTH_SHARE = 0.2  # of the embedding's length in the quality, the rest is the head's


@dataclass(frozen=True)
class QualityPlan:
    """How long and on how many crops of each kind the head is trained; each is seen as it is and twice made worse."""

    crops: Annotated[int, Field(ge=1)] = 4000
    steps: Annotated[int, Field(ge=1)] = 1500
    batch: Annotated[int, Field(ge=2)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    ordering: Annotated[float, Field(ge=0)] = 2.0


@dataclass(frozen=True)
class _Seen:
    """For M crops and their 3 views: what the head sees (M, 3, F), the embedding's length (M, 3), and the worth (M, 3)
    of each, not a number where nobody can say.
    """

    features: Tensor
    length: Tensor
    worth: Tensor


def train_quality(
    net: BodyNet,
    labelled: Crops,
    labels: np.ndarray,
    size_hw: tuple[int, int],
    plan: QualityPlan,
    seed: int,
    described: tuple[Crops, np.ndarray] | None = None,
    fronts: Crops | None = None,
) -> None:
    """Train the quality head of `net` in place on crops and the same crops made worse.

    The target of a view is what its embedding is worth (`worth`): an uncertainty as in Shi and Jain 2019,
    "Probabilistic Face Embeddings", but learned directly as an error. The labelled crops themselves give no target,
    because the network knows them by heart, the bad ones too; of them it is only asked that each stands above its
    worsened self. Pictures that only a teacher described, the (M, D) unit vectors in `described`, are each an identity
    of their own, and far more of them than a network knows by heart: they bring other places, cameras and clothes.

    What stands in front of people is every second time somebody else and else one of the pictures in `fronts`, of
    anything: shelves and doors hide as much as people do.

    The length of the embedding, which tells unusual people from usual ones without any training (as in Meng et al.
    2021, "MagFace"), then has a share of `LENGTH_SHARE`, at the head's spread.
    """
    rng = np.random.default_rng((seed, 77))
    torch.manual_seed(seed)
    net.eval()
    hide = None if fronts is None else fronts.within_boxes()
    parts = [_look_at_labelled(net, labelled, labels, size_hw, plan, rng, hide)]
    if described is not None:
        parts.append(_look_at_described(net, *described, size_hw, plan, rng, hide))
    seen = _Seen(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(_Seen)))
    flat = seen.features.flatten(0, 1)
    mean, std = flat.mean(0), flat.std(0).clamp_min(1e-3)
    head = _fit(net, (seen.features - mean) / std, seen.worth, plan, rng)
    _install(net, head, mean, std)
    _blend_length(net, seen)


def _fit(net: BodyNet, features: Tensor, value: Tensor, plan: QualityPlan, rng: np.random.Generator) -> nn.Sequential:
    """A new head that gives (M, 3) `value` from (M, 3, F) standardised features, and the third view below the first."""
    head = deepcopy(net.quality_head).requires_grad_(True)
    for layer in head:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()  # an older head expects features of another scale
    optimizer = torch.optim.AdamW(head.parameters(), lr=plan.learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, plan.steps)
    for _ in range(plan.steps):
        index = torch.from_numpy(rng.integers(len(features), size=plan.batch))
        quality = torch.sigmoid(head(features[index]).squeeze(2))  # (B, 3)
        said = ~value[index].isnan()
        loss = functional.mse_loss(quality[said], value[index][said])
        loss = loss + plan.ordering * quality_ordering(quality[:, 0], quality[:, 2], MARGIN)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    ordered = float((quality[:, 0] > quality[:, 2]).float().mean())
    log.info("quality head: last loss %.4f, %.3f of the last batch in order", float(loss.detach()), ordered)
    return head


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


def _look_at_labelled(
    net: BodyNet,
    crops: Crops,
    labels: np.ndarray,
    size_hw: tuple[int, int],
    plan: QualityPlan,
    rng: np.random.Generator,
    fronts: np.ndarray | None,
) -> _Seen:
    centres = identity_centres(net, crops, labels, size_hw, rng)

    def known(index: np.ndarray, embedding: Tensor) -> Tensor:
        value = worth(embedding, centres, torch.from_numpy(np.tile(labels[index], 3)))
        value[: len(index)] = torch.nan
        return value

    return _look(net, crops, known, size_hw, plan, rng, fronts)


def _look_at_described(
    net: BodyNet,
    crops: Crops,
    told: np.ndarray,
    size_hw: tuple[int, int],
    plan: QualityPlan,
    rng: np.random.Generator,
    fronts: np.ndarray | None,
) -> _Seen:
    vectors = torch.from_numpy(told)
    chosen = rng.permutation(len(crops))[: plan.crops]
    crops, own = crops.take(chosen), vectors[torch.from_numpy(chosen)]

    def taught(index: np.ndarray, embedding: Tensor) -> Tensor:
        others = torch.from_numpy(rng.integers(len(vectors), size=OTHERS))
        centres = torch.cat([own[torch.from_numpy(index)], vectors[others]])
        return worth(embedding, centres, torch.arange(len(index)).repeat(3))

    return _look(net, replace(crops, pixels=crops.within_boxes(), context=0.0), taught, size_hw, plan, rng, fronts)


def _look(
    net: BodyNet,
    crops: Crops,
    value_of: Callable[[np.ndarray, Tensor], Tensor],
    size_hw: tuple[int, int],
    plan: QualityPlan,
    rng: np.random.Generator,
    fronts: np.ndarray | None,
) -> _Seen:
    """Some crops in three views each; `value_of` says what (3B, D) embeddings of the crops at an index are worth."""
    chosen = rng.permutation(len(crops))[: plan.crops]
    parts = []
    with torch.no_grad():
        for start in range(0, len(chosen), 32):
            index = chosen[start : start + 32]
            raw, seen = net.encode(as_planes(_views(crops, index, size_hw, rng, fronts)))
            embedding = net.neck(raw)
            views = (seen, embedding.norm(dim=1), value_of(index, embedding))
            parts.append([torch.stack(view.chunk(3), 1) for view in views])
    return _Seen(*(torch.cat(list(part)) for part in zip(*parts, strict=True)))


def identity_centres(
    net: BodyNet, crops: Crops, labels: np.ndarray, size_hw: tuple[int, int], rng: np.random.Generator
) -> Tensor:
    """(identities, D) unit norm, from a few crops of each."""
    shuffled = rng.permutation(len(labels))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    first = np.searchsorted(labels[order], labels[order])
    few = order[np.arange(len(order)) - first < CROPS_PER_CENTRE]
    vectors, _ = embed(net, crops.take(few), size_hw)
    sums = np.zeros((int(labels.max()) + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, labels[few], vectors)
    return functional.normalize(torch.from_numpy(sums), dim=1)


def _install(net: BodyNet, head: nn.Sequential, mean: Tensor, std: Tensor) -> None:
    """Put a head that was trained on standardised features into the network, the standardisation in its first layer."""
    first = head[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():
        first.weight.div_(std)
        first.bias.sub_(first.weight @ mean)
    net.quality_head.load_state_dict(head.state_dict())


def _blend_length(net: BodyNet, seen: _Seen) -> None:
    """Take a share from the head and add as much from the embedding's length, brought to the head's mean and spread."""
    last = net.quality_head[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        heads = net.quality_head(seen.features).squeeze(2)
        net.length_gain.copy_(LENGTH_SHARE * heads.std() / seen.length.std())
        net.length_mean.copy_(seen.length.mean())
        last.weight.mul_(1 - LENGTH_SHARE)
        last.bias.copy_((1 - LENGTH_SHARE) * last.bias + LENGTH_SHARE * heads.mean())


def _views(
    crops: Crops, index: np.ndarray, size_hw: tuple[int, int], rng: np.random.Generator, fronts: np.ndarray | None
) -> np.ndarray:
    """(3B, H, W, 3) uint8: B as they are, B augmented and a little worse, B clearly worse."""
    before = [crops.pixels[rng.integers(len(crops))] for _ in index]
    if fronts is not None:
        before = [fronts[rng.integers(len(fronts))] if rng.random() < 0.5 else other for other in before]
    pairs = [(crops.pixels[i], other) for i, other in zip(index, before, strict=True)]
    strength = Strength(colour_p=0.3, erase_p=0.2)
    asis = [plain(c, size_hw) for c, _ in pairs]
    varied = [augment(degrade(c, o, rng.uniform(0, 0.6), rng), o, size_hw, strength, rng) for c, o in pairs]
    worse = [plain(degrade(c, o, rng.uniform(0.3, 1.0), rng), size_hw) for c, o in pairs]
    return np.stack(asis + varied + worse)
