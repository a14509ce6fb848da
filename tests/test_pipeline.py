from __future__ import annotations

import cv2
import numpy as np
import pytest

from perdure.assemble import cameras, site
from perdure.config import parse
from perdure.detect.outside import Outside
from perdure.gallery.calibrate import Calibration
from perdure.pipeline import know, recall, see
from perdure.types import Detections, Frame
from tests.nodes.clips import COLOURS, ColourDetector, ColourEmbedder

CONFIG = parse({"tracking": {"tell_after_s": 0.5}, "events": {"visit_gap_s": 5}})


class Still:
    """A picture that is there already."""

    def __init__(self, image):
        self._image = image

    def image(self):
        return self._image

    def luma(self, step=1):
        return np.ascontiguousarray(self._image[::step, ::step, 0])


def frame(camera, index, people):
    image = np.full((120, 160, 3), 128, np.uint8)
    for row, name in enumerate(people):
        image[10 + 38 * row : 46 + 38 * row, 20 + index : 36 + index] = COLOURS[name]
    return Frame(camera, index, index / 10, 0.0, 160, 120, Still(image))


@pytest.fixture
def parts(monkeypatch):
    """Cameras and a site that see colours."""
    monkeypatch.setattr("perdure.assemble.calibration_of", lambda name: Calibration(20.0, -8.0, 0.0, 0.3, 0.7))

    def made():
        kept = []
        embedder = ColourEmbedder()
        eyes = cameras(
            ["a", "b"], CONFIG, ColourDetector(), embedder, lambda f, row, crop: kept.append(f) or f"{f.camera}/{row}"
        )
        return eyes, site(CONFIG, embedder), kept

    return made


def test_frames_in_events_out(parts):
    eyes, home, kept = parts()
    told = []
    for index in range(12):
        tracklets, _ = see([frame("a", index, ["red"]), frame("b", index, ["red", "blue"])], eyes)
        told += know(index / 10, tracklets, home).events
    assert {event.identity: event.cameras for event in told} == {"P1": ("a", "b"), "P2": ("b",)}
    assert all(event.end is None for event in told)
    closed = know(20.0, [], home).events
    assert [(event.identity, event.end is not None) for event in closed] == [("P1", True), ("P2", True)]
    assert kept


def test_crops_show_as_much_around_a_box_as_the_embedder_wants(parts):
    shapes = {}
    for border in (0.0, 0.25):
        eyes, _, _ = parts()
        eyes.embedder.border = border
        eyes.keep_picture = lambda _frame, _row, crop, border=border: shapes.setdefault(border, crop.shape) and ""
        for index in range(12):
            see([frame("a", index, ["red"])], eyes)
    assert shapes[0.0][:2] == (36, 16)
    assert shapes[0.25][:2] == (36 + 9 + 9, 16 + 4 + 4)


def test_recalling_what_was_seen_tells_the_same_without_pixels(parts):
    eyes, _, _ = parts()
    first, journal = [], []
    for index in range(12):
        tracklets, seen = see([frame("a", index, ["red"]), frame("b", index, ["green"])], eyes)
        first += tracklets
        journal.append(seen)
    again, _, kept = parts()
    second = [tracklet for seen in journal for tracklet in recall(seen, again)]
    assert [t.key for t in first] == [t.key for t in second]
    for before, after in zip(first, second, strict=True):
        np.testing.assert_array_equal(before.path, after.path)
        np.testing.assert_array_equal(before.exemplars[0].vectors, after.exemplars[0].vectors)
    assert kept == []


def test_a_frame_without_anybody_needs_no_embedder(parts):
    eyes, _, _ = parts()
    eyes.embedder.embed = None
    tracklets, (seen,) = see([frame("a", 0, [])], eyes)
    assert tracklets == []
    assert len(seen.detections) == 0


