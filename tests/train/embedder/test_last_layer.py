"""The last layer as a matrix: it is what the network computes, and the steady one is the best there is."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from perdure.train.embedder import last_layer as module  # noqa: E402
from perdure.train.embedder.data import Crops  # noqa: E402
from perdure.train.embedder.nets import BodyNet, NetShape  # noqa: E402
from perdure.train.embedder.validate import embed  # noqa: E402

SHAPE = NetShape(stem=8, widths=(8, 16), depths=(1, 1), parts=1, dim=8)
SIZE_HW = (32, 16)


@pytest.fixture
def crops():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (60, 6, 3, 3)).astype(np.uint8)
    pixels = coarse.repeat(8, axis=1).repeat(8, axis=2)
    nobody = np.full(60, -1, np.int64)
    return Crops(pixels, nobody, nobody, tuple(map(str, range(60))), 0.2)


@pytest.fixture
def net(crops):
    """A net whose normalisation has seen something."""
    torch.manual_seed(0)
    made = BodyNet(SHAPE).train()
    with torch.no_grad():
        for _ in range(20):
            made(_planes(crops))
        made.neck.weight.uniform_(0.5, 1.5)
        made.neck.bias.uniform_(-0.5, 0.5)
    return made.eval()


def _planes(crops):
    from perdure.train.embedder.augment import plain
    from perdure.train.embedder.validate import as_planes

    return as_planes(np.stack([plain(p, SIZE_HW) for p in crops.within_boxes()]))


def _pooled(net, crops):
    with torch.no_grad():
        return net.pooled(_planes(crops))[0].double().numpy()


def test_it_gives_what_the_network_gives_and_can_be_put_back(net, crops):
    pooled = _pooled(net, crops)
    with torch.no_grad():
        wanted = net(_planes(crops)).embedding.numpy()
    layer = module.last_layer(net)
    np.testing.assert_allclose(pooled @ layer[:-1] + layer[-1], wanted, atol=1e-4)
    module.set_last_layer(net, layer, pooled)
    with torch.no_grad():
        again = net(_planes(crops)).embedding.numpy()
        net.neck.train()  # the normalisation expects what it gets
        training = net(_planes(crops)).embedding.numpy()
    np.testing.assert_allclose(again, wanted, atol=1e-4)
    np.testing.assert_allclose(training, wanted, atol=1e-3)


def test_without_a_weight_nothing_changes(net, crops):
    before, _ = embed(net, crops, SIZE_HW)
    module.steady_last_layer(net, crops, SIZE_HW, 0.0, np.random.default_rng(1))
    after, _ = embed(net, crops, SIZE_HW)
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_it_is_the_least_of_what_it_minimises_and_steadier(net, crops, monkeypatch):
    trained = module.last_layer(net)
    seen = module._pooled(net, crops, SIZE_HW, np.random.default_rng(1))
    assert seen.shape == (60, 3, 48)
    flat = seen.reshape(-1, 48)
    weight, ridge = 3.0, module.RIDGE * (np.square(flat).sum(1).mean() + 1) / 49

    def cost(layer):
        off = flat @ (layer - trained)[:-1] + (layer - trained)[-1]
        change = (seen - seen.mean(1, keepdims=True)) @ layer[:-1]
        return (
            np.square(off).sum(1).mean()
            + weight * np.square(change).sum(2).mean()
            + ridge * np.square(layer - trained).sum()
        )

    def spread(layer):
        return np.square((seen - seen.mean(1, keepdims=True)) @ layer[:-1]).sum(2).mean()

    module.steady_last_layer(net, crops, SIZE_HW, weight, np.random.default_rng(1))
    solved, rng = module.last_layer(net), np.random.default_rng(2)
    assert spread(solved) < 0.7 * spread(trained)
    for _ in range(50):
        assert cost(solved) <= cost(solved + 1e-2 * rng.normal(size=solved.shape)) + 1e-9
    monkeypatch.setattr(module, "CROPS", 10)
    assert module._pooled(net, crops, SIZE_HW, rng).shape[0] == 10
