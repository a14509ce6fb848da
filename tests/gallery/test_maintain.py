from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perdure.gallery import corrections as say
from perdure.gallery.calibrate import Poor
from perdure.gallery.exemplars import last
from perdure.gallery.gallery import Gallery
from perdure.gallery.health import health, uncertainty
from perdure.gallery.ledger import fold
from perdure.gallery.maintain import Care, Keeper
from perdure.gallery.scoring import CentredLinkage, Representatives
from perdure.types import Enrolled, Evidence, Matched, Merged, Moved, Split
from tests.gallery.people import faces, gallery, tracklet

ANN, BOB, CY = faces(3)


def put(site: Gallery, id: str, look: np.ndarray, start: float, home: str | None = None) -> None:
    """A tracklet that the gallery takes for ``home``, or for somebody new, whatever it looks like."""
    site.rule = _decided(site, home)  # type: ignore[assignment]
    site.observe([tracklet(id, look, start=start, end=start + 2)])


def _decided(site: Gallery, home: str | None):
    from perdure.types import Match, New

    return lambda _: New(Evidence(0.5)) if home is None else Match(home, Evidence(0.5))


def settled(site: Gallery, **care: float) -> Keeper:
    keeper = Keeper(Care(**care))  # type: ignore[arg-type]
    for i in range(20):
        keeper.tick(site, 1000.0 + i)
    assert keeper.waiting == 0
    assert fold(site.log) == site.partition
    return keeper


def test_two_fragments_become_one_on_two_pieces_of_evidence() -> None:
    site = gallery()
    put(site, "a/1", ANN, 0)
    put(site, "b/1", ANN, 100, "P1")
    put(site, "a/2", BOB, 200)
    put(site, "c/1", ANN, 300)
    put(site, "b/2", ANN, 400, "P3")
    settled(site)
    assert site.partition.members["P1"] == ["a/1", "b/1", "c/1", "b/2"]
    merges = [change for change in site.log if isinstance(change, Merged)]
    assert [(merge.source, merge.target) for merge in merges] == [("P3", "P1")]


def test_one_pair_alone_is_not_enough() -> None:
    site = gallery()
    site.topology.learns = False
    put(site, "a/1", ANN, 0)
    put(site, "b/1", ANN, 1000)
    put(site, "a/2", BOB, 2000)
    settled(site)
    assert len(site.partition.members) == 3
    put(site, "c/1", ANN, 3000, "P1")
    settled(site)
    assert site.partition.members == {"P1": ["a/1", "c/1", "b/1"], "P3": ["a/2"]}


def test_sightings_that_may_share_a_mistake_are_one_piece_of_evidence() -> None:
    site = gallery()
    put(site, "a/1", ANN, 0)
    put(site, "a/2", ANN, 30, "P1")  # same camera, half a minute later
    put(site, "b/1", ANN, 1000)
    put(site, "b/2", ANN, 1030, "P2")
    settled(site)
    assert len(site.partition.members) == 2


def test_a_mixed_identity_is_taken_apart() -> None:
    site = gallery()
    for i, look in enumerate([ANN, ANN, BOB, BOB, ANN]):
        put(site, f"a/{i}", look, 100 * i, None if i == 0 else "P1")
    put(site, "b/9", CY, 900)
    settled(site)
    assert site.partition.members["P1"] == ["a/0", "a/1", "a/4"]
    assert site.partition.members["P3"] == ["a/2", "a/3"]
    assert any(isinstance(change, Split) for change in site.log)


def test_a_misplaced_tracklet_goes_where_it_belongs() -> None:
    site = gallery()
    for i, (look, home) in enumerate([(ANN, None), (ANN, "P1"), (BOB, None), (BOB, "P2"), (BOB, "P1"), (ANN, "P1")]):
        put(site, f"a/{i}", look, 100 * i, home)
    settled(site)
    assert site.partition.identity_of["a/4"] == "P2"
    assert any(isinstance(change, Moved) and change.tracklet == "a/4" for change in site.log)