def test_a_camera_with_detections_made_elsewhere_is_not_searched():
    class Spy(ColourDetector):
        asked = 0

        def detect(self, images):
            self.asked += len(images)
            return super().detect(images)

    spy = Spy()
    told = Outside(np.arange(12), np.tile(np.float32([40, 20, 56, 56]), (12, 1)), np.full(12, 0.9, np.float32))
    eyes = cameras(["a", "b"], CONFIG, spy, ColourEmbedder(), lambda *_: "", outside={"a": told})
    for index in range(12):
        _, seen = see([frame("a", index, []), frame("b", index, ["red"])], eyes)
        boxes = {one.camera: one.detections.boxes for one in seen}
        np.testing.assert_array_equal(boxes["a"], [[40, 20, 56, 56]])
        if "b" in boxes:
            assert boxes["b"][0, 0] == pytest.approx(20 + index, abs=2)
    assert 0 < spy.asked <= 12


def test_a_moving_camera_is_compensated_and_recalled_without_pixels(monkeypatch):
    """The camera pans by 30 px in one frame while somebody stands: one tracklet, and two where it is not configured."""
    monkeypatch.setattr("perdure.assemble.calibration_of", lambda name: None)
    rng = np.random.default_rng(0)
    large, small = (rng.integers(40, 85, shape, np.uint8) for shape in ((2, 6), (10, 30)))
    wall = cv2.resize(large, (360, 120), interpolation=cv2.INTER_CUBIC) + cv2.resize(small, (360, 120))

    def panned(index):
        left = 30 if index >= 15 else 0
        image = cv2.cvtColor(wall[:, left : left + 240], cv2.COLOR_GRAY2BGR)
        image[40:76, 120 - left : 136 - left] = COLOURS["red"]
        return Frame("a", index, index / 10, 0.0, 240, 120, Still(image))

    def told(moving):
        config = parse({"cameras": {"a": {"source": "a.mp4", "moving": moving}}, "tracking": {"tell_after_s": 0.5}})

        def eyes():
            return cameras(["a"], config, ColourDetector(), ColourEmbedder(), lambda *_: "")

        first, again = eyes(), eyes()
        journal = [see([panned(index)], first)[1] for index in range(30)]
        for seen in journal:
            recall(seen, again)
        paths = [[t.path for t in one.finish("a")] for one in (first, again)]
        for before, after in zip(*paths, strict=True):
            np.testing.assert_array_equal(before, after)
        return len(paths[0])

    assert told(moving=True) == 1
    assert told(moving=False) == 2


def test_somebody_far_away_is_found_by_a_closer_look_and_a_resumed_run_looks_at_the_same():
    class Nearsighted(ColourDetector):
        shapes = ()

        def detect(self, images):
            self.shapes += tuple(image.shape[:2] for image in images)
            return [Detections.none() if image.shape[0] == 1080 else super(Nearsighted, self).detect([image])[0]
                    for image in images]  # fmt: skip

    def far(index):
        image = np.full((1080, 1920, 3), 128, np.uint8)
        x = 800 + 5 * index
        image[500:536, x : x + 16] = COLOURS["red"]
        motion = np.array([[x - 40, 450, x + 60, 600]], np.float32)
        return Frame("a", index, index / 10, 0.0, 1920, 1080, Still(image), motion=motion)

    def eyes():
        return cameras(["a"], config, Nearsighted(), ColourEmbedder(), lambda *_: "")

    config = parse({"detection": {"tiles": "auto"}})
    whole, resumed = eyes(), eyes()
    journal = [see([far(index)], whole)[1] for index in range(30)]
    for (one,) in filter(None, journal):
        np.testing.assert_allclose(one.detections.boxes, [[800 + 5 * one.index, 500, 816 + 5 * one.index, 536]])
    half = [one for seen in journal[:15] for one in seen]
    for one in half:
        recall([one], resumed)
    again = [see([far(index)], resumed)[1] for index in range(15, 30)]
    assert [[one.index for one in seen] for seen in again] == [[one.index for one in seen] for seen in journal[15:]]
    assert resumed.detector.shapes == whole.detector.shapes[-len(resumed.detector.shapes) :]
    # Not at every look somewhere else too: the sweep has its own pace.
    looks = sum(shape == (1080, 1920) for shape in whole.detector.shapes)
    assert looks < len(whole.detector.shapes) <= 2 * looks + 2
