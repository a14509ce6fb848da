from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from perdure import assemble, cli
from perdure.cli.run import name_source, named_apart, settle
from perdure.errors import ConfigError
from perdure.gallery.calibrate import Calibration
from tests.nodes.clips import ColourDetector, ColourEmbedder, write_clip


def perdure(capsys, *arguments):
    """Exit code, stdout and stderr of the command line."""
    sys.argv = ["perdure", *map(str, arguments)]
    code = 0
    try:
        cli.main()
    except SystemExit as stopped:
        code = stopped.code or 0
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def colours(monkeypatch):
    """Models that see colours."""
    monkeypatch.setattr(assemble, "models", lambda config: (ColourDetector(), ColourEmbedder()))
    monkeypatch.setattr(assemble, "calibration_of", lambda name: Calibration(20.0, -8.0, 0.0, 0.3, 0.7))


def test_the_outcome_as_json(tmp_path, capsys, colours):
    clip = write_clip(tmp_path / "door.mp4", {"red": (0, 40), "green": (10, 50)})
    code, out, _ = perdure(capsys, "run", clip, "--out", tmp_path / "run", "--json")
    told = json.loads(out)
    assert (code, told["people"], told["events"], told["cameras"][0]["frames"]) == (0, 2, 2, 60)
    assert {"decode", "detect", "track", "embed", "gallery", "write"} == set(told["stages_ms_per_frame"])
    assert told["memory_mb"] > 0


def test_the_outcome_for_a_person(tmp_path, capsys, colours):
    clip = write_clip(tmp_path / "door.mp4", {"red": (0, 40)})
    code, out, err = perdure(capsys, "run", f"front={clip}", "--out", tmp_path / "run")
    assert code == 0
    assert "1 person, 1 visit" in out
    assert "P1" in out
    assert "front" in out
    assert "report.html" in out
    assert "consolidating" in err


def test_a_source_that_breaks_is_told_and_ends_with_2_after_everything_is_written(tmp_path, capsys, colours):
    clip = write_clip(tmp_path / "door.mkv", {"red": (0, 40)})
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    code, out, err = perdure(capsys, "run", clip, "--out", tmp_path / "run")
    assert code == 2
    assert "ended early" in out
    assert "door" in err
    assert (tmp_path / "run" / "people.json").exists()


def zero_bytes(folder: Path) -> list[str]:
    (folder / "zero.mp4").write_bytes(b"")
    return [str(folder / "zero.mp4")]


def no_video(folder: Path) -> list[str]:
    (folder / "text.mp4").write_text("hello")
    return [str(folder / "text.mp4")]


def empty_folder(folder: Path) -> list[str]:
    (folder / "empty").mkdir()
    return [str(folder / "empty")]


def good(folder: Path) -> str:
    return str(write_clip(folder / "good.mp4", {}, frames=3))


def twice(folder: Path) -> list[str]:
    return [f"a={good(folder)}", f"a={good(folder)}"]


def config(text: str):
    def write(folder: Path) -> list[str]:
        (folder / "perdure.yaml").write_text(text)
        return [good(folder), "--config", str(folder / "perdure.yaml")]

    return write


def wrong_onnx(folder: Path) -> list[str]:
    import onnx

    node = onnx.helper.make_node("Identity", ["images"], ["output"])
    shape = ["n", 3, 32, 32]
    graph = onnx.helper.make_graph(
        [node],
        "g",
        [onnx.helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, shape)],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, folder / "wrong.onnx")
    size = (folder / "wrong.onnx").stat().st_size
    card = {
        "name": "wrong",
        "task": "detector",
        "file": "wrong.onnx",
        "sha256": "0" * 64,
        "size_bytes": size,
        "input": {"tensor": "images", "colour": "bgr", "fit": "stretch", "height": 32, "width": 32},
        "output": {"decoder": "yolox", "tensors": ["output"], "classes": 1},
        "licence": "none",
        "source": "a test",
        "trained_on": "nothing",
    }
    (folder / "wrong.json").write_text(json.dumps(card))
    return [good(folder), "--detector", str(folder / "wrong.onnx")]


