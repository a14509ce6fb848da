"""Any embedder with a card, on onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perdure.embed.crop import stack, usable
from perdure.embed.quality import Scale, quality
from perdure.embed.vectors import unit
from perdure.errors import ModelError
from perdure.models.card import EmbedderOutput
from perdure.models.preprocess import normalise
from perdure.models.session import Session
from perdure.types import Float32s, Image

MOST_AT_ONCE = 16
"""Crops per inference: beyond it only the memory grows."""


class OnnxEmbedder:
    """An ``Embedder`` that follows its card."""

    def __init__(self, session: Session, *, scaled: bool = True) -> None:
        """Tries the network once on blank crops, so a wrong one is told now and not in the middle of a run.

        Args:
            session: the opened network.
            scaled: whether qualities are brought to the card's scale, where it has one.

        Raises:
            ModelError: the network does not give what its card says.
        """
        given, form = session.card.input, session.card.output
        if given is None or given.height is None or given.width is None or not isinstance(form, EmbedderOutput):
            raise ModelError(f"model {session.card.name} is no embedder: its card needs a fixed input and a vector")
        self._session, self._input, self._form = session, given, form
        self._height, self._width = given.height, given.width
        self._tensors = [form.vector] if form.quality is None else [form.vector, form.quality]
        told = session.card.quality if scaled else None
        self._scale = None if told is None else Scale(told.told, told.first)
        self._run([np.zeros((given.height, given.width, 3), np.uint8)] * 2)

    @property
    def name(self) -> str:
        """The name its vectors are kept under (``Card.vectors``)."""
        return self._session.card.vectors

    @property
    def dim(self) -> int:
        """D, the length of a vector."""
        return self._form.dim

    @property
    def border(self) -> float:
        """What the card says is cut out around a box."""
        return self._input.border

    @property
    def provider(self) -> str:
        """The onnxruntime provider that really runs."""
        return self._session.provider

    def embed(self, crops: Sequence[Image]) -> tuple[Float32s, Float32s]:
        """(K, D) float32 unit vectors and (K,) float32 quality in [0, 1]; see ``Embedder``.

        An empty or tiny crop gets quality 0 and a vector that means nothing, but is finite and of unit norm.
        """
        vectors = np.zeros((len(crops), self.dim), np.float32)
        qualities = np.zeros(len(crops), np.float32)
        rows = np.array([i for i, crop in enumerate(crops) if usable(crop)], np.int64)
        for start in range(0, len(rows), MOST_AT_ONCE):
            part = rows[start : start + MOST_AT_ONCE]
            vectors[part], qualities[part] = self._run([crops[i] for i in part])
        vectors, good = unit(vectors)
        return vectors, np.where(good, np.clip(np.nan_to_num(qualities), 0.0, 1.0), 0.0).astype(np.float32)

    def _run(self, crops: list[Image]) -> tuple[Float32s, Float32s]:
        """(K, D) vectors as the network gives them, and (K,) quality, on the card's scale."""
        vectors, told = self._ask(crops)
        if told is None:
            told = np.array([quality(crop) for crop in crops], np.float32)
        return vectors, told if self._scale is None else self._scale(told)

    def _ask(self, crops: list[Image]) -> tuple[Float32s, Float32s | None]:
        """(K, D) vectors and (K,) quality, both as the network gives them; None where it tells no quality."""
        answers = self._session.run(normalise(stack(crops, self._height, self._width), self._input), self._tensors)
        vectors = answers[0].reshape(answers[0].shape[0], -1) if answers[0].ndim > 1 else answers[0]
        if vectors.shape != (len(crops), self.dim):
            raise ModelError(
                f"model {self.name}: expected {self._form.vector!r} of {len(crops)}x{self.dim} for {len(crops)} crops, "
                f"found {'x'.join(map(str, answers[0].shape))}; is the card's dim right?"
            )
        if self._form.quality is None:
            return vectors, None
        if answers[1].size != len(crops):
            raise ModelError(
                f"model {self.name}: expected {self._form.quality!r} with one value per crop, "
                f"found {'x'.join(map(str, answers[1].shape))}"
            )
        return vectors, answers[1].reshape(-1)
