"""The loop on a handful of drawn pictures: it learns, resumes to the same weights, and says what is wrong."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
import yaml

from perdure.errors import ConfigError, ModelError
from perdure.train.detector import train as module
from perdure.train.detector.batches import Batches, times_seen
from perdure.train.detector.config import DetectorTraining, read_config
from perdure.train.detector.data import read_coco
from perdure.train.detector.export import Rows, export_onnx
from perdure.train.detector.nano import BACKBONE, YoloxNano
from perdure.train.detector.train import (
    Score,
    ahead,
    begin,
    blend,
    choose_blend,
    divide,
    evenly,
    learning_rate,
    train,
)


@pytest.fixture
def config(tmp_path: Path) -> DetectorTraining:
    """Six pictures of bright people, a parent of random weights, two short epochs."""
    rng = np.random.default_rng(0)
    images, labels = [], []
    for index in range(6):
        image = rng.integers(0, 60, (90, 120, 3)).astype(np.uint8)
        x, y = int(rng.integers(0, 80)), int(rng.integers(0, 10))
        image[y : y + 75, x : x + 30] = 230
        cv2.imwrite(str(tmp_path / f"{index}.png"), image)
        subset = "clean" if index % 2 else "squares"
        images.append({"id": index, "file_name": f"{index}.png", "width": 120, "height": 90, "subset": subset})
        labels.append({"image_id": index, "bbox": [x, y, 30, 75]})
    (tmp_path / "set.json").write_text(json.dumps({"images": images, "annotations": labels}))
    told = {
        "parent": "unused.onnx", "train": str(tmp_path / "set.json"), "val": str(tmp_path / "set.json"),
        "out": str(tmp_path / "out"), "held_out": {"fifth": [f"{tmp_path.name}/5"]}, "repeat": {"": 1.25},
        "stretched": ["squares"],
        "epochs": 2, "plain_epochs": 1, "batch": 3, "sizes": [[64, 96]], "plain_sizes": [[96, 64]], "warmup_steps": 1,
        "lr": 0.002, "crowd": 0.5, "blends": [0.5, 1.0],
    }  # fmt: skip
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(told))
    return read_config(tmp_path / "train.yaml")


@pytest.fixture(autouse=True)
def small_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow net in place of the published file, and small val pictures."""

    def narrow(_: object) -> YoloxNano:
        torch.manual_seed(3)
        return YoloxNano(classes=1, width=4)

    monkeypatch.setattr(module, "load_parent", narrow)
    monkeypatch.setattr(module, "cut_to_person", lambda net: net)
    monkeypatch.setattr(module, "AREAS_PX2", (64 * 64,))


def weights(config: DetectorTraining, which: str) -> dict[str, torch.Tensor]:
    """The last saved weights: of the net, or of the moving average."""
    state: dict[str, torch.Tensor] = torch.load(config.out / "last.pt", weights_only=True)[which]
    return state


