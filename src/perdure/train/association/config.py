"""What one training of the association needs to know: a YAML file, read once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from perdure.errors import ConfigError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SceneSet(_Strict):
    """Simulated recordings: all cameras of a plan."""

    plan: str = Field(description="Plan of the building simulator: a name, or a YAML file.")
    minutes: float = Field(2.0, gt=0.0, le=60.0)
    rate_fps: float = Field(10.0, ge=2.0, le=60.0)
    seeds: tuple[int, ...] = Field((0,), min_length=1)


class ScorerStage(_Strict):
    """Labels: does the box show whom the track showed last?"""

    hidden: int = Field(24, ge=1, le=256)
    epochs: int = Field(10, ge=1, le=1000)
    rate: float = Field(5e-3, gt=0.0, le=1.0)
    batch: int = Field(1024, ge=16)
    share: float = Field(0.5, ge=0.0, le=1.0, description="Of the scorer in the evidence; the rest is the parent's.")
    pairs: int = Field(40_000, ge=100, description="Most pairs taken of one recording.")


class PolicyStage(_Strict):
    """Rewards: what do links, holding and ending cost in the end?"""

    parent: Literal["default", "scorer"] = Field("default", description="What it starts from.")
    steps: int = Field(60, ge=1, le=100_000)
    clips: int = Field(12, ge=1, description="Clips replayed per step.")
    seconds: float = Field(20.0, gt=0.5, description="Length of a clip.")
    rollouts: int = Field(4, ge=2, description="Replays of each clip, each other's baseline.")
    warmth: float = Field(0.7, gt=0.0, description="Nats at which accepting is 73 % likely: how far it explores.")
    rate: float = Field(0.03, gt=0.0, le=1.0)
    pull: float = Field(0.02, ge=0.0, description="Weight of the squared distance from the parent.")
    clip: float = Field(0.2, gt=0.0, lt=1.0, description="Of the ratio of probabilities (PPO).")
    epochs: int = Field(4, ge=1, le=100, description="Passes over the choices of a step.")
    horizon_s: float = Field(6.0, gt=0.0, description="Rewards this much later count a factor e less.")
    switch_s: float = Field(2.0, ge=0.0, description="A change of number costs as much as so many seconds.")
    theft_s: float = Field(2.0, ge=0.0, description="A number that goes to somebody else: the thief and the robbed.")
    gap_s: float = Field(0.2, ge=0.0, description="Shown again after being in the picture under no number.")


class AssociationTraining(_Strict):
    """One training run. Paths are relative to the working folder and may name environment variables."""

    out: Path = Field(description="Folder for checkpoint, curve, report and weights.")
    sequences: tuple[Path, ...] = Field((), description="MOTChallenge folders with detections and truth.")
    held_out: tuple[str, ...] = Field((), description="Names of sequences that are only scored, never learned from.")
    simulated: tuple[SceneSet, ...] = ()
    seed: int = Field(0, ge=0)
    confirm_s: float = Field(0.1, ge=0.0, le=10.0, description="As `tracking.confirm_s`.")
    scorer: ScorerStage | None = Field(ScorerStage(), description="null: no such stage.")
    policy: PolicyStage | None = Field(PolicyStage(), description="null: no such stage.")

    @model_validator(mode="after")
    def _possible(self) -> AssociationTraining:
        if not self.sequences and not self.simulated:
            raise ValueError("there is nothing to learn from: give sequences or simulated")
        if self.scorer is None and self.policy is None:
            raise ValueError("both stages are switched off")
        if self.policy and self.policy.parent == "scorer" and self.scorer is None:
            raise ValueError("the policy is to start from the scorer, but there is no scorer stage")
        return self


def read_config(path: Path) -> AssociationTraining:
    """The training described by a YAML file.

    Raises:
        ConfigError: the file is missing or a value is not allowed; names the key.
    """
    try:
        return AssociationTraining.model_validate(yaml.safe_load(os.path.expandvars(path.read_text())))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the training configuration ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{path}: {where}: {first['msg']}") from error
