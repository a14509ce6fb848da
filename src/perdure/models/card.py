"""A model's card: everything needed to run it, to trust it, and to pass it on, in one small JSON."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from perdure.errors import ModelError

Task: TypeAlias = Literal["detector", "embedder", "face"]
DetectorForm: TypeAlias = Literal[
    "yolox", "yolov5", "yolov8", "nanodet", "ssd-boxes", "ssd-rows", "end-to-end", "detr", "labelled"
]
TENSORS_READ = {"ssd-boxes": (2,), "detr": (1, 2), "labelled": (3,)}
"""How many output tensors a decoder reads, where it is not one."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelInput(_Part):
    """How a picture becomes the network's input: resized, ordered, then ``(scale * x - mean) / std`` per channel."""

    tensor: str = Field(description="Name of the input tensor.")
    layout: Literal["NCHW", "NHWC", "CHW"] = Field("NCHW", description="Order of the axes; CHW: one picture at a time.")
    sizes: str | None = Field(None, description="A second input that wants each picture's width and height (int64).")
    height: int | None = Field(None, ge=8, le=8192, description="Fixed height in px; none: any multiple.")
    width: int | None = Field(None, ge=8, le=8192, description="Fixed width in px; none: any multiple.")
    multiple_of: int = Field(32, ge=1, le=256, description="A free height or width is a multiple of this.")
    colour: Literal["rgb", "bgr"] = Field(description="Order of the channels.")
    scale: float = Field(1.0, gt=0.0, description="Factor on the 0..255 values, before mean and std.")
    mean: tuple[float, float, float] = Field((0.0, 0.0, 0.0), description="Subtracted, in the order of the channels.")
    std: tuple[float, float, float] = Field((1.0, 1.0, 1.0), description="Divided by, in the order of the channels.")
    pad: int = Field(114, ge=0, le=255, description="Grey value beside a picture that does not fill the input.")
    border: float = Field(
        0.0,
        ge=0.0,
        le=0.5,
        description="Embedders: what is cut around a box on every side, in shares of its sides.",
    )
    fit: Literal["letterbox", "rectangle", "stretch"] = Field(
        description="letterbox: aspect kept in a fixed size; rectangle: aspect kept, size follows the picture; stretch."
    )

    @model_validator(mode="after")
    def _size_suits_the_fit(self) -> ModelInput:
        fixed = self.height is not None and self.width is not None
        if (self.height is None) != (self.width is None):
            raise ValueError("height and width are both fixed or both free")
        if fixed == (self.fit == "rectangle"):
            raise ValueError("fit 'rectangle' needs a free height and width, the others a fixed one")
        if min(self.std) <= 0.0:
            raise ValueError("every std must be above 0")
        return self


class DetectorOutput(_Part):
    """Where a detector's boxes are."""

    decoder: DetectorForm = Field(description="The form of the output; docs/detect.md shows each.")
    tensors: tuple[str, ...] = Field(min_length=1, description="Output tensors: boxes, then labels, then scores.")
    classes: int = Field(1, ge=1, le=10000, description="How many classes the rows score.")
    person_class: int = Field(0, ge=0, description="Which class is a person.")
    strides: tuple[int, ...] = Field((8, 16, 32), description="Pixels per cell of each level (yolox, nanodet).")
    bins: int = Field(8, ge=2, le=64, description="nanodet: bins of each distance distribution (reg_max + 1).")
    centre: float = Field(0.0, ge=0.0, le=1.0, description="nanodet: a cell's anchor point within the cell.")
    unit: Literal["px", "share"] = Field("px", description="end-to-end, labelled: px of the input, or shares of it.")
    order: Literal["xyxy", "yxyx"] = Field("xyxy", description="labelled: TensorFlow gives y before x.")
    logits: bool = Field(False, description="detr: the scores still want a sigmoid.")
    nms_iou: float | None = Field(None, gt=0.0, le=1.0, description="NMS overlap the model asks for, if it does.")

    @model_validator(mode="after")
    def _agrees(self) -> DetectorOutput:
        if self.person_class >= self.classes and self.decoder not in ("ssd-rows", "end-to-end", "labelled"):
            raise ValueError(f"person_class {self.person_class} is not among {self.classes} classes")
        wanted = TENSORS_READ.get(self.decoder, (1,))
        if len(self.tensors) not in wanted:
            told = " or ".join(map(str, wanted))
            raise ValueError(f"decoder {self.decoder} reads {told} tensor(s), the card names {len(self.tensors)}")
        return self


