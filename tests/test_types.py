from __future__ import annotations

import numpy as np
import pytest

from perdure.types import Crops, Detections, Event, Exemplars, Flag, Identity, Sighting, Tracklet


def test_indexing_detections_gives_detections():
    found = Detections.of(np.arange(12).reshape(3, 4), [0.1, 0.2, 0.3], [0, Flag.TRUNCATED, Flag.CROWDED])
    for rows in (np.array([False, True, True]), slice(1, None), [1, 2]):
        some = found[rows]
        assert isinstance(some, Detections)
        np.testing.assert_allclose(some.scores, [0.2, 0.3])
        assert some.boxes.dtype == np.float32
        assert some.flags.tolist() == [1, 2]
    assert len(Detections.none()) == 0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 boxes, 1 scores"):
        Detections.of(np.zeros((2, 4)), [0.5])


def test_indexing_exemplars_keeps_pictures_beside_vectors():
    body = Exemplars("m", np.eye(3, dtype=np.float32), np.arange(3, dtype=np.float32), np.arange(3.0), ("a", "b", "c"))
    some = body[[2, 0]]
    assert some.pictures == ("c", "a")
    np.testing.assert_array_equal(some.vectors, np.eye(3)[[2, 0]])
    assert len(body[np.array([False, True, False])]) == 1


def test_a_tracklet_gives_the_body_of_one_model_only():
    body = Exemplars("m", np.eye(2, dtype=np.float32), np.ones(2, np.float32), np.arange(2.0), ("", ""))
    tracklet = Tracklet("x/1", 3, "x", 0.0, 1.0, np.zeros((0, 7)), (body,))
    assert tracklet.key == ("x/1", 3)
    assert tracklet.body("m") is body
    assert tracklet.body("another") is None
    assert len(Crops.none("m", 5)) == 0
    assert Crops.none("m", 5).vectors.shape == (0, 5)


def test_what_follows_from_sightings():
    seen = (Sighting("x/1", "x", 0.0, 9.0, "a.jpg", 0.2), Sighting("y/1", "y", 3.0, 5.0, "b.jpg", 0.7))
    person = Identity("P1", seen)
    assert (person.first_seen, person.last_seen, person.cameras) == (0.0, 9.0, ("x", "y"))
    event = Event("visit/x/1", "visit", "P1", 0.0, 9.0, seen)
    assert (event.cameras, event.picture) == (("x", "y"), "b.jpg")
