"""A detector by name."""

from __future__ import annotations

from perdure.config import DetectionConfig
from perdure.detect.detector import Detector
from perdure.errors import ModelError
from perdure.models.card import DetectorOutput
from perdure.models.catalogue import BASELINE, choose, find
from perdure.models.session import Device, open_session


def open_detector(
    name_or_path: str, settings: DetectionConfig, device: Device = "auto", threads: int | None = None
) -> Detector:
    """The detector of a name in the catalogue, an ONNX file with a card, ``auto`` or ``baseline``.

    Raises:
        ModelError: unknown, missing, not a detector, or not of the form its card says.
    """
    name = choose(name_or_path, "detector")
    if name == BASELINE:
        from perdure.detect.baseline import HogDetector

        return HogDetector(settings)
    from perdure.detect.onnx import OnnxDetector

    card, path = find(name, "detector")
    if not isinstance(card.output, DetectorOutput):
        raise ModelError(f"model {card.name} is no detector: its card has no detector output")
    return OnnxDetector(open_session(card, path, card.output.tensors, device, threads), settings)
