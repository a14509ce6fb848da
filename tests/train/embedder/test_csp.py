"""The detector's backbone as a body: the published weights, and normalisation that changes nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from perdure.errors import ConfigError, ModelError  # noqa: E402
from perdure.train.detector.load import load_parent  # noqa: E402
from perdure.train.detector.nano import YoloxNano  # noqa: E402
from perdure.train.embedder.config import read_config  # noqa: E402
from perdure.train.embedder.csp import load_backbone, of_backbone  # noqa: E402
from perdure.train.embedder.export import export_onnx, folded  # noqa: E402
from perdure.train.embedder.nets import BodyNet, NetShape  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "detector"))
from test_load import write_convolutions  # noqa: E402

SHAPE = NetShape("csp", 16, (32, 64, 128, 24), (0, 0, 0, 1), 2, 8)
SIZE = (128, 96)


def _pictures(count: int = 4):
    return torch.rand(count, 3, *SIZE, generator=torch.Generator().manual_seed(0)) * 255


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file of the published form, with weights of its own."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("parent") / "nano.onnx"
    write_convolutions(YoloxNano(classes=80), path)
    return path


@pytest.fixture
def begun(published):
    torch.manual_seed(1)
    net = BodyNet(SHAPE).eval()
    load_backbone(net.stem, net.stages, published, net.scaled(_pictures()))
    return net


def test_the_body_sees_what_the_detector_sees(begun, published):
    """But for the margin, which is padded with grey, as pictures for the detector are, not with black."""
    grey = torch.nn.functional.pad(_pictures(2), (32, 32, 32, 32), value=114.0)
    parent = load_parent(published).eval()
    with torch.no_grad():
        body = begun.stages[1](begun.stages[0](begun.stem(begun.scaled(grey))))
        theirs = parent.dark3(parent.dark2(parent.stem(grey)))
    torch.testing.assert_close(body[:, :, 8:-8, 8:-8], theirs[:, :, 8:-8, 8:-8], atol=1e-4, rtol=1e-3)


def test_blocks_behind_the_shallow_stages_change_nothing_at_first_and_are_not_of_the_backbone(begun, published):
    torch.manual_seed(2)
    deeper = BodyNet(replace(SHAPE, depths=(0, 1, 2, 1))).eval()
    load_backbone(deeper.stem, deeper.stages, published, deeper.scaled(_pictures()))
    with torch.no_grad():
        seen = [
            net.stages[2](net.stages[1](net.stages[0](net.stem(net.scaled(_pictures()))))) for net in (begun, deeper)
        ]
    torch.testing.assert_close(*seen, atol=1e-4, rtol=1e-3)
    added = {
        n.rsplit(".", 2)[0] for n, _ in deeper.named_parameters() if n.startswith("stages.") and not of_backbone(n)
    }
    assert {"stages.1.2", "stages.2.2", "stages.2.3", "stages.3.1"} <= added
    assert not any(name.startswith("stages.0") for name in added)


def test_normalisation_expects_the_pictures_it_was_given(begun):
    with torch.no_grad():
        steady = begun.stages[0](begun.stem(begun.scaled(_pictures())))
        begun.train()
        moving = begun.stages[0](begun.stem(begun.scaled(_pictures())))
    assert torch.nn.functional.cosine_similarity(steady.flatten(1), moving.flatten(1)).min() > 0.999


def test_every_parameter_learns_and_the_backbone_is_told_apart(begun):
    begun.train()(_pictures()).embedding.square().sum().backward()
    named = [(n, p) for n, p in begun.named_parameters() if "quality_head" not in n]
    assert all(p.grad is not None for _, p in named)
    own = {n for n, _ in named if not of_backbone(n)}
    assert {n.split(".")[0] for n in own} == {"stages", "pool", "project", "neck"}
    assert all(n.startswith(("stages.3.0.fine", "stages.3.0.coarse", "stages.3.1")) for n in own if n[:6] == "stages")


def test_it_folds_and_exports(begun, tmp_path):
    with torch.no_grad():
        torch.testing.assert_close(
            folded(begun, SIZE)(_pictures()).embedding, begun(_pictures()).embedding, atol=1e-3, rtol=1e-3
        )
    assert export_onnx(begun, SIZE, tmp_path / "csp.onnx", _pictures()).difference < 1e-4


def test_other_widths_and_other_files_are_told(tmp_path):
    with pytest.raises(ConfigError, match="2, 4, 8 times"):
        BodyNet(NetShape("csp", 16, (32, 64, 96, 24), (0, 0, 0, 1), 2, 8))
    net = BodyNet(SHAPE)
    with pytest.raises(ModelError, match=r"none\.onnx"):
        load_backbone(net.stem, net.stages, tmp_path / "none.onnx", net.scaled(_pictures()))


def test_a_backbone_for_another_net_is_refused(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "name: a\nlabelled: [{layout: folders, path: x}]\nphases: [{name: p, epochs: 1}]\nbackbone: nano.onnx\n"
        "net: {blocks: plain}\n"
    )
    with pytest.raises(ConfigError, match="blocks: csp"):
        read_config(path)