def test_people_seen_side_by_side_are_taken_apart_and_never_joined() -> None:
    site = gallery()
    put(site, "a/1", ANN, 0)
    put(site, "b/1", ANN, 100, "P1")
    put(site, "c/1", ANN, 500)
    site.rule = _decided(site, "P2")  # type: ignore[assignment]
    site.observe([tracklet("b/2", ANN, start=100, end=102, box=(100, 0, 110, 20))])  # beside b/1
    settled(site)
    assert site.partition.identity_of["b/1"] != site.partition.identity_of["b/2"]


def test_what_a_person_said_stays() -> None:
    site = gallery()
    put(site, "a/1", ANN, 0)
    put(site, "b/1", ANN, 100, "P1")
    put(site, "c/1", BOB, 200)
    say.merge(site, 300.0, "P2", "P1")
    settled(site)
    assert site.partition.members == {"P1": ["a/1", "b/1", "c/1"]}
    say.split(site, 400.0, "P1", ["b/1"])
    settled(site)
    assert site.partition.identity_of["b/1"] != site.partition.identity_of["a/1"]


def test_it_comes_to_rest() -> None:
    rng, looks, site = np.random.default_rng(3), faces(12), gallery()
    for i in range(120):
        site.observe([tracklet(f"{'abc'[i % 3]}/{i}", looks[rng.integers(12)], 100.0 * i, 100.0 * i + 2, noise=0.25)])
    keeper = Keeper()
    keeper.settle(site, 12000.0)
    before = len(site.log)
    keeper.settle(site, 12001.0)
    assert len(site.log) == before
    assert fold(site.log) == site.partition


def test_a_tick_does_a_bounded_part_and_goes_on_later() -> None:
    site = gallery()
    for i in range(30):
        put(site, f"a/{i}", faces(30)[i], 100 * i)
    keeper = Keeper(Care(per_tick=4))
    keeper.tick(site, 4000.0)
    assert keeper.waiting == 26
    for _ in range(7):
        keeper.tick(site, 4000.0)
    assert keeper.waiting == 0
    before = len(site.log)
    keeper.tick(site, 4000.0)
    assert len(site.log) == before


def test_the_most_alike_are_retired_and_stay_who_they_are() -> None:
    site = gallery()
    for i in range(12):
        put(site, f"a/{i}", ANN, 100 * i, None if i == 0 else "P1")
    put(site, "b/1", BOB, 2000)
    settled(site, keep=5)
    assert len(site.index) == 6
    assert len(site.partition.members["P1"]) == 12
    assert len(site.identity("P1").sightings) == 12
    assert health(site).retired == 7
    site.consolidate(5000.0)
    assert len(site.partition.members["P1"]) == 12
    later = next(id for id in site.partition.members["P1"] if id not in site.index)
    site.observe([tracklet(later, ANN, start=0.0, end=9.0, revision=3)])  # more of it comes after all
    assert later in site.index


def test_who_did_not_come_back_is_no_candidate_any_more() -> None:
    site = gallery()
    for i in range(4):
        put(site, f"a/{i}", faces(4)[i], 10 * i)
    put(site, "b/1", faces(4)[1], 100, "P2")
    keeper = settled(site, probation_s=5000.0)
    assert len(site.index) == 5
    keeper.tick(site, 9000.0)
    assert set(site.index.ids) == {"a/1", "b/1"}
    assert len(site.partition.members) == 4  # nobody is gone


def test_health_and_uncertainty() -> None:
    site = gallery()
    site.observe([tracklet("a/1", ANN), tracklet("b/1", ANN, 100, 102), tracklet("a/2", BOB, 200, 202)])
    found = health(site)
    assert (found.identities, found.established, found.on_probation) == (2, 1, 1)
    assert (found.tracklets, found.retired, found.waiting) == (3, 0, 0)
    assert found.changes == {"Enrolled": 2, "Matched": 1}
    matched = next(change for change in site.log if isinstance(change, Matched))
    assert uncertainty(site, "P1") >= 1 - matched.evidence.probability
    assert isinstance(site.log[0], Enrolled)


