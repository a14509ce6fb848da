"""What a similarity of each embedder is worth: fits the ``calibration`` block of its card, and checks it on others.

    python bench/calibrate_cards.py [NAME...] [--held-out] [--write] [--keep DIR]

Fitted on the training identities of Market-1501 dev (all but the last 100 in sorted order) under ``PERDURE_SHARED``, by
``perdure.evaluate.stream_calibration``: what a gallery compares, a tracklet with a part of an identity.

A model of our own knows the training identities by heart: ``--held-out`` fits on the last 100 instead, and the check
then repeats the fit.

Checked on the last 100 identities (1,621 crops): the share of different and of same pairs of crops above the threshold
for the simple policies, and rank-1 and mAP by the Market protocol with one query per identity and camera.
Quality: the model's own, or the plain one, made the probability that a crop ranks its own identity first among 50
people (``perdure.evaluate.quality_calibration``), fitted on the same identities; the error is that on the last
100. With ``--held-out`` the error is that of two fits, each on the queries of half of these people, on the other half;
what is kept is fitted on all of them. Market's crops are nearly all good, so as many of the same ones made worse are
among what is fitted and checked (blurred, shrunk, dark, covered, cut: ``augment.degrade``, any severity), and what
their similarities are worth is fitted on these. The calibration is then measured with the new quality.

``--write`` puts both and the two retrieval figures into the card; ``--keep`` keeps vectors and qualities of all crops
there as ``NAME.npz`` and ``NAME-worse.npz``, as the model gives them, and takes them from there the next time (delete
them when it changes).
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perdure.embed.open import open_embedder
from perdure.embed.quality import quality
from perdure.evaluate.datasets import PictureSet, query_each, read
from perdure.evaluate.embeddings import Embeddings, load, people, picture, save
from perdure.evaluate.quality_calibration import GALLERY, error, fit_scale, ranks_first
from perdure.evaluate.retrieval import Labels, score_vectors
from perdure.evaluate.stream_calibration import FALSE_POSITIVE_RATE, comparisons, fit_calibration, fit_poor
from perdure.gallery.calibrate import Poor
from perdure.gallery.strangers import Strangers
from perdure.models import catalogue
from perdure.models.card import Calibration, Card, EmbedderOutput, PoorPictures, QualityScale, StrangerTail
from perdure.train.embedder.augment import degrade
from perdure.types import Bools, Float32s, Float64s, Image, Ints

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
HELD_OUT = 100
CHECKED_ON = f"Market-1501 dev, last {HELD_OUT} identities, one query per identity and camera, seed 0"


def main() -> None:
    """Measure, print, and with ``--write`` keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="embedders (default: every one whose file is here)")
    parser.add_argument("--write", action="store_true", help="put the figures into the card")
    parser.add_argument(
        "--held-out", action="store_true", help="fit on the last 100, for a model that knows the others by heart"
    )
    parser.add_argument("--keep", type=Path, help="folder for the vectors of all crops")
    chosen = parser.parse_args()
    if chosen.keep is not None:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    here = [card.name for card in catalogue.cards() if card.task == "embedder" and catalogue.locate(card)]
    print(
        "embedder                            slope  offset threshold | held out: FPR  recall  rank-1    mAP | "
        "quality: error"
    )
    kinds = crops_of(read(SHARED / "data" / "market1501-dev").pictures)
    for name in chosen.names or here:
        everybody, worse = (embedded(name, kind, chosen.keep) for kind in kinds)
        last = np.isin(everybody.person, people(everybody)[-HELD_OUT:])
        fitted = last if chosen.held_out else ~last
        (everybody, worse), scale = rated((everybody, worse), kinds, card_of(name), last, chosen.held_out)
        found = calibrate(everybody[fitted], worse[fitted], name, chosen.held_out)
        held = everybody[last]
        labels = Labels(held.person, held.camera)
        returning, strangers = (float(np.mean(kind > found.threshold)) for kind in pairs(held))
        query = query_each(held.person, held.camera)
        ranked = score_vectors(held.vectors[query], held.vectors, labels[query], labels)
        rank1, mean_ap = float(ranked.cmc[0]), ranked.mean_ap
        print(
            f"{name:34} {found.slope:6.2f} {found.offset:7.2f} {found.threshold:9.3f} | "
            f"{strangers:13.4f} {returning:7.3f} {rank1:7.3f} {mean_ap:6.3f} | {told(scale)}",
            flush=True,
        )
        if chosen.write:
            write(name, found, scale, {"rank-1": rank1, "mAP": mean_ap})


