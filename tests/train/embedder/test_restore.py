"""A shipped file can be trained further: the restored network computes what the file computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from perdure.errors import InputError  # noqa: E402
from perdure.train.embedder.export import export_onnx  # noqa: E402
from perdure.train.embedder.nets import Block, BodyNet, NetShape  # noqa: E402
from perdure.train.embedder.restore import load_shipped, load_weights  # noqa: E402

TINY = NetShape(stem=8, widths=(8, 16), depths=(1, 2), parts=2, dim=16)


def _pictures(count: int = 6):
    return torch.rand(count, 3, 32, 16, generator=torch.Generator().manual_seed(0)) * 255


def _trained_looking(shape):
    """A net whose normalisation layers hold something."""
    torch.manual_seed(0)
    net = BodyNet(shape)
    for module in net.modules():
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm1d, torch.nn.InstanceNorm2d)):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm1d)):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2.0)
    return net.eval()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The file made of such a net."""
    net = _trained_looking(TINY)
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    export_onnx(net, (32, 16), path, _pictures())
    return path


def _run(path, pictures):
    import onnxruntime as ort

    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"images": pictures.numpy()})


def test_the_restored_network_gives_what_the_file_gives(shipped):
    net = BodyNet(TINY)
    load_shipped(net, shipped, _pictures())
    with torch.no_grad():
        out = net.eval()(_pictures())
    embedding, quality = _run(shipped, _pictures())
    np.testing.assert_allclose(out.embedding.numpy(), embedding, atol=1e-3, rtol=1e-3)
    np.testing.assert_allclose(out.quality.numpy(), quality, atol=1e-4)


def test_in_training_it_normalises_by_what_it_was_measured_on(shipped):
    """Folded networks without this would be normalised by batches for the first time, and forget."""
    net, pictures = BodyNet(TINY), _pictures(64)
    load_shipped(net, shipped, pictures)
    with torch.no_grad():
        steady, moving = net.eval()(pictures).embedding, net.train()(pictures).embedding
    assert torch.nn.functional.cosine_similarity(steady, moving).min() > 0.99


@pytest.mark.parametrize("kind", ["kept", "shipped"])
@pytest.mark.parametrize("instance", [False, True])
def test_a_deeper_network_begins_as_the_one_it_grew_from(tmp_path, kind, instance):
    body = NetShape("csp", 8, (16, 32, 64, 24), (0, 0, 0, 1), 2, 16, instance)
    net, pictures = _trained_looking(body), _pictures(32)
    deeper = BodyNet(replace(body, depths=(1, 2, 0, 2))).eval()
    if kind == "kept":
        torch.save(net.state_dict(), tmp_path / "w.pt")
        load_weights(deeper, tmp_path / "w.pt")
    else:
        export_onnx(net, (32, 16), tmp_path / "w.onnx", pictures)
        load_shipped(deeper, tmp_path / "w.onnx", pictures)
    with torch.no_grad():
        likeness = torch.nn.functional.cosine_similarity(deeper(pictures).embedding, net(pictures).embedding)
    assert likeness.min() > 0.999
    deeper.train()(pictures).embedding.square().sum().backward()
    gains = [m.norm2.weight.grad.abs().max() for m in deeper.modules() if isinstance(m, Block)]
    assert len(gains) == 5
    assert min(gains) > 0  # what is new learns


def test_a_shallower_network_is_told(tmp_path):
    body = NetShape("csp", 8, (16, 32, 64, 24), (0, 1, 0, 1), 2, 16)
    torch.save(BodyNet(body).state_dict(), tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"w\.pt"):
        load_weights(BodyNet(replace(body, depths=(0, 0, 0, 1))), tmp_path / "w.pt")


def test_it_ships_again_unchanged(shipped, tmp_path):
    net = BodyNet(TINY)
    load_shipped(net, shipped, _pictures())
    export_onnx(net.eval(), (32, 16), tmp_path / "again.onnx", _pictures())
    for first, again in zip(_run(shipped, _pictures()), _run(tmp_path / "again.onnx", _pictures()), strict=True):
        np.testing.assert_allclose(again, first, atol=2e-2, rtol=2e-2)  # rounded to half precision twice


@pytest.mark.parametrize("shape", [NetShape(stem=8, widths=(8,), depths=(1,), parts=2, dim=16), NetShape()])
def test_another_network_is_told(shipped, shape):
    with pytest.raises(InputError, match="another network"):
        load_shipped(BodyNet(shape), shipped, _pictures())


def test_a_file_that_is_no_such_network_is_told(tmp_path):
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(InputError, match=r"text\.onnx"):
        load_shipped(BodyNet(TINY), tmp_path / "text.onnx", _pictures())
    with pytest.raises(InputError, match=r"gone\.onnx"):
        load_shipped(BodyNet(TINY), tmp_path / "gone.onnx", _pictures())


def test_normalised_pictures_come_back_as_well(tmp_path):
    net = _trained_looking(replace(TINY, instance=True))
    export_onnx(net, (32, 16), tmp_path / "net.onnx", _pictures())
    again = BodyNet(net.shape)
    load_shipped(again, tmp_path / "net.onnx", _pictures(32))
    with torch.no_grad():
        torch.testing.assert_close(
            again.eval()(_pictures()).embedding, net(_pictures()).embedding, atol=2e-2, rtol=2e-2
        )


def test_a_network_that_normalises_pictures_starts_from_one_that_did_not(tmp_path):
    plain = BodyNet(TINY)
    torch.save(plain.state_dict(), tmp_path / "w.pt")
    net = BodyNet(replace(TINY, instance=True))
    load_weights(net, tmp_path / "w.pt")
    torch.testing.assert_close(net.project.weight, plain.project.weight)
    torch.testing.assert_close(net.stem[0].weight, plain.stem[0].weight)
