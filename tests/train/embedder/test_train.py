"""A whole run on synthetic people: it learns, resumes, uses a teacher and exports."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch")

from tests.train.embedder.teacher import halves_teacher  # noqa: E402

from perdure.errors import ConfigError, InputError, ModelError  # noqa: E402
from perdure.train.embedder import config as config_module  # noqa: E402
from perdure.train.embedder import material as material_module  # noqa: E402
from perdure.train.embedder import train as train_module  # noqa: E402
from perdure.train.embedder.export import Exported, export_onnx, folded  # noqa: E402
from perdure.train.embedder.nets import BodyNet, NetShape  # noqa: E402

TINY = NetShape(stem=8, widths=(8, 16), depths=(1, 1), parts=2, dim=16)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Twelve people, each with a colour above and one below, seen by two cameras of different brightness."""
    folder = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    for person in range(1, 13):
        upper, lower = rng.integers(30, 220, (2, 3))
        for camera in (1, 2):
            for k in range(3):
                crop = np.zeros((32, 16, 3))
                crop[:16], crop[16:] = upper, lower
                crop = crop * (0.8 + 0.2 * camera) + rng.normal(0, 6, crop.shape)
                name = f"{person:04d}_c{camera}s1_{k:06d}_00.png"
                cv2.imwrite(str(folder / name), np.clip(crop, 0, 255).astype(np.uint8))
    return folder


@pytest.fixture
def quick(monkeypatch):
    """Runs that leave out the export, which has tests of its own and takes longer than such a training."""
    monkeypatch.setattr(train_module, "export_onnx", lambda net, size_hw, path, pictures: Exported(path, 0, 0.0, 1.0))


def _config(tmp_path, folder, **changes):
    content = {
        "name": "tiny",
        "labelled": [{"layout": "market1501", "path": str(folder)}],
        "validation_identities": 4,
        "net": {"stem": 8, "widths": [8, 16], "depths": [1, 1], "parts": 2, "dim": 16},
        "size_hw": [32, 16],
        "source_hw": [32, 16],
        "people_per_batch": 4,
        "crops_per_person": 3,
        "phases": [{"name": "clean", "epochs": 4, "learning_rate": 0.005}],
        "quality": {"crops": 8, "steps": 3, "batch": 4},
        "validate_every": 2,
        "folder": str(tmp_path / "out"),
        "bf16": False,
    } | changes
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def _curve(tmp_path):
    return [json.loads(line) for line in (tmp_path / "out" / "tiny.jsonl").read_text().splitlines()]


