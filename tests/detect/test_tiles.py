"""Closer looks: which places, how they lie on a sheet, and one answer of several looks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure import geometry
from perdure.config import DetectionConfig
from perdure.detect.detector import Detector
from perdure.detect.fit import plan
from perdure.detect.tiles import Sheet, grid, look, sheets
from perdure.models.card import ModelInput
from perdure.types import Detections, Flag, Float32s, Frame, Image
from perdure.video.pixels import Loaded

WIDTH, HEIGHT = 1920, 1080
NOBODY = np.zeros((0, 4), np.float32)
AUTO, ON = DetectionConfig(tiles="auto"), DetectionConfig(tiles="on")


def boxes(*rows: Sequence[float]) -> Float32s:
    return np.array(rows, np.float32).reshape(-1, 4)


def frame(motion: Float32s | None = NOBODY, at: float = 100.5, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Frame:
    return Frame("c", 0, at, 0.0, *size, Loaded(np.zeros((2, 2, 3), np.uint8)), motion=motion)


class Bright:
    """Finds the connected white rectangles of a picture, sure of all."""

    name = "bright"

    def __init__(self, score: float = 0.8) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.score = score

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        import cv2

        self.shapes = [image.shape for image in images]
        found = []
        for image in images:
            _, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 0] > 200).astype(np.uint8))
            corners = [[x, y, x + w, y + h] for x, y, w, h, _ in stats[1:].tolist()]
            found.append(Detections.of(np.array(corners).reshape(-1, 4), np.full(len(corners), self.score)))
        return found


class Blind(Bright):
    """Sees nothing in a whole picture, as a detector does with the very small."""

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        found = super().detect(images)
        return [Detections.none() if image.shape[0] == HEIGHT else one
                for image, one in zip(images, found, strict=True)]  # fmt: skip


def picture(*people: Sequence[int]) -> Image:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for x1, y1, x2, y2 in people:
        image[y1:y2, x1:x2] = 255
    return image


def test_nothing_is_looked_at_closely_where_nothing_small_is() -> None:
    tall = boxes([500, 200, 700, 800])
    walks = boxes([480, 200, 720, 820])
    assert sheets(frame(), NOBODY, 0.2, AUTO) == []
    assert sheets(frame(walks), tall, 0.2, AUTO) == []
    assert sheets(frame(boxes([0, 0, 900, 900])), NOBODY, 0.2, AUTO) == []  # too large for somebody far away
    assert sheets(frame(boxes([100, 100, 196, 244])), NOBODY, 0.2, DetectionConfig()) == []  # off by default
    assert sheets(frame(boxes([10, 10, 60, 90]), size=(640, 480)), NOBODY, 0.2, AUTO) == []  # seen well as it is


@pytest.mark.parametrize(
    ("motion", "people"),
    [(boxes([100, 100, 196, 244]), NOBODY), (NOBODY, boxes([120, 120, 150, 200])), (None, boxes([120, 120, 150, 200]))],
    ids=["moves", "expected", "expected, motion unknown"],
)
def test_where_somebody_small_moves_or_is_expected_is_cut_out(motion: Float32s | None, people: Float32s) -> None:
    (sheet,) = sheets(frame(motion), people, 0.2, AUTO)
    place = motion if motion is not None and len(motion) else people
    assert geometry.covered(place, sheet.tiles.astype(np.float32)).max() == 1.0
    assert sheet.height == plan(HEIGHT, WIDTH, ModelInput(tensor="", colour="bgr", fit="rectangle")).height


def test_places_near_each_other_share_a_tile_and_the_budget_holds() -> None:
    near = boxes([100, 100, 130, 180], [160, 110, 190, 190])
    (sheet,) = sheets(frame(), near, 0.2, AUTO)
    assert len(sheet.tiles) == 1
    many = boxes(*[[x, y, x + 30, y + 80] for x in range(50, 1800, 400) for y in range(50, 900, 250)])
    assert [len(sheet.tiles) for sheet in sheets(frame(), many, 0.2, AUTO)] == [4]
    more = AUTO.model_copy(update={"tiles_at_most": 3})
    assert [len(sheet.tiles) for sheet in sheets(frame(), many, 0.2, more)] == [4, 4, 4]


def test_the_whole_picture_is_swept_tile_by_tile_at_the_heartbeat() -> None:
    seen = np.zeros((HEIGHT, WIDTH), bool)
    first = sheets(frame(at=1000.0), NOBODY, float("inf"), AUTO)
    assert len(first) == 1
    count = len(grid((WIDTH, HEIGHT), (first[0].width, first[0].height)))
    for turn in range(count):
        (sheet,) = sheets(frame(at=1000.0 + 2.0 * turn), NOBODY, 2.0, AUTO)
        ((x1, y1, x2, y2),) = sheet.tiles.tolist()
        seen[y1:y2, x1:x2] = True
    assert seen.all()
    assert sheets(frame(at=1000.5), NOBODY, 0.4, AUTO) == []


def test_on_looks_everywhere_closely_in_one_call() -> None:
    person = (900, 500, 930, 580)
    wanted = sheets(frame(), NOBODY, 0.2, ON)
    detector = Blind()
    (found,) = look(detector, [picture(person)], [wanted])
    assert len(detector.shapes) == 1 + len(wanted)
    assert set(detector.shapes[1:]) == {(384, 672, 3)}
    np.testing.assert_allclose(found.boxes, [person])


def test_a_sheet_is_an_input_as_it_is() -> None:
    free = ModelInput(tensor="", colour="bgr", fit="rectangle")
    for size in ((1080, 1920), (2160, 3840), (1536, 2048), (1920, 1080)):
        sheet = sheets(frame(size=(size[1], size[0])), NOBODY, 0.2, ON)[0]
        fit = plan(sheet.height, sheet.width, free)
        assert (fit.height, fit.width, fit.scale_x, fit.scale_y) == (sheet.height, sheet.width, 1.0, 1.0)


def test_four_places_of_one_sheet_return_to_where_they_were() -> None:
    people = [(100, 100, 130, 180), (1700, 90, 1730, 170), (300, 900, 330, 980), (1880, 1000, 1910, 1075)]
    wanted = sheets(frame(), boxes(*people), 0.2, AUTO)
    (found,) = look(Blind(), [picture(*people)], [wanted])
    assert sorted(map(tuple, found.boxes.astype(int).tolist())) == sorted(people)
    assert [bool(flag & Flag.TRUNCATED) for flag in found.flags] == [box[2] > 1900 for box in found.boxes]


def test_a_part_of_a_person_that_a_tile_cuts_is_dropped_but_not_at_the_border_of_the_picture() -> None:
    tile = np.array([[200, 200, 536, 392]], np.int64)
    sheet = Sheet(384, 672, tile, np.array([[0, 0, 336, 192]], np.int64))
    cut = Detections.of([[100, 150, 130, 192], [2, 20, 40, 90], [50, 20, 80, 90], [400, 200, 430, 290]], [0.9] * 4)
    np.testing.assert_allclose(sheet.to_picture(cut, WIDTH, HEIGHT)[0].boxes, [[250, 220, 280, 290]])
    corner = Sheet(384, 672, np.array([[0, 0, 336, 192]], np.int64), np.array([[0, 0, 336, 192]], np.int64))
    at_border = Detections.of([[0, 20, 40, 90], [300, 20, 336, 90]], [0.9, 0.9])
    np.testing.assert_allclose(corner.to_picture(at_border, WIDTH, HEIGHT)[0].boxes, [[0, 20, 40, 90]])


def test_of_two_looks_at_one_person_the_surer_stays_and_neighbours_in_one_look_both() -> None:
    image = picture((100, 100, 130, 180))

    class Twice(Bright):
        def detect(self, images: Sequence[Image]) -> list[Detections]:
            near = Detections.of([[153, 59, 183, 141], [160, 59, 190, 141]], [0.9, 0.6])
            return [Detections.of([[100, 100, 130, 180]], [0.7]), near]

    sheet = Sheet(384, 672, np.array([[0, 40, 336, 232]], np.int64), np.array([[50, 0, 386, 192]], np.int64))
    (found,) = look(Twice(), [image], [[sheet]])
    np.testing.assert_allclose(found.boxes, [[103, 99, 133, 181], [110, 99, 140, 181]])
    np.testing.assert_allclose(found.scores, [0.9, 0.6])


def test_who_is_on_two_tiles_of_one_sheet_is_one_person() -> None:
    people = [(100, 500, 130, 580), (460, 500, 490, 580), (315, 500, 330, 560)]
    (sheet,) = sheets(frame(), boxes(*people[:2]), 0.2, AUTO)
    assert len(sheet.tiles) == 2
    assert geometry.covered(boxes(people[2]), sheet.tiles.astype(np.float32)).tolist() == [[1.0, 1.0]]
    (found,) = look(Blind(), [picture(*people)], [[sheet]])
    assert sorted(map(tuple, found.boxes.astype(int).tolist())) == sorted(people)


def test_pictures_without_sheets_are_looked_at_as_ever() -> None:
    detector: Detector = Bright()
    person = (100, 100, 300, 800)
    whole, other = look(detector, [picture(person), picture()], [[], []])
    np.testing.assert_allclose(whole.boxes, [person])
    assert len(other) == 0


@settings(deadline=None)
@given(st.integers(300, 4000), st.integers(300, 4000))
def test_a_grid_covers_its_picture(width: int, height: int) -> None:
    tile = (672, 384)
    tiles = grid((width, height), tile)
    for axis, whole in ((0, width), (1, height)):
        starts, ends = np.unique(tiles[:, axis]), np.unique(tiles[:, axis + 2])
        assert starts[0] == 0
        assert ends[-1] == whole
        assert (starts[1:] <= ends[:-1] - 16).all()
    assert ((tiles[:, 2:] - tiles[:, :2]) <= tile).all()
