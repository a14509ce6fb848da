"""What a trained net adds to the evidence."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.config import TrackingConfig
from perdure.track.build import build
from perdure.track.learned import LOST_COLUMNS, PAIR_COLUMNS, Net, worth, worth_of_ending
from perdure.types import Detections

from .conftest import SIZE, box_at

PAIR, LOST = len(PAIR_COLUMNS), len(LOST_COLUMNS)


def arrays(**given: object) -> dict[str, object]:
    """A net of three hidden units with random weights."""
    rng = np.random.default_rng(0)
    drawn = {
        "share": 0.5,
        "floor": -5.0,
        "mean": rng.normal(size=PAIR),
        "scale": rng.uniform(0.5, 2, PAIR),
        "linear": rng.normal(size=PAIR),
        "shift": 0.3,
        "first": rng.normal(size=(PAIR, 3)),
        "bias": rng.normal(size=3),
        "last": rng.normal(size=3),
        "lost_mean": rng.normal(size=LOST),
        "lost_scale": rng.uniform(0.5, 2, LOST),
        "lost_linear": rng.normal(size=LOST),
        "lost_shift": -1.0,
    }
    return drawn | given


def test_the_forward_pass_is_the_documented_formula() -> None:
    a, rng = arrays(), np.random.default_rng(1)
    rows, gain, lost = rng.normal(size=(40, PAIR)), rng.normal(size=40), rng.normal(size=LOST)
    z = (rows - a["mean"]) / a["scale"]
    expected = 0.5 * gain + 0.3 + z @ a["linear"] + np.maximum(z @ a["first"] + a["bias"], 0) @ a["last"]
    np.testing.assert_allclose(worth(rows, gain, Net.of(a)), expected)
    ending = (lost - a["lost_mean"]) / a["lost_scale"] @ a["lost_linear"] - 1.0
    assert worth_of_ending(lost, Net.of(a)) == pytest.approx(float(ending))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mean": np.zeros(3)}, r"'mean' is \(3,\), expected \(18,\)"),
        ({"scale": np.zeros(PAIR)}, "'scale' is not above 0"),
        ({"last": np.zeros(4)}, r"'last' is \(4,\), expected \(3,\)"),
        ({"shift": np.nan}, "'shift' holds a number that is not finite"),
    ],
)
def test_wrong_arrays_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Net.of(arrays(**wrong))


def test_a_missing_array_is_named() -> None:
    given = arrays()
    del given["bias"]
    with pytest.raises(ValueError, match="no array 'bias'"):
        Net.of(given)


def quiet(**given: object) -> Net:
    """A net that changes nothing but what is given."""
    plain = {name: np.zeros_like(value) for name, value in arrays().items() if name not in given}
    unit = {"share": 1.0, "scale": np.ones(PAIR), "lost_scale": np.ones(LOST), "lost_shift": -1.0}
    return Net.of(plain | unit | given)


def numbers(net: Net | None) -> list[int]:
    """One person walks, is hidden for a second, and walks on: the numbers seen."""
    tracker, seen = build("cam", TrackingConfig(), net=net), []
    for f in range(40):
        boxes = [] if 15 <= f < 25 else [box_at(100 + 6 * f)]
        tracker.propose(f, f / 10, SIZE, Detections.of(np.array(boxes).reshape(-1, 4), np.full(len(boxes), 0.9)))
        tracker.commit([])
        seen += tracker.observed()[1].tolist()
    return sorted(set(seen))


def test_a_net_of_zeros_is_the_default() -> None:
    assert numbers(quiet()) == numbers(None) == [1]


def test_a_net_can_refuse_links_and_end_tracks() -> None:
    unseen = np.where(np.array(PAIR_COLUMNS) == "unseen", -8.0, 0.0)
    assert numbers(quiet(linear=unseen, shift=8 * np.log(2.0))) == [1, 2]
    assert numbers(quiet(lost_shift=0.5)) == [1, 2]
