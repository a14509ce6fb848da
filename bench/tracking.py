"""Trackers on public MOTChallenge detections: accuracy, and time for association alone, ours and peers' in one run.

    python bench/tracking.py                 # accuracy on PERDURE_SHARED/data/mot, boxes only, causal output
    python bench/tracking.py --speed         # ms per frame at 50, 200 and 1,000 people
    python bench/tracking.py --ablate        # the default with each of its parts off
    python bench/tracking.py --recall        # the default, surer and surer of what a person is: switches by recall
    python bench/tracking.py --tune [PEER]   # peers with what is best on the other sequences (leave one out)

Peers (roboflow ``trackers``) are compared where they can be imported; they are no dependency of perdure.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from perdure.config import TrackingConfig
from perdure.evaluate.motfiles import read_truth
from perdure.evaluate.tracking import TrackingScores, combined, score
from perdure.evaluate.tracks import Tracks
from perdure.interop.mot import Boxes, Sequence, read_sequence
from perdure.track.build import build
from perdure.track.core import RuleTracker
from perdure.track.default import DefaultRule, Weights
from perdure.track.kalman import Motion
from perdure.track.scene import Scene
from perdure.track.walking import WalkingModel
from perdure.types import Crops, Detections

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
NAMES = ("sort", "deepsort", "bytetrack", "ocsort", "botsort", "default")
PEERS = ("SORTTracker", "ByteTrackTracker", "OCSORTTracker", "BoTSORTTracker")
NOTHING = Boxes(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
Step = Callable[[int, float, Detections], tuple[np.ndarray, np.ndarray]]
"""(frame from 0, seconds, detections) -> rows and numbers of the tracks known now."""


def ours(name: str, sequence: Sequence, **change: object) -> Step:
    return stepping(
        build("bench", TrackingConfig.model_validate({"tracker": name, "confirm_s": 0.1} | change)), sequence
    )


def stepping(tracker: RuleTracker, sequence: Sequence) -> Step:
    def step(index: int, at: float, found: Detections) -> tuple[np.ndarray, np.ndarray]:
        tracker.propose(index, at, sequence.size, found)
        tracker.commit([])
        tracker.tell()
        return tracker.observed()

    return step


STILL = np.array([0.0, -1e300, -1e300])
"""What is known of a camera (``believed_shift``) that is sure never to move."""
WEIGHTS, WALKING = Weights(), WalkingModel()
SIDEWAYS = replace(
    WALKING, pushed=(0.22, 0.0, 0.0, 0.0), start_speed=(0.44, 0.0, 0.0, 0.0), drift=(0.0, 0.08, 0.1, 0.12)
)
PARTS_OFF: dict[str, tuple[Weights, WalkingModel]] = {
    "speed upwards and of size": (WEIGHTS, SIDEWAYS),
    "camera motion": (WEIGHTS, WALKING),
    "overlap": (replace(WEIGHTS, overlap=0.0), WALKING),
    "buffer of the overlap": (replace(WEIGHTS, buffer=0.0), WALKING),
    "time unseen": (replace(WEIGHTS, unseen=0.0), WALKING),
    "heavy tails of the motion": (replace(WEIGHTS, freedom=1e4), WALKING),
    "exits": (replace(WEIGHTS, leaving=0.0), WALKING),
    "caution about the young": (replace(WEIGHTS, young=0.0), WALKING),
    "low boxes": (replace(WEIGHTS, low_unseen_s=-1.0), WALKING),
    "motion of the long lost": (replace(WEIGHTS, late=-99.0), WALKING),
    "motion after one second": (replace(WEIGHTS, moving_s=1.0), WALKING),
}


class ReUpdated(RuleTracker):
    """The default with observation-centric re-update (OC-SORT, section 4), which it does without.

    A track found again gets the filter that a straight path over the gap would have given it; with ``speed_only`` no
    more than the speed of that.
    """

    after_s, speed_only = 0.0, False

    def __init__(self, config: TrackingConfig, rule: DefaultRule) -> None:
        super().__init__("bench", config, rule)
        self._after: dict[int, Motion] = {}
        """The filters right after the last box, by number."""

    def _observe(self, scene: Scene, links: np.ndarray) -> None:
        tracks, model, only = scene.tracks, self._rule.model, np.array([0])
        for box in np.flatnonzero(links >= 0).tolist():
            row, gap = int(links[box]), int(tracks.missed[links[box]])
            motion, passed_s = self._after.get(int(tracks.number[row])), float(scene.at - tracks.seen[row])
            if motion is None or not gap or passed_s < self.after_s:
                continue
            last, now = model.measure(tracks.box[row][None]), model.measure(scene.boxes[box][None])
            for step in range(1, gap + 1):
                motion.predict(model, passed_s / (gap + 1))
                motion.update(model, only, model.boxes(last + (now - last) * step / (gap + 1)))
            motion.predict(model, passed_s / (gap + 1))
            if self.speed_only:
                tracks.motion.speed[row] = motion.speed[0]
            else:
                tracks.motion.put(np.array([row]), motion)
        super()._observe(scene, links)

    def commit(self, crops: Iterable[Crops]) -> None:
        """As the tracker itself; then the filters are kept."""
        super().commit(list(crops))
        seen = np.flatnonzero(self._tracks.missed == 0)
        now = {int(self._tracks.number[row]): self._tracks.motion.take(np.array([row])) for row in seen}
        alive = set(self._tracks.number.tolist())
        self._after = {number: motion for number, motion in (self._after | now).items() if number in alive}


def re_updated(sequence: Sequence, after_s: float, speed_only: bool) -> Step:
    """The default with re-update."""
    config = TrackingConfig(confirm_s=0.1)
    tracker = ReUpdated(config, DefaultRule(config.high_score, config.confirm_s, config.lost_after_s))
    tracker.after_s, tracker.speed_only = after_s, speed_only
    return stepping(tracker, sequence)


def ablated(part: str, sequence: Sequence) -> Step:
    """The default without one of its parts."""
    config = TrackingConfig(confirm_s=0.1)
    rule = DefaultRule(config.high_score, config.confirm_s, config.lost_after_s, *PARTS_OFF[part])
    if part == "camera motion":
        rule._sway = STILL.copy()
    return stepping(RuleTracker("bench", config, rule), sequence)


def peer(name: str, sequence: Sequence, **change: float) -> Step | None:
    """A tracker of roboflow ``trackers``, or None where it is not installed."""
    try:
        import supervision
        import trackers
    except ImportError:
        return None
    kwargs = {"enable_cmc": False} if name == "BoTSORTTracker" else {}
    tracker = getattr(trackers, name)(frame_rate=sequence.rate_fps, **kwargs, **change)

    def step(_index: int, _at: float, found: Detections) -> tuple[np.ndarray, np.ndarray]:
        rows = np.arange(len(found))
        given = supervision.Detections(found.boxes, confidence=found.scores, data={"row": rows})
        told = tracker.update(given)
        kept = told.tracker_id >= 0
        return told.data["row"][kept].astype(int), told.tracker_id[kept]

    return step


def followed(step: Step, sequence: Sequence) -> Tracks:
    frames, ids, boxes = [], [], []
    for frame in range(1, sequence.length + 1):
        found = sequence.boxes.detections(frame)
        rows, numbers = step(frame - 1, (frame - 1) / sequence.rate_fps, found)
        frames.append(np.full(len(rows), frame))
        ids.append(numbers)
        boxes.append(found.boxes[rows])
    return Tracks.of(np.concatenate(frames), np.concatenate(ids), np.concatenate(boxes))


def folders(root: Path, year: str) -> Iterator[Path]:
    yield from sorted(p.parent for p in (root / "data" / "mot" / year).glob("*/det"))


def evaluated(make: Callable[[Sequence], Step | None], root: Path, year: str) -> TrackingScores | None:
    scores = {}
    for folder in folders(root, year):
        sequence = read_sequence(folder)
        step = make(sequence)
        if step is None:
            return None
        scores[folder.name] = score(read_truth(folder / "gt" / "gt.txt"), followed(step, sequence))
    return combined(scores)


def row(label: str, scores: TrackingScores | None) -> None:
    if scores is None:
        print(f"{label:34} not installed")
        return
    f = scores.figures()
    shares = "  ".join(f"{100 * f[name]:5.1f}" for name in ("HOTA", "AssA", "DetA", "IDF1", "MOTA", "Recall"))
    print(f"{label:34} {shares}  {int(f['IDSW']):5d}", flush=True)


def header(year: str) -> None:
    print(f"\n{year:34}  HOTA   AssA   DetA   IDF1   MOTA  Recall  IDSW")


def accuracy(root: Path) -> None:
    for year in ("MOT15", "MOT17"):
        header(year)
        for name in PEERS:
            row(f"{name} (roboflow)", evaluated(lambda s, n=name: peer(n, s), root, year))
        for name in NAMES:
            row(name, evaluated(lambda s, n=name: ours(n, s), root, year))


def ablation(root: Path) -> None:
    for year in ("MOT15", "MOT17"):
        header(year)
        row("default", evaluated(lambda s: ours("default", s), root, year))
        for part in PARTS_OFF:
            row(f"without {part}", evaluated(lambda s, p=part: ablated(p, s), root, year))
        row("with re-update", evaluated(lambda s: re_updated(s, 0.0, speed_only=False), root, year))
        row("with re-update of speed, 0.5 s on", evaluated(lambda s: re_updated(s, 0.5, speed_only=True), root, year))


SURER: tuple[dict[str, float], ...] = (
    {},
    {"high_score": 0.6},
    {"confirm_s": 0.2},
    {"high_score": 0.7},
    {"high_score": 0.6, "confirm_s": 0.2},
    {"high_score": 0.7, "confirm_s": 0.3},
)


def by_recall(root: Path) -> None:
    """Who shows fewer people switches less: for a comparison at the recall of a peer."""
    for year in ("MOT15", "MOT17"):
        header(year)
        for change in SURER:
            label = " ".join(f"{name} {value}" for name, value in change.items())
            row(f"default {label}", evaluated(lambda s, c=change: ours("default", s, **c), root, year))


LONGER = {"lost_track_buffer": 60}
BELOW = {"high_conf_det_threshold": 0.5, "track_activation_threshold": 0.6}
GRID: dict[str, tuple[dict[str, float], ...]] = {
    "SORTTracker": (
        {},
        LONGER,
        {"minimum_iou_threshold": 0.15},
        LONGER | {"minimum_iou_threshold": 0.15},
        {"track_activation_threshold": 0.5},
    ),
    "ByteTrackTracker": ({}, LONGER, {"minimum_iou_threshold": 0.2}, BELOW, LONGER | BELOW),
    "OCSORTTracker": (
        {},
        LONGER,
        {"minimum_iou_threshold": 0.2},
        {"high_conf_det_threshold": 0.5},
        LONGER | {"high_conf_det_threshold": 0.5},
    ),
    "BoTSORTTracker": ({}, LONGER, {"minimum_iou_threshold_first_assoc": 0.1}, BELOW, LONGER | BELOW),
}
"""What is tried of each peer around its defaults: how long the lost are kept, overlap, scores."""


def worth(scores: dict[str, TrackingScores]) -> float:
    """What is maximised: HOTA + IDF1 of each benchmark, both alike."""
    years = [{n: s for n, s in scores.items() if n.startswith("MOT17") == modern} for modern in (False, True)]
    figures = [combined(of_year).figures() for of_year in years]
    return float(np.mean([f["HOTA"] + f["IDF1"] for f in figures]))


def tuned(root: Path, name: str) -> None:
    """A peer on each sequence with the variant that is best on all others; and with the best of all, in hindsight."""
    folds = [folder for year in ("MOT15", "MOT17") for folder in folders(root, year)]
    sequences = [(f.name, read_sequence(f), read_truth(f / "gt" / "gt.txt")) for f in folds]
    table: list[dict[str, TrackingScores]] = []
    for change in GRID[name]:
        scores = {}
        for label, sequence, truth in sequences:
            step = peer(name, sequence, **change)
            if step is None:
                print(f"{name:34} not installed")
                return
            scores[label] = score(truth, followed(step, sequence))
        table.append(scores)
        print(f"    {name} {change or 'as it comes'}: {100 * worth(scores):.2f}", flush=True)
    best = max(table, key=worth)
    others = {n: max(table, key=lambda s, n=n: worth({k: v for k, v in s.items() if k != n})) for n in best}
    for year in ("MOT15", "MOT17"):
        header(year)
        for label, chosen in (
            ("as it comes", table[0]),
            ("best on the others", {n: s[n] for n, s in others.items()}),
            ("best of all", best),
        ):
            of_year = {n: s for n, s in chosen.items() if n.startswith("MOT17") == (year == "MOT17")}
            row(f"{name}, {label}", combined(of_year))


def crowd(people: int, frames: int, seed: int = 0) -> list[Detections]:
    """People walking on a large floor, 95 % of them found in each frame."""
    rng = np.random.default_rng(seed)
    side = 140.0 * np.sqrt(people)
    place, speed = rng.uniform(0, side, (people, 2)), rng.normal(0, 2, (people, 2))
    height = rng.uniform(80, 140, people)
    told = []
    for _ in range(frames):
        place += speed
        speed = np.where((place < 0) | (place > side), -speed, speed)
        centre = place + rng.normal(0, 1, place.shape)
        half = np.stack([0.2 * height, 0.5 * height], axis=1)
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        seen = rng.random(people) < 0.95
        told.append(Detections.of(boxes[seen], rng.uniform(0.6, 1.0, int(seen.sum()))))
    return told


def speed() -> None:
    """Median CPU ms per frame without the first 20, of three runs of all in turn the middle one."""
    print(f"\n{'ms per frame':34} {'50':>8} {'200':>8} {'1000':>8}")
    cells: dict[str, list[str]] = {label: [] for label in (*PEERS, *NAMES)}
    for people in (50, 200, 1000):
        scenes = crowd(people, 60)
        medians: dict[str, list[float]] = {label: [] for label in cells}
        for _ in range(3):
            for label in cells:
                medians[label].append(timed(label, scenes))
        for label, taken in medians.items():
            cells[label].append("-" if np.isnan(taken).any() else f"{np.median(taken):.3f}")
    for label, row_of in cells.items():
        print(f"{label:34} " + " ".join(f"{cell:>8}" for cell in row_of), flush=True)


def timed(label: str, scenes: list[Detections]) -> float:
    """Median CPU ms per frame of one run; NaN for a peer that is not installed."""
    sequence = Sequence("crowd", NOTHING, len(scenes), 25.0, (4500, 4500))
    step = ours(label, sequence) if label in NAMES else peer(label, sequence)
    if step is None:
        return float("nan")
    taken = []
    for index, found in enumerate(scenes):
        start = time.process_time()
        step(index, index / 25.0, found)
        taken.append(1e3 * (time.process_time() - start))
    return float(np.median(taken[20:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--recall", action="store_true")
    parser.add_argument("--tune", nargs="*", choices=PEERS, metavar="PEER", help="all of them unless named")
    given = parser.parse_args()
    if given.tune is not None:
        for name in given.tune or PEERS:
            tuned(SHARED, name)
        return
    if given.recall:
        by_recall(SHARED)
        return
    if given.speed:
        speed()
        return
    if given.ablate:
        ablation(SHARED)
    else:
        accuracy(SHARED)


if __name__ == "__main__":
    main()
