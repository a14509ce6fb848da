"""Learned association against its parent: leave one sequence out, boxes only, several seeds.

    python bench/association.py [--seeds 0 1 2] [--steps 60] [--clips 12] [--without-scorer]

For every sequence of MOT15 and MOT17 (public detections) the stages of ``perdure train association`` learn from all
others and from simulated scenes, and track the one left out. The curve is the reward per second that people could be
followed, without chance, on what is learned from: mean of the folds. Needs ``perdure[train]`` and ``PERDURE_SHARED``.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np

from perdure.config import TrackingConfig
from perdure.evaluate.tracking import TrackingScores, score
from perdure.track.learned import Net
from perdure.train.association.clips import Recording, read_recording
from perdure.train.association.config import AssociationTraining, PolicyStage, SceneSet, ScorerStage
from perdure.train.association.replay import replay
from perdure.train.association.scenes import simulated
from perdure.train.association.scorer import Weights
from perdure.train.association.train import constants_of, trained
from tracking import SHARED, combined, folders, header, row

SCENES = (SceneSet(plan="shop", minutes=1.5), SceneSet(plan="office", minutes=1.5))


def tracked(weights: Weights, recording: Recording, config: AssociationTraining) -> TrackingScores:
    """One recording replayed with these weights."""
    done = replay(recording.clip, constants_of(config), Net.of(weights), TrackingConfig().low_score, 0.0, 0, 0)
    return score(recording.truth, recording.shown(done.numbers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument(
        "--parent", choices=("default", "scorer"), default="default", help="what the policy starts from"
    )
    parser.add_argument("--without-scorer", action="store_true", help="the policy stage alone")
    given = parser.parse_args()
    real = [read_recording(folder) for year in ("MOT15", "MOT17") for folder in folders(SHARED, year)]
    scenes = [r for s in SCENES for seed in s.seeds for r in simulated(s.plan, s.minutes, s.rate_fps, seed)]
    policy = PolicyStage(steps=given.steps, clips=given.clips, parent=given.parent)
    results: dict[str, dict[str, TrackingScores]] = {}
    for seed in given.seeds:
        curves = []
        for left_out in real:
            with tempfile.TemporaryDirectory() as folder:
                stages_of = {"scorer": None if given.without_scorer else ScorerStage(), "policy": policy}
                config = AssociationTraining(out=Path(folder), simulated=SCENES, seed=seed, **stages_of)
                stages = trained(config, [r for r in real if r is not left_out] + scenes, resume=False)
                with (config.out / "curve.csv").open() as file:
                    points = [(int(line["step"]), float(line["greedy"])) for line in csv.DictReader(file)]
            curves.append([point for point in points if np.isfinite(point[1])])
            print(f"seed {seed}, without {left_out.name:20} {curve(curves[-1:])}", flush=True)
            for name, weights in stages.items():
                label = name if name == "default" else f"{name}, seed {seed}"
                results.setdefault(label, {})[left_out.name] = tracked(weights, left_out, config)
                one = results[label][left_out.name].figures()
                print(f"    {name:10} HOTA {one['HOTA']:.3f} IDF1 {one['IDF1']:.3f} IDSW {one['IDSW']:.0f}", flush=True)
        print(f"seed {seed}: {curve(curves)}")
    for year in ("MOT15", "MOT17"):
        header(year)
        for label, scores in results.items():
            row(label, combined({n: s for n, s in scores.items() if n.startswith("MOT17") == (year == "MOT17")}))


def curve(curves: list[list[tuple[int, float]]]) -> str:
    """Steps and the mean reward of some runs."""
    means = np.mean([[reward for _, reward in points] for points in curves], axis=0)
    return "reward " + ", ".join(f"{step}: {mean:.4f}" for (step, _), mean in zip(curves[0], means, strict=True))


if __name__ == "__main__":
    main()
