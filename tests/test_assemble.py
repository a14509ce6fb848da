from __future__ import annotations

from dataclasses import fields

import pytest

from perdure.assemble import measured_by, topology_of
from perdure.config import parse
from perdure.errors import ConfigError
from perdure.gallery.calibrate import Calibration
from perdure.models.card import Card


def test_all_that_a_card_measured_reaches_the_gallery() -> None:
    measured = {
        "slope": 20.0,
        "offset": -12.0,
        "impostor_mean": 0.4,
        "impostor_std": 0.1,
        "quality": 0.3,
        "threshold": 0.7,
        "fitted_on": "x",
        "same_pairs": 1,
        "different_pairs": 1,
        "source": "y",
    }
    common = {"name": "a", "task": "embedder", "licence": "z", "file": None, "source": "here", "trained_on": "x"}
    card = Card.model_validate({**common, "calibration": measured})
    found = measured_by(card)
    assert found is not None
    assert {field.name: getattr(found, field.name) for field in fields(Calibration)} == {
        field.name: measured[field.name] for field in fields(Calibration)
    }
    assert measured_by(card.model_copy(update={"calibration": None})) is None


def test_what_is_declared_of_the_cameras_reaches_the_topology() -> None:
    declared = {"travel": [{"between": ["a", "b"], "at_least_s": 9}], "overlapping": [["b", "c"]], "learn": False}
    found = topology_of(parse({"topology": declared | {"cameras_overlap": False}}).topology, ["a", "b", "c"])
    assert not found.learns
    assert found.site.least_gap_s("b", "a") == 9
    assert found.site.least_gap_s("c", "b") < -1e9
    assert found.site.least_gap_s("a", "c") < 0


def test_a_camera_that_is_not_there_is_named_with_the_one_that_was_meant() -> None:
    config = parse({"topology": {"overlapping": [["hall", "dor"]]}}).topology
    with pytest.raises(ConfigError, match="no camera 'dor'; did you mean 'door'"):
        topology_of(config, ["door", "hall"])
    with pytest.raises(ConfigError, match="no camera 'dor'; the cameras are x"):
        topology_of(config, ["x", "hall"])
