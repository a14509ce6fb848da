from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from perdure.errors import ConfigError  # noqa: E402
from perdure.train.embedder.export import export_onnx, folded  # noqa: E402
from perdure.train.embedder.nets import BodyNet, NetShape  # noqa: E402

OSNET_X025 = {"stem": 16, "widths": (64, 96, 128), "depths": (2, 2, 2), "parts": 0}


@pytest.mark.parametrize("blocks", ["plain", "osnet", "osnet-ibn", "osnet-ain", "resnet", "resnet-ibn"])
def test_shapes_and_ranges(blocks):
    net = BodyNet(NetShape(blocks=blocks, **{**OSNET_X025, "dim": 32})).eval()
    with torch.inference_mode():
        out = net(torch.rand(3, 3, 64, 32) * 255)
    assert out.raw.shape == out.embedding.shape == (3, 32)
    assert out.quality.shape == (3,)
    assert ((out.quality > 0) & (out.quality < 1)).all()


@pytest.mark.parametrize("blocks", ["plain", "csp"])
def test_light_and_tint_of_the_whole_picture_do_not_count_where_pictures_are_normalised(blocks):
    torch.manual_seed(0)
    body = {"stem": 16, "widths": (32, 64, 128, 16), "depths": (1, 1, 1, 1), "dim": 16}
    pictures = torch.rand(3, 3, 64, 32) * 120 + 40
    tinted = pictures * torch.tensor([0.7, 1.2, 0.9])[:, None, None] + torch.tensor([10.0, -20.0, 30.0])[:, None, None]
    likeness = {}
    for instance in (False, True):
        net = BodyNet(NetShape(blocks=blocks, instance=instance, **body)).eval()
        with torch.inference_mode():
            seen = torch.nn.functional.normalize(net(torch.cat([pictures, tinted])).raw)
        likeness[instance] = float((seen[:3] * seen[3:]).sum(1).min())
    assert likeness[True] > 0.999
    assert likeness[False] < likeness[True]


def test_a_picture_of_one_colour_has_a_vector():
    net = BodyNet(NetShape(stem=8, widths=(8, 16), depths=(1, 1), dim=8, instance=True)).eval()
    with torch.inference_mode():
        assert net(torch.full((1, 3, 32, 16), 77.0)).embedding.isfinite().all()


def test_the_blocks_of_osnet_have_the_published_size():
    """Table 1 of the paper: 2.2 M parameters in all at full width, 0.2 M at a quarter (without the 512-d layer)."""
    for width, published in ((4, 2.2e6 - 512 * 512), (1, 0.2e6 - 128 * 512)):
        shape = NetShape("osnet", 16 * width, (64 * width, 96 * width, 128 * width), (2, 2, 2), 0, 8)
        net = BodyNet(shape)
        blocks = sum(p.numel() for p in [*net.stem.parameters(), *net.stages.parameters()])
        assert blocks == pytest.approx(published, rel=0.06)


@pytest.mark.parametrize("blocks", ["resnet", "resnet-ibn"])
def test_resnet_50_has_its_size_and_keeps_the_last_stride(blocks):
    """23.5 M parameters without the classifier, as published; the last map is a sixteenth of the picture."""
    shape = NetShape(blocks, 64, (256, 512, 1024, 2048), (3, 4, 6, 3), 0, 8)
    with torch.device("meta"):
        net = BodyNet(shape)
        x = net.stem(torch.zeros(1, 3, 256, 128))
        for stage in net.stages:
            x = stage(x)
    assert sum(p.numel() for p in [*net.stem.parameters(), *net.stages.parameters()]) == pytest.approx(23.5e6, rel=0.01)
    assert x.shape == (1, 2048, 16, 8)


@pytest.mark.parametrize("blocks", ["resnet", "resnet-ibn"])
def test_resnet_learns_folds_and_exports(blocks, tmp_path):
    torch.manual_seed(0)
    net = BodyNet(NetShape(blocks, 8, (16, 32), (1, 2), 1, 16)).train()
    pictures = torch.rand(4, 3, 32, 16) * 255
    net(pictures).embedding.sum().backward()
    assert all(p.grad is not None for n, p in net.named_parameters() if "quality_head" not in n)
    net.eval()
    with torch.inference_mode():
        done = folded(net, (32, 16))(pictures).embedding
        torch.testing.assert_close(done, net(pictures).embedding, atol=1e-3, rtol=1e-3)
    assert export_onnx(net, (32, 16), tmp_path / "r.onnx", pictures).difference < 1e-4


def test_quality_sends_no_gradient_into_the_embedding():
    net = BodyNet(NetShape(stem=8, widths=(8, 16), depths=(1, 1), dim=8)).train()
    net(torch.rand(4, 3, 32, 16) * 255).quality.sum().backward()
    assert net.quality_head[0].weight.grad is not None
    assert all(p.grad is None for n, p in net.named_parameters() if "quality_head" not in n)


def test_parts_attend_to_places():
    """With an attention map that prefers bright cells, the pooled part is what stands there."""
    from perdure.train.embedder.nets import PartPool

    pool = PartPool(2, 1)
    with torch.no_grad():
        pool.attend.weight.copy_(torch.tensor([50.0, 0.0]).view(1, 2, 1, 1))
        pool.attend.bias.zero_()
    x = torch.zeros(1, 2, 4, 3)
    x[0, 0, 2, 1], x[0, 1, 2, 1] = 1.0, 7.0
    assert pool(x)[0, 4:].tolist() == pytest.approx([1.0, 7.0], abs=1e-3)


def test_osnet_ain_normalises_the_residual_of_the_published_blocks():
    net = BodyNet(NetShape("osnet-ain", dim=8, **OSNET_X025))
    inside = [[isinstance(b.expand[1], torch.nn.InstanceNorm2d) for b in stage[:2]] for stage in net.stages]
    assert inside == [[True, True], [False, True], [True, False]]
    assert isinstance(net.stem[1], torch.nn.InstanceNorm2d)


def test_osnet_ain_of_other_depths_is_refused():
    with pytest.raises(ConfigError, match="depths 2, 2, 2"):
        BodyNet(NetShape("osnet-ain", 16, (64, 96), (2, 2), 0, 8))


def test_a_stem_that_normalises_pictures_already_is_left_as_it_is():
    net = BodyNet(NetShape("osnet-ibn", dim=8, instance=True, **OSNET_X025)).eval()
    with torch.inference_mode():
        assert net(torch.rand(1, 3, 64, 32) * 255).embedding.isfinite().all()


@pytest.mark.parametrize(
    ("blocks", "depths"), [("osnet", (1, 1, 1)), ("osnet-ibn", (1, 1, 1)), ("osnet-ain", (2, 2, 2))]
)
def test_osnet_folds_and_exports(tmp_path, blocks, depths):
    torch.manual_seed(0)
    net = BodyNet(NetShape(blocks, 8, (16, 32, 32), depths, 1, 16)).train()
    pictures = torch.rand(4, 3, 32, 16) * 255
    net(pictures)
    net.eval()
    with torch.inference_mode():
        torch.testing.assert_close(
            folded(net, (32, 16))(pictures).embedding, net(pictures).embedding, atol=1e-3, rtol=1e-3
        )
    assert export_onnx(net, (32, 16), tmp_path / "o.onnx", pictures).difference < 1e-4
