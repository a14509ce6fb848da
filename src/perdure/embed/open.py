"""An embedder by name."""

from __future__ import annotations

from perdure.embed.embedder import Embedder
from perdure.errors import ModelError
from perdure.models.card import EmbedderOutput
from perdure.models.catalogue import BASELINE, choose, find
from perdure.models.session import Device, open_session


def open_embedder(
    name_or_path: str, device: Device = "auto", threads: int | None = None, *, scaled: bool = True
) -> Embedder:
    """The embedder of a name in the catalogue, an ONNX file with a card, ``auto`` or ``baseline``.

    ``scaled``: whether its qualities are brought to the scale of its card.

    Raises:
        ModelError: unknown, missing, not an embedder, or not of the form its card says.
    """
    name = choose(name_or_path, "embedder")
    if name == BASELINE:
        from perdure.embed.baseline import ColourStripes

        return ColourStripes()
    from perdure.embed.onnx import OnnxEmbedder

    card, path = find(name, "embedder")
    if not isinstance(card.output, EmbedderOutput):
        raise ModelError(f"model {card.name} is no embedder: its card has no vector output")
    tensors = [card.output.vector] + ([card.output.quality] if card.output.quality else [])
    return OnnxEmbedder(open_session(card, path, tensors, device, threads), scaled=scaled)