def told(scale: QualityScale | None) -> str:
    """For the table."""
    return "not rated" if scale is None else f"{scale.error:14.3f}"


def card_of(name: str) -> Card:
    """The card of an embedder."""
    return next(card for card in catalogue.cards() if card.name == name and card.task == "embedder")


@dataclass(frozen=True)
class Kind:
    """N labelled pictures, as they are or made worse, in memory."""

    ending: str
    pictures: PictureSet
    crops: list[Image]


def crops_of(pictures: PictureSet) -> tuple[Kind, Kind]:
    """The pictures as they are, and made worse by any severity, each with a stranger who may stand in front."""
    crops, rng = [picture(path) for path in pictures.paths], np.random.default_rng(0)
    strangers = rng.permutation(len(crops))
    worse = [degrade(crop, crops[other], rng.uniform(0, 1), rng) for crop, other in zip(crops, strangers, strict=True)]
    return Kind("", pictures, crops), Kind("-worse", pictures, worse)


def embedded(name: str, kind: Kind, keep: Path | None) -> Embeddings:
    """All crops of Market-1501 dev by one model, their qualities as it gives them."""
    kept = None if keep is None else keep / f"{name}{kind.ending}.npz"
    if kept is not None and kept.exists():
        return load(kept)
    model = open_embedder(name, "cpu", 1, scaled=False)
    parts = [model.embed(kind.crops[start : start + 64]) for start in range(0, len(kind.crops), 64)]
    vectors, own = (np.concatenate(part) for part in zip(*parts, strict=True))
    who, paths = kind.pictures, tuple(str(path) for path in kind.pictures.paths)
    made = Embeddings(model.name, vectors, who.person, who.camera, who.sequence, who.frame, own, paths)
    if kept is not None:
        save(made, kept)
    return made


def rated(
    kinds: tuple[Embeddings, Embeddings], pictures: tuple[Kind, Kind], card: Card, last: Bools, held_out: bool
) -> tuple[list[Embeddings], QualityScale | None]:
    """The same crops with qualities that are probabilities, and how they became so; models that are code stay.

    Args:
        kinds: the N crops as they are, and made worse.
        pictures: the crops themselves, for models that tell no quality.
        card: of the model.
        last: (N,) of the held-out people.
        held_out: whether these are what is fitted to.
    """
    if not isinstance(card.output, EmbedderOutput):
        return list(kinds), None
    fitted = last if held_out else ~last
    has_own = card.output.quality is not None

    raw = [kind.quality for kind in kinds]
    if not has_own:
        raw = [np.array([quality(crop) for crop in kind.crops], np.float32) for kind in pictures]

    def of(rows: Bools) -> tuple[Float32s, Float64s]:
        """The quality of both kinds, and the probability of ranking first among good crops."""
        first = np.concatenate([ranks_first(kind[rows], among=kinds[0][rows]) for kind in kinds])
        return np.concatenate([told[rows] for told in raw]), first

    scale = fit_scale(*of(fitted))
    if held_out:
        wrong, checked = crossed(np.tile(kinds[0].person[last], 2), *of(last))
    else:
        wrong, checked = error(scale, *of(last)), f"error on the last {HELD_OUT} identities"
    identities, count = len(np.unique(kinds[0].person[fitted])), int(fitted.sum())
    block = QualityScale(
        told=scale.told,
        first=scale.first,
        identities=GALLERY,
        error=round(wrong, 4),
        fitted_on=f"Market-1501 dev, {identities} identities, {count} crops and as many made worse; {checked}",
        source=f"python bench/calibrate_cards.py {card.name}{' --held-out' if held_out else ''} --write",
    )
    return [replace(kind, quality=scale(told)) for kind, told in zip(kinds, raw, strict=True)], block


