from __future__ import annotations

import pytest

from perdure.config import parse
from perdure.nodes import doctor
from perdure.nodes.doctor import examine


def findings(folder, **content):
    return {finding.name: finding for finding in examine(parse(content), folder)}


def test_a_sound_installation_is_fit_and_the_models_really_run(tmp_path):
    found = findings(tmp_path, device="cpu")
    assert not [f for f in found.values() if f.state == "bad"]
    assert "runs on CPU" in found["detector"].text
    assert "runs on CPU" in found["embedder"].text
    assert "h264" in found["video"].text


@pytest.mark.parametrize(
    ("module", "pair"),
    [("opencv", ("opencv-python", "opencv-python-headless")), ("onnxruntime", ("onnxruntime", "onnxruntime-gpu"))],
)
def test_packages_that_overwrite_each_other_are_told(tmp_path, monkeypatch, module, pair):
    monkeypatch.setattr(doctor, "_installed", lambda name: "1.0" if name in pair else None)
    found = findings(tmp_path, device="cpu")[module]
    assert found.state == "bad"
    assert all(name in found.text for name in pair)


def test_stand_ins_a_missing_model_and_a_full_disk_are_told(tmp_path, monkeypatch):
    weak = findings(tmp_path, detection={"model": "baseline"}, embedding={"model": "baseline"})
    assert (weak["detector"].state, weak["embedder"].state) == ("weak", "weak")
    missing = findings(tmp_path, detection={"model": "no-such-model"})["models"]
    assert missing.state == "bad"
    assert "no-such-model" in missing.text
    monkeypatch.setattr(doctor, "_LITTLE_DISK_BYTES", 1 << 62)
    assert findings(tmp_path / "deep" / "er", device="cpu")["disk"].state == "weak"


def test_a_gpu_build_that_falls_back_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_installed", lambda name: "1.0" if name == "onnxruntime-gpu" else None)
    found = findings(tmp_path)["detector"]
    assert found.state == "weak"
    assert "CUDA did not start" in found.text