def test_training_lowers_the_loss_and_writes_curve_and_checkpoint(tmp_path, people):
    train_module.train_embedder(_config(tmp_path, people), resume=False)
    curve = [c for c in _curve(tmp_path) if "loss" in c]
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert 0 <= curve[-1]["mean_ap"] <= 1
    assert (tmp_path / "out" / "tiny-clean.pt").is_file()
    assert (tmp_path / "out" / "tiny.onnx").is_file()


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_run_resumes_where_it_stopped(tmp_path, people, monkeypatch, quick, optimizer):
    config = _config(tmp_path, people, optimizer=optimizer)
    saved = train_module.Run.save

    def stop_after_two(run, optimizers):
        saved(run, optimizers)
        if run.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(train_module.Run, "save", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        train_module.train_embedder(config, resume=False)
    monkeypatch.setattr(train_module.Run, "save", saved)
    train_module.train_embedder(config, resume=True)
    assert [c["epoch"] for c in _curve(tmp_path) if "loss" in c] == [1, 2, 3, 4]


def test_a_finished_phase_is_not_repeated(tmp_path, people, quick):
    train_module.train_embedder(_config(tmp_path, people), resume=False)
    more = {"name": "more", "epochs": 1, "centroid": 1.0, "centre": 0.0005, "contrastive": 1.0, "circle": 0.1}
    longer = [{"name": "clean", "epochs": 4}, more]
    train_module.train_embedder(_config(tmp_path, people, phases=longer), resume=True)
    assert [c["phase"] for c in _curve(tmp_path) if "loss" in c] == ["clean"] * 4 + ["more"]


def test_centres_follow_only_where_their_loss_counts(tmp_path, people, quick):
    for weight in (0.0, 0.0005):
        phase = {"name": "clean", "epochs": 1, "centre": weight}
        train_module.train_embedder(_config(tmp_path, people, phases=[phase]), resume=False)
        kept = torch.load(tmp_path / "out" / "tiny.pt", weights_only=True)["learner"]["centres"]
        assert kept.shape == (8, 16)
        assert bool((kept.norm(dim=1) > 0).all()) == bool(weight)


def test_averages_of_shortcuts_are_folded_where_stages_halve_the_picture():
    pools = [
        sum(isinstance(m, torch.nn.AvgPool2d) for m in folded(_trained_looking_net(), size_hw).modules())
        for size_hw in ((32, 16), (33, 17))
    ]
    assert pools == [0, len(TINY.widths)]


MORE = {
    **{"people_context": 0.2, "mixed": 9, "other_cameras": 5, "elsewhere": 8, "dark": 3, "drawn": 2, "rendered": 3},
    **{"boxes": 2, "consistency": 1.0, "augment": {"box_shift": 0.05, "low_resolution_p": 0.0}},
}


@pytest.mark.parametrize(
    "more",
    [{}, MORE],
    ids=["one box", "two boxes, mixed clothes, other cameras and places, two teachers"],
)
def test_a_teacher_teaches_labelled_and_unlabelled_crops(tmp_path, people, quick, more):
    scene = np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "scene.png"), scene)
    boxes = [{"image_id": 1, "bbox": [20 * i, 10, 40, 100], "iscrowd": 0} for i in range(6)]
    (tmp_path / "p.json").write_text(
        json.dumps({"images": [{"id": 1, "file_name": "scene.png"}], "annotations": boxes})
    )
    phase = {
        "name": "distilled",
        "epochs": 6,
        "teacher": 1.0,
        "relations": 1.0,
        "unlabelled": 3,
        "learning_rate": 0.005,
        **{k: v for k, v in more.items() if k in ("boxes", "consistency", "augment")},
    }
    config = _config(
        tmp_path,
        people,
        teacher=str(halves_teacher(tmp_path / "teacher.onnx")),
        more_teachers=[str(halves_teacher(tmp_path / "second.onnx"))] if more else [],
        people=[str(tmp_path / "p.json")],
        net={"stem": 8, "widths": [8, 16], "depths": [1, 1], "parts": 0, "dim": 6},
        phases=[phase],
        **{
            k: v
            for k, v in more.items()
            if k in ("people_context", "mixed", "other_cameras", "elsewhere", "dark", "drawn", "rendered")
        },
    )
    train_module.train_embedder(config, resume=False)
    curve = [c for c in _curve(tmp_path) if "loss" in c]
    assert curve[-1]["loss"] < curve[0]["loss"]


def test_evened_targets_are_turned_back_when_the_phase_ends(tmp_path, people, quick):
    phase = {"name": "clean", "epochs": 4, "learning_rate": 0.005, "teacher": 4.0, "relations": 10.0}
    common = {
        "teacher": str(halves_teacher(tmp_path / "t.onnx")),
        "net": {"stem": 8, "widths": [8, 16], "depths": [1, 1], "parts": 0, "dim": 6},
        "steadiness": 1.0,
    }
    learned = _config(tmp_path, people, **common, phases=[phase, {**phase, "name": "evened", "evened": 0.25}])
    train_module.train_embedder(learned, resume=False)
    curve = [c["loss"] for c in _curve(tmp_path) if c["phase"] == "evened"]
    assert curve[-1] < curve[0]
    start = str(tmp_path / "out" / "tiny-evened.pt")
    still = {**phase, "epochs": 1, "learning_rate": 1e-7}
    nets = []
    for evened in (0.0, 0.25):
        few = _config(tmp_path, people, **common, name="few", start=start, phases=[{**still, "evened": evened}])
        train_module.train_embedder(few, resume=False)
        nets.append(train_module.BodyNet(train_module.read_config(few).net))
        nets[-1].load_state_dict(torch.load(tmp_path / "out" / "few-clean.pt", weights_only=True))
    crops = torch.rand(20, 3, 32, 16) * 255
    with torch.no_grad():
        plain, evened = (net.eval()(crops).embedding for net in nets)
    assert torch.nn.functional.cosine_similarity(plain, evened).min() > 0.99
    train_module.train_embedder(learned, resume=True)  # where all has been done, nothing is turned again
    again = torch.load(tmp_path / "out" / "tiny-evened.pt", weights_only=True)
    assert torch.equal(again["project.weight"], torch.load(start, weights_only=True)["project.weight"])


