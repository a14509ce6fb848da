"""What one training of the detector needs to know: a YAML file, read once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perdure.errors import ConfigError


class DetectorTraining(BaseModel):
    """One training run. Paths are relative to the working folder and may name environment variables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parent: Path = Field(description="YOLOX-Nano ONNX file to start from.")
    start: Path | None = Field(None, description="Exported perdure-det to go on from; else the parent.")
    start_share: float = Field(
        1.0, ge=0.0, le=20.0, description="How far from parent to `start`; 5 undoes a blend of a fifth."
    )
    train: Path = Field(description="COCO json to train on; pictures beside it.")
    val: Path = Field(description="COCO json to select on; never the test set.")
    held_out: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Groups of train to select on instead, by starts of `folder/name`."
    )
    scored_most: int = Field(
        10_000, ge=1, description="Pictures of a group that are scored, evenly spaced; those left out stay held out."
    )
    only_reported: tuple[str, ...] = Field((), description="Subsets of val that nothing is selected by.")
    teacher: Path | None = Field(None, description="Boxes of a teacher, written by `perdure train teach`.")
    teacher_share: float = Field(0.5, ge=0.0, le=1.0, description="How far the teacher is believed, against labels.")
    out: Path = Field(description="Folder for checkpoints, curve and exported weights.")
    repeat: dict[str, float] = Field(
        default_factory=dict, description="How often pictures are seen per epoch, by start of `folder/name`; else once."
    )
    stretched: tuple[str, ...] = Field((), description="Subsets whose pictures were squeezed into a square.")
    seed: int = Field(0, ge=0)
    epochs: int = Field(20, ge=1, le=1000)
    evaluate_every: int = Field(1, ge=1, le=1000, description="Epochs between scores; the last one is always scored.")
    plain_epochs: int = Field(3, ge=0, description="Last epochs without mosaic and pasted people, at `plain_sizes`.")
    batch: int = Field(16, ge=1, le=512)
    sizes: tuple[tuple[int, int], ...] = Field(((288, 416),), description="Height, width in px, one drawn per batch.")
    plain_sizes: tuple[tuple[int, int], ...] = Field(((384, 512),), description="The same for the last epochs.")
    lr: float = Field(2e-4, gt=0.0, le=1.0)
    final_lr_share: float = Field(0.05, ge=0.0, le=1.0)
    warmup_steps: int = Field(200, ge=0)
    weight_decay: float = Field(1e-4, ge=0.0)
    box_weight: float = Field(5.0, ge=0.0)
    clip_norm: float = Field(10.0, gt=0.0)
    ema_decay: float = Field(0.999, ge=0.0, lt=1.0)
    mosaic: float = Field(0.5, ge=0.0, le=1.0)
    crowd: float = Field(0.15, ge=0.0, le=1.0)
    scale: tuple[float, float] = Field((0.5, 1.8), description="Of pictures, against fitting the canvas.")
    mosaic_scale: tuple[float, float] = Field((0.8, 2.2), description="Of the four pictures, against fitting theirs.")
    aspect: tuple[float, float] = Field((0.6, 1.7), description="Random stretch sideways, besides undoing squares.")
    blends: tuple[float, ...] = Field(
        (0.1, 0.2, 0.3, 0.5, 0.7, 1.0), description="Shares of the trained weights tried at the end."
    )
    frozen: tuple[Literal["stem", "dark2", "dark3", "dark4", "dark5"], ...] = Field(
        ("stem", "dark2"), description="Stages that keep the parent's weights: less time, less forgotten."
    )
    parent_share: float = Field(0.9, ge=0.0, le=1.0, description="How far rows of known people follow the parent.")
    unknown_share: float = Field(0.9, ge=0.0, le=1.0, description="The same where nobody is known to be.")
    small_below_px: float = Field(
        0.0, ge=0.0, description="People lower than this on the canvas keep the parent's score where it is higher."
    )
    may_lose: float = Field(
        0.0, ge=-1.0, le=1.0, description="AP50 a blend may lose against the parent on a group it is selected by."
    )
    bfloat16: bool = Field(False, description="Nets in bfloat16: half the time where the processor knows it.")
    threads: int = Field(1, ge=1, le=256)


def read_config(path: Path) -> DetectorTraining:
    """The training described by a YAML file.

    Raises:
        ConfigError: the file is missing or a value is not allowed; names the key.
    """
    try:
        config = DetectorTraining.model_validate(yaml.safe_load(os.path.expandvars(path.read_text())))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the training configuration ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{path}: {key}: {first['msg']}") from error
    for key, sizes in (("sizes", config.sizes), ("plain_sizes", config.plain_sizes)):
        wrong = [size for size in sizes if size[0] % 32 or size[1] % 32 or min(size) < 32]
        if wrong or not sizes:
            raise ConfigError(f"{path}: {key}: {wrong or 'none'}; give heights and widths that are multiples of 32")
    return config