def test_policies_of_the_field_have_no_such_step() -> None:
    site = gallery()
    site.scorer = Representatives(last)
    site.observe([tracklet("a/1", ANN)])
    Keeper().tick(site, 10.0)
    assert len(site.log) == 1


@pytest.mark.parametrize("poor", [0.3, 1.0])
def test_all_with_all_is_the_same_as_one_by_one(poor: float) -> None:
    rng, site = np.random.default_rng(0), gallery()
    for i in range(40):
        site.observe([tracklet(f"{'abc'[i % 3]}/{i}", faces(8)[rng.integers(8)], 100.0 * i, 100.0 * i + 2)])
    site.index.qualities[::2] *= poor
    table = site.scorer.table(site.index)
    rows = np.array([site.scorer.pairs(row, site.index) for row in range(40)])
    np.testing.assert_allclose(table, rows, atol=1e-5)


def test_two_people_who_look_alike_stay_two_where_each_is_always_like_himself() -> None:
    """What convinces a decision about one tracklet is not enough to join two identities."""
    other = 0.75 * ANN + 0.6614 * BOB
    site = gallery()
    looks = [ANN, ANN, ANN, other, other, other, *faces(9)[3:]]
    homes = [None, "P1", "P1", None, "P2", "P2", *[None] * 6]
    for i, (look, home) in enumerate(zip(looks, homes, strict=True)):
        put(site, f"{'abc'[i % 3]}/{i}", look, 1000.0 * i, home)
    between = site.scorer.table(site.index)[:3, 3:6].mean()
    assert float(site.scorer.calibration.log_likelihood_ratio(between)) > 2
    settled(site)
    assert site.partition.members["P1"] == ["a/0", "b/1", "c/2"]
    assert site.partition.members["P2"] == ["a/3", "b/4", "c/5"]


def test_two_people_who_were_joined_early_go_apart_once_each_is_known() -> None:
    other = 0.5 * ANN + 0.866 * BOB
    site = gallery()
    looks = [*[ANN] * 6, *[other] * 3, *faces(9)[3:]]
    for i, look in enumerate(looks):
        put(site, f"{'abc'[i % 3]}/{i}", look, 1000.0 * i, "P1" if 0 < i < 9 else None)
    between = site.scorer.table(site.index)[:6, 6:9].mean()
    assert float(site.scorer.calibration.log_likelihood_ratio(between)) > -2  # alone no reason to part them
    settled(site)
    homes = {site.partition.identity_of[f"{'abc'[i % 3]}/{i}"] for i in range(6, 9)}
    assert len(homes) == 1
    assert "P1" not in homes


@pytest.mark.parametrize("poor", [None, Poor((0.3, 0.7), (0.5, 1.0), (0.3, 0.0), (0.05, 1.0))])
def test_a_glimpse_stays_with_its_person_where_it_is_known_what_poor_pictures_say(poor: Poor | None) -> None:
    site = gallery()
    assert isinstance(site.scorer, CentredLinkage)
    site.scorer.learns = False
    site.scorer.calibration = replace(site.scorer.calibration, poor=poor)
    put(site, "a/0", ANN, 0.0)
    home = site.partition.identity_of["a/0"]
    for i, camera in enumerate("bca", start=1):
        put(site, f"{camera}/{i}", ANN, 100.0 * i, home)
    glimpse = tracklet("b/9", 0.35 * ANN + 0.94 * CY, start=900.0, end=902.0)
    worse = replace(glimpse.exemplars[0], quality=np.full(3, 0.3, np.float32))
    site.rule = _decided(site, home)  # type: ignore[assignment]
    site.observe([replace(glimpse, exemplars=(worse,))])
    settled(site)
    assert (site.partition.identity_of["b/9"] == home) == (poor is not None)