def test_a_deeper_network_mixes_with_the_weights_it_began_with(tmp_path):
    small = train_module.BodyNet(NetShape(stem=8, widths=(8, 16), depths=(1, 1), parts=0, dim=4))
    deep = train_module.BodyNet(NetShape(stem=8, widths=(8, 16), depths=(1, 2), parts=0, dim=4))
    torch.save(small.state_dict(), tmp_path / "w.pt")
    wanted = torch.lerp(small.project.weight, deep.project.weight, 0.25).detach().clone()
    kept = deep.stages[1][1].conv1.weight.detach().clone()
    train_module.blend(deep, tmp_path / "w.pt", 0.25)
    torch.testing.assert_close(deep.project.weight.detach(), wanted)
    torch.testing.assert_close(deep.stages[1][1].conv1.weight.detach(), kept)  # what is new stays as it is


def test_validation_people_are_neither_learned_nor_shown_to_the_teacher(tmp_path, people):
    config = config_module.read_config(
        _config(
            tmp_path,
            people,
            teacher=str(halves_teacher(tmp_path / "t.onnx")),
            phases=[{"name": "d", "epochs": 1, "teacher": 1.0}],
        )
    )
    material = material_module.gather(config)
    assert not set(material.labelled.identities) & set(material.held_out.identities)
    assert sorted(set(material.held_out.identities)) == [9, 10, 11, 12]
    assert len(material.labelled_teacher) == len(material.labelled)


def test_a_missing_second_teacher_is_told_before_the_first_has_described_anything(tmp_path, people, monkeypatch):
    monkeypatch.setattr(material_module, "teacher_vectors", lambda *_: pytest.fail("the first was asked"))
    config = config_module.read_config(
        _config(
            tmp_path,
            people,
            teacher=str(halves_teacher(tmp_path / "t.onnx")),
            more_teachers=[str(tmp_path / "none.onnx")],
            phases=[{"name": "d", "epochs": 1, "teacher": 1.0}],
        )
    )
    with pytest.raises(ModelError, match=r"none\.onnx does not exist"):
        material_module.gather(config)


def test_teachers_after_the_first_look_at_moved_boxes_each_at_its_own(tmp_path, people, monkeypatch):
    asked = []

    def told(model, crops, cache, threads, mirrored, moved=None):
        asked.append((model.name, mirrored, moved))
        return np.eye(6, dtype=np.float32)[np.arange(len(crops)) % 6]

    monkeypatch.setattr(material_module, "teacher_vectors", told)
    teacher = str(halves_teacher(tmp_path / "t.onnx"))
    config = config_module.read_config(
        _config(
            tmp_path,
            people,
            teacher=teacher,
            more_teachers=[str(halves_teacher(tmp_path / "u.onnx")), teacher],
            phases=[{"name": "d", "epochs": 1, "teacher": 1.0}],
            seed=5,
        )
    )
    material_module.gather(config)
    assert asked == [("t.onnx", True, None), ("u.onnx", False, 7), ("t.onnx", False, 8)]


def test_every_parameter_but_those_of_the_quality_head_is_stepped_once(tmp_path, people):
    config = config_module.read_config(_config(tmp_path, people, optimizer="muon"))
    learner = train_module.Learner(train_module.BodyNet(config.net), 8)
    adamw, muon = train_module.optimizers_of(learner, config, 0.01)
    stepped = [id(p) for o in (adamw, muon) for g in o.param_groups for p in g["params"]]
    wanted = [id(p) for name, p in learner.named_parameters() if "quality_head" not in name]
    assert sorted(stepped) == sorted(wanted)
    assert all(p.ndim > 1 for g in muon.param_groups for p in g["params"])
    assert all(g["weight_decay"] == 0 for g in adamw.param_groups)


def test_resuming_nothing_another_network_or_another_optimizer_is_told(tmp_path, people, quick):
    config = _config(tmp_path, people)
    with pytest.raises(InputError, match="no checkpoint"):
        train_module.train_embedder(config, resume=True)
    train_module.train_embedder(config, resume=False)
    other = _config(tmp_path, people, net={"stem": 8, "widths": [8, 16], "depths": [1, 1], "parts": 0, "dim": 8})
    with pytest.raises(InputError, match="another network"):
        train_module.train_embedder(other, resume=True)
    with pytest.raises(InputError, match="not of muon"):
        train_module.train_embedder(_config(tmp_path, people, optimizer="muon"), resume=True)


