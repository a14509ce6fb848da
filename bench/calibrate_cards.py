"""What a cosine of each embedder is worth: fits the ``calibration`` block of its card, and checks it on other people.

    python bench/calibrate_cards.py [NAME...] [--write]

Fitted on the training identities of Market-1501 dev (all but the last 100 in sorted order) under ``PERDURE_SHARED``, at
most two crops per identity and camera, drawn with seed 0. Same: one person in two cameras. Different: two people, any
cameras. The scale is that of the gallery: the mean of a person's crops in one camera, less the mean of all
vectors of that camera. A logistic regression on these cosines, both classes weighing the same, makes its log odds the
log-likelihood ratio; the threshold is the plain cosine of two crops that 1 % of the different pairs exceed.

A model of our own knows the training identities by heart: ``--held-out`` fits on the last 100 instead, all crops, and
the check then repeats the fit.

Checked on the last 100 identities (1,621 crops): the share of different and of same pairs above that threshold, and
rank-1 and mAP by the Market protocol with one query per identity and camera.
``--write`` puts the calibration and the two retrieval figures into the card.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import minimize

from perdure.embed.embedder import Embedder
from perdure.embed.open import open_embedder
from perdure.evaluate.datasets import query_each
from perdure.evaluate.retrieval import Labels, score_vectors
from perdure.gallery.exemplars import unit
from perdure.models import catalogue
from perdure.models.card import Calibration
from perdure.types import Float32s, Float64s, Image

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
HELD_OUT = 100
CROPS_PER_CAMERA = 2
FALSE_POSITIVE_RATE = 0.01
LOW_QUALITY = 0.05
BATCH = 64
CHECKED_ON = f"Market-1501 dev, last {HELD_OUT} identities, one query per identity and camera, seed 0"


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """N crops, who is on them and which camera took them."""

    crops: list[Image]
    labels: Labels


def main() -> None:
    """Measure, print, and with ``--write`` keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="embedders (default: every one whose file is here)")
    parser.add_argument("--write", action="store_true", help="put the figures into the card")
    parser.add_argument(
        "--held-out", action="store_true", help="fit on the last 100, for a model that knows the others by heart"
    )
    chosen = parser.parse_args()
    here = [card.name for card in catalogue.cards() if card.task == "embedder" and catalogue.locate(card)]
    training, others = market()
    fitted = others if chosen.held_out else training
    print(f"fitted on {len(fitted.crops)} crops, checked on {len(others.crops)}")
    print("embedder                            slope  offset threshold | held out: FPR  recall  rank-1    mAP")
    for name in chosen.names or here:
        embedder = open_embedder(name, "cpu", 1)
        found = calibrate(*embedded(embedder, fitted), fitted.labels, name, chosen.held_out)
        held = embedded(embedder, others)[0]
        strangers, returning = (np.mean(kind > found.threshold) for kind in pairs(held, others.labels)[::-1])
        query = query_each(others.labels.person, others.labels.camera)
        ranked = score_vectors(held[query], held, others.labels[query], others.labels)
        rank1, mean_ap = float(ranked.cmc[0]), ranked.mean_ap
        print(
            f"{name:34} {found.slope:6.2f} {found.offset:7.2f} {found.threshold:9.3f} | "
            f"{strangers:13.4f} {returning:7.3f} {rank1:7.3f} {mean_ap:6.3f}",
            flush=True,
        )
        if chosen.write:
            write(name, found, {"rank-1": rank1, "mAP": mean_ap})


def market() -> tuple[People, People]:
    """The training identities (some crops of each) and the last 100 (all of them)."""
    files: defaultdict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted((SHARED / "data" / "market1501-dev").glob("*.jpg")):
        person, scene = path.name.split("_")[:2]
        files[person, scene[:2]].append(path)
    held = set(sorted({person for person, _ in files})[-HELD_OUT:])
    rng = np.random.default_rng(0)
    kept: list[Path] = []
    others: list[Path] = []
    for (person, _), paths in sorted(files.items()):
        if person in held:
            others += paths
        else:
            kept += [paths[i] for i in sorted(rng.permutation(len(paths))[:CROPS_PER_CAMERA].tolist())]
    return read(kept), read(sorted(others))


