from __future__ import annotations

import math

import numpy as np
import pytest

from perdure.detect.decoders import decode
from perdure.errors import ModelError
from perdure.models.card import DetectorOutput

HEIGHT, WIDTH = 64, 96
STRIDES = (8, 16, 32)
CELLS = [(x, y, s) for s in STRIDES for y in range(HEIGHT // s) for x in range(WIDTH // s)]


def form(**fields: object) -> DetectorOutput:
    return DetectorOutput.model_validate({"tensors": ["out"], **fields})


@pytest.mark.parametrize(("classes", "person"), [(1, 0), (80, 0), (5, 3)])
def test_yolox_against_a_plain_loop(classes: int, person: int) -> None:
    rows = np.random.default_rng(classes).normal(size=(2, len(CELLS), 5 + classes)).astype(np.float32)
    boxes, scores = decode([rows], HEIGHT, WIDTH, form(decoder="yolox", classes=classes, person_class=person))
    for b in range(2):
        for i, (x, y, s) in enumerate(CELLS):
            cx, cy, w, h, objectness = rows[b, i, :5].tolist()
            centre = ((cx + x) * s, (cy + y) * s)
            half = (math.exp(w) * s / 2, math.exp(h) * s / 2)
            expected = [centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]]
            np.testing.assert_allclose(boxes[b, i], expected, rtol=1e-5, atol=1e-4)
            assert scores[b, i] == pytest.approx(objectness * float(rows[b, i, 5 + person]), abs=1e-5)


def test_yolox_does_not_overflow_on_garbage() -> None:
    rows = np.full((1, len(CELLS), 6), 1e4, np.float32)
    assert np.isfinite(decode([rows], HEIGHT, WIDTH, form(decoder="yolox"))[0]).all()


def test_yolov8_against_a_plain_loop() -> None:
    columns = np.random.default_rng(1).uniform(1, 50, (2, 9, 17)).astype(np.float32)
    boxes, scores = decode([columns], HEIGHT, WIDTH, form(decoder="yolov8", classes=5, person_class=2))
    for b in range(2):
        for i in range(17):
            cx, cy, w, h = columns[b, :4, i].tolist()
            expected = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
            np.testing.assert_allclose(boxes[b, i], expected, rtol=1e-5, atol=1e-4)
            assert scores[b, i] == columns[b, 6, i]


@pytest.mark.parametrize("centre", [0.0, 0.5])
def test_nanodet_against_a_plain_loop(centre: float) -> None:
    classes, bins = 3, 8
    rows = np.random.default_rng(2).normal(size=(1, len(CELLS), classes + 4 * bins)).astype(np.float32)
    wanted = form(decoder="nanodet", classes=classes, person_class=1, bins=bins, centre=centre)
    boxes, scores = decode([rows], HEIGHT, WIDTH, wanted)
    for i, (x, y, s) in enumerate(CELLS):
        sides = []
        for side in range(4):
            logits = rows[0, i, classes + side * bins : classes + (side + 1) * bins].astype(float)
            weights = np.exp(logits) / np.exp(logits).sum()
            sides.append(sum(k * w for k, w in enumerate(weights)) * s)
        at = ((x + centre) * s, (y + centre) * s)
        expected = [at[0] - sides[0], at[1] - sides[1], at[0] + sides[2], at[1] + sides[3]]
        np.testing.assert_allclose(boxes[0, i], expected, rtol=1e-4, atol=1e-3)
        assert scores[0, i] == rows[0, i, 1]


def test_nanodet_has_a_row_for_every_begun_cell() -> None:
    cells = sum(math.ceil(72 / s) * math.ceil(104 / s) for s in (8, 16, 32, 64))
    wanted = form(decoder="nanodet", bins=8, strides=[8, 16, 32, 64])
    assert decode([np.zeros((1, cells, 33), np.float32)], 72, 104, wanted)[1].shape == (1, cells)


def test_ssd_boxes_are_scaled_to_the_input() -> None:
    boxes = np.array([[[0.0, 0.25, 0.5, 1.0]]], np.float32)
    scores = np.array([[0.7]], np.float32)
    found = decode([boxes, scores], 320, 544, form(decoder="ssd-boxes", tensors=["boxes", "scores"]))
    np.testing.assert_allclose(found[0][0, 0], [0, 80, 272, 320])
    assert found[1] is scores


@pytest.mark.parametrize(
    ("fields", "shapes", "told"),
    [
        ({"decoder": "yolox"}, [(1, 100, 6)], f"expected an output of anyx{len(CELLS)}x6"),
        ({"decoder": "yolox"}, [(1, len(CELLS), 85)], "found 1x126x85"),
        ({"decoder": "yolox"}, [(len(CELLS), 6)], "found 126x6"),
        ({"decoder": "yolov8", "classes": 80}, [(1, 8400, 84)], "expected an output of anyx84xany"),
        ({"decoder": "nanodet"}, [(1, len(CELLS), 32)], f"expected an output of anyx{len(CELLS)}x33"),
        ({"decoder": "ssd-boxes", "tensors": ["b", "s"]}, [(1, 9, 5), (1, 9)], "decoded boxes"),
        ({"decoder": "ssd-boxes", "tensors": ["b", "s"]}, [(1, 9, 4), (1, 8)], "one score per box"),
    ],
)
def test_a_wrong_shape_says_what_was_expected_and_found(
    fields: dict[str, object], shapes: list[tuple[int, ...]], told: str
) -> None:
    with pytest.raises(ModelError) as caught:
        decode([np.zeros(shape, np.float32) for shape in shapes], HEIGHT, WIDTH, form(**fields))
    assert told in str(caught.value)