class EmbedderOutput(_Part):
    """Where an embedder's vector is."""

    decoder: Literal["vector"] = Field(description="One vector per crop.")
    vector: str = Field(description="Output tensor (N, D); normalised by us.")
    dim: int = Field(ge=2, le=65536, description="D, the length of the vector.")
    quality: str | None = Field(None, description="Output tensor (N,) or (N, 1) in [0, 1], where the model has one.")


class FaceOutput(_Part):
    """A face detector run by OpenCV."""

    decoder: Literal["yunet"] = Field(description="cv2.FaceDetectorYN reads the tensors itself.")


Output = Annotated[DetectorOutput | EmbedderOutput | FaceOutput, Field(discriminator="decoder")]


class StrangerTail(_Part):
    """How near strangers come to the nearest of so many identities, in centred similarity."""

    identities: int = Field(ge=1, description="So many.")
    quantiles: tuple[float, ...] = Field(
        min_length=8, max_length=8, description="What 99.9, 99, 95, 90, 75, 50, 25 and 10 % of strangers exceed."
    )
    scale: float = Field(gt=0.0, description="Of the generalised Pareto distribution above the last of them.")
    shape: float = Field(ge=-0.5, le=0.3, description="Of the same.")
    growth: float = Field(ge=0.0, description="How much nearer per normal score of the number of identities.")
    narrowing: float = Field(0.0, ge=0.0, description="How much less they spread on the same way (of the logarithm).")


class PoorPictures(_Part):
    """What similarities of poor pictures are worth: those of good ones are ``gain * similarity + shift``."""

    quality: tuple[float, ...] = Field(min_length=2, max_length=64, description="Qualities, rising; the last is usual.")
    gain: tuple[float, ...] = Field(min_length=2, max_length=64, description="At each, above 0; 1 at the last.")
    shift: tuple[float, ...] = Field(min_length=2, max_length=64, description="At each; 0 at the last.")
    same: tuple[float, ...] = Field(min_length=2, max_length=64, description="Nats of one person, share of the last.")

    @model_validator(mode="after")
    def _fits(self) -> PoorPictures:
        if not len(self.quality) == len(self.gain) == len(self.shift) == len(self.same):
            raise ValueError("quality, gain, shift and same have the same number of points")
        if min(self.quality) < 0 or max(self.quality) > 1 or any(b <= a for a, b in pairwise(self.quality)):
            raise ValueError("quality lies in [0, 1] and rises")
        if min(self.gain) <= 0 or (self.gain[-1], self.shift[-1], self.same[-1]) != (1, 0, 1):
            raise ValueError("gain is above 0, and at the last point gain is 1, shift 0 and same 1")
        if min(self.same) < 0 or max(self.same) > 1:
            raise ValueError("same lies in [0, 1]")
        return self


class Calibration(_Part):
    """What a similarity of this embedder is worth: ``LLR = slope * similarity + offset``, same against different.

    The similarity is centred: what all crops of a camera have in common is taken off, so that strangers have mean 0.
    """

    slope: float = Field(gt=0.0, description="Nats per unit of centred similarity.")
    offset: float = Field(description="Nats at similarity 0.")
    impostor_mean: float = Field(ge=-1.0, lt=1.0, description="Mean cosine of two strangers, not centred.")
    impostor_std: float = Field(gt=0.0, description="Standard deviation of the centred similarity of two strangers.")
    quality: float = Field(0.0, ge=0.0, le=1.0, description="Quality that 95 % of the crops it was fitted on reach.")
    second_slope: float = Field(0.0, ge=0.0, description="As slope, with the help of neighbours; 0: not measured.")
    second_offset: float = Field(0.0, description="As offset, with the help of neighbours.")
    halves: float = Field(0.0, ge=-1.0, le=1.0, description="Mean similarity of a tracklet's halves; 0: not measured.")
    strangers: StrangerTail | None = Field(None, description="How near strangers come; none: taken as normal.")
    poor: PoorPictures | None = Field(None, description="What poorer pictures are worth; none: less the poorer.")
    threshold: float = Field(ge=-1.0, le=1.0, description="Cosine that `false_positive_rate` of strangers exceed.")
    false_positive_rate: float = Field(0.01, gt=0.0, lt=1.0, description="Share of different-person pairs above it.")
    fitted_on: str = Field(description="Data set, identities and pairs it was measured on, and what spoils it.")
    same_pairs: int = Field(ge=1, description="Pairs of one person in two cameras.")
    different_pairs: int = Field(ge=1, description="Pairs of two people.")
    source: str = Field(description="The command that measured it.")


