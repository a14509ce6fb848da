from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from perdure.cli import app
from perdure.errors import ConfigError
from tests.nodes.clips import write_clip


def call(*arguments):
    return CliRunner().invoke(app, ["doctor", *map(str, arguments)])


def test_findings_as_text_and_json(tmp_path):
    text = call("--out", tmp_path, "--device", "cpu")
    assert text.exit_code == 0, text.output
    assert "runs on CPU" in text.output
    found = json.loads(call("--out", tmp_path, "--device", "cpu", "--json").output)
    assert {"opencv", "onnxruntime", "disk", "video", "detector", "embedder"} <= {one["name"] for one in found}


def test_something_bad_is_exit_code_1(tmp_path):
    assert call("--out", tmp_path, "--detector", "no-such-model").exit_code == 1


def test_the_budget_of_two_cameras(tmp_path):
    sources = [f"{name}={write_clip(tmp_path / f'{name}.mp4', {}, frames=40)}" for name in ("door", "hall")]
    told = json.loads(call("--budget", *sources, "--json").output)
    assert [camera["name"] for camera in told["cameras"]] == ["door", "hall"]
    assert all(camera["carried"] >= 0 and camera["cores"] > 0 for camera in told["cameras"])
    text = call("--budget", *sources)
    assert "carried" in text.output
    assert "All together" in text.output


def test_sources_without_budget_are_a_mistake_that_is_told():
    result = call("hall.mp4")
    assert isinstance(result.exception, ConfigError)
    assert "--budget" in str(result.exception)


@pytest.mark.parametrize("missing", ["gone.mp4"])
def test_a_source_that_is_not_there_is_told(missing):
    assert missing in str(call("--budget", missing).exception)
