"""What each loss, disturbance and choice of the labels-only run is worth: the same short run without it.

    PERDURE_SHARED=../shared python bench/ablate_embedder.py            # every arm, some 8 minutes of a core each
    PERDURE_SHARED=../shared python bench/ablate_embedder.py --arms all no-triplet --epochs 4

Every arm is a whole run of `configs/perdure-s-clean.yaml` (from YOLOX-Nano's backbone, its rate falling to the end) cut
down to one phase of a few epochs at 128x64, with one change. Scored with every crop as a query: the held-out people of
Market-1501, and the places that nothing was trained on (PETS, indoors). One seed: see how far apart two seeds of `all`
are before reading anything into a difference.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from embedder import Labelled, indoor_people, pets_over_time
from perdure.train.embedder.augment import plain
from perdure.train.embedder.config import Phase, TrainingConfig, read_config
from perdure.train.embedder.data import Crops
from perdure.train.embedder.material import Material, gather
from perdure.train.embedder.nets import BodyNet
from perdure.train.embedder.train import begin, run_phase
from perdure.train.embedder.validate import embed, retrieval

CONFIG = Path(__file__).resolve().parents[1] / "src/perdure/train/embedder/configs/perdure-s-clean.yaml"
SIZE_HW = (128, 64)
DAMAGE = dict.fromkeys(("colour_p", "grey_p", "light_p", "blur_p", "low_resolution_p", "jpeg_p"), 0.0)
COVERS = {"occlude_p": 0.0, "erase_p": 0.0}
BOXES = {"box_shift": 0.0, "box_scale": 0.0}


@dataclass(frozen=True)
class Arm:
    """One change to the run: fields of the configuration, of its phase, and of its augmentation."""

    config: dict[str, Any] = field(default_factory=dict)
    phase: dict[str, float] = field(default_factory=dict)
    augment: dict[str, float] = field(default_factory=dict)


ARMS = {
    "all": Arm(),
    "all-seed-1": Arm(config={"seed": 1}),
    "no-softmax": Arm(phase={"identity": 0.0}),
    "no-triplet": Arm(phase={"triplet": 0.0}),
    "centroid-too": Arm(phase={"centroid": 1.0}),
    "centre-too": Arm(phase={"centre": 0.0005}),
    "circle-for-triplet": Arm(phase={"triplet": 0.0, "circle": 0.1}),
    "contrastive-for-triplet": Arm(phase={"triplet": 0.0, "contrastive": 1.0}),
    "no-label-smoothing": Arm(config={"label_smoothing": 0.0}),
    "no-augmentation": Arm(augment=DAMAGE | COVERS | BOXES | {"flip_p": 0.0}),
    "no-damage": Arm(augment=DAMAGE),
    "no-covers": Arm(augment=COVERS),
    "no-box-moves": Arm(augment=BOXES),
    "no-instance": Arm(config={"instance": False}),
    "from-chance": Arm(config={"backbone": None}),
    "adamw": Arm(config={"optimizer": "adamw"}),
}


def main() -> None:
    """Train and score the arms one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    base = read_config(CONFIG)
    phase = Phase(name="short", epochs=args.epochs, learning_rate=base.phases[0].learning_rate, size_hw=SIZE_HW)
    base = base.model_copy(update={"threads": 1, "phases": [phase], "size_hw": SIZE_HW, "validate_every": 1000})
    material = gather(base)
    tests = {"market": material.held_out, "pets": as_crops(pets_over_time()), "indoors": as_crops(indoor_people())}
    print(f"{args.epochs} epochs at {SIZE_HW[0]}x{SIZE_HW[1]}; rank-1 / mAP, every crop a query: {', '.join(tests)}")
    for name in args.arms:
        net = trained(changed(base, ARMS[name]), material)
        scores = [every_crop(net, crops) for crops in tests.values()]
        print(f"  {name:24s} " + "   ".join(f"{rank1:.3f} / {mean_ap:.3f}" for rank1, mean_ap in scores), flush=True)


def changed(base: TrainingConfig, arm: Arm) -> TrainingConfig:
    """The run with the change of one arm."""
    config = dict(arm.config)
    if "instance" in config:
        config["net"] = replace(base.net, instance=config.pop("instance"))
    phases = [p.model_copy(update=arm.phase) for p in base.phases]
    return base.model_copy(update=config | {"phases": phases, "augment": replace(base.augment, **arm.augment)})


def trained(config: TrainingConfig, material: Material) -> BodyNet:
    """The running mean of the weights at the end of a whole run, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        run = begin(config.model_copy(update={"folder": folder}), material)
        run_phase(run, 0, config.phases[0], material)
        return run.average.net


def as_crops(data: Labelled) -> Crops:
    """A set of the benchmark as the training takes them."""
    pixels = np.stack([plain(crop, SIZE_HW) for crop in data.crops])
    return Crops(pixels, data.person, data.camera, tuple(str(i) for i in range(len(pixels))))


def every_crop(net: BodyNet, crops: Crops) -> tuple[float, float]:
    """Rank-1 and mAP with every crop as a query."""
    vectors, _ = embed(net, crops, SIZE_HW)
    score = retrieval(vectors, crops.identities, crops.cameras, np.arange(len(crops)))
    return score.rank1, score.mean_ap


if __name__ == "__main__":
    main()
