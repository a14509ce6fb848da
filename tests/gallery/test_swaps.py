from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Posterior
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import fold
from perdure.gallery.maintain import LOOK_AGAIN_S, Keeper
from perdure.gallery.scoring import CentredLinkage
from perdure.gallery.swaps import sides, take_apart
from perdure.types import Exemplars, Tracklet
from tests.gallery.people import CALIBRATION, DIM, faces, tracklet

ANN, BOB, CY = faces(3)
KNOWN = replace(CALIBRATION, halves=0.9)


def site(calibration: Calibration = KNOWN, **options: object) -> Gallery:
    return Gallery("m", DIM, CentredLinkage(calibration, learns=False), Posterior(calibration, 0.88), **options)


def seen(people: Gallery, looks: Sequence[np.ndarray], start: float = 0.0) -> None:
    """Everybody twice, far from each other in time."""
    for i, look in enumerate(looks):
        for again in (0, 1):
            begin = start + 1000 * (2 * i + again)
            people.observe([tracklet(f"a/{i}{again}", look, start=begin, end=begin + 9)])
    assert len(people.partition.members) == len(looks)


def mixed(id: str, looks: Sequence[np.ndarray], start: float, x: float = 0.0, ended: str = "left") -> Tracklet:
    """A second each of these looks."""
    whole = tracklet(id, ANN, start=start, end=start + len(looks), box=(x, 0, x + 10, 20), ended=ended)
    noise = 0.05 * np.random.default_rng([*id.encode()]).normal(size=(len(looks), DIM))
    vectors = np.array(looks) + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    at = start + 0.5 + np.arange(len(looks))
    pictures = tuple(f"{id}-{i}.jpg" for i in range(len(looks)))
    body = Exemplars("m", vectors.astype(np.float32), np.full(len(looks), 0.8, np.float32), at, pictures)
    return replace(whole, exemplars=(body,))


def home_of(people: Gallery, id: str) -> str:
    return people.partition.identity_of[id]


def test_the_other_side_becomes_a_tracklet_of_its_own() -> None:
    people = site()
    seen(people, [ANN, BOB])
    people.observe([mixed("b/1", [ANN, ANN, ANN, BOB, BOB], 9000)])
    assert home_of(people, "b/1") == home_of(people, "a/00")
    assert take_apart(people, 9999.0, "b/1", ()) == {"b/1"}
    first, second = people.evidence["b/1"], people.evidence["b/1-2"]
    assert [e.exemplars[0].pictures for e in (first, second)] == [
        ("b/1-0.jpg", "b/1-1.jpg", "b/1-2.jpg"),
        ("b/1-3.jpg", "b/1-4.jpg"),
    ]
    assert (first.start, first.end) == (9000, 9003.0 - 0.1 + 0.5)
    assert (second.start, second.end, second.supersedes, second.began) == (9003.5, 9005, "b/1", "appeared")
    assert first.revision == 1
    assert (home_of(people, "b/1"), home_of(people, "b/1-2")) == (home_of(people, "a/00"), home_of(people, "a/10"))
    assert fold(people.log) == people.partition


def test_the_better_side_keeps_the_id_also_where_it_is_the_later_one() -> None:
    people = site()
    seen(people, [ANN, BOB])
    people.observe([mixed("b/1", [ANN, ANN, BOB, BOB, BOB], 9000)])
    assert home_of(people, "b/1") == home_of(people, "a/10")
    take_apart(people, 9999.0, "b/1", ())
    assert people.evidence["b/1"].exemplars[0].pictures == ("b/1-2.jpg", "b/1-3.jpg", "b/1-4.jpg")
    assert people.evidence["b/1"].ended == people.evidence["b/1"].ended == "left"
    assert (home_of(people, "b/1"), home_of(people, "b/1-2")) == (home_of(people, "a/10"), home_of(people, "a/00"))


def test_nothing_is_taken_apart_for_somebody_unknown_or_for_oneself() -> None:
    people = site()
    seen(people, [ANN, BOB])
    turned = 0.3 * ANN + 0.95 * CY
    people.observe([mixed("b/1", [ANN, ANN, ANN, CY, CY], 9000), mixed("b/2", [ANN, ANN, ANN, turned, turned], 9100)])
    before = len(people.log)
    assert sides(people, "b/1") is not None
    assert take_apart(people, 9999.0, "b/1", ()) == take_apart(people, 9999.0, "b/2", ()) == set()
    assert "b/1-2" not in people.evidence
    assert "b/1-2" not in people.index
    assert len(people.log) == before


def test_who_is_one_person_has_no_sides() -> None:
    people = site()
    people.observe(
        [
            mixed("b/1", [ANN] * 5, 0),
            mixed("b/2", [ANN, ANN, ANN, BOB], 100),  # one odd picture
            mixed("b/3", [ANN, ANN, BOB, BOB], 200, ended="open"),
        ]
    )
    assert [sides(people, id) for id in ("b/1", "b/2", "b/3")] == [None] * 3
    unknown = site(CALIBRATION)  # nobody measured how alike halves are
    unknown.observe([mixed("b/1", [ANN, ANN, BOB, BOB], 0)])
    assert sides(unknown, "b/1") is None


def test_two_who_were_exchanged_are_exchanged_back() -> None:
    """Each was seen beside the second half of the other, which excludes both until both are taken apart."""
    people = site(upkeep=Keeper())
    seen(people, [ANN, BOB])
    people.observe([mixed("b/1", [ANN] * 3 + [BOB] * 2, 9000), mixed("b/2", [BOB] * 3 + [ANN] * 2, 9000, x=500)])
    ann, bob = home_of(people, "a/00"), home_of(people, "a/10")
    assert (home_of(people, "b/1"), home_of(people, "b/2")) == (ann, bob)
    for second in range(5):
        people.tick(9100.0 + second)
    assert [home_of(people, id) for id in ("b/1", "b/1-2", "b/2", "b/2-2")] == [ann, bob, bob, ann]
    assert fold(people.log) == people.partition


def test_it_is_looked_at_again_once_the_second_one_is_known() -> None:
    people = site(upkeep=Keeper())
    seen(people, [ANN])
    people.observe([mixed("b/1", [ANN, ANN, ANN, BOB, BOB], 9000)])
    people.tick(9010.0)
    assert "b/1-2" not in people.evidence
    people.observe([tracklet("a/7", BOB, start=9050, end=9059)])
    people.tick(9011.0 + LOOK_AGAIN_S)
    people.tick(9012.0 + LOOK_AGAIN_S)
    assert home_of(people, "b/1-2") == home_of(people, "a/7")


def test_a_later_revision_of_what_was_taken_apart_changes_nothing() -> None:
    people = site(upkeep=Keeper())
    seen(people, [ANN, BOB])
    told = mixed("b/1", [ANN, ANN, ANN, BOB, BOB], 9000)
    people.observe([told])
    people.tick(9100.0)
    assert "b/1-2" in people.evidence
    assert people.observe([replace(told, revision=1)]) == []
    assert len(people.evidence["b/1"].exemplars[0]) == 3
