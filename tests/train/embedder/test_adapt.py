"""Getting used to a site: grouping without labels, the memory, and a whole adaptation on synthetic people."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch")

from perdure.errors import ConfigError, InputError  # noqa: E402
from perdure.train.embedder import adapt as module  # noqa: E402
from perdure.train.embedder.export import export_onnx  # noqa: E402
from perdure.train.embedder.nets import BodyNet, NetShape  # noqa: E402

TINY = {"stem": 8, "widths": [8, 16], "depths": [1, 1], "parts": 0, "dim": 8}


def _site(seed=0, people=6, each=4, dim=16, camera_shift=0.8):
    """Vectors of people seen by two cameras, each of which adds the same to everybody."""
    rng = np.random.default_rng(seed)
    look, shift = rng.normal(size=(people, dim)), camera_shift * rng.normal(size=(2, dim))
    person = np.repeat(np.arange(people), 2 * each)
    camera = np.tile(np.repeat([0, 1], each), people)
    vectors = look[person] + shift[camera] + 0.15 * rng.normal(size=(len(person), dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), person, camera, 2 * person + camera


def test_the_tracklets_of_a_person_are_grouped_over_cameras():
    vectors, person, camera, tracklet = _site()
    groups = module.pseudo_people(vectors, tracklet, camera, 2.0)
    assert len(np.unique(groups)) == 6
    for one in range(6):
        assert len(set(groups[person == one].tolist())) == 1


def test_a_tracklet_is_never_divided_and_a_high_bar_joins_nothing():
    vectors, _, camera, tracklet = _site()
    groups = module.pseudo_people(vectors, tracklet, camera, 50.0)
    assert len(np.unique(groups)) == len(np.unique(tracklet))
    for one in np.unique(tracklet):
        assert len(set(groups[tracklet == one].tolist())) == 1


def test_the_memory_starts_with_means_and_follows_by_its_momentum():
    vectors = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    memory = module.Memory.of(vectors, np.array([0, 0, 0]), np.array([0, 0, 1]), 0.5)
    assert memory.camera.tolist() == [0, 1]
    torch.testing.assert_close(memory.proxies[0], torch.tensor([0.5, 0.5]).sqrt())
    memory.follow(torch.tensor([[0.0, 5.0]]), np.array([2]))
    torch.testing.assert_close(memory.proxies[1], torch.tensor([0.5, 0.5]).sqrt())


def _material(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for person in range(1, 7):
        upper, lower = rng.integers(30, 220, (2, 3))
        for camera in (1, 2):
            for k in range(3):
                crop = np.zeros((32, 16, 3))
                crop[:16], crop[16:] = upper, lower
                name = f"{person:04d}_c{camera}s1_{k:06d}_00.png"
                noisy = crop * (0.6 + 0.4 * camera) + rng.normal(0, 6, crop.shape)
                cv2.imwrite(str(tmp_path / name), np.clip(noisy, 0, 255).astype(np.uint8))
                rows.append((name, f"t{person}-{camera}", camera))
    with (tmp_path / "site.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([("path", "tracklet", "camera"), *rows])
    torch.manual_seed(0)
    torch.save(BodyNet(_tiny()).state_dict(), tmp_path / "w.pt")


def _tiny():
    return NetShape(stem=8, widths=(8, 16), depths=(1, 1), parts=0, dim=8)


def _config(tmp_path, **changes):
    content = {
        "name": "site",
        "start": str(tmp_path / "w.pt"),
        "tables": [str(tmp_path / "site.csv")],
        "tests": [{"layout": "market1501", "path": str(tmp_path)}],
        "net": TINY,
        "size_hw": [32, 16],
        "rounds": 2,
        "groups_per_batch": 3,
        "crops_per_group": 3,
        "folder": str(tmp_path / "out"),
        **changes,
    }
    path = tmp_path / "adapt.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_an_adaptation_trains_writes_and_tells_what_it_won(tmp_path):
    _material(tmp_path)
    module.adapt(_config(tmp_path))
    line = json.loads((tmp_path / "out" / "site.jsonl").read_text().splitlines()[0])
    assert 0 < line["mean_ap_before"] <= 1
    assert 0 < line["mean_ap"] <= 1
    before = torch.load(tmp_path / "w.pt", weights_only=True)
    after = torch.load(tmp_path / "out" / "site-adapted.pt", weights_only=True)
    assert not torch.equal(before["project.weight"], after["project.weight"])
    torch.testing.assert_close(before["quality_head.0.weight"], after["quality_head.0.weight"])
    assert (tmp_path / "out" / "site.onnx").stat().st_size > 1000


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"tables": []}, InputError, "0 tracklets"),
        ({"tables": ["gone.csv"]}, InputError, "gone.csv"),
        ({"runs": ["no-run"]}, InputError, "no run folder"),
        ({"start": "gone.pt"}, InputError, "gone.pt"),
        ({"rounds": 0}, ConfigError, "rounds"),
    ],
)
def test_what_is_missing_is_told(tmp_path, changes, error, said):
    _material(tmp_path)
    with pytest.raises(error, match=said):
        module.adapt(_config(tmp_path, **changes))


def test_a_table_without_its_columns_is_told(tmp_path):
    _material(tmp_path)
    (tmp_path / "site.csv").write_text("file\na.png\n")
    with pytest.raises(InputError, match="path, tracklet and camera"):
        module.adapt(_config(tmp_path))


def test_what_ships_can_be_adapted(tmp_path):
    """A user has the exported file, not the checkpoint of its training."""
    _material(tmp_path)
    net = BodyNet(_tiny())
    for layer in net.modules():
        if isinstance(layer, (torch.nn.BatchNorm2d, torch.nn.BatchNorm1d)):
            torch.nn.init.uniform_(layer.bias, -0.5, 0.5)
    export_onnx(net.eval(), (32, 16), tmp_path / "shipped.onnx", torch.rand(4, 3, 32, 16) * 255)
    module.adapt(_config(tmp_path, start=str(tmp_path / "shipped.onnx"), rounds=1, learning_rate=1e-9, tests=[]))
    after = BodyNet(_tiny())
    after.load_state_dict(torch.load(tmp_path / "out" / "site-adapted.pt", weights_only=True))
    picture = torch.rand(2, 3, 32, 16) * 255
    with torch.no_grad():  # hardly moved: it began with the weights of the file
        torch.testing.assert_close(after.eval()(picture).embedding, net(picture).embedding, atol=0.02, rtol=0.02)
