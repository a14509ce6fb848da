from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from perdure.train.embedder import quality as quality_module  # noqa: E402
from perdure.train.embedder.augment import degrade  # noqa: E402
from perdure.train.embedder.data import Crops  # noqa: E402
from perdure.train.embedder.nets import BodyNet, NetShape  # noqa: E402
from perdure.train.embedder.quality import QualityPlan, train_quality, worth  # noqa: E402
from perdure.train.embedder.validate import embed  # noqa: E402


def _striped_people(count=8, each=4):
    """People in stripes, so that a blurred crop can be told from a sharp one."""
    rng = np.random.default_rng(0)
    pixels = []
    for _ in range(count):
        bright, dark = rng.integers(140, 250, 3), rng.integers(0, 80, 3)
        person = np.where((np.arange(64) // 4 % 2 == 0)[:, None, None], bright, dark) + np.zeros((64, 32, 3))
        pixels += [np.clip(person + rng.normal(0, 5, person.shape), 0, 255).astype(np.uint8) for _ in range(each)]
    n = count * each
    return Crops(np.stack(pixels), np.repeat(np.arange(count), each), np.arange(n) % 2, tuple(map(str, range(n))))


def test_worth_is_one_at_the_own_centre_and_lower_at_another():
    centres = torch.eye(3)
    vectors = torch.tensor([[2.0, 0, 0], [0, 5.0, 0], [1.0, 1.0, 0]])
    own = worth(vectors, centres, torch.tensor([0, 0, 0]))
    assert own[0] == pytest.approx(1.0, abs=1e-3)
    assert own[1] == pytest.approx(0.0, abs=1e-3)
    assert own[1] < own[2] < own[0]


def test_the_head_learns_the_order_and_the_embedding_stays_as_it_was():
    torch.manual_seed(0)
    net = BodyNet(NetShape(stem=8, widths=(8, 16), depths=(1, 1), parts=0, dim=16))
    crops = _striped_people()
    before, _ = embed(net, crops, (64, 32))
    train_quality(net, crops, crops.identities, (64, 32), QualityPlan(crops=32, steps=200, batch=16), 0)
    after, quality = embed(net, crops, (64, 32))
    np.testing.assert_array_equal(before, after)
    rng = np.random.default_rng(5)
    worse = np.stack([degrade(p, crops.pixels[0], 0.8, rng) for p in crops.pixels])
    _, lower = embed(net, Crops(worse, crops.identities, crops.cameras, crops.names), (64, 32))
    assert (quality > lower).mean() > 0.8


def test_people_whom_a_teacher_described_teach_quality_too():
    """The teacher knows the first half of them only: crops like those are worth more."""
    torch.manual_seed(0)
    net = BodyNet(NetShape(stem=8, widths=(8, 16), depths=(1, 1), parts=0, dim=16))
    crops = _striped_people(16)
    vectors, _ = embed(net, crops, (64, 32))
    told = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    bright = crops.pixels.mean((1, 2, 3)) > np.median(crops.pixels.mean((1, 2, 3)))
    told[~bright] *= -1
    plan = QualityPlan(crops=64, steps=300, batch=32)
    some = crops.take(np.arange(8))
    gaps = []
    for described in (None, (crops, told.astype(np.float32))):
        train_quality(net, some, some.identities, (64, 32), plan, 0, described)
        _, quality = embed(net, crops, (64, 32))
        gaps.append(quality[bright].mean() - quality[~bright].mean())
    assert gaps[1] > gaps[0] + 0.05


def test_anything_may_stand_in_front(monkeypatch):
    """Of what hides people, half is people and half is what was given."""
    torch.manual_seed(0)
    net = BodyNet(NetShape(stem=8, widths=(8, 16), depths=(1, 1), parts=0, dim=16))
    crops, seen = _striped_people(), []

    def noted(crop, other, severity, rng):
        seen.append((other == 128).all())
        return degrade(crop, other, severity, rng)

    monkeypatch.setattr(quality_module, "degrade", noted)
    nobody = np.full(4, -1)
    walls = Crops(np.full((4, 80, 40, 3), 128, np.uint8), nobody, nobody, ("",) * 4, 0.125)
    plan = QualityPlan(crops=32, steps=2, batch=16)
    train_quality(net, crops, crops.identities, (64, 32), plan, 0, None, walls)
    assert 0.25 < np.mean(seen) < 0.75
    seen.clear()
    train_quality(net, crops, crops.identities, (64, 32), plan, 0)
    assert not any(seen)


def test_an_older_head_does_not_matter():
    torch.manual_seed(0)
    crops, plan = _striped_people(), QualityPlan(crops=32, steps=20, batch=16)
    net = BodyNet(NetShape(stem=8, widths=(8, 16), depths=(1, 1), parts=0, dim=16))
    told = []
    for _ in range(2):
        train_quality(net, crops, crops.identities, (64, 32), plan, 0)
        told.append(embed(net, crops, (64, 32))[1])
    np.testing.assert_allclose(told[0], told[1], atol=1e-5)


def test_a_longer_embedding_is_trusted_more():
    torch.manual_seed(0)
    net = BodyNet(NetShape(stem=8, widths=(8, 16), depths=(1, 1), parts=0, dim=16))
    crops = _striped_people()
    train_quality(net, crops, crops.identities, (64, 32), QualityPlan(crops=32, steps=50, batch=16), 0)
    assert float(net.length_gain) > 0
    pictures = torch.from_numpy(crops.pixels[:4]).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        before = net(pictures)
        net.neck.weight.mul_(1.5)
        net.neck.bias.mul_(1.5)
        after = net(pictures)
    assert (after.quality > before.quality).all()
