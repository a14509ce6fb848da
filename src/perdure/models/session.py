"""One network opened with onnxruntime: where it runs, and a check that it is what its card says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from perdure.errors import ModelError
from perdure.models.card import Card, ModelInput
from perdure.models.free_size import free_size
from perdure.types import Float32s

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
MOST_THREADS = 4
"""Small networks stop gaining from threads here, and the other stages want cores too."""


@dataclass(frozen=True, slots=True)
class Session:
    """A network ready to run."""

    card: Card
    net: ort.InferenceSession
    provider: str
    """The onnxruntime provider that really runs, e.g. ``CPUExecutionProvider``."""
    any_batch: bool
    """Whether it takes several pictures at once."""

    def run(self, pictures: Float32s, outputs: Sequence[str]) -> list[Float32s]:
        """The output tensors for (B, 3, H, W) or (B, H, W, 3) float32 pictures, first axis B where the network has one.

        Raises:
            ModelError: the network fails on this input.
        """
        assert self.card.input is not None
        step = len(pictures) if self.any_batch else 1
        try:
            parts = [
                self.net.run(list(outputs), self._feed(self.card.input, pictures[i : i + step]))
                for i in range(0, len(pictures), max(step, 1))
            ]
        except Exception as error:  # onnxruntime raises half a dozen unrelated types
            shape = tuple(pictures.shape)
            raise ModelError(f"model {self.card.name} failed on an input of shape {shape}: {error}") from error
        if len(parts) == 1:
            return [np.asarray(tensor, np.float32) for tensor in parts[0]]
        return [np.concatenate([part[i] for part in parts]).astype(np.float32) for i in range(len(outputs))]

    def _feed(self, given: ModelInput, pictures: Float32s) -> dict[str, npt.NDArray[np.generic]]:
        """The input tensors by name."""
        feed: dict[str, npt.NDArray[np.generic]] = {given.tensor: pictures[0] if given.layout == "CHW" else pictures}
        if given.sizes is not None:
            high, wide = pictures.shape[1:3] if given.layout == "NHWC" else pictures.shape[2:4]
            feed[given.sizes] = np.full((len(pictures), 2), (wide, high), np.int64)
        return feed


def open_session(
    card: Card, path: Path, outputs: Sequence[str], device: Device = "auto", threads: int | None = None
) -> Session:
    """The network of a card, on the CPU or a CUDA GPU.

    Args:
        card: what the file is; it must have an input.
        path: the ONNX file.
        outputs: the tensors that will be read; they must exist.
        device: ``auto`` takes CUDA where onnxruntime offers it.
        threads: of one inference; None: the cores this process may use, at most 4.

    Raises:
        ModelError: not a network, CUDA is asked for and absent, or inputs or outputs differ from the card.
    """
    assert card.input is not None
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or min(MOST_THREADS, len(os.sched_getaffinity(0)))
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait take the cores from the other network, the decoders and the tracker.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = _providers(device)
    try:
        fixed = card.input.height is not None
        content = str(path) if fixed else free_size(path.read_bytes(), card.input.tensor, card.input.layout)
        net = ort.InferenceSession(content, options, providers=providers)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except Exception as error:  # onnxruntime raises half a dozen unrelated types
        raise ModelError(f"{path} is not a network that onnxruntime can run: {error}") from error
    if device == "cuda" and net.get_providers()[0] != "CUDAExecutionProvider":
        raise ModelError("device 'cuda' is asked for, but CUDA did not start: see onnxruntime's message above")
    any_batch = _check_input(card, card.input, net)
    known = {port.name for port in net.get_outputs()}
    missing = [name for name in outputs if name not in known]
    if missing:
        raise ModelError(
            f"model {card.name} ({path}): its card expects the output tensor {missing[0]!r}, "
            f"the file gives {', '.join(sorted(known))}"
        )
    return Session(card, net, net.get_providers()[0], any_batch)


def _providers(device: Device) -> list[str]:
    available = ort.get_available_providers()
    if device == "cuda" and "CUDAExecutionProvider" not in available:
        raise ModelError(
            "device 'cuda' is asked for, but this onnxruntime has no CUDA: install onnxruntime-gpu instead of "
            "onnxruntime (never both), or take --device cpu"
        )
    wanted = ["CUDAExecutionProvider"] if device != "cpu" and "CUDAExecutionProvider" in available else []
    return [*wanted, "CPUExecutionProvider"]


def _check_input(card: Card, given: ModelInput, net: ort.InferenceSession) -> bool:
    """Whether the batch is free; raises ModelError where the input is not the card's."""
    ports = {port.name: list(port.shape) for port in net.get_inputs()}
    expected = [given.tensor, *([given.sizes] if given.sizes else [])]
    if sorted(ports) != sorted(expected):
        found, told = ", ".join(ports) or "none", " and ".join(map(repr, expected))
        count = "one input" if len(expected) == 1 else "the inputs"
        raise ModelError(f"model {card.name}: its card expects {count} {told}, the file takes {found}")
    shape, batched = ports[given.tensor], given.layout != "CHW"
    wanted = [given.height, given.width, 3] if given.layout == "NHWC" else [3, given.height, given.width]
    fits = len(shape) == 3 + batched and all(
        have == want or want is None or not isinstance(have, int)
        for have, want in zip(shape[batched:], wanted, strict=True)
    )
    if not fits:
        sides = [*(["N"] if batched else []), *("any" if side is None else side for side in wanted)]
        raise ModelError(f"model {card.name}: its card expects an input {sides}, the file takes {shape}")
    return batched and not isinstance(shape[0], int)
