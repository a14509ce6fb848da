"""Which form a detector without a card has: told by the shapes it takes and gives, and by what it says of a blank.

Colour and normalisation cannot be seen in a file, so each form gets those of the project it comes from; the card that
results says so, and a card beside the file overrules all of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from perdure.errors import ModelError
from perdure.models.card import Card, DetectorOutput, ModelInput
from perdure.models.catalogue import sha256_of
from perdure.types import Float32s

ANY_SIDE_PX = 320
"""What a free side is tried with."""
STRIDES, STRIDES_TO_64 = (8, 16, 32), (8, 16, 32, 64)
ANCHORS_PER_CELL = 3
BINS = 8
MOST_QUERIES = 1000
"""Lists of found objects are shorter, grids of cells are longer."""
PERSON_OF = {80: 0, 81: 1, 91: 1, 90: 0, 20: 14, 21: 15, 1: 0, 2: 1}
"""Person by number of classes: COCO, VOC (each without and with a background), person only."""


@dataclass(frozen=True, slots=True)
class Custom:
    """What a project feeds its networks, which no file says."""

    colour: Literal["rgb", "bgr"]
    scale: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    fit: Literal["letterbox", "stretch"] = "letterbox"
    freed: bool = False
    """Whether a fixed size may be freed: nothing in the file depends on it."""


YOLOX = Custom("bgr", freed=True)
YOLO = Custom("rgb", 1 / 255)
PLAIN_NANODET = Custom("bgr", 1.0, (103.53, 116.28, 123.675), (57.375, 57.12, 58.395))
TRANSFORMER = Custom("rgb", 1 / 255, fit="stretch")
IMAGENET = Custom("rgb", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), fit="stretch")
TORCHVISION = Custom("rgb", 1 / 255)
CAFFE = Custom("bgr", fit="stretch")
TENSORFLOW = Custom("rgb", fit="stretch")
Form = tuple[Custom, DetectorOutput]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One output of the network for a grey picture."""

    name: str
    values: Float32s

    def __str__(self) -> str:
        return f"{self.name} {'x'.join(map(str, self.values.shape)) or 'scalar'}"


