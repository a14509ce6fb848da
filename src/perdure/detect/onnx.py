"""Any detector with a card, on onnxruntime."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.decoders import decode
from perdure.detect.fit import Fit, blob, plan
from perdure.detect.nms import clean
from perdure.errors import ModelError
from perdure.models.card import DetectorOutput
from perdure.models.session import Session
from perdure.types import Detections, Image

MOST_AT_ONCE = 8
"""Pictures per inference: more only costs memory."""
ANY_NUMBER = ("ssd-rows", "end-to-end", "labelled")
"""Forms with another number of rows for every picture: these run one by one."""
TRIAL_SIZE_PX = 96


class OnnxDetector:
    """A ``Detector`` that follows its card. Pictures of equal input size share one inference."""

    def __init__(self, session: Session, settings: DetectionConfig) -> None:
        """Tries the network once on a blank picture, so a wrong head is told now and not in the middle of a run.

        Raises:
            ModelError: the network does not give what its card says.
        """
        given, form = session.card.input, session.card.output
        if given is None or not isinstance(form, DetectorOutput):
            raise ModelError(f"model {session.card.name} is no detector: its card has no detector output")
        self._session, self._input, self._form, self._settings = session, given, form, settings
        self.detect([np.zeros((TRIAL_SIZE_PX, TRIAL_SIZE_PX, 3), np.uint8)])

    @property
    def name(self) -> str:
        """The model's name in the catalogue."""
        return self._session.card.name

    @property
    def provider(self) -> str:
        """The onnxruntime provider that really runs."""
        return self._session.provider

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The people in each picture ((H, W, 3) uint8 BGR); see ``Detector``."""
        found: list[Detections] = [Detections.none() for _ in images]
        fits = [plan(image.shape[0], image.shape[1], self._input) if image.size else None for image in images]
        groups: defaultdict[tuple[int, int], list[tuple[int, Fit]]] = defaultdict(list)
        for i, fit in enumerate(fits):
            if fit is not None:
                groups[fit.height, fit.width].append((i, fit))
        at_once = 1 if self._form.decoder in ANY_NUMBER else MOST_AT_ONCE
        for group in groups.values():
            for start in range(0, len(group), at_once):
                part = group[start : start + at_once]
                answers = self._run([images[i] for i, _ in part], [fit for _, fit in part])
                for (i, _), detections in zip(part, answers, strict=True):
                    found[i] = detections
        return found

    def _run(self, images: list[Image], fits: list[Fit]) -> list[Detections]:
        outputs = self._session.run(blob(images, fits, self._input), self._form.tensors)
        try:
            boxes, scores = decode(outputs, fits[0].height, fits[0].width, self._form)
        except ModelError as error:
            raise ModelError(f"model {self.name}: {error}") from error
        wanted = self._settings
        iou = min(wanted.nms_iou, self._form.nms_iou or 1.0)
        return [
            clean(fit.to_picture(b), s, image.shape[1], image.shape[0], wanted.min_score, wanted.min_height_px, iou)
            for image, fit, b, s in zip(images, fits, boxes, scores, strict=True)
        ]
