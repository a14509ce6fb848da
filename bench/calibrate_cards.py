"""What a cosine of each embedder is worth: fits the ``calibration`` block of its card.

    python bench/calibrate_cards.py [NAME...] [--write]

Material: the training identities of Market-1501 dev (all but the last 100 in sorted order) under ``PERDURE_SHARED``, at
most two crops per identity and camera, drawn with seed 0. Same: one person in two cameras. Different: two people, any
cameras. A logistic regression on the cosine, both classes weighing the same, so that its log odds are the log-likelihood
ratio; the threshold is the cosine that 1 % of the different pairs exceed.
``--write`` puts the result into the card.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import minimize

from perdure.embed.open import open_embedder
from perdure.models import catalogue
from perdure.models.card import Calibration
from perdure.types import Float32s, Float64s, Image, Ints

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
HELD_OUT = 100
CROPS_PER_CAMERA = 2
FALSE_POSITIVE_RATE = 0.01
BATCH = 64


def main() -> None:
    """Measure, print, and with ``--write`` keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="embedders (default: every one whose file is here)")
    parser.add_argument("--write", action="store_true", help="put the block into the card")
    chosen = parser.parse_args()
    embedders = [card for card in catalogue.cards() if card.task == "embedder" and catalogue.locate(card)]
    names = chosen.names or [card.name for card in embedders]
    crops, people, cameras = market()
    print(f"{len(set(people.tolist()))} identities, {len(crops)} crops")
    print(f"{'embedder':34} {'slope':>7} {'offset':>7} {'threshold':>9} {'recall':>7} {'same':>13} {'different':>13}")
    for name in names:
        embedder = open_embedder(name, "cpu", 1)
        vectors = np.concatenate([embedder.embed(crops[i : i + BATCH])[0] for i in range(0, len(crops), BATCH)])
        same, different = pairs(vectors, people, cameras)
        found = calibrate(same, different, len(set(people.tolist())), name)
        print(
            f"{name:34} {found.slope:7.2f} {found.offset:7.2f} {found.threshold:9.3f} "
            f"{np.mean(same > found.threshold):7.3f} {same.mean():6.3f}+-{same.std():.3f} "
            f"{different.mean():6.3f}+-{different.std():.3f}",
            flush=True,
        )
        if chosen.write:
            write(name, found)


def market() -> tuple[list[Image], Ints, Ints]:
    """Crops of the training identities with their person and camera."""
    files: defaultdict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted((SHARED / "data" / "market1501-dev").glob("*.jpg")):
        person, scene = path.name.split("_")[:2]
        files[person, scene[:2]].append(path)
    training = set(sorted({person for person, _ in files})[:-HELD_OUT])
    rng = np.random.default_rng(0)
    kept: list[tuple[Path, str, str]] = []
    for (person, camera), paths in sorted(files.items()):
        if person in training:
            drawn = rng.permutation(len(paths))[:CROPS_PER_CAMERA]
            kept += [(paths[i], person, camera) for i in sorted(drawn.tolist())]
    crops = [np.asarray(cv2.imread(str(path)), np.uint8) for path, _, _ in kept]
    return crops, np.array([int(p) for _, p, _ in kept]), np.array([int(c[1:]) for _, _, c in kept])


def pairs(vectors: Float32s, people: Ints, cameras: Ints) -> tuple[Float64s, Float64s]:
    """Cosines of the pairs of one person in two cameras, and of the pairs of two people."""
    first, second = np.triu_indices(len(vectors), 1)
    cosines = (vectors @ vectors.T)[first, second].astype(np.float64)
    same = people[first] == people[second]
    return cosines[same & (cameras[first] != cameras[second])], cosines[~same]


def calibrate(same: Float64s, different: Float64s, identities: int, name: str) -> Calibration:
    """The calibration block of two samples of cosines."""
    edges = np.linspace(-1.0, 1.0, 2001)
    centres = (edges[1:] + edges[:-1]) / 2
    positive = np.histogram(same, edges)[0] / len(same)
    negative = np.histogram(different, edges)[0] / len(different)

    def loss(line: Float64s) -> float:
        odds = line[0] * centres + line[1]
        return float(positive @ np.logaddexp(0.0, -odds) + negative @ np.logaddexp(0.0, odds))

    slope, offset = minimize(loss, np.array([10.0, -5.0]), method="BFGS").x
    seen = " Memory: this model was trained on these identities." if name.startswith("person-reid") else ""
    return Calibration(
        slope=round(float(slope), 3),
        offset=round(float(offset), 3),
        threshold=round(float(np.quantile(different, 1 - FALSE_POSITIVE_RATE)), 4),
        false_positive_rate=FALSE_POSITIVE_RATE,
        fitted_on=f"Market-1501 dev, {identities} training identities, {CROPS_PER_CAMERA} crops per camera.{seen}",
        same_pairs=len(same),
        different_pairs=len(different),
        source=f"python bench/calibrate_cards.py {name} --write",
    )


def write(name: str, found: Calibration) -> None:
    """Put the block into the packaged card."""
    for path in catalogue.CARDS.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["name"] == name and content["task"] == "embedder":
            content["calibration"] = found.model_dump()
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
