from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.report.colours import COUNT, colour_of, distance, hex_of, ink_on, palette, to_lab


def contrast(first, second):
    """WCAG 2.2, written out."""

    def luminance(colour):
        parts = [c / 255 for c in colour]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_are_told_apart():
    """A CIE76 distance of 2.3 is just noticeable; ten times that is not to be missed, also side by side in video."""
    colours = np.array(palette(), np.float64)
    assert len(set(palette())) == COUNT
    lab = to_lab(colours)
    normal = min(np.linalg.norm(lab[i] - lab[j]) for i, j in itertools.combinations(range(COUNT), 2))
    assert normal > 20
    first = min(distance(colours[:12], colours[i])[np.arange(12) != i].min() for i in range(12))
    assert first > 26


def test_the_lab_conversion_is_that_of_opencv():
    import cv2

    colours = np.random.default_rng(0).integers(0, 256, (50, 3))
    theirs = cv2.cvtColor((colours[None] / 255).astype(np.float32), cv2.COLOR_RGB2Lab)[0]
    np.testing.assert_allclose(to_lab(colours.astype(np.float64)), theirs, atol=0.6)


@given(st.integers(1, 10**6))
def test_a_colour_belongs_to_the_number(number):
    assert colour_of(f"P{number}") == colour_of(f"site-b/P{number}") == palette()[(number - 1) % COUNT]


@given(st.text(max_size=20))
def test_any_identity_has_a_colour(identity):
    assert colour_of(identity) in palette()
    assert colour_of(identity) == colour_of(identity)


def test_the_colours_of_the_first_people_never_change():
    """Reports and videos of different versions lie side by side."""
    assert [hex_of(colour_of(f"P{n}")) for n in (1, 2, 3, 7)] == ["#e69f00", "#56b4e9", "#009e73", "#f0e442"]


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_labels_can_be_read(number):
    """4.5 is what WCAG asks of text."""
    colour = colour_of(f"P{number}")
    assert contrast(colour, ink_on(colour)) >= 4.5