def test_weights_to_start_from_carry_over_and_other_sets_are_tested(tmp_path, people, quick):
    train_module.train_embedder(_config(tmp_path, people), resume=False)
    few = [{"name": "few", "epochs": 1, "learning_rate": 1e-6}]
    start = str(tmp_path / "out" / "tiny-clean.pt")
    tests = [{"layout": "market1501", "path": str(people)}]
    train_module.train_embedder(_config(tmp_path, people, name="few", start=start, phases=few, tests=tests), False)
    first, then = (torch.load(tmp_path / "out" / f"{n}.pt", weights_only=True) for n in ("tiny-clean", "few-few"))
    torch.testing.assert_close(first["project.weight"], then["project.weight"], atol=1e-3, rtol=1e-3)
    lines = [json.loads(line) for line in (tmp_path / "out" / "few.jsonl").read_text().splitlines()]
    assert lines[-1]["test"] == str(people)
    assert lines[-1]["queries"] == 24
    assert 0 < lines[-1]["mean_ap"] <= 1


def test_a_run_starts_from_the_file_that_ships(tmp_path, people):
    train_module.train_embedder(_config(tmp_path, people), resume=False)
    few = [{"name": "few", "epochs": 1, "learning_rate": 1e-6}]
    start = str(tmp_path / "out" / "tiny.onnx")
    config = config_module.read_config(_config(tmp_path, people, name="few", start=start, phases=few))
    material = material_module.gather(config)
    learner = train_module.begin(config, material).learner.eval()
    kept = torch.load(tmp_path / "out" / "tiny-final.pt", weights_only=True)
    pictures = train_module.as_planes(material.labelled.pixels)
    known = BodyNet(TINY).eval()
    known.load_state_dict(kept)
    with torch.no_grad():
        out, logits = learner(pictures)
        torch.testing.assert_close(out.embedding, known(pictures).embedding, atol=2e-2, rtol=2e-2)
    right = (logits.argmax(1).numpy() == material.labels).mean()
    assert right > 0.5  # eight people: the classifier knows them before the first step


def test_a_phase_can_end_between_its_weights_and_those_before(tmp_path):
    before, after = BodyNet(TINY), BodyNet(TINY)
    torch.save(before.state_dict(), tmp_path / "before.pt")
    wanted = 0.75 * before.project.weight.detach() + 0.25 * after.project.weight.detach()
    train_module.blend(after, tmp_path / "before.pt", 0.25)
    torch.testing.assert_close(after.project.weight.detach(), wanted)

    beyond = 1.2 * after.project.weight.detach() - 0.2 * before.project.weight.detach()
    train_module.blend(after, tmp_path / "before.pt", 1.2)
    torch.testing.assert_close(after.project.weight.detach(), beyond)


def test_missing_weights_to_start_from_are_told_before_the_work(tmp_path, people, monkeypatch):
    monkeypatch.setattr(train_module, "gather", lambda config: pytest.fail("the teacher was asked first"))
    with pytest.raises(InputError, match="train them first"):
        train_module.train_embedder(_config(tmp_path, people, start=str(tmp_path / "none.pt")), resume=False)


