"""The third-party models on real pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from perdure import geometry
from perdure.config import DetectionConfig
from perdure.detect.open import open_detector
from perdure.embed.open import open_embedder
from perdure.models import catalogue
from perdure.types import Detections, Image

EMBEDDERS = ["osnet-x0.25-msmt17", "person-reidentification-retail-0277", "person-reidentification-retail-0288"]


@pytest.fixture(autouse=True)
def _models(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_MODELS", str(shared / "models"))


def pets(shared: Path, every: int = 40) -> list[tuple[Image, np.ndarray]]:
    """Frames of PETS view 1 and their true boxes, (N, 4) xyxy px."""
    folder = shared / "data" / "video" / "pets09-s2l1"
    rows = np.loadtxt(folder / "gt_768x576.txt", delimiter=",")
    video = cv2.VideoCapture(str(folder / "view1.mp4"))
    frames, index = [], 0
    while (answer := video.read())[0]:
        if index % every == 0:
            boxes = rows[rows[:, 0] == index + 1, 2:6] * 0.625
            frames.append(
                (np.asarray(answer[1], np.uint8), np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1))
            )
        index += 1
    return frames


def hits(found: Detections, truth: np.ndarray) -> int:
    """Greedy matches at IoU 0.5, best score first."""
    overlaps = geometry.iou(found.boxes.astype(np.float64), truth)
    count = 0
    for row in overlaps:
        if len(row) and row.max() >= 0.5:
            overlaps[:, row.argmax()] = 0.0
            count += 1
    return count


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "precision", "recall"),
    [("yolox-nano", 0.78, 0.90), ("person-detection-retail-0013", 0.88, 0.82), ("perdure-det", 0.78, 0.88)],
)
def test_detectors_find_the_people_of_pets(shared: Path, name: str, precision: float, recall: float) -> None:
    detector = open_detector(name, DetectionConfig(min_score=0.3), "cpu", 1)
    frames = pets(shared)
    answers = detector.detect([image for image, _ in frames])
    right = sum(hits(found, truth) for found, (_, truth) in zip(answers, frames, strict=True))
    assert right / sum(map(len, answers)) > precision
    assert right / sum(len(truth) for _, truth in frames) > recall


@pytest.mark.real
def test_no_people_among_cars(shared: Path) -> None:
    video = cv2.VideoCapture(str(shared / "data" / "video" / "intel" / "car-detection.mp4"))
    detector = open_detector("yolox-nano", DetectionConfig(min_score=0.5), "cpu", 1)
    for _ in range(8):
        video.set(cv2.CAP_PROP_POS_FRAMES, video.get(cv2.CAP_PROP_POS_FRAMES) + 25)
        assert len(detector.detect([np.asarray(video.read()[1], np.uint8)])[0]) == 0


def crops(shared: Path, people: int = 12) -> tuple[list[Image], list[str]]:
    """The first two crops of two cameras of some people, with who they are."""
    by_person: dict[str, dict[str, Path]] = {}
    for path in sorted((shared / "data" / "market1501-dev").glob("*.jpg")):
        person, scene = path.name.split("_")[:2]
        by_person.setdefault(person, {}).setdefault(scene[:2], path)
    chosen = [(p, list(c.values())[:2]) for p, c in by_person.items() if len(c) >= 2][:people]
    pictures = [np.asarray(cv2.imread(str(path)), np.uint8) for _, paths in chosen for path in paths]
    return pictures, [person for person, paths in chosen for _ in paths]


@pytest.mark.real
@pytest.mark.parametrize("name", EMBEDDERS)
def test_embedders_know_mirror_images_and_people(shared: Path, name: str) -> None:
    pictures, people = crops(shared)
    embedder = open_embedder(name, "cpu", 1)
    vectors, quality = embedder.embed(pictures)
    mirrored, _ = embedder.embed([picture[:, ::-1] for picture in pictures])
    assert np.median(np.sum(vectors * mirrored, axis=1)) > 0.95
    assert ((quality > 0) & (quality <= 1)).all()
    cosines = vectors @ vectors.T
    same = np.equal.outer(people, people)
    np.fill_diagonal(cosines, -1.0)
    assert np.mean([same[i, row.argmax()] for i, row in enumerate(cosines)]) > 0.7
    card, _ = catalogue.find(name)
    assert card.calibration is not None
    assert np.mean(cosines[~same] > card.calibration.threshold) < 0.05
    assert np.mean(cosines[same & (cosines > -1)] > card.calibration.threshold) > 0.4


@pytest.mark.real
def test_every_card_is_that_of_its_file(shared: Path) -> None:
    for card in catalogue.cards():
        path = catalogue.locate(card)
        assert path is not None, card.name
        catalogue.verify(card, path)
