from __future__ import annotations

import threading
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from perdure import assemble
from perdure.config import parse
from perdure.errors import InputError, StoreError
from perdure.gallery.calibrate import Calibration
from perdure.nodes import enrolment
from perdure.nodes.enrolment import Given, look
from perdure.nodes.live import DATABASE, LiveSite
from perdure.store.site_reader import SiteReader
from tests.nodes.clips import COLOURS, ColourDetector, ColourEmbedder

CALIBRATION = Calibration(slope=20.0, offset=-8.0, impostor_mean=0.0, impostor_std=0.3, threshold=0.7)
RED, GREEN = COLOURS["red"], COLOURS["green"]


@pytest.fixture
def models(monkeypatch):
    """Models that see colours."""
    monkeypatch.setattr(assemble, "models", lambda config: (ColourDetector(), ColourEmbedder()))
    monkeypatch.setattr(assemble, "calibration_of", lambda name: CALIBRATION)


@contextmanager
def running(folder, **gallery):
    with (
        LiveSite(parse({"gallery": gallery}), folder) as site,
        SiteReader(folder / DATABASE) as reader,
    ):
        thread = threading.Thread(target=site.run)
        thread.start()
        try:
            yield site, reader
        finally:
            site.stop()
            thread.join()


def scene(*colours, size=(120, 160)):
    """A picture with a person of each colour, as the clips of the other tests have them."""
    image = np.full((*size, 3), 40, np.uint8)
    for place, colour in enumerate(colours):
        image[20:100, 10 + 50 * place : 40 + 50 * place] = colour
    return png(image)


def cut_out(colour, height=80):
    return png(np.full((height, height // 2, 3), colour, np.uint8))


def png(image):
    return cv2.imencode(".png", image)[1].tobytes()


def given(**pictures):
    return [Given(label, content) for label, content in pictures.items()]


def looked(*pictures):
    return look(list(pictures), ColourDetector(), ColourEmbedder(), CALIBRATION)


def test_each_picture_says_what_became_of_it():
    found = looked(
        *given(
            scene=scene(RED),
            crop=cut_out(RED),
            two=scene(RED, GREEN),
            text=b"no picture",
            empty=b"",
            small=cut_out(RED, 20),
        )
    )
    assert [(one.label, one.outcome) for one in found.looked] == [
        ("scene", "used"),
        ("crop", "used"),
        ("two", "several"),
        ("text", "unusable"),
        ("empty", "unusable"),
        ("small", "unusable"),
    ]
    several = found.looked[2]
    assert len(several.boxes) == 2
    assert "2 people" in several.said
    assert "no JPEG, PNG or WebP picture" in found.looked[3].said
    assert len(found.exemplars) == len(found.crops) == 2
    assert found.exemplars.model == ColourEmbedder().name


def test_a_box_says_who_is_meant():
    boxes = looked(*given(two=scene(RED, GREEN))).looked[0].boxes
    assert len(boxes) == 2
    for box in boxes:
        found = looked(Given("two", scene(RED, GREEN), box))
        assert found.looked[0].outcome == "used"
        assert len(found.crops) == 1
    outside = looked(Given("two", scene(RED, GREEN), (500.0, 0.0, 600.0, 50.0)))
    assert outside.looked[0].outcome == "unusable"
    assert "outside the picture of 160 x 120 px" in outside.looked[0].said


def test_a_crop_shows_as_much_around_a_box_as_the_embedder_wants_and_a_picture_that_is_one_stays_as_it_is():
    embedder = ColourEmbedder()
    embedder.border = 0.1
    pictures = [Given("box", scene(RED), (10.0, 20.0, 40.0, 100.0)), *given(found=scene(RED), cut=cut_out(RED))]
    found = look(pictures, ColourDetector(), embedder, CALIBRATION)
    assert [crop.shape[:2] for crop in found.crops] == [(96, 36), (96, 36), (80, 40)]


def test_a_wide_picture_of_nobody_is_not_taken_for_a_person():
    found = looked(*given(wall=png(np.full((60, 200, 3), 40, np.uint8))))
    assert found.looked[0].outcome == "nobody"
    assert not len(found.exemplars)


def test_a_picture_of_somebody_else_is_used_but_told():
    found = looked(*given(a=cut_out(RED), b=cut_out(RED), c=cut_out(RED), d=cut_out(GREEN)))
    assert [one.outcome for one in found.looked] == ["used", "used", "used", "odd"]
    assert len(found.exemplars) == 4


def test_nothing_at_all():
    found = looked()
    assert found.looked == ()
    assert len(found.exemplars) == 0


def test_who_is_enrolled_lasts_over_a_restart_and_goes_without_a_trace(tmp_path, models):
    with running(tmp_path) as (site, reader):
        identity = enrolment.enrol(site, "Ann", looked(*given(a=cut_out(RED), b=scene(RED))))
        [ann] = reader.people()
        assert (ann.id, ann.name, ann.enrolled, ann.sightings, ann.was_seen) == (identity, "Ann", 2, 0, False)
        assert (tmp_path / ann.picture).is_file()
        vector = site.site.gallery.evidence["@enrolled/1"].exemplars[0].vectors.tobytes()
    with running(tmp_path) as (site, reader):
        assert site.site.gallery.enrolled() == {identity}
        assert reader.people(listed="enrolled")[0].name == "Ann"
        assert enrolment.take_out(site, "Ann") is None
        assert reader.people() == []
        with pytest.raises(InputError, match="no identity Ann"):
            enrolment.take_out(site, "Ann")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix == ".jpg"]
    content = b"".join(path.read_bytes() for path in files)
    assert b"Ann" not in content
    assert vector not in content


def test_two_never_write_to_one_site(tmp_path, models):
    with running(tmp_path), pytest.raises(StoreError, match="is in use: is perdure serve running"):
        LiveSite(parse({}), tmp_path)
    with running(tmp_path):
        pass