class QualityScale(_Part):
    """From the model's own quality, or the plain one, to the probability that a crop ranks its own identity first."""

    told: tuple[float, ...] = Field(min_length=2, max_length=64, description="Qualities as told, rising from 0.")
    first: tuple[float, ...] = Field(min_length=2, max_length=64, description="Probability at each, never falling.")
    identities: int = Field(ge=2, description="In a gallery of so many people.")
    error: float = Field(ge=0.0, le=1.0, description="Expected calibration error on other people.")
    fitted_on: str = Field(description="Data, crops and people it was fitted on, and on whom the error was measured.")
    source: str = Field(description="The command that fitted it.")

    @model_validator(mode="after")
    def _rises(self) -> QualityScale:
        if len(self.told) != len(self.first):
            raise ValueError("told and first have the same number of points")
        if self.told[0] != 0 or any(b <= a for a, b in pairwise(self.told)):
            raise ValueError("told starts at 0 and rises")
        if min(self.first) < 0 or max(self.first) > 1 or any(b < a for a, b in pairwise(self.first)):
            raise ValueError("first lies in [0, 1] and never falls")
        return self


class Metric(_Part):
    """One measured figure."""

    name: str = Field(description="What was measured, e.g. AP50, rank-1.")
    value: float = Field(description="The figure.")
    on: str = Field(description="The material it was measured on.")
    source: str = Field(description="The command, or who measured it.")


class Card(_Part):
    """One model."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="Its name in the catalogue.")
    task: Task = Field(description="What it does.")
    weights: int = Field(1, ge=1, description="Which weights under this name; vectors of others are not compared.")
    file: str | None = Field(description="File name of the network; none: it is code, and needs no file.")
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$", description="Of the file.")
    size_bytes: int | None = Field(None, ge=1, description="Of the file.")
    input: ModelInput | None = Field(None, description="What the network takes.")
    output: Output | None = Field(None, description="What the network gives.")
    licence: str = Field(description="Licence of the weights.")
    source: str = Field(description="Project or paper it comes from.")
    trained_on: str = Field(description="Data it has seen.")
    metrics: tuple[Metric, ...] = Field((), description="Measured figures, each with its command or source.")
    limits: tuple[str, ...] = Field((), description="Where it fails.")
    cost: str = Field("", description="What it costs to run, and where that was measured.")
    where_to_get: str = Field("", description="How a user gets the file.")
    parent: str | None = Field(None, description="The model it was trained from or distilled from.")
    notice: str | None = Field(None, description="Text that has to travel with the weights.")
    calibration: Calibration | None = Field(None, description="Embedders: what a cosine is worth.")
    quality: QualityScale | None = Field(None, description="Embedders: what a crop's quality is worth; none: as told.")

    @property
    def vectors(self) -> str:
        """The name that its vectors are kept under: ``name``, or ``name@2`` of the second weights."""
        return self.name if self.weights == 1 else f"{self.name}@{self.weights}"

    @model_validator(mode="after")
    def _complete(self) -> Card:
        forms = {"detector": DetectorOutput, "embedder": EmbedderOutput, "face": FaceOutput}
        if self.output is not None and not isinstance(self.output, forms[self.task]):
            raise ValueError(f"output.decoder {self.output.decoder!r} is not one of a {self.task}")
        if self.file is not None and (self.sha256 is None or self.size_bytes is None):
            raise ValueError("a card with a file needs its sha256 and size_bytes")
        if self.file is not None and (self.input is None or self.output is None):
            raise ValueError("a card with a file needs input and output")
        return self


def read_card(path: Path) -> Card:
    """The card in a JSON file.

    Raises:
        ModelError: it cannot be read, is not JSON, or a key is unknown, missing or out of bounds (card and key are
            named).
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read the card {path}: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"card {path} is not JSON: {error}") from error
    try:
        return Card.model_validate(content)
    except ValidationError as error:
        raise ModelError("\n".join(f"card {path}: {_explain(e['loc'], e['msg'])}" for e in error.errors())) from error


def _explain(location: tuple[int | str, ...], message: str) -> str:
    key = ".".join(str(part) for part in location if part not in ("vector",) or location[-1] == part)
    if message == "Extra inputs are not permitted":
        return f"unknown key {key!r}; docs/models.md lists the keys of a card"
    return f"{key}: {message}" if key else message
