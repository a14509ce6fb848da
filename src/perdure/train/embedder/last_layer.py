"""The last layer as one matrix, and solved anew so that the embedding changes less with the detector's box.

Behind the pooled features there are only a linear layer and a normalisation that is fixed once the network is trained:
together one affine map, of which there is a best one in closed form.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from perdure.train.embedder.augment import shift_box
from perdure.train.embedder.data import Crops
from perdure.train.embedder.nets import BodyNet
from perdure.train.embedder.validate import as_planes

MOVED = 0.1  # by how much of its sides a box moves and grows
BOXES = 3  # of each crop, the first where it is
CROPS = 5000  # to learn from
RIDGE = 1e-4  # of the mean variance, so that features without any do no harm


def last_layer(net: BodyNet) -> np.ndarray:
    """(F + 1, D) float64: what a trained network makes of its pooled features and a one behind them."""
    neck = net.neck
    assert neck.running_mean is not None
    assert neck.running_var is not None
    with torch.no_grad():
        gain = neck.weight / torch.sqrt(neck.running_var + neck.eps)
        layer = torch.cat([net.project.weight.T * gain, (neck.bias - neck.running_mean * gain)[None]])
    return layer.double().cpu().numpy()


def set_last_layer(net: BodyNet, layer: np.ndarray, pooled: np.ndarray) -> None:
    """Put such a map into a network, in place; `pooled`, (N, F) features, tell the normalisation what to expect."""
    raw = pooled @ layer[:-1]
    mean, variance = raw.mean(0), raw.var(0)
    assert net.neck.running_mean is not None
    assert net.neck.running_var is not None
    with torch.no_grad():
        net.project.weight.copy_(torch.from_numpy(layer[:-1].T))
        net.neck.running_mean.copy_(torch.from_numpy(mean))
        net.neck.running_var.copy_(torch.from_numpy(variance))
        net.neck.weight.copy_(torch.sqrt(torch.from_numpy(variance) + net.neck.eps))
        net.neck.bias.copy_(torch.from_numpy(layer[-1] + mean))


def turn_last_layer(net: BodyNet, matrix: np.ndarray, pictures: Tensor) -> None:
    """Let a network give its embeddings multiplied by a (D, D) matrix, in place; measured on (B, 3, H, W) pictures."""
    training = net.training
    net.eval()
    with torch.no_grad():
        pooled = net.pooled(pictures)[0].double().cpu().numpy()
    set_last_layer(net, last_layer(net) @ matrix, pooled)
    net.train(training)


def steady_last_layer(
    net: BodyNet, crops: Crops, size_hw: tuple[int, int], weight: float, rng: np.random.Generator
) -> None:
    """Solve the last layer anew, in place, against what moved boxes change.

    Of all maps W of the pooled features x it is the one with the least E|xW - xV|^2 + weight * E|(x - m)W|^2, V the
    one that was trained and m the mean of x over boxes of the same crop: W = (C + weight B)^-1 C V with the second
    moments C of x and B of x - m (ridge regression onto the network's own output).

    Args:
        net: trained; nothing but its last layer changes.
        crops: of people; at most 5,000 of them are looked at, in three boxes each.
        size_hw: the size the network takes.
        weight: how much steadiness is worth; more costs more of what tells people apart.
        rng: draws the crops and the boxes.
    """
    seen = _pooled(net, crops, size_hw, rng)
    moved = (seen - seen.mean(1, keepdims=True)).reshape(-1, seen.shape[2])
    flat = seen.reshape(-1, seen.shape[2])
    ones = np.concatenate([flat, np.ones((len(flat), 1))], axis=1)
    second = ones.T @ ones / len(ones)
    change = np.zeros_like(second)
    change[:-1, :-1] = moved.T @ moved / len(moved)
    ridge = RIDGE * np.trace(second) / len(second) * np.eye(len(second))
    solved = np.linalg.solve(second + weight * change + ridge, (second + ridge) @ last_layer(net))
    set_last_layer(net, solved, flat)


def _pooled(net: BodyNet, crops: Crops, size_hw: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(N, BOXES, F) float64: pooled features of crops in boxes of which the first is true."""
    some = np.sort(rng.permutation(len(crops))[:CROPS])
    parts = []
    net.eval()
    for index in some:
        boxes = [shift_box(crops.pixels[index], size_hw, m, m, False, rng, crops.context) for m in (0, MOVED, MOVED)]
        with torch.inference_mode():
            parts.append(net.pooled(as_planes(np.stack(boxes)))[0].double().numpy())
    return np.stack(parts)