BAD = {
    "no such file": (lambda folder: [str(folder / "missing.mp4")], "no such file"),
    "zero bytes": (zero_bytes, "is empty"),
    "not a video": (no_video, "not a video"),
    "empty folder": (empty_folder, "holds no pictures"),
    "two of one name": (twice, "two sources are called 'a'"),
    "no camera": (lambda folder: [], "no camera"),
    "unknown key": (config("detection: {evry: 3}"), "unknown key 'detection.evry'; did you mean 'every'?"),
    "out of bounds": (config("tracking: {lost_after_s: -3}"), r"tracking.lost_after_s: .*> 0.0 and <= 600.0"),
    "bad name": (config("cameras: {'a/b': {source: x}}"), r"cameras.a/b"),
    "not yaml": (config("a: [b"), "is not YAML"),
    "a list": (config("[1, 2]"), "found a list"),
    "unknown model": (lambda folder: [good(folder), "--detector", "yolo99"], "unknown model 'yolo99'"),
    "wrong task": (lambda folder: [good(folder), "--embedder", "perdure-det"], "another task|not an? embedder"),
    "wrong onnx": (wrong_onnx, "wrong"),
    "bad device": (lambda folder: [good(folder), "--device", "tpu"], "device"),
    "every zeroth frame": (lambda folder: [good(folder), "--detect-every", "0"], "detection.every"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error_with_code_2_and_nothing_written(tmp_path, capsys, case):
    arguments, told = BAD[case]
    code, out, err = perdure(capsys, "run", *arguments(tmp_path), "--out", tmp_path / "out")
    assert code == 2
    assert out == ""
    assert err.startswith("perdure: ")
    assert "Traceback" not in err
    import re

    assert re.search(told, err, re.DOTALL)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    code, _, err = perdure(capsys, "run", good(tmp_path), "--out", "/proc/nothing/here")
    assert code == 2
    assert "cannot write to /proc/nothing/here" in err


def test_names_of_sources(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b.mp4").touch()
    assert name_source("door=x.mp4") == ("door", "x.mp4")
    assert name_source("a=b.mp4") == (None, "a=b.mp4")
    assert name_source("x/y=z.mp4") == (None, "x/y=z.mp4")
    given = [(None, "one/cam 1.mp4"), (None, "two/cam 1.mp4"), ("cam-1", "three.mp4"), (None, "0")]
    assert [name for name, _ in named_apart(given)] == ["cam-1-2", "cam-1-3", "cam-1", "0"]


def test_the_command_line_stands_above_the_file(tmp_path):
    file = tmp_path / "perdure.yaml"
    file.write_text("cameras: {a: {source: a.mp4, offset_s: 2}}\ndetection: {every: 5, model: x}\n")
    settled = settle(["b=b.mp4"], file, None, "y", "cpu", 2)
    assert list(settled.cameras) == ["a", "b"]
    assert settled.cameras["a"].offset_s == 2
    assert (settled.detection.every, settled.detection.model, settled.embedding.model) == (2, "x", "y")
    assert settled.device == "cpu"
    with pytest.raises(ConfigError, match="called 'a'"):
        settle(["a=b.mp4"], file, None, None, None, None)


def test_detections_belong_to_a_camera(tmp_path):
    settled = settle(["door=b.mp4"], None, None, None, None, None, ["b.txt"])
    assert settled.cameras["door"].detections == "b.txt"
    settled = settle(["b.mp4", "c.mp4"], None, None, None, None, None, ["c=c.json"])
    assert [camera.detections for camera in settled.cameras.values()] == [None, "c.json"]
    for told in ("c.txt", "d=c.txt"):
        with pytest.raises(ConfigError, match="give the camera, NAME=FILE; cameras: b, c"):
            settle(["b.mp4", "c.mp4"], None, None, None, None, None, [told])


def test_help_imports_nothing_heavy():
    import subprocess

    heavy = {"numpy", "cv2", "scipy", "torch", "sqlalchemy", "av", "pydantic", "matplotlib"}
    code = f"import sys, perdure.cli; print([m for m in sys.modules if m in {heavy}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version(capsys):
    code, out, _ = perdure(capsys, "--version")
    assert code == 0
    assert out.startswith("perdure 0.")


def test_colours_are_told_apart():
    """The fixture itself: the made-up detector and embedder do what the tests rest on."""
    image = np.full((120, 160, 3), 128, np.uint8)
    image[10:46, 20:36] = (40, 40, 220)
    (found,) = ColourDetector().detect([image])
    np.testing.assert_array_equal(found.boxes, [[20, 10, 36, 46]])
