"""One YAML file per training run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perdure.errors import ConfigError
from perdure.train.embedder.augment import Strength
from perdure.train.embedder.nets import SHIPPED, NetShape, check_shape
from perdure.train.embedder.quality import QualityPlan

Form = TypeVar("Form", bound=BaseModel)
Side: TypeAlias = Annotated[int, Field(ge=16, le=4096)]
SizeHW: TypeAlias = tuple[Side, Side]


class Strict(BaseModel):
    """A part of a training file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelledSet(Strict):
    """A set of crops with identities."""

    layout: Literal["market1501", "msmt17", "cuhk03", "mars", "folders", "csv"]
    path: str = Field(description="folder, or CSV file; ${PERDURE_SHARED} is replaced")


class Phase(Strict):
    """A stretch of training with its own learning rate and losses; the learning rate warms up and falls as a cosine."""

    name: str
    epochs: int = Field(ge=1, description="times the number of labelled crops is drawn")
    learning_rate: float = Field(default=2e-3, gt=0)
    size_hw: SizeHW | None = Field(default=None, description="height and width; the shipped size if left out")
    identity: float = Field(default=1.0, ge=0, description="weight of the identity softmax")
    triplet: float = Field(default=1.0, ge=0, description="weight of the batch-hard triplet loss")
    centroid: float = Field(default=0.0, ge=0, description="weight of the centroid triplet loss")
    centre: float = Field(default=0.0, ge=0, description="weight of the centre loss; its usual weight is 0.0005")
    contrastive: float = Field(default=0.0, ge=0, description="weight of the Siamese loss on all pairs")
    circle: float = Field(default=0.0, ge=0, description="weight of the circle loss")
    teacher: float = Field(default=0.0, ge=0, description="weight of the cosine to the teacher's vectors")
    relations: float = Field(default=0.0, ge=0, description="weight of the teacher's cosine matrix")
    evened: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="power of the variance by which the teacher's directions are divided",
    )
    share: float = Field(
        default=1.0, gt=0, le=2, description="of the way from the weights it began with to its own; above 1 goes beyond"
    )
    people_per_batch: int | None = Field(default=None, ge=2, description="that of the run if left out")
    unlabelled: int = Field(default=0, ge=0, description="crops without identity added to each batch, teacher only")
    boxes: int = Field(default=1, ge=1, le=2, description="how often each crop without identity is boxed")
    consistency: float = Field(default=0.0, ge=0, description="weight of the cosine between two boxes of one crop")
    augment: Strength | None = Field(default=None, description="that of the run if left out")

    @property
    def learns(self) -> bool:
        """Whether any loss has a weight."""
        labelled = (self.identity, self.triplet, self.centroid, self.centre, self.contrastive, self.circle)
        return any(labelled) or self.needs_teacher

    @property
    def needs_teacher(self) -> bool:
        """Whether any loss of this phase looks at the teacher."""
        return self.teacher > 0 or self.relations > 0

    @property
    def pairs_boxes(self) -> bool:
        """Whether two boxes of each crop without identity are compared."""
        return self.consistency > 0 and self.boxes == 2 and self.unlabelled > 0


