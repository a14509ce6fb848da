from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnxruntime as ort
import pytest

from perdure.config import DetectionConfig
from perdure.detect.open import open_detector
from perdure.errors import ModelError


def test_cuda_without_cuda_says_what_to_do(
    network: Callable[..., bytes], write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    path = str(write(network(6)))
    with pytest.raises(ModelError, match="onnxruntime-gpu"):
        open_detector(path, DetectionConfig(), "cuda")
    assert open_detector(path, DetectionConfig(), "auto").name == "rows"


def test_an_embedder_is_no_detector() -> None:
    with pytest.raises(ModelError, match=r"another task \(embedder, not detector\)"):
        open_detector("osnet-x0.25-msmt17", DetectionConfig())


def test_the_built_in_detector_opens() -> None:
    assert open_detector("auto", DetectionConfig(), "cpu", 1).name == "perdure-det"