@pytest.mark.parametrize("kind", ["missing", "text", "other"])
def test_unfit_weights_to_start_from_are_told(tmp_path, people, quick, kind):
    path = tmp_path / "w.pt"
    if kind == "text":
        path.write_text("no weights")
    elif kind == "other":
        torch.save(BodyNet(NetShape(stem=8, widths=(8,), depths=(1,), parts=0, dim=4)).state_dict(), path)
    with pytest.raises(InputError, match=r"w\.pt"):
        train_module.train_embedder(_config(tmp_path, people, start=str(path)), resume=False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told(tmp_path, people):
    with pytest.raises(ConfigError, match="no GPU"):
        train_module.train_embedder(_config(tmp_path, people, device="cuda"), resume=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "colour"),
        ({"threads": 0}, "threads"),
        ({"phases": [{"name": "d", "epochs": 1, "teacher": 1.0}]}, "names no model"),
        ({"phases": [{"name": "d", "epochs": 1, "unlabelled": 4}]}, "names no set"),
        ({"elsewhere": 4}, "names no COCO JSON"),
        ({"dark": 4}, "names no COCO JSON"),
        ({"drawn": 4}, "names no COCO JSON"),
        ({"rendered": 4}, "names no COCO JSON"),
        ({"more_teachers": ["t.onnx"]}, "names no model"),
        ({"phases": [{"name": "d", "epochs": 1, "identity": 0, "triplet": 0}]}, "has no loss"),
        ({"phases": [{"name": "d", "epochs": 1, "evened": 0.25}]}, "listens to none"),
        ({"net": {"widths": [8, 16], "depths": [1]}}, "2 widths and 1 depths"),
        ({"net": {"widths": [], "depths": []}}, "net.*widths"),
        ({"net": {"stem": 0}}, r"net.*stem.*greater than or equal to 1"),
        ({"net": {"dim": 0}}, r"net.*dim"),
        ({"net": {"depths": [1, -1, 1]}}, r"net.*depths"),
        ({"net": {"blocks": "csp", "depths": [0, 1, 1]}}, "csp with a stem of 16"),
        ({"augment": {"flip_p": 2}}, r"augment.*flip_p"),
        ({"augment": {"box_scale": 1.5}}, r"augment.*box_scale"),
        ({"quality": {"batch": 0}}, r"quality.*batch"),
        ({"size_hw": [0, 64]}, "size_hw"),
    ],
)
def test_a_wrong_file_is_told(tmp_path, people, changes, message):
    with pytest.raises(ConfigError, match=message):
        config_module.read_config(_config(tmp_path, people, **changes))


def test_a_missing_or_broken_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        config_module.read_config(tmp_path / "no.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match="not YAML"):
        config_module.read_config(tmp_path / "bad.yaml")


def test_paths_follow_the_shared_folder(monkeypatch):
    monkeypatch.setenv("PERDURE_SHARED", "/data/shared")
    assert str(config_module.expand("${PERDURE_SHARED}/x")) == "/data/shared/x"
    monkeypatch.delenv("PERDURE_SHARED")
    assert str(config_module.expand("${PERDURE_SHARED}/x")) == "../shared/x"


def _trained_looking_net():
    """A net whose normalisation layers hold something, as after training."""
    torch.manual_seed(0)
    net = BodyNet(TINY)
    for module in net.modules():
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm1d)):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2.0)
    return net.eval()


def test_the_exported_file_gives_what_torch_gives_for_any_batch(tmp_path):
    net = _trained_looking_net()
    with torch.no_grad():
        net.stem[0].weight[0] = 1e-20
    pictures = torch.rand(5, 3, 32, 16, generator=torch.Generator().manual_seed(0)) * 255
    done = export_onnx(net, (32, 16), tmp_path / "net.onnx", pictures)
    assert done.difference < 1e-4
    assert done.rounding_cosine > 0.999
    assert done.bytes == (tmp_path / "net.onnx").stat().st_size


def test_the_exported_file_holds_no_denormals_and_no_machine_paths(tmp_path):
    import onnx

    net = _trained_looking_net()
    with torch.no_grad():
        net.quality_head[2].weight[:] = 1e-30
    export_onnx(net, (32, 16), tmp_path / "net.onnx", torch.rand(2, 3, 32, 16) * 255)
    model = onnx.load(tmp_path / "net.onnx")
    for tensor in model.graph.initializer:
        numbers = np.abs(onnx.numpy_helper.to_array(tensor).astype(np.float64))
        assert not ((numbers > 0) & (numbers < 1e-15)).any()
    assert b"site-packages" not in (tmp_path / "net.onnx").read_bytes()


def test_an_export_that_differs_from_torch_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("perdure.train.embedder.export.compare", lambda *_: 0.5)
    with pytest.raises(ModelError, match="differs"):
        export_onnx(_trained_looking_net(), (32, 16), tmp_path / "net.onnx", torch.rand(2, 3, 32, 16))


@pytest.mark.parametrize("size_hw", [(32, 16), (40, 20), (33, 17)])
def test_folding_changes_nothing(size_hw):
    net = _trained_looking_net()
    pictures = torch.rand(3, 3, *size_hw) * 255
    with torch.inference_mode():
        torch.testing.assert_close(
            folded(net, size_hw)(pictures).embedding, net(pictures).embedding, atol=1e-3, rtol=1e-3
        )