def test_an_interrupted_training_resumes_to_the_same_weights(
    config: DetectorTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, score = train(config)
    curve = (config.out / "curve.csv").read_text().splitlines()
    assert len(curve) == 1 + config.epochs
    interrupted = config.model_copy(update={"out": config.out.parent / "again"})
    save = module._save

    def save_and_stop(*state: object) -> None:
        save(*state)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(interrupted)
    _, again = train(interrupted, resume=True)
    assert again == score
    whole, resumed, parent = (
        weights(config, "average"),
        weights(interrupted, "average"),
        module.load_parent(config.parent),
    )
    for name, weight in whole.items():
        assert torch.equal(weight, resumed[name]), name
    assert any(not torch.equal(weight, whole[name]) for name, weight in parent.state_dict().items())
    told = (interrupted.out / "curve.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[0] for line in told] == [line.rsplit(",", 1)[0] for line in curve]


def unmoved(config: DetectorTraining) -> set[str]:
    """Stages of the trained net with a tensor that equals the parent's."""
    parent = module.load_parent(config.parent).state_dict()
    return {name.split(".")[0] for name, weight in weights(config, "net").items() if torch.equal(weight, parent[name])}


def test_frozen_stages_keep_the_parents_weights_and_the_others_move(config: DetectorTraining) -> None:
    train(config.model_copy(update={"epochs": 1, "frozen": ("stem",)}))
    kept = unmoved(config)
    assert "stem" in kept
    assert not kept & {"dark2", "dark3", "lateral5", "top_down3"}


def test_with_the_whole_backbone_frozen_only_neck_and_heads_move(config: DetectorTraining) -> None:
    train(config.model_copy(update={"epochs": 1, "frozen": BACKBONE}))
    kept = unmoved(config)
    assert kept >= set(BACKBONE)
    assert not kept & {"lateral5", "top_down4", "top_down3", "bottom_up5"}


def test_resuming_nothing_is_refused(config: DetectorTraining) -> None:
    with pytest.raises(ModelError, match="nothing to resume"):
        train(config, resume=True)


def test_batches_depend_on_seed_epoch_and_step_only(config: DetectorTraining) -> None:
    pictures = read_coco(config.train)[:5]
    one, other = Batches(pictures, config), Batches(pictures, config)
    order = one.order(1)
    assert order.shape == (one.steps, config.batch) == (2, 3)
    np.testing.assert_array_equal(order, other.order(1))
    last = other.make(1, 1, order[1])
    batches = list(ahead(one, 1))
    assert torch.equal(batches[1].images, last.images)
    assert batches[1].images.shape[2:] == (96, 64)
    first = one.make(0, 1, order[1])
    assert first.images.shape[2:] == (64, 96)
    assert not torch.equal(first.images, one.make(0, 0, order[1]).images)


def test_each_picture_is_seen_as_often_as_told(config: DetectorTraining) -> None:
    pictures = read_coco(config.train)
    folder = config.train.parent.name
    repeat = {f"{folder}/": 0.0, f"{folder}/1": 2.0, f"{folder}/4": 1.0}
    batches = Batches(pictures, config.model_copy(update={"batch": 1, "repeat": repeat}))
    assert np.bincount(batches.order(0)[:, 0], minlength=6).tolist() == [0, 2, 0, 0, 1, 0]
    assert times_seen(pictures[0], {"elsewhere/": 3.0}) == 1.0


def test_what_is_held_out_is_not_trained_on(config: DetectorTraining) -> None:
    pictures, groups = divide(config.model_copy(update={"repeat": {f"{config.train.parent.name}/3": 0.0}}))
    assert [picture.path.name for picture in pictures] == ["0.png", "1.png", "2.png", "4.png"]
    assert {name: len(group) for name, group in groups.items()} == {"fifth": 1, "val": 6}
    groups = divide(config.model_copy(update={"only_reported": ("clean",)}))[1]
    assert len(groups["val"]) == 3
    with pytest.raises(ConfigError, match="nothing to select by in 'gone'"):
        divide(config.model_copy(update={"held_out": {"gone": ("nowhere/",)}}))


def test_val_counts_half() -> None:
    assert Score({"coco": 0.6, "footage": 0.9, "val": 0.5}).selection == pytest.approx((0.6 + 0.9 + 0.25) / 2.5)


def test_only_the_last_epoch_may_be_scored(config: DetectorTraining, capsys: pytest.CaptureFixture[str]) -> None:
    train(config.model_copy(update={"evaluate_every": 5}))
    lines = (config.out / "curve.csv").read_text().splitlines()
    assert [line.split(",")[5:7] == ["", ""] for line in lines] == [False, True, False]


def test_bfloat16_learns_too(config: DetectorTraining) -> None:
    train(config.model_copy(update={"epochs": 1, "bfloat16": True}))
    before = module.load_parent(config.parent).state_dict()
    assert any(not torch.equal(weight, before[name]) for name, weight in weights(config, "net").items())


def test_the_rate_warms_up_and_comes_down(config: DetectorTraining) -> None:
    slow = config.model_copy(update={"warmup_steps": 10, "lr": 1.0, "final_lr_share": 0.1})
    rates = [learning_rate(step, 110, slow) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == 1.0
    assert all(a >= b for a, b in pairwise(rates[10:]))
    assert rates[-1] == pytest.approx(0.1, abs=0.001)


def test_blending_is_a_straight_line_between_the_nets() -> None:
    torch.manual_seed(0)
    one, other = YoloxNano(width=4), YoloxNano(width=4)
    for a, b, m in zip(one.parameters(), other.parameters(), blend(one, other, 0.25).parameters(), strict=True):
        torch.testing.assert_close(m, 0.75 * a + 0.25 * b)


def test_a_blend_that_loses_on_either_part_is_not_chosen(
    config: DetectorTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = {0.0: (0.5, 0.5), 0.2: (0.52, 0.55), 0.4: (0.497, 0.6), 0.6: (0.49, 0.9)}
    scores = {share: Score({"coco": one, "val": other}) for share, (one, other) in pairs.items()}
    parent, trained = YoloxNano(width=4), YoloxNano(width=4)
    for net, value in ((parent, 0.0), (trained, 1.0)):
        for parameter in net.parameters():
            torch.nn.init.constant_(parameter, value)

    def told(net: YoloxNano, *_: object) -> Score:
        return scores[round(float(next(net.parameters()).flatten()[0].detach()), 1)]

    monkeypatch.setattr(module, "evaluate", told)
    three = config.model_copy(update={"blends": (0.2, 0.4, 0.6), "may_lose": 0.005})
    chosen, score = choose_blend(parent, trained, {}, three)
    assert score == scores[0.4]
    assert next(chosen.parameters()).flatten()[0].item() == pytest.approx(0.4)
    only_bad = config.model_copy(update={"blends": (0.6,)})
    assert choose_blend(parent, trained, {}, only_bad) == (parent, scores[0.0])


def test_the_exported_file_equals_torch_at_any_size_and_batch(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = YoloxNano(width=4)
    with torch.no_grad():
        net.stem.conv.weight[0, 0, 0, 0] = 1e-30
    export_onnx(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    assert [session.get_inputs()[0].name, session.get_outputs()[0].name] == ["images", "output"]
    for shape in ((1, 3, 32, 32), (3, 3, 64, 96), (2, 3, 160, 32)):
        images = np.random.default_rng(1).uniform(0, 255, shape).astype(np.float32)
        with torch.no_grad():
            expected = Rows(net).eval()(torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(session.run(None, {"images": images})[0], expected, atol=1e-4)
    stored = (tmp_path / "net.onnx").read_bytes()
    assert np.float32(1e-30).tobytes() not in stored


def test_the_command_writes_the_weights(
    config: DetectorTraining, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = []
    monkeypatch.setattr(module, "export_onnx", lambda net, path: written.append(path) or "digest")
    module.train_detector(tmp_path / "train.yaml")
    assert written == [config.out / "perdure_det.onnx"]
    assert "sha256 digest" in capsys.readouterr().out
    assert torch.load(config.out / "last.pt", weights_only=True)["epoch"] == 2


def test_training_goes_on_from_what_shipped_and_undoes_its_blend(
    config: DetectorTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, trained = module.load_parent(config.parent), YoloxNano(classes=1, width=4)
    shipped = blend(parent, trained, 0.2)
    monkeypatch.setattr(module, "load_exported", lambda path: shipped)
    told = config.model_copy(update={"start": Path("perdure_det.onnx"), "start_share": 5.0})
    for ours, full in zip(begin(parent, told).parameters(), trained.parameters(), strict=True):
        torch.testing.assert_close(ours, full, atol=1e-5, rtol=1e-4)
    for ours, theirs in zip(begin(parent, config).parameters(), parent.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_of_a_large_group_some_are_scored_and_none_is_trained_on(config: DetectorTraining) -> None:
    few = config.model_copy(update={"scored_most": 1, "held_out": {"last": (f"{config.train.parent.name}/4", "x")}})
    pictures, groups = divide(few)
    assert {name: len(group) for name, group in groups.items()} == {"last": 1, "val": 1}
    assert len(pictures) == 5
    assert [picture.name[-5] for picture in evenly(read_coco(config.val), 3)] == ["0", "2", "4"]