def crossed(person: Ints, told: Float32s, first: Float64s) -> tuple[float, str]:
    """The error of fits on every second person, on the others, and what that is."""
    numbers = np.unique(person)
    wrong = []
    for half in (numbers[::2], numbers[1::2]):
        mine = np.isin(person, half)
        wrong.append(error(fit_scale(told[mine], first[mine]), told[~mine], first[~mine]))
    return float(np.mean(wrong)), "error of fits on the queries of half of them, on the other half"


def pairs(held: Embeddings) -> tuple[Float64s, Float64s]:
    """Cosines of the pairs of crops of one person in two cameras, and of the pairs of two people."""
    first, second = np.triu_indices(len(held), 1)
    cosines = (held.vectors @ held.vectors.T)[first, second].astype(np.float64)
    same = held.person[first] == held.person[second]
    return cosines[same & (held.camera[first] != held.camera[second])], cosines[~same]


def calibrate(fitted: Embeddings, worse: Embeddings, name: str, held_out: bool) -> Calibration:
    """The calibration block of the card, from good crops and the same made worse."""
    found, compared = fit_calibration(fitted), comparisons(fitted)
    poor = fit_poor(fitted, worse, found)
    seen = card_of(name).trained_on
    who = f"{len(people(fitted))} {'held-out' if held_out else 'training'} identities"
    return Calibration(
        slope=round(found.slope, 3),
        offset=round(found.offset, 3),
        impostor_mean=round(found.impostor_mean, 4),
        impostor_std=round(found.impostor_std, 4),
        quality=round(found.quality, 4),
        second_slope=round(found.second_slope, 3),
        second_offset=round(found.second_offset, 3),
        halves=round(found.halves, 4),
        strangers=None if found.strangers is None else tail(found.strangers),
        poor=None if poor is None else points(poor),
        threshold=round(found.threshold, 4),
        false_positive_rate=FALSE_POSITIVE_RATE,
        fitted_on=f"Market-1501 dev, {who}, tracklets against parts of people. The model was trained on: {seen}",
        same_pairs=int(compared.same.sum()),
        different_pairs=int((~compared.same).sum()),
        source=f"python bench/calibrate_cards.py {name}{' --held-out' if held_out else ''} --write",
    )


def tail(found: Strangers) -> StrangerTail:
    """As the card keeps it."""
    quantiles = tuple(round(value, 4) for value in found.quantiles)
    return StrangerTail(
        identities=found.identities,
        quantiles=quantiles,
        scale=round(found.scale, 5),
        shape=round(found.shape, 4),
        growth=round(found.growth, 4),
        narrowing=round(found.narrowing, 4),
    )


def points(found: Poor) -> PoorPictures:
    """As the card keeps it."""
    return PoorPictures(
        quality=tuple(round(value, 4) for value in found.quality),
        gain=tuple(round(value, 4) for value in found.gain),
        shift=tuple(round(value, 4) for value in found.shift),
        same=tuple(round(value, 4) for value in found.same),
    )


def write(name: str, found: Calibration, scale: QualityScale | None, figures: dict[str, float]) -> None:
    """Put the blocks and the figures into the packaged card."""
    for path in catalogue.CARDS.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["name"] == name and content["task"] == "embedder":
            content["calibration"] = found.model_dump()
            if scale is not None:
                content["quality"] = scale.model_dump()
            others = [metric for metric in content.get("metrics", []) if metric["on"] != CHECKED_ON]
            content["metrics"] = others + [
                {"name": key, "value": round(value, 3), "on": CHECKED_ON, "source": found.source}
                for key, value in figures.items()
            ]
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