class TrainingConfig(Strict):
    """A training run of the body embedder."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="the model's id; also the name of its files")
    labelled: list[LabelledSet] = Field(min_length=1)
    tests: list[LabelledSet] = Field(default=[], description="sets that are only tested on, after the training")
    start: str | None = Field(
        default=None, description="weights of a run (`-<phase>.pt`), or the `.onnx` that ships, to begin with"
    )
    backbone: str | None = Field(default=None, description="YOLOX-Nano ONNX file that a `csp` net begins with")
    backbone_rate: float = Field(default=1.0, gt=0, description="share of the learning rate for what came with it")
    validation_identities: int = Field(default=100, ge=2, description="the last ones in sorted order; never trained on")
    teacher: str | None = Field(default=None, description="ONNX file of the teacher, BGR 0..255 in")
    more_teachers: list[str] = Field(default=[], description="others, laid beside the teacher")
    people: list[str] = Field(
        default=[], description="COCO detection JSONs and folders of MOTChallenge sequences for the teacher to describe"
    )
    people_context: float = Field(default=0.0, ge=0, le=0.5, description="share of the box kept around each of them")
    border: float = Field(default=0.0, ge=0, le=0.5, description="what the card will ask for around a box, as a share")
    people_least_height_px: int = Field(default=56, ge=8, description="lower boxes of `people` are left out")
    mixed: int = Field(default=0, ge=0, description="people made of two others each, for the teacher")
    other_cameras: int = Field(default=0, ge=0, description="more of them, as other cameras might show them")
    elsewhere: int = Field(default=0, ge=0, description="more of them, at other places or nobody at all")
    dark: int = Field(default=0, ge=0, description="more of them, in dark clothes on light ground")
    drawn: int = Field(default=0, ge=0, description="people who were drawn, for the teacher to describe")
    rendered: int = Field(default=0, ge=0, description="people who were rendered, for the teacher to describe")
    net: NetShape = SHIPPED
    size_hw: SizeHW = Field(default=(192, 96), description="height and width the network takes")
    source_hw: SizeHW = Field(default=(128, 64), description="size labelled crops are kept at in memory")
    people_per_batch: int = Field(default=16, ge=2)
    crops_per_person: int = Field(default=4, ge=2)
    phases: list[Phase] = Field(min_length=1)
    augment: Strength = Strength()
    quality: QualityPlan = QualityPlan()
    steadiness: float = Field(
        default=0.0, ge=0, description="weight of what moved boxes change, in a last layer solved anew at the end"
    )
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    optimizer: Literal["adamw", "muon"] = Field(default="adamw", description="muon: for kernels; the rest by AdamW")
    weight_decay: float = Field(default=0.05, ge=0)
    average_decay: float = Field(default=0.998, ge=0, lt=1, description="of the running mean of the weights that ships")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: the GPU where there is one")
    bf16: bool = Field(default=True, description="mixed precision; on a CPU a gain only with AVX512-BF16 or AMX")
    threads: int = Field(default=1, ge=1)
    seed: int = 0
    validate_every: int = Field(default=5, ge=1, description="epochs")
    folder: str = Field(default="checkpoints/embed", description="checkpoints, the log and cached teacher vectors")

    @property
    def places(self) -> int:
        """How many places are cut out of the detection sets of `people`."""
        return -(-max(self.elsewhere, self.dark, self.drawn, self.rendered) // 4)


def parse(kind: type[Form], path: Path) -> Form:
    """Read and check a YAML file of one kind.

    Raises:
        ConfigError: it does not exist, is not YAML, or a field is unknown or out of bounds.
    """
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot read the training file {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}: {lines}") from error


def read_config(path: Path) -> TrainingConfig:
    """Read and check a training file.

    Raises:
        ConfigError: it does not exist, is not YAML, or a field is unknown, out of bounds or fits no other.
    """
    config = parse(TrainingConfig, path)
    try:
        check_shape(config.net)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    if config.backbone is not None and config.net.blocks != "csp":
        raise ConfigError(f"{path}: `backbone` is for a net with `blocks: csp`, not {config.net.blocks!r}")
    if config.places and all(expand(source).is_dir() for source in config.people):
        raise ConfigError(
            f"{path}: `elsewhere`, `dark`, `drawn` and `rendered` show places cut out of detection sets, "
            "but `people` names no COCO JSON"
        )
    if config.border > config.people_context:
        raise ConfigError(f"{path}: a `border` of {config.border:g} needs as much `people_context`")
    if config.more_teachers and config.teacher is None:
        raise ConfigError(f"{path}: `more_teachers` stand beside a first one, but `teacher` names no model")
    for phase in config.phases:
        if not phase.learns:
            raise ConfigError(f"{path}: phase {phase.name!r} has no loss: give at least one a weight above 0")
        if phase.needs_teacher and config.teacher is None:
            raise ConfigError(f"{path}: phase {phase.name!r} uses the teacher, but `teacher` names no model")
        if phase.evened and not phase.needs_teacher:
            raise ConfigError(f"{path}: phase {phase.name!r} evens what the teacher says, but listens to none")
        if phase.unlabelled and not config.people:
            raise ConfigError(f"{path}: phase {phase.name!r} wants unlabelled crops, but `people` names no set")
        if phase.consistency and not phase.pairs_boxes:
            raise ConfigError(f"{path}: phase {phase.name!r} compares boxes: set `boxes: 2` and `unlabelled`")
    return config


def expand(path: str) -> Path:
    """A path of the training file, with `${PERDURE_SHARED}` (default `../shared`) and other variables replaced."""
    shared = os.environ.get("PERDURE_SHARED", "../shared")
    return Path(os.path.expandvars(path.replace("${PERDURE_SHARED}", shared))).expanduser()