@dataclass(frozen=True, slots=True)
class Port:
    """The input that takes the picture."""

    name: str
    layout: Literal["NCHW", "NHWC", "CHW"]
    height: int | None
    width: int | None
    sizes: str | None

    @property
    def tried(self) -> tuple[int, int]:
        """Height and width of the grey picture."""
        return self.height or ANY_SIDE_PX, self.width or ANY_SIDE_PX

    def cells(self, strides: tuple[int, ...]) -> int:
        """Cells of all levels together."""
        height, width = self.tried
        return sum(-(-height // stride) * -(-width // stride) for stride in strides)


def recognise(path: Path) -> Card:
    """A card for a detector that has none.

    Raises:
        ModelError: no network, or of no form that is known; lists what the file takes and gives.
    """
    try:
        options = ort.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 3, 1
        net = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises half a dozen unrelated types
        raise ModelError(f"{path} is not a network that onnxruntime can run: {error}") from error
    port = picture_port(path, net)
    outputs = _try(path, net, port)
    form = _of_one(outputs[0], port) if len(outputs) == 1 else _of_lists(outputs, port) or _of_two(outputs)
    if form is None:
        told = ", ".join(map(str, outputs))
        asked = f"{port.tried[1]}x{port.tried[0]} px"
        raise ModelError(
            f"{path}: a detector of no known form: for a picture of {asked} it gives {told}. "
            f"docs/detect.md lists the forms; a card beside it ({path.stem}.card.json, docs/models.md) says which it is"
        )
    return _card(path, port, *form)


def picture_port(path: Path, net: ort.InferenceSession) -> Port:
    """The one input that takes pictures.

    Raises:
        ModelError: there is none, or there are inputs that nobody knows how to fill.
    """
    ports = {p.name: (p.type, [side if isinstance(side, int) else None for side in p.shape]) for p in net.get_inputs()}
    sizes = [name for name, (kind, sides) in ports.items() if kind == "tensor(int64)" and sides[1:] == [2]]
    pictures = [(name, sides) for name, (kind, sides) in ports.items() if kind == "tensor(float)"]
    if len(pictures) == 1 and len(sizes) <= 1 and len(ports) == 1 + len(sizes):
        name, sides = pictures[0]
        extra = sizes[0] if sizes else None
        if len(sides) == 4 and sides[1] == 3:
            return Port(name, "NCHW", sides[2], sides[3], extra)
        if len(sides) == 4 and sides[3] == 3:
            return Port(name, "NHWC", sides[1], sides[2], extra)
        if len(sides) == 3 and sides[0] == 3:
            return Port(name, "CHW", sides[1], sides[2], extra)
    told = "; ".join(f"{name} {kind} {'x'.join(str(s or 'any') for s in of)}" for name, (kind, of) in ports.items())
    raise ModelError(f"{path}: no detector: expected one float input of 3 channels, the file takes {told}")


def _try(path: Path, net: ort.InferenceSession, port: Port) -> list[Tensor]:
    height, width = port.tried
    shape = {"NCHW": (1, 3, height, width), "NHWC": (1, height, width, 3), "CHW": (3, height, width)}[port.layout]
    feed: dict[str, npt.NDArray[np.generic]] = {port.name: np.full(shape, 0.5, np.float32)}
    if port.sizes:
        feed[port.sizes] = np.array([[width, height]], np.int64)
    try:
        values = net.run(None, feed)
    except Exception as error:  # onnxruntime raises half a dozen unrelated types
        raise ModelError(f"{path} failed on a picture of {width}x{height} px: {error}") from error
    names = [output.name for output in net.get_outputs()]
    return [Tensor(name, np.asarray(value, np.float32)) for name, value in zip(names, values, strict=True)]


def _of_one(out: Tensor, port: Port) -> Form | None:
    """The form of a network with one output."""
    shape = out.values.shape
    if len(shape) == 4 and shape[:2] == (1, 1) and shape[3] == 7:
        return CAFFE, DetectorOutput(decoder="ssd-rows", tensors=(out.name,), person_class=1)
    if len(shape) != 3 or shape[0] != 1:
        return None
    rows, columns = shape[1:]
    for strides in (STRIDES, STRIDES_TO_64):
        cells = port.cells(strides)
        if rows == ANCHORS_PER_CELL * cells and columns > 5:
            return YOLO, _scored("yolov5", out, columns - 5)
        if columns == cells and rows > 4:
            return YOLO, _scored("yolov8", out, rows - 4)
        if rows == cells and columns > 5:
            return _of_cells(out, strides)
    if rows <= MOST_QUERIES and columns == 6:
        return YOLO, DetectorOutput(decoder="end-to-end", tensors=(out.name,))
    if rows <= MOST_QUERIES and columns > 4:
        return TRANSFORMER, _scored("detr", out, columns - 4)
    return None


def _of_cells(out: Tensor, strides: tuple[int, ...]) -> Form | None:
    """One row per cell: probabilities stand first (NanoDet) or after the box (YOLOX)."""
    values, columns = out.values[0], out.values.shape[2]
    classes = columns - 4 * BINS
    if classes > 0 and _are_shares(values[:, :classes]) and not _are_shares(values[:, classes:]):
        form = _scored("nanodet", out, classes)
        return PLAIN_NANODET, form.model_copy(update={"strides": strides, "bins": BINS})
    if not _are_shares(values[:, 4:]):
        return None
    decoded = float(np.abs(values[:, :2]).max()) > max(strides)  # px of the picture, not cells beside the own one
    form = _scored("yolov5" if decoded else "yolox", out, columns - 5)
    return (Custom("bgr") if decoded else YOLOX), form.model_copy(update={"strides": strides})


def _of_two(outputs: Sequence[Tensor]) -> Form | None:
    """Boxes and scores of a fixed number of candidates."""
    boxes = next((one for one in outputs if one.values.ndim == 3 and one.values.shape[2] == 4), None)
    scores = next((one for one in outputs if one is not boxes and boxes is not None and _beside(one, boxes)), None)
    if len(outputs) != 2 or boxes is None or scores is None:
        return None
    tensors, classes = (boxes.name, scores.name), scores.values.shape[2] if scores.values.ndim == 3 else 1
    person = PERSON_OF.get(classes, 0)
    if scores.values.ndim == 3 and scores.values.shape[1] <= MOST_QUERIES:
        logits = not _are_shares(scores.values)
        form = DetectorOutput(decoder="detr", tensors=tensors, classes=classes, person_class=person, logits=logits)
        return (IMAGENET if logits else TRANSFORMER), form
    form = DetectorOutput(decoder="ssd-boxes", tensors=tensors, classes=classes, person_class=person, nms_iou=0.45)
    return CAFFE, form


def _of_lists(outputs: Sequence[Tensor], port: Port) -> Form | None:
    """Boxes, labels and scores of what was found, told apart by their names."""
    by_role: dict[str, Tensor] = {}
    for one in outputs:
        name = one.name.lower()
        if one.values.ndim >= 2 and one.values.shape[-1] == 4:
            by_role["boxes"] = one
        elif "label" in name or "class" in name:
            by_role["labels"] = one
        elif "score" in name:
            by_role["scores"] = one
    if set(by_role) != {"boxes", "labels", "scores"}:
        return None
    boxes, labels, scores = (by_role[role] for role in ("boxes", "labels", "scores"))
    if labels.values.shape != scores.values.shape or boxes.values.shape[:-1] != scores.values.shape:
        return None
    tensorflow = "detection" in boxes.name.lower()
    unit = "share" if tensorflow or (boxes.values.size and float(np.abs(boxes.values).max()) <= 2.0) else "px"
    output = DetectorOutput.model_validate(
        {
            "decoder": "labelled",
            "tensors": (boxes.name, labels.name, scores.name),
            "person_class": 0 if port.sizes else 1,  # transformers count COCO from 0, the others keep 0 for background
            "unit": unit,
            "order": "yxyx" if tensorflow else "xyxy",
        }
    )
    if port.sizes:
        return TRANSFORMER, output
    return (TENSORFLOW if tensorflow else IMAGENET if unit == "share" else TORCHVISION), output


def _scored(decoder: str, out: Tensor, classes: int) -> DetectorOutput:
    return DetectorOutput.model_validate(
        {
            "decoder": decoder,
            "tensors": (out.name,),
            "classes": classes,
            "person_class": PERSON_OF.get(classes, 0),
        }
    )


def _beside(one: Tensor, boxes: Tensor) -> bool:
    """Whether a tensor has one row for each box."""
    return one.values.ndim in (2, 3) and one.values.shape[:2] == boxes.values.shape[:2]


def _are_shares(values: Float32s) -> bool:
    return bool(((values >= -1e-3) & (values <= 1 + 1e-3)).all())


def _card(path: Path, port: Port, custom: Custom, output: DetectorOutput) -> Card:
    free = custom.freed or port.height is None or port.width is None
    given = ModelInput(
        tensor=port.name,
        layout=port.layout,
        sizes=port.sizes,
        height=None if free else port.height,
        width=None if free else port.width,
        colour=custom.colour,
        scale=custom.scale,
        mean=custom.mean,
        std=custom.std,
        fit="rectangle" if free else custom.fit,
    )
    return Card(
        name=re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:64] or "detector",
        task="detector",
        file=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        input=given,
        output=output,
        licence="not stated",
        source=f"{path.name}, taken by its shapes for the form {output.decoder!r}",
        trained_on="not stated",
        limits=("Colour and normalisation are those of the form's own project: nobody has confirmed them.",),
    )
