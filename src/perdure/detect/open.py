"""A detector by name."""

from __future__ import annotations

from pathlib import Path

from perdure.config import DetectionConfig
from perdure.detect.detector import Detector
from perdure.errors import ModelError
from perdure.models.card import DetectorOutput
from perdure.models.catalogue import BASELINE, card_of, choose, find
from perdure.models.session import Device, open_session


def open_detector(
    name_or_path: str, settings: DetectionConfig, device: Device = "auto", threads: int | None = None
) -> Detector:
    """The detector of a name in the catalogue, an ONNX file, Darknet files, ``auto`` or ``baseline``.

    An ONNX file without a card is taken for what its shapes say (``recognise``).

    Raises:
        ModelError: unknown, missing, not a detector, or not of the form its card says.
    """
    name = choose(name_or_path, "detector")
    if name == BASELINE:
        from perdure.detect.baseline import HogDetector

        return HogDetector(settings)
    from perdure.detect.onnx import OnnxDetector

    given = Path(name)
    if given.suffix in (".cfg", ".weights"):
        from perdure.detect.darknet import DarknetDetector

        return DarknetDetector(given, settings)
    if given.suffix == ".onnx" and given.is_file() and card_of(given) is None:
        from perdure.detect.recognise import recognise

        card, path = recognise(given), given
    else:
        card, path = find(name, "detector")
    if not isinstance(card.output, DetectorOutput):
        raise ModelError(f"model {card.name} is no detector: its card has no detector output")
    return OnnxDetector(open_session(card, path, card.output.tensors, device, threads), settings)
