from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perdure.errors import InputError
from perdure.types import Exemplars, Tracklet
from tests.gallery.people import DIM, faces, gallery, tracklet

GOOD = tracklet("a/1", faces(1)[0], start=10.0, end=12.0)


def with_body(**changes: object) -> Tracklet:
    return replace(GOOD, exemplars=(replace(GOOD.exemplars[0], **changes),))


def vectors(value: float, row: int = 1) -> np.ndarray:
    changed = GOOD.exemplars[0].vectors.copy()
    changed[row] = value
    return changed


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (with_body(model="other"), "tracklet a/1: vectors of other, the gallery holds vectors of m"),
        (with_body(vectors=np.eye(3, 5, dtype=np.float32)), "vectors of length 5, the gallery holds 32"),
        (with_body(vectors=vectors(np.nan)), "not finite or not of unit norm"),
        (with_body(vectors=vectors(np.inf)), "not finite or not of unit norm"),
        (with_body(vectors=vectors(0.0)), "not finite or not of unit norm"),
        (with_body(quality=np.array([0.5, np.nan, 0.5], np.float32)), "qualities outside"),
        (with_body(quality=np.ones(2, np.float32)), "3 vectors, 2 qualities, 3 times"),
        (replace(GOOD, end=9.0), "it ends 1.000 s before it begins"),
        (replace(GOOD, start=float("nan")), "times are UTC seconds"),
        (replace(GOOD, path=GOOD.path[::-1]), "the times of its path run backwards"),
    ],
)
def test_what_cannot_be_true_is_refused_and_nothing_is_lost(bad: Tracklet, message: str) -> None:
    site = gallery()
    site.observe([tracklet("b/1", faces(2)[1])])
    before = list(site.log)
    with pytest.raises(InputError, match=message):
        site.observe([tracklet("c/1", faces(2)[0]), bad])
    assert site.log == before
    assert set(site.evidence) == {"b/1"}
    site.observe([tracklet("c/1", faces(2)[0]), GOOD])  # and goes on
    assert set(site.evidence) == {"b/1", "c/1", "a/1"}


def test_a_tracklet_without_pictures_is_nothing_to_go_by() -> None:
    site = gallery()
    face = Exemplars("f", np.ones((1, 4), np.float32), np.ones(1, np.float32), np.zeros(1), ("",), part="face")
    assert site.observe([replace(GOOD, exemplars=()), replace(GOOD, id="a/2", exemplars=(face,))]) == []


def test_a_revision_that_goes_back_changes_nothing() -> None:
    site = gallery()
    site.observe([replace(GOOD, revision=5)])
    before = site.index.vectors.copy()
    assert site.observe([tracklet("a/1", faces(2)[1], revision=4), tracklet("a/1", faces(2)[1], revision=5)]) == []
    assert site.evidence["a/1"].revision == 5
    np.testing.assert_array_equal(site.index.vectors, before)


def test_tracklets_out_of_order_are_taken_as_they_come() -> None:
    ann, bob = faces(2)
    site = gallery()
    late = [tracklet("a/2", ann, 500, 502), tracklet("b/1", bob, 300, 302), tracklet("a/1", ann, 100, 102)]
    site.observe(late)
    assert sorted(map(sorted, site.partition.members.values())) == [["a/1", "a/2"], ["b/1"]]
    assert [s.tracklet for s in site.identity(site.partition.identity_of["a/1"]).sightings] == ["a/1", "a/2"]
    assert site.dim == DIM
