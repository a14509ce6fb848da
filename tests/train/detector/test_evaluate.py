"""AP50 against the protocol written as loops, and the way pictures go in and boxes come out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from perdure.train.detector.data import Picture
from perdure.train.detector.evaluate import Found, average_precision, detect_all, report

NOBODY = np.zeros((0, 4), np.float32)


def picture(boxes: object, ignore: object = NOBODY, path: str = "none.png") -> Picture:
    people = np.array(boxes, np.float32).reshape(-1, 4)
    return Picture(Path(path), "set", 100, 100, people, np.array(ignore, np.float32).reshape(-1, 4))


def random_boxes(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    corner = rng.uniform(0, 60, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(8, 40, (count, 2))], axis=1).astype(np.float32)


def plain_iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inner = max(0.0, wide) * max(0.0, high)
    return float(inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner))


def plain_ap(found: list[Found], pictures: list[Picture]) -> float:
    """COCO's AP50 without vectors and without ignore regions."""
    pooled = []
    for one, truth in zip(found, pictures, strict=True):
        free = set(range(len(truth.boxes)))
        for i in sorted(range(len(one.scores)), key=lambda i: -one.scores[i]):
            best = max(free, key=lambda g: plain_iou(one.boxes[i], truth.boxes[g]), default=None)
            right = best is not None and plain_iou(one.boxes[i], truth.boxes[best]) >= 0.5
            if right:
                free.discard(best)
            pooled.append((float(one.scores[i]), right))
    total = sum(len(truth.boxes) for truth in pictures)
    pooled.sort(key=lambda item: -item[0])
    curve, hits = [], 0
    for seen, (_, right) in enumerate(pooled, start=1):
        hits += right
        curve.append((hits / total, hits / seen))
    steps = [max((p for r, p in curve if r >= level - 1e-12), default=0.0) for level in np.linspace(0, 1, 101)]
    return float(np.mean(steps))


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_ap_equals_the_plain_protocol(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pictures, found = [], []
    for _ in range(3):
        truth = random_boxes(rng, int(rng.integers(1, 6)))
        guesses = np.concatenate([truth + rng.normal(0, 3, truth.shape), random_boxes(rng, 3)]).astype(np.float32)
        pictures.append(picture(truth))
        found.append(Found(guesses, rng.permutation(len(guesses)).astype(np.float32) / 10 + rng.random() / 20))
    assert report(found, pictures).ap50 == pytest.approx(plain_ap(found, pictures), abs=1e-6)


def test_perfect_and_absent_detections() -> None:
    truth = random_boxes(np.random.default_rng(0), 4)
    perfect = report([Found(truth, np.full(4, 0.9, np.float32))], [picture(truth)])
    assert (perfect.ap50, perfect.recall, perfect.precision) == (1.0, 1.0, 1.0)
    absent = report([Found(NOBODY, np.zeros(0, np.float32))], [picture(truth)])
    assert (absent.ap50, absent.recall, absent.precision) == (0.0, 0.0, 0.0)
    assert average_precision(np.zeros(0, np.float32), np.zeros(0, bool), 0) == 0.0


def test_a_false_alarm_costs_unless_it_lies_in_an_ignore_region() -> None:
    truth = np.array([[10, 10, 30, 50]], np.float32)
    alarm = np.array([[60, 60, 80, 90]], np.float32)
    found = [Found(np.concatenate([alarm, truth]), np.array([0.9, 0.5], np.float32))]
    assert report(found, [picture(truth)]).ap50 == pytest.approx(0.5)
    assert report(found, [picture(truth, [[50, 50, 100, 100]])]).ap50 == 1.0


def test_a_person_found_twice_counts_once() -> None:
    truth = np.array([[10, 10, 30, 50]], np.float32)
    found = [Found(np.repeat(truth, 2, axis=0), np.array([0.9, 0.8], np.float32))]
    assert report(found, [picture(truth)]).precision == 0.5


def test_recall_is_split_by_height() -> None:
    truth = np.array([[0, 0, 10, 20], [20, 0, 40, 50], [50, 0, 90, 90]], np.float32)
    one = report([Found(truth[2:], np.array([0.9], np.float32))], [picture(truth)])
    assert one.recall_by_height == (("under 32", 1, 0.0), ("32 to 64", 1, 0.0), ("over 64", 1, 1.0))
    shrunk = report([Found(truth[2:], np.array([0.9], np.float32))], [picture(truth)], heights=[np.full(3, 10.0)])
    assert shrunk.recall_by_height[0][1:] == (3, pytest.approx(1 / 3))


@pytest.mark.parametrize("widen", [1.0, 1.5])
def test_boxes_come_back_in_pixels_of_the_picture(tmp_path: Path, widen: float) -> None:
    image = np.zeros((64, 200, 3), np.uint8)
    image[20:40, 80:160] = 255
    cv2.imwrite(str(tmp_path / "one.png"), image)
    one = Picture(tmp_path / "one.png", "set", 200, 64, NOBODY, NOBODY)

    def net(images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes the white area, told by the cell at the origin, and whispers the same in the next row."""
        ys, xs = np.nonzero(images[0, 0] > 200)
        high, wide = images.shape[2:]
        rows = np.zeros((1, sum((high // s) * (wide // s) for s in (8, 16, 32)), 6), np.float32)
        middle = np.array([xs.min() + xs.max() + 1, ys.min() + ys.max() + 1]) / 2
        size = np.array([np.ptp(xs) + 1, np.ptp(ys) + 1])
        rows[0, 0] = [*(middle / 8), *np.log(size / 8), 1.0, 0.9]
        rows[0, 1] = [*(middle / 8 - [1, 0]), *np.log(size / 8), 0.1, 0.05]
        return rows

    (found,) = detect_all(net, [one], 64 * 192, widen)
    np.testing.assert_allclose(found.boxes, [[80, 20, 160, 40]], atol=1.5)
    np.testing.assert_allclose(found.scores, [0.9])
