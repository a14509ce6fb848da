from __future__ import annotations

from dataclasses import fields

from perdure.assemble import measured_by
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
