"""Trackers with appearance on real pixels: PETS 2009 S2.L1 view 1, the same boxes and embeddings for all.

    python bench/tracking_looks.py [--embedder NAME] [--cache FOLDER]

795 frames at 7 fps, up to 8 people at once; boxes of YOLOX-Nano from score 0.05 on, quality = detector score, causal
output, no cuts. What the networks said is kept in the folder, so that a second run takes seconds. Embedded: crops per
frame that were asked for.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from perdure.config import DetectionConfig, TrackingConfig
from perdure.detect.open import open_detector
from perdure.embed.crop import borders, cut
from perdure.embed.open import open_embedder
from perdure.evaluate.motfiles import read_truth
from perdure.evaluate.tracking import TrackingScores, score
from perdure.evaluate.tracks import Tracks
from perdure.track.build import build
from perdure.track.core import RuleTracker
from perdure.track.default import DefaultRule, Weights
from perdure.types import Crops, Detections

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
PETS = SHARED / "data" / "video" / "pets09-s2l1"
RATE_FPS, SCALE, SIZE = 7.0, 0.625, (480, 360)
NAMES = ("sort", "deepsort", "bytetrack", "ocsort", "botsort", "default")


@dataclass(frozen=True)
class Scene:
    """What the networks said of one frame."""

    found: Detections
    vectors: np.ndarray


def looked_at(embedder_name: str, cache: Path) -> list[Scene]:
    embedder = open_embedder(embedder_name)
    kept = cache / f"pets-{embedder.name}.npz"  # with the number of its weights
    if not kept.is_file():
        detector = open_detector("yolox-nano", DetectionConfig(min_score=0.05, min_height_px=10.0))
        video, arrays = cv2.VideoCapture(str(PETS / "view1.mp4")), {}
        index = 0
        while (read := video.read())[0]:
            found = detector.detect([read[1]])[0]
            arrays[f"boxes{index}"], arrays[f"scores{index}"] = found.boxes, found.scores
            arrays[f"flags{index}"] = found.flags
            crops = cut(read[1], found.boxes, borders(found.flags, embedder.border))
            arrays[f"vectors{index}"] = embedder.embed(crops)[0] if crops else np.zeros((0, 1), np.float32)
            index += 1
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, **arrays)
    with np.load(kept) as arrays:
        count = sum(name.startswith("boxes") for name in arrays.files)
        columns = ("boxes", "scores", "flags")
        return [
            Scene(Detections.of(*(arrays[f"{c}{k}"] for c in columns)), arrays[f"vectors{k}"]) for k in range(count)
        ]


def followed(tracker: RuleTracker, scenes: list[Scene], with_looks: bool) -> tuple[Tracks, float]:
    frames, ids, boxes, asked = [], [], [], 0
    for index, scene in enumerate(scenes):
        rows = tracker.propose(index, index / RATE_FPS, SIZE, scene.found)
        asked += len(rows)
        crops = []
        if with_looks and len(rows):
            crops = [Crops(rows, "bench", scene.vectors[rows], scene.found.scores[rows], ("",) * len(rows))]
        tracker.commit(crops)
        tracker.tell()
        seen, numbers = tracker.observed()
        frames.append(np.full(len(seen), index + 1))
        ids.append(numbers)
        boxes.append(scene.found.boxes[seen] / SCALE)
    return Tracks.of(np.concatenate(frames), np.concatenate(ids), np.concatenate(boxes)), asked / len(scenes)


def row(label: str, scores: TrackingScores, asked: float) -> None:
    f = scores.figures()
    shares = " ".join(f"{100 * f[name]:6.1f}" for name in ("IDF1", "HOTA", "AssA", "MOTA", "Recall"))
    print(f"{label:34} {shares} {int(f['IDSW']):5d} {asked:6.1f}", flush=True)


def ablated(config: TrackingConfig, **off: object) -> RuleTracker:
    """The default with some of its constants changed."""
    rule = DefaultRule(config.high_score, config.confirm_s, config.lost_after_s)
    for name, value in off.items():
        setattr(rule, f"_{name}", value)
    return RuleTracker("bench", config, rule)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embedder", default="osnet-x0.25-msmt17")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "perdure-bench")
    given = parser.parse_args()
    scenes = looked_at(given.embedder, given.cache)
    truth = read_truth(PETS / "gt_768x576.txt", "mot15")
    print(f"{given.embedder:34}   IDF1   HOTA   AssA   MOTA Recall  IDSW embedded")
    for name in NAMES:
        tracker = build("bench", TrackingConfig.model_validate({"tracker": name, "cut_after_s": 3600}))
        tracks, asked = followed(tracker, scenes, with_looks=True)
        row(name, score(truth, tracks), asked)
    config = TrackingConfig(cut_after_s=3600)
    for label, off, looks in (
        ("without refusing contradictions", {"doubt_hidden": np.inf, "doubt_steady": np.inf}, True),
        ("without recovery by looks", {"recover_least": np.inf}, True),
        ("faint boxes in others like any", {"weights": replace(Weights(), crowded_low=0.0)}, True),
        ("without low boxes", {}, True),
        ("without any looks", {}, False),
    ):
        changed = config.model_copy(update={"low_score": config.high_score}) if "low" in label else config
        tracks, asked = followed(ablated(changed, **off), scenes, looks)
        row(label, score(truth, tracks), asked)


if __name__ == "__main__":
    main()
