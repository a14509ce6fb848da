"""The teacher: fusion by hand, what it is worth beside labels, and its file."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from perdure.errors import ConfigError, InputError
from perdure.train.detector import distill
from perdure.train.detector.config import DetectorTraining
from perdure.train.detector.data import Picture, read_coco
from perdure.train.detector.distill import LEAST_SAY, fuse, look, say, teach, weigh, with_teacher
from perdure.train.detector.evaluate import Found

NOBODY = np.zeros((0, 4), np.float32)


def found(*rows: tuple[float, float, float, float, float]) -> Found:
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Found(table[:, :4], table[:, 4])


def test_boxes_are_averaged_and_scores_shared_among_all_passes() -> None:
    fused = fuse([found((0, 0, 10, 20, 0.8)), found((0, 0, 10, 22, 0.4), (50, 50, 60, 70, 0.6)), found()], [2.0] * 3)
    assert len(fused.scores) == 2
    best = fused.scores.argmax()
    assert fused.scores[best] == pytest.approx((0.8 + 0.4) / 3)
    np.testing.assert_allclose(fused.boxes[best], [0, 0, 10, (20 * 0.64 + 22 * 0.16) / 0.8], atol=1e-5)
    assert fused.scores[1 - best] == pytest.approx(0.2)


def test_a_pass_counts_once_in_a_cluster() -> None:
    fused = fuse([found((0, 0, 10, 20, 0.8), (0, 0, 10, 21, 0.7)), found((0, 0, 10, 20, 0.8))], [2.0] * 2)
    assert fused.scores.tolist() == pytest.approx([0.8])
    assert len(fuse([found(), found()], [1.0] * 2).scores) == 0


def test_a_pass_too_small_to_see_a_person_has_no_say_about_them() -> None:
    far, near = (0, 0, 8, 20, 0.8), (50, 0, 90, 200, 0.6)
    fused = fuse([found(near), found(far, near)], [0.5, 2.0])  # 10 and 40 px in the input; 100 and 400
    order = np.argsort(fused.boxes[:, 0])
    np.testing.assert_allclose(fused.scores[order], [0.8, 0.6], rtol=2 * LEAST_SAY)
    wrong = fuse([found((0, 0, 8, 24, 0.8)), found(far)], [0.5, 2.0])
    np.testing.assert_allclose(wrong.boxes, [far[:4]], atol=0.05)


def test_how_much_a_pass_may_say_grows_with_the_height_it_sees() -> None:
    np.testing.assert_allclose(say(np.array([0.0, 8.0, 16.0, 22.627417, 32.0, 500.0])), [1e-3, 1e-3, 1e-3, 0.5, 1, 1])


def test_labels_and_teacher_are_mixed() -> None:
    labels = np.array([[0, 0, 10, 20], [100, 0, 110, 20], [200, 0, 210, 20]], np.float32)
    silent = np.array([[300, 0, 310, 20]], np.float32)
    taught = np.array(
        [
            [0, 0, 10, 20, 0.95],  # labelled, surely seen
            [100, 0, 110, 20, 0.34],  # labelled, hardly seen
            [50, 0, 60, 20, 0.425],  # not labelled
            [300, 0, 310, 20, 0.9],  # in a region to ignore
            [400, 0, 410, 20, 0.06],  # nearly nothing
        ],
        np.float32,
    )
    mixed = weigh(Picture(Path("a/b.png"), "a", 500, 50, labels, silent), taught, 0.5)
    np.testing.assert_array_equal(mixed.boxes, labels[:1])
    np.testing.assert_allclose(
        mixed.likely, [[100, 0, 110, 20, 0.7], [200, 0, 210, 20, 0.5], [50, 0, 60, 20, 0.25]], atol=1e-6
    )
    alone = weigh(Picture(Path("a/b.png"), "a", 500, 50, labels, silent), taught, 0.0)
    np.testing.assert_array_equal(alone.boxes, labels)
    assert len(alone.likely) == 0


def test_a_mirrored_pass_sees_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.zeros((96, 192, 3), np.uint8)
    image[32:64, 32:64] = 255
    areas = []

    def bright(run: object, image: np.ndarray, area: float, *_: object) -> Found:
        areas.append(area)
        rows, columns = np.nonzero(image[..., 0])
        return found((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.9))

    monkeypatch.setattr(distill, "detect_in", bright)
    seen = look(lambda images: images, image, 1.0)
    assert areas == [area for area in distill.AREAS_PX2 for _ in range(2)]
    np.testing.assert_allclose(seen.boxes, [[32, 32, 64, 64]], atol=1e-5)
    assert seen.scores[0] == pytest.approx(0.9)


@pytest.fixture
def config(tmp_path: Path) -> DetectorTraining:
    images = [{"id": n, "file_name": f"{n}.png", "width": 64, "height": 64} for n in range(2)]
    for n in range(2):
        cv2.imwrite(str(tmp_path / f"{n}.png"), np.zeros((64, 64, 3), np.uint8))
    labels = [{"image_id": 0, "bbox": [4, 4, 20, 40]}]
    (tmp_path / "set.json").write_text(json.dumps({"images": images, "annotations": labels}))
    return DetectorTraining(
        parent=tmp_path / "unused.onnx",
        train=tmp_path / "set.json",
        val=tmp_path / "set.json",
        out=tmp_path / "out",
        teacher=tmp_path / "new" / "teacher.json",
        repeat={f"{tmp_path.name}/1": 0.0},
    )


def test_what_is_taught_is_read_again(config: DetectorTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distill, "load_parent", lambda path: None)
    monkeypatch.setattr(distill, "cut_to_person", lambda net: net)
    monkeypatch.setattr(distill, "Rows", lambda net: type("Net", (), {"eval": lambda self: None})())
    monkeypatch.setattr(distill, "look", lambda run, image, widen: found((30, 10, 50, 60, 0.5), (0, 0, 9, 9, 0.01)))
    teach(config)
    assert config.teacher is not None
    told = json.loads(config.teacher.read_text())
    assert list(told.values()) == [[[30.0, 10.0, 50.0, 60.0, 0.5]]]  # a picture that is never seen is left out
    picture = with_teacher(read_coco(config.train)[:1], config)[0]
    np.testing.assert_allclose(picture.likely[-1], [30, 10, 50, 60, 0.5 * 0.5 / 0.85], atol=1e-5)
    with pytest.raises(InputError, match="not a teacher of these pictures"):
        with_teacher(read_coco(config.train), config)


def test_without_a_teacher_pictures_stay_and_none_is_written(config: DetectorTraining) -> None:
    alone = config.model_copy(update={"teacher": None})
    pictures = read_coco(config.train)
    assert with_teacher(pictures, alone) is pictures
    with pytest.raises(ConfigError, match="set `teacher`"):
        teach(alone)
    with pytest.raises(InputError, match="perdure train teach"):
        with_teacher(pictures, config)
