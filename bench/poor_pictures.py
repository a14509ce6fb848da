"""What it is worth to know what poor pictures say: a stream in which some tracklets are poor, all in one run.

    PERDURE_SHARED=../shared python bench/calibrate_cards.py perdure-s --held-out --keep DIR   # embeds, good and worse
    PERDURE_SHARED=../shared python bench/poor_pictures.py --keep DIR [--embedder perdure-s] [--shares 0 0.1 0.25]

The last 100 people of Market-1501 dev: quality and calibration are fitted on one half of them, the others come as a
stream (``evaluate.stream``), and the other way round. A share of the tracklets shows every picture made worse (blurred,
shrunk, dark, covered, cut, any severity). Rows: the similarity of poor pictures taken as it is, drawn towards the
neutral one as far as the quality is below usual (a card without ``poor``), and taken for what it was measured to be
worth (``stream_calibration.fit_poor``). IDF1 by crops, online and after the second look; purity and number of the
identities of the latter.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from calibrate_cards import HELD_OUT, crops_of
from perdure.config import GalleryConfig
from perdure.embed.quality import quality
from perdure.evaluate.datasets import read
from perdure.evaluate.embeddings import Embeddings, load, people
from perdure.evaluate.quality_calibration import fit_scale, ranks_first
from perdure.evaluate.replay import run_policy
from perdure.evaluate.stream import halves, of_pictures
from perdure.evaluate.stream_calibration import fit_calibration, fit_poor
from perdure.gallery.calibrate import Calibration
from perdure.simulate.stream_fit import tracklets_of
from perdure.types import Bools

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def main() -> None:
    """Measure and print, one half of the people after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, required=True, help="where calibrate_cards.py kept the vectors")
    parser.add_argument("--embedder", default="perdure-s")
    parser.add_argument("--shares", nargs="+", type=float, default=[0.0, 0.1, 0.25], help="of poor tracklets")
    parser.add_argument("--seeds", type=int, default=3, help="which tracklets are poor")
    args = parser.parse_args()
    kinds = crops_of(read(SHARED / "data" / "market1501-dev").pictures)
    plain = [np.array([quality(crop) for crop in kind.crops], np.float32) for kind in kinds]
    good, worse = (load(args.keep / f"{args.embedder}{kind.ending}.npz") for kind in kinds)
    last = people(good)[-HELD_OUT:]
    first, second = halves(last)
    for fitted, streamed in ((first, second), (second, first)):
        rows = [np.isin(good.person, who) for who in (fitted, streamed)]
        rated, card = calibrated((good, worse), plain, rows[0])
        for share in args.shares:
            show([kind[rows[1]] for kind in rated], card, share, args.seeds if share else 1)


def calibrated(
    kinds: tuple[Embeddings, Embeddings], plain: list[np.ndarray], fitted: Bools
) -> tuple[list[Embeddings], Calibration]:
    """Both kinds of pictures with qualities that are probabilities, and the calibration, fitted on some rows."""
    ranks = np.concatenate([ranks_first(kind[fitted], among=kinds[0][fitted]) for kind in kinds])
    own = np.concatenate([kind.quality[fitted] for kind in kinds])
    scale = fit_scale(own, np.concatenate([told[fitted] for told in plain]), ranks)
    rated = [replace(kind, quality=scale(kind.quality, told)) for kind, told in zip(kinds, plain, strict=True)]
    card = fit_calibration(rated[0][fitted])
    return rated, replace(card, poor=fit_poor(rated[0][fitted], rated[1][fitted], card))


def show(kinds: list[Embeddings], card: Calibration, share: float, seeds: int) -> None:
    """One block of rows: the mean over streams with other poor tracklets."""
    rules = {
        "as it is": replace(card, quality=0.0, poor=None),
        "drawn to neutral": replace(card, poor=None),
        "as measured": card,
    }
    print(
        f"{len(people(kinds[0]))} people, {share:.0%} of the tracklets poor: IDF1 online and consolidated, purity, ids"
    )
    for name, calibration in rules.items():
        found = []
        for seed in range(seeds):
            end = run_policy(of_pictures(mixed(kinds, share, seed)), GalleryConfig(), calibration).end
            assert end.consolidated is not None
            found.append([end.online.idf1, end.consolidated.idf1, end.consolidated.purity, end.consolidated.ids])
        print(f"  {name:18s} {'  '.join(f'{value:7.3f}' for value in np.mean(found, axis=0))}", flush=True)


def mixed(kinds: list[Embeddings], share: float, seed: int) -> Embeddings:
    """The pictures, those of some tracklets made worse."""
    good, worse = kinds
    tracklet = tracklets_of(good.person, good.camera, good.sequence, good.frame)
    poor = (np.random.default_rng(seed).random(tracklet.max() + 1) < share)[tracklet]
    return replace(
        good,
        vectors=np.where(poor[:, None], worse.vectors, good.vectors),
        quality=np.where(poor, worse.quality, good.quality),
    )


if __name__ == "__main__":
    main()
