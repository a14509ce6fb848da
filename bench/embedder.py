"""The built-in body embedder beside its peers, in one run on one thread: cost, retrieval, box errors, quality.

    PERDURE_SHARED=../shared python bench/embedder.py                   # everything, some minutes
    PERDURE_SHARED=../shared python bench/embedder.py --only cost market
    PERDURE_SHARED=../shared python bench/embedder.py --model checkpoints/embed/perdure-s.onnx --only market

Sections: `cost` (ms per crop, batch 1 and 8), `market` (last 100 identities of market1501-dev: never trained on, nor
shown to the teacher), `cross` (PETS view 1 over time, in the truth's boxes and in detected ones, the Intel room and the
EPFL laboratory: no model of ours saw them, nor did its teacher on its behalf), `box` (100 random shifts and scales of a
box) and `quality` (order of crop and degraded crop; error against rejection, on Market and on detections in PETS).
Every embedder gets crops cut as its card asks for.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.open import open_detector
from perdure.embed.crop import borders, cut
from perdure.embed.embedder import Embedder
from perdure.embed.onnx import OnnxEmbedder
from perdure.errors import PerdureError
from perdure.evaluate.datasets import query_each
from perdure.evaluate.openset import Interval, interval, person_weights
from perdure.evaluate.retrieval import Labels, RetrievalScores, score_vectors
from perdure.geometry import iou
from perdure.models.catalogue import find
from perdure.models.session import Session, open_session
from perdure.train.embedder.augment import degrade

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("PERDURE_SHARED", "../shared"))
REFERENCE = "person-reidentification-retail-0277"
PEERS = (
    "osnet-x0.25-msmt17",
    "person-reidentification-retail-0288",
    "person-reidentification-retail-0287",
    "person-reidentification-retail-0286",
    REFERENCE,
)
PETS_SCALE = 0.625  # the clip is 480x360, its truth 768x576


@dataclass(frozen=True)
class Model:
    """An embedder, and the session under it for timing."""

    name: str
    session: Session
    embedder: Embedder


@dataclass(frozen=True)
class Labelled:
    """Crops of any size, who they show, and what makes two crops of a person count as different views (`camera`)."""

    crops: list[np.ndarray]
    person: np.ndarray
    camera: np.ndarray


def open_models(own: str, only_own: bool) -> list[Model]:
    models = []
    for name in (own,) if only_own else (own, *PEERS):
        try:
            card, path = find(name, "embedder")
            tensors = [card.output.vector] + ([card.output.quality] if card.output.quality else [])
            session = open_session(card, path, tensors, "cpu", threads=1)
        except PerdureError as error:
            print(f"left out {name}: {error}")
            continue
        models.append(Model(card.name, session, OnnxEmbedder(session)))
    return models


def cost(models: list[Model], repeats: int) -> None:
    """Medians of interleaved calls, in CPU time of the one thread: what else the machine does counts little."""
    times: dict[tuple[str, int], list[float]] = {(m.name, b): [] for m in models for b in (1, 8)}
    for _ in range(repeats):
        for m in models:
            given = m.session.card.input
            for b in (1, 8):
                pictures = np.random.default_rng(0).uniform(0, 1, (b, 3, given.height, given.width)).astype(np.float32)
                tensor = [m.session.card.output.vector]
                m.session.run(pictures, tensor)  # the caches hold this network again, as in a run of crops
                began = time.thread_time()
                m.session.run(pictures, tensor)
                times[m.name, b].append((time.thread_time() - began) / b * 1e3)
    middle = {k: statistics.median(v) for k, v in times.items()}
    print("\ncost, CPU ms per crop, one thread: batch 1 and 8, and as shares of 0277")
    for m in models:
        one, eight = middle[m.name, 1], middle[m.name, 8]
        shares = [
            f"{t / middle[REFERENCE, b]:.3f}" if (REFERENCE, b) in middle else "-" for t, b in ((one, 1), (eight, 8))
        ]
        print(f"  {m.name:38s} {one:7.2f} {eight:7.2f}   {shares[0]:>6s} {shares[1]:>6s}")


def held_out_market() -> Labelled:
    """All crops of the last 100 identities of market1501-dev, in order of file name."""
    paths = sorted((SHARED / "data/market1501-dev").glob("*.jpg"))
    people = sorted({p.name[:4] for p in paths})[-100:]
    kept = [p for p in paths if p.name[:4] in set(people)]
    crops = [cv2.imread(str(p)) for p in kept]
    return Labelled(crops, np.array([int(p.name[:4]) for p in kept]), np.array([int(p.name[6]) for p in kept]))


def pets_over_time(border: float = 0.0, every: int = 5, window: int = 70, least_height: float = 40.0) -> Labelled:
    """PETS 2009 S2.L1 view 1: 19 people, one crop every 5 frames; a window of 10 s counts as one camera.

    `border`: what the embedder wants to see around a box (`Embedder.border`), here and below.
    """
    truth = np.loadtxt(SHARED / "data/video/pets09-s2l1/gt_768x576.txt", delimiter=",")
    crops, person, camera = [], [], []
    with av.open(str(SHARED / "data/video/pets09-s2l1/view1.mp4")) as clip:
        for number, frame in enumerate(clip.decode(video=0), start=1):
            rows = truth[truth[:, 0] == number]
            if number % every or not len(rows):
                continue
            boxes = rows[:, 2:6] * PETS_SCALE
            rows, boxes = rows[boxes[:, 3] >= least_height], boxes[boxes[:, 3] >= least_height]
            boxes[:, 2:] += boxes[:, :2]
            picture, boxes = frame.to_ndarray(format="bgr24"), boxes.astype(np.float32)
            for who, shown, crop in zip(rows[:, 1], cut(picture, boxes), cut(picture, boxes, border), strict=True):
                if min(shown.shape[:2]) >= 8:
                    crops.append(crop.copy())
                    person.append(int(who))
                    camera.append(number // window)
    return Labelled(crops, np.array(person), np.array(camera))


def indoor_people(border: float = 0.0) -> Labelled:
    """Nine people in two rooms, named by eye in indoor_people.csv; a third of a crossing, or of a clip, is a view."""
    table = [line.split(",") for line in (HERE / "indoor_people.csv").read_text().splitlines()[1:]]
    crops, person, view = [], [], []
    for name in sorted({row[0] for row in table}):
        rows = [row for row in table if row[0] == name]
        with av.open(str(SHARED / "data/video" / name)) as clip:
            for number, frame in enumerate(clip.decode(video=0), start=1):
                here = [row for row in rows if int(row[1]) == number]
                boxes = np.array([row[4:8] for row in here], np.float32).reshape(-1, 4)
                boxes[:, 2:] += boxes[:, :2]
                found = cut(frame.to_ndarray(format="bgr24"), boxes, border) if here else []
                for row, crop in zip(here, found, strict=True):
                    crops.append(crop.copy())
                    person.append(int(row[2]))
                    view.append(int(row[3]))
    return Labelled(crops, np.array(person), np.array(view))


def score(model: Model, data: Labelled) -> tuple[RetrievalScores, RetrievalScores]:
    """With one query per person and camera, and with every crop as a query (less chance where there are few)."""
    vectors, _ = model.embedder.embed(data.crops)
    labels = Labels(data.person, data.camera)
    queries = query_each(data.person, data.camera, seed=0)
    few = score_vectors(vectors[queries], vectors, labels[queries], labels)
    return few, score_vectors(vectors, vectors, labels, labels)


def ahead(own: RetrievalScores, peer: RetrievalScores, person: np.ndarray) -> Interval:
    """By how much mAP of `own` is above that of `peer` on the same queries, with 95 % of draws of the people."""
    counted = np.isfinite(own.average_precision)
    gain = (own.average_precision - peer.average_precision)[counted]
    weight = person_weights(person[counted], 5000, np.random.default_rng(0))
    return interval(float(gain.mean()), weight @ gain / weight.sum(axis=1))


def retrieval(title: str, models: list[Model], cut_with: Callable[[float], Labelled]) -> None:
    """Figures of every model, each on crops with the border that it wants."""
    sets = {border: cut_with(border) for border in {m.embedder.border for m in models}}
    data = sets[models[0].embedder.border]
    print(f"\n{title}: {len(data.crops)} crops, {len(np.unique(data.person))} people")
    print("  rank-1, mAP, queries: one per person and view; every crop")
    if len(models) > 1:
        print(f"  and by how much {models[0].name} is ahead in mAP, every crop a query (95 % of draws of the people)")
    own: RetrievalScores | None = None
    for m in models:
        few, every = score(m, sets[m.embedder.border])
        rows = [f"{s.cmc[0]:6.3f} {s.mean_ap:6.3f} {s.counted:5d}" for s in (few, every)]
        own = own or every
        if own is not every:
            gap = ahead(own, every, data.person)
            rows.append(f"{gap.value:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})")
        print(f"  {m.name:38s} {'    '.join(rows)}", flush=True)


def box_errors(models: list[Model], people: int = 20, shifts: int = 100, reach: float = 0.1) -> None:
    """PETS boxes moved by up to 10 % of their size and scaled by up to 10 %, cut again from the frame."""
    rng = np.random.default_rng(0)
    truth = np.loadtxt(SHARED / "data/video/pets09-s2l1/gt_768x576.txt", delimiter=",")
    sets: dict[float, list[list[np.ndarray]]] = {m.embedder.border: [] for m in models}
    done = 0
    with av.open(str(SHARED / "data/video/pets09-s2l1/view1.mp4")) as clip:
        for number, frame in enumerate(clip.decode(video=0), start=1):
            rows = truth[(truth[:, 0] == number) & (truth[:, 5] * PETS_SCALE >= 50)]
            if number % 40 or not len(rows) or done == people:
                continue
            x, y, w, h = rows[0, 2:6] * PETS_SCALE
            if x < w or y < h / 4 or x + 2 * w > 480 or y + 1.25 * h > 360:
                continue
            centre = np.array([x + w / 2, y + h / 2]) + rng.uniform(-reach, reach, (shifts + 1, 2)) * [w, h]
            half = np.array([w, h]) / 2 * (1 + rng.uniform(-reach, reach, (shifts + 1, 2)))
            centre[0], half[0] = (x + w / 2, y + h / 2), (w / 2, h / 2)
            boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
            done += 1
            for border, kept in sets.items():
                kept.append([c.copy() for c in cut(frame.to_ndarray(format="bgr24"), boxes, border)])
    print(f"\nbox errors: {done} people, {shifts} shifts and scales of up to 10 %; cosine to the true box: mean, 5 %")
    for m in models:
        cosines = np.concatenate([v[1:] @ v[0] for v in (m.embedder.embed(s)[0] for s in sets[m.embedder.border])])
        print(f"  {m.name:38s} {cosines.mean():6.3f} {np.quantile(cosines, 0.05):6.3f}", flush=True)


def pets_detected(border: float = 0.0, every: int = 5, window: int = 70) -> tuple[Labelled, np.ndarray]:
    """What the built-in detector finds in PETS view 1 where the truth knows who it is, and the detector's scores."""
    truth = np.loadtxt(SHARED / "data/video/pets09-s2l1/gt_768x576.txt", delimiter=",")
    detector = open_detector("perdure-det", DetectionConfig(min_score=0.1), "cpu", threads=1)
    crops, person, camera, scores = [], [], [], []
    with av.open(str(SHARED / "data/video/pets09-s2l1/view1.mp4")) as clip:
        for number, frame in enumerate(clip.decode(video=0), start=1):
            rows = truth[truth[:, 0] == number]
            if number % every or not len(rows):
                continue
            picture = frame.to_ndarray(format="bgr24")
            found = detector.detect([picture])[0]
            boxes = (rows[:, 2:6] * PETS_SCALE).astype(np.float32)
            boxes[:, 2:] += boxes[:, :2]
            overlaps = iou(found.boxes, boxes)
            for i, (shown, crop) in enumerate(
                zip(cut(picture, found.boxes), cut(picture, found.boxes, borders(found.flags, border)), strict=True)
            ):
                best = int(overlaps[i].argmax())
                if overlaps[i, best] >= 0.4 and overlaps[:, best].argmax() == i and min(shown.shape[:2]) >= 8:
                    crops.append(crop.copy())
                    person.append(int(rows[best, 1]))
                    camera.append(number // window)
                    scores.append(float(found.scores[i]))
    return Labelled(crops, np.array(person), np.array(camera)), np.array(scores)


def quality(model: Model, data: Labelled) -> None:
    """Order of (crop, same crop degraded), then error against rejection on Market and on detections in PETS."""
    rng = np.random.default_rng(0)
    strangers = rng.permutation(len(data.crops))
    worse = [degrade(c, data.crops[s], rng.uniform(0.5, 1.0), rng) for c, s in zip(data.crops, strangers, strict=True)]
    _, own = model.embedder.embed(data.crops)
    _, own_worse = model.embedder.embed(worse)
    print(f"\nquality of {model.name}: {(own > own_worse).mean():.3f} of {len(own)} pairs (crop, degraded) in order")
    rejection("Market-1501, held-out identities", model, data, None)
    half = Labelled([*data.crops], data.person, data.camera)
    for i in rng.permutation(len(half.crops))[::2]:
        half.crops[i] = degrade(data.crops[i], data.crops[strangers[i]], rng.uniform(0.2, 0.8), rng)
    rejection("the same, every second crop degraded", model, half, None)
    rejection("PETS view 1, as detected", model, *pets_detected(model.embedder.border))


def rejection(title: str, model: Model, data: Labelled, scores: np.ndarray | None) -> None:
    """Rank-1 error of every crop as query against all, on the best 100, 90, 80, 70 % of the queries by each measure.

    The network without a loss for quality is the same network (its head sends no gradient): what it knows of quality is
    the length of its vector.
    """
    vectors, own = model.embedder.embed(data.crops)
    labels = Labels(data.person, data.camera)
    s = score_vectors(vectors, vectors, labels, labels)
    counted, wrong = s.first_rank > 0, s.first_rank != 1
    grey = [cv2.cvtColor(c, cv2.COLOR_BGR2GRAY) for c in data.crops]
    measures = {
        "learned quality": own,
        "length of the vector (no quality loss)": raw_norms(model, data.crops),
        "sharpness (Laplacian)": np.array([cv2.Laplacian(c, cv2.CV_64F).var() for c in grey]),
        "chance": np.random.default_rng(1).random(len(own)),
    }
    if scores is not None:
        measures["detector's score"] = scores
    print(
        f"  {title}: rank-1 error, {int(counted.sum())} queries, on the best 100, 90, 80, 70 %, and the mean of 100..50"
    )
    for name, measure in measures.items():
        order = np.flatnonzero(counted)[np.argsort(-measure[counted], kind="stable")]
        errors = [wrong[order[: round(share * len(order))]].mean() for share in (1.0, 0.9, 0.8, 0.7)]
        curve = np.mean([wrong[order[: round(share * len(order))]].mean() for share in np.linspace(1, 0.5, 51)])
        print(f"    {name:40s} " + " ".join(f"{e:6.4f}" for e in errors) + f"   {curve:6.4f}", flush=True)


def raw_norms(model: Model, crops: list[np.ndarray]) -> np.ndarray:
    from perdure.embed.crop import stack
    from perdure.models.preprocess import normalise

    given, tensor = model.session.card.input, [model.session.card.output.vector]
    parts = [crops[i : i + 16] for i in range(0, len(crops), 16)]
    raw = [model.session.run(normalise(stack(p, given.height, given.width), given), tensor)[0] for p in parts]
    return np.linalg.norm(np.concatenate(raw), axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sections = ("cost", "market", "cross", "box", "quality")
    parser.add_argument("--only", nargs="+", choices=sections, default=list(sections))
    parser.add_argument("--model", default="perdure-s", help="name in the catalogue, or an ONNX file with a card")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--repeats", type=int, default=25, help="of the timing")
    options = parser.parse_args()
    models = open_models(options.model, options.alone)
    if "cost" in options.only:
        cost(models, options.repeats)
    if "market" in options.only:
        market = held_out_market()  # cut by somebody else: there is nothing around the boxes
        retrieval("Market-1501, held-out identities (0277 and its sisters saw them)", models, lambda _: market)
    if "cross" in options.only:
        retrieval("PETS view 1, between windows of 10 s", models, pets_over_time)
        retrieval("The same, in the boxes of perdure-det", models, lambda border: pets_detected(border)[0])
        detected, _ = pets_detected(models[0].embedder.border)
        retrieval(f"And all cut as {models[0].name} asks", models, lambda _: detected)
        retrieval("Indoors (Intel room, EPFL laboratory), between thirds of a crossing", models, indoor_people)
    if "box" in options.only:
        box_errors(models)
    if "quality" in options.only:
        for m in models:
            if m.session.card.output.quality is not None:
                quality(m, held_out_market())


if __name__ == "__main__":
    main()