def read(paths: list[Path]) -> People:
    """The crops of some files, with the labels in their names."""
    crops = [np.asarray(cv2.imread(str(path)), np.uint8) for path in paths]
    parts = [path.name.split("_") for path in paths]
    return People(crops, Labels(np.array([int(p[0]) for p in parts]), np.array([int(p[1][1]) for p in parts])))


def embedded(embedder: Embedder, people: People) -> tuple[Float32s, Float32s]:
    """(N, D) vectors and (N,) qualities of all crops."""
    parts = [embedder.embed(people.crops[i : i + BATCH]) for i in range(0, len(people.crops), BATCH)]
    return np.concatenate([vectors for vectors, _ in parts]), np.concatenate([quality for _, quality in parts])


def pairs(vectors: Float32s, labels: Labels) -> tuple[Float64s, Float64s]:
    """Cosines of the pairs of one person in two cameras, and of the pairs of two people."""
    first, second = np.triu_indices(len(vectors), 1)
    cosines = (vectors @ vectors.T)[first, second].astype(np.float64)
    same = labels.person[first] == labels.person[second]
    return cosines[same & (labels.camera[first] != labels.camera[second])], cosines[~same]


def centred(vectors: Float32s, labels: Labels) -> tuple[Float32s, Labels]:
    """(M, D) unit means of each person in each camera, less what all of that camera have in common."""
    stays, stay = np.unique(np.column_stack([labels.person, labels.camera]), axis=0, return_inverse=True)
    people, cameras = stays[:, 0], stays[:, 1]
    means = unit(np.array([vectors[stay == i].mean(axis=0) for i in range(len(stays))]))
    for camera in np.unique(cameras):
        means[cameras == camera] -= means[cameras == camera].mean(axis=0)
    return unit(means), Labels(people, cameras)


def calibrate(vectors: Float32s, quality: Float32s, labels: Labels, name: str, held_out: bool = False) -> Calibration:
    """The calibration block of the vectors of crops."""
    plain = pairs(vectors, labels)[1]
    same, different = pairs(*centred(vectors, labels))
    slope, offset = logistic(same, different)
    seen = next(card for card in catalogue.cards() if card.name == name and card.task == "embedder").trained_on
    identities = len(np.unique(labels.person))
    who = f"{identities} held-out" if held_out else f"{identities} training"
    crops = "all crops" if held_out else f"{CROPS_PER_CAMERA} crops per camera"
    return Calibration(
        slope=round(slope, 3),
        offset=round(offset, 3),
        impostor_mean=round(float(plain.mean()), 4),
        impostor_std=round(float(different.std()), 4),
        quality=round(float(np.quantile(quality, LOW_QUALITY)), 4),
        threshold=round(float(np.quantile(plain, 1 - FALSE_POSITIVE_RATE)), 4),
        false_positive_rate=FALSE_POSITIVE_RATE,
        fitted_on=f"Market-1501 dev, {who} identities, {crops}. The model was trained on: {seen}",
        same_pairs=len(same),
        different_pairs=len(different),
        source=f"python bench/calibrate_cards.py {name}{' --held-out' if held_out else ''} --write",
    )


def logistic(same: Float64s, different: Float64s) -> tuple[float, float]:
    """Slope and offset of the log-likelihood ratio of two samples of cosines."""
    edges = np.linspace(-1.0, 1.0, 2001)
    centres = (edges[1:] + edges[:-1]) / 2
    positive = np.histogram(same, edges)[0] / len(same)
    negative = np.histogram(different, edges)[0] / len(different)

    def loss(line: Float64s) -> float:
        odds = line[0] * centres + line[1]
        return float(positive @ np.logaddexp(0.0, -odds) + negative @ np.logaddexp(0.0, odds))

    slope, offset = minimize(loss, np.array([10.0, -5.0]), method="BFGS").x
    return float(slope), float(offset)


def write(name: str, found: Calibration, figures: dict[str, float]) -> None:
    """Put the block and the figures into the packaged card."""
    for path in catalogue.CARDS.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["name"] == name and content["task"] == "embedder":
            content["calibration"] = found.model_dump()
            others = [metric for metric in content.get("metrics", []) if metric["on"] != CHECKED_ON]
            content["metrics"] = others + [
                {"name": key, "value": round(value, 3), "on": CHECKED_ON, "source": found.source}
                for key, value in figures.items()
            ]
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
