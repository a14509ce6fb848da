"""Real detector files without their cards are taken for what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.config import DetectionConfig
from perdure.detect.onnx import OnnxDetector
from perdure.detect.open import open_detector
from perdure.detect.recognise import recognise
from perdure.errors import ModelError
from perdure.models.card import DetectorOutput
from perdure.models.session import open_session
from perdure.train.detector.data import read_image

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", ["yolox_nano", "person-detection-retail-0013"])
def test_a_file_without_its_card_finds_the_same_people(shared: Path, name: str) -> None:
    path = shared / "models" / f"{name}.onnx"
    card = recognise(path)
    assert isinstance(card.output, DetectorOutput)
    settings = DetectionConfig(min_score=0.3)
    told = OnnxDetector(open_session(card, path, card.output.tensors, "cpu", 1), settings)
    known = open_detector(str(path), settings, "cpu", 1)
    image = read_image(sorted((shared / "data" / "person-detection" / "test").glob("pets_*.jpg"))[9])
    expected, found = known.detect([image])[0], told.detect([image])[0]
    assert len(expected) > 2
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.5)
    np.testing.assert_allclose(found.scores, expected.scores, atol=0.01)


def test_an_embedder_is_no_detector_of_any_form(shared: Path) -> None:
    with pytest.raises(ModelError, match="no known form"):
        recognise(shared / "models" / "osnet_x0_25_msmt17.onnx")
