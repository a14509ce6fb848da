from __future__ import annotations

from dataclasses import asdict, fields

import numpy as np
import pytest

from perdure.assemble import measured_by, policy, topology_of
from perdure.config import GalleryConfig, parse
from perdure.errors import ConfigError
from perdure.gallery.calibrate import Calibration, Poor
from perdure.gallery.scoring import CentredLinkage
from perdure.geometry import project
from perdure.models.card import Card


def test_all_that_a_card_measured_reaches_the_gallery() -> None:
    measured = {
        "slope": 20.0,
        "offset": -12.0,
        "impostor_mean": 0.4,
        "impostor_std": 0.1,
        "quality": 0.3,
        "halves": 0.8,
        "second_slope": 9.0,
        "second_offset": -3.0,
        "strangers": {
            "identities": 9,
            "quantiles": (0.0,) * 8,
            "scale": 0.1,
            "shape": 0.0,
            "growth": 0.1,
            "narrowing": 0.2,
        },
        "poor": {"quality": (0.1, 0.3), "gain": (0.5, 1.0), "shift": (0.2, 0.0), "same": (0.1, 1.0)},
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
    assert asdict(found) == {field.name: measured[field.name] for field in fields(Calibration)}
    assert measured_by(card.model_copy(update={"calibration": None})) is None


def test_what_is_declared_of_the_cameras_reaches_the_topology() -> None:
    declared = {"travel": [{"between": ["a", "b"], "at_least_s": 9}], "overlapping": [["b", "c"]], "learn": False}
    floor = {"pixels": [[0, 0], [10, 0], [10, 10], [0, 10]], "metres": [[0, 0], [1, 0], [1, 1], [0, 1]]}
    cameras = {name: {"source": "x.mp4"} for name in "ab"} | {"c": {"source": "y.mp4", "floor": floor}}
    found = topology_of(parse({"topology": declared | {"cameras_overlap": False}, "cameras": cameras}))
    assert not found.learns
    assert found.site.least_gap_s("b", "a") == 9
    assert found.site.least_gap_s("c", "b") < -1e9
    assert found.site.least_gap_s("a", "c") < 0
    assert list(found.site.floors) == ["c"]
    assert project(np.array([[5.0, 5.0]]), found.site.floors["c"]) == pytest.approx(np.array([[0.5, 0.5]]))


def test_a_camera_that_is_not_there_is_named_with_the_one_that_was_meant() -> None:
    topology = {"overlapping": [["hall", "dor"]]}
    for name, told in (("door", "did you mean 'door'"), ("x", "the cameras are x, hall")):
        cameras = {camera: {"source": "x.mp4"} for camera in (name, "hall")}
        with pytest.raises(ConfigError, match=f"no camera 'dor'; {told}"):
            topology_of(parse({"topology": topology, "cameras": cameras}))


@pytest.mark.parametrize(
    ("changes", "kept"),
    [({}, True), ({"mode": "closed"}, True), ({"false_match_rate": 0.01}, False), ({"mode": "watch"}, False)],
)
def test_a_rate_of_false_matches_is_kept_by_not_raising_poor_pictures(changes: dict[str, object], kept: bool) -> None:
    poor = Poor((0.4, 0.9), (0.9, 1.0), (0.15, 0.0), (0.3, 1.0))
    calibration = Calibration(20.0, -8.0, 0.0, 0.3, 0.7, 0.9, poor=poor)
    scorer, _ = policy(GalleryConfig.model_validate(changes), "m", calibration)
    assert isinstance(scorer, CentredLinkage)
    raised = scorer.calibration.as_good(np.array(0.3), np.array(0.4)) > 0.4
    assert bool(raised) == kept
