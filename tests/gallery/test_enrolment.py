from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from perdure.config import GalleryConfig
from perdure.errors import InputError
from perdure.events.tell import Events
from perdure.events.visits import VisitRule
from perdure.gallery import corrections, enrolment
from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Nearest, Posterior
from perdure.gallery.enrolment import enrol, odd_ones, part
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import fold, to_plain
from perdure.gallery.maintain import Care, Keeper
from perdure.gallery.scoring import GIVEN_WEIGHT, CentredLinkage
from perdure.gallery.topology import SiteMap, Topology
from perdure.types import BEFORE_ALL, Enrolled, Evidence, Exemplars, Matched, Merged, Renamed, Tracklet, Watched
from tests.gallery.people import CALIBRATION, DIM, faces, gallery, tracklet

ANN, BOB, EVE = faces(3)


def pictures(look, count=3, seed=0, noise=0.05):
    rng = np.random.default_rng(seed)
    vectors = look + noise * rng.normal(size=(count, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = tuple(f"{seed}-{i}.jpg" for i in range(count))
    return Exemplars("m", vectors.astype(np.float32), np.full(count, 0.8, np.float32), np.arange(count) + 5.0, names)


def digest(people):
    return json.dumps(to_plain(people.partition))


def test_who_is_enrolled_has_a_name_and_is_no_sighting():
    people = gallery()
    identity, changes = enrol(people, 7.0, " Ann ", pictures(ANN))
    assert [type(change) for change in changes] == [Enrolled, Renamed]
    [ann] = people.identities()
    assert (ann.id, ann.name, ann.sightings, ann.confidence) == (identity, "Ann", (), 1.0)
    assert set(ann.given) == {"0-0.jpg", "0-1.jpg", "0-2.jpg"}
    assert np.isnan(ann.first_seen)
    assert np.isnan(ann.last_seen)
    assert ann.picture in ann.given
    assert not ann.is_gone
    assert ann.cameras == ()
    assert all(evidence.exemplars[0].at[0] == BEFORE_ALL for evidence in people.evidence.values())


def test_a_camera_recognises_who_is_enrolled_and_tells_strangers_apart():
    people = gallery()
    identity, _ = enrol(people, 0.0, "Ann", pictures(ANN))
    changes = people.observe([tracklet("door/1", ANN, 10, 11), tracklet("door/2", EVE, 20, 21)])
    assert isinstance(changes[0], Matched)
    assert changes[0].identity == identity
    assert isinstance(changes[1], Enrolled)
    assert [s.tracklet for s in people.identity(identity).sightings] == ["door/1"]


def test_more_pictures_of_a_name_are_the_same_person():
    people = gallery()
    identity, _ = enrol(people, 0.0, "Ann", pictures(ANN))
    again, changes = enrol(people, 1.0, "Ann", pictures(ANN, seed=1))
    assert again == identity
    assert [type(change) for change in changes] == [Matched]
    assert len(people.identity(identity).given) == 6


def test_somebody_who_was_only_seen_is_enrolled_by_number_or_name():
    people = gallery()
    people.observe([tracklet("door/1", ANN)])
    identity, _ = enrol(people, 1.0, "P1", pictures(ANN))
    assert identity == "P1"
    assert people.enrolled() == {"P1"}


@pytest.mark.parametrize(("name", "given"), [("  ", pictures(ANN)), ("Ann", pictures(ANN)[:0])])
def test_without_a_name_or_a_picture_nobody_is_enrolled(name, given):
    people = gallery()
    with pytest.raises(InputError):
        enrol(people, 0.0, name, given)
    assert not people.log


def test_pictures_by_another_model_are_refused_and_nothing_is_changed():
    people = gallery()
    with pytest.raises(InputError, match="the gallery holds vectors of m"):
        enrol(people, 0.0, "Ann", replace(pictures(ANN), model="other"))
    assert not people.log
    assert not people.evidence


def test_no_more_pictures_are_kept_than_are_worth_it():
    people = gallery()
    identity, _ = enrol(people, 0.0, "Ann", pictures(ANN, 40))
    assert len(people.identity(identity).given) == enrolment.KEPT


def test_numbers_of_pictures_are_never_given_again():
    people = gallery()
    identity, _ = enrol(people, 0.0, "Ann", pictures(ANN))
    corrections.forget(people, 1.0, identity, "asked")
    enrol(people, 2.0, "Bob", pictures(BOB))
    assert list(people.evidence) == ["@enrolled/2"]


def test_replay_and_restart_give_the_same_people():
    people = gallery()
    identity, _ = enrol(people, 0.0, "Ann", pictures(ANN))
    enrol(people, 0.5, "Bob", pictures(BOB))
    people.observe([tracklet("door/1", ANN, 10, 11), tracklet("hall/1", EVE, 20, 21)])
    corrections.watch(people, 30.0, identity)
    assert to_plain(fold(people.log)) == to_plain(people.partition)
    again = gallery()
    told = sorted(people.evidence.values(), key=lambda t: (t.start, t.id))
    again.restore(told, people.log, fold(people.log))
    assert digest(again) == digest(people)
    assert again.enrolled() == people.enrolled()
    assert again.identities() == people.identities()
    for one in (people, again):
        one.observe([tracklet("hall/2", ANN, 40, 41)])
    assert digest(again) == digest(people)


def test_merges_keep_the_number_of_who_is_enrolled():
    people = gallery()
    people.observe([tracklet("door/1", ANN, 0, 1)])
    identity, _ = enrol(people, 2.0, "Ann", pictures(EVE))  # unlike what the camera saw
    corrections.merge(people, 3.0, identity, "P1")
    assert list(people.partition.members) == [identity]
    assert people.partition.resolve("P1") == identity


def test_two_who_are_enrolled_are_two_whoever_says_otherwise():
    people = gallery()
    first, _ = enrol(people, 0.0, "Ann", pictures(ANN))
    second, _ = enrol(people, 0.0, "Anna", pictures(ANN, seed=1))
    with pytest.raises(InputError, match="enrolled as two people"):
        corrections.merge(people, 1.0, first, second)
    people.consolidate(2.0)
    assert set(people.partition.members) == {first, second}


def test_maintenance_joins_sightings_with_the_enrolled_and_never_the_other_way():
    people = gallery(upkeep=Keeper())
    people.observe([tracklet(f"door/{i}", ANN, 100 * i, 100 * i + 1) for i in range(1, 6)])
    [seen] = people.partition.members
    identity, _ = enrol(people, 1000.0, "Ann", pictures(ANN))
    for at in range(1000, 1020):
        people.tick(at)
    assert list(people.partition.members) == [identity]
    assert people.partition.resolve(seen) == identity
    assert [type(c) for c in people.log if isinstance(c, Merged)] == [Merged]


def test_the_second_look_gives_what_it_joins_the_enrolled_number():
    people = gallery()
    people.observe([tracklet(f"door/{i}", ANN, 100 * i, 100 * i + 1) for i in range(1, 6)])
    identity, _ = enrol(people, 1000.0, "Ann", pictures(ANN))
    people.consolidate(2000.0)
    assert list(people.partition.members) == [identity]
    assert len(people.identity(identity).sightings) == 5


def test_who_is_enrolled_is_never_retired():
    people = gallery(upkeep=Keeper(Care(probation_s=10.0, keep=2)))
    enrol(people, 0.0, "Ann", pictures(ANN))
    for at in range(0, 100_000, 5_000):
        people.tick(float(at))
    assert "@enrolled/1" in people.index
    people.observe([tracklet(f"door/{i}", ANN, 1e5 + 100 * i, 1e5 + 100 * i + 1) for i in range(1, 9)])
    for at in range(20):
        people.tick(2e5 + at)
    assert "@enrolled/1" in people.index
    assert len(people.index) == 3  # two sightings stay, and the pictures


def test_pictures_given_by_hand_are_nowhere_and_at_no_time():
    topology = Topology(SiteMap({frozenset(("door", "hall")): 60.0}, others_overlap=False))
    people = gallery(topology=topology)
    identity, _ = enrol(people, 10.0, "Ann", pictures(ANN))
    people.observe([tracklet("door/1", ANN, 10, 11)])  # at the very time of the enrolment
    assert people.identity(identity).cameras == ("door",)
    assert people.rivals("@enrolled/1") == []
    people.observe([tracklet(f"door/{i}", BOB, 100 * i, 100 * i + 5) for i in range(2, 30)])
    people.observe([tracklet(f"hall/{i}", BOB, 100 * i + 70, 100 * i + 75) for i in range(2, 30)])
    people.learn_topology()
    ways = people.topology.transitions
    nowhere = people._camera_codes[""]
    assert ways.log_odds.any()
    assert not ways.log_odds[nowhere].any()
    assert not ways.log_odds[:, nowhere].any()
    assert not ways.hand_offs[nowhere].any()


def test_taking_an_enrolment_back_leaves_what_cameras_saw_without_a_name():
    people = gallery()
    identity, _ = enrol(people, 0.0, "Ann", pictures(ANN))
    corrections.watch(people, 0.0, identity)
    people.observe([tracklet("door/1", ANN, 10, 11)])
    left = part(people, 20.0, identity)
    tombstone = corrections.forget(people, 20.0, identity, "no longer enrolled")
    assert tombstone.tracklets == ("@enrolled/1",)
    [nobody] = people.identities()
    assert (nobody.id, nobody.name, nobody.given, nobody.watched) == (left, "", (), False)
    assert [s.tracklet for s in nobody.sightings] == ["door/1"]
    assert "Ann" not in str(people.log)
    assert to_plain(fold(people.log)) == to_plain(people.partition)


def test_taking_back_who_was_never_seen_leaves_nothing():
    people = gallery()
    identity, _ = enrol(people, 0.0, "Ann", pictures(ANN))
    assert part(people, 1.0, identity) is None
    corrections.forget(people, 1.0, identity, "no longer enrolled")
    assert people.identities() == []
    people.observe([tracklet("door/1", BOB)])
    with pytest.raises(InputError, match="not enrolled"):
        part(people, 2.0, "P2")


def test_pictures_of_somebody_else_among_them_are_told():
    mixed = pictures(ANN, 4)
    mixed = replace(mixed, vectors=np.concatenate([mixed.vectors[:3], pictures(BOB, 1).vectors]))
    assert odd_ones(mixed, CALIBRATION).tolist() == [3]
    assert odd_ones(pictures(ANN, 4), CALIBRATION).tolist() == []
    assert odd_ones(mixed[2:], CALIBRATION).tolist() == [0, 1]  # of two nobody knows which
    assert odd_ones(mixed[:1], CALIBRATION).tolist() == []


# --- the watch list -------------------------------------------------------------------------------------------------


def test_to_be_followed_is_said_once_and_can_be_taken_back():
    people = gallery()
    people.observe([tracklet("door/1", ANN)])
    [said] = corrections.watch(people, 5.0, "P1")
    assert said == Watched(5.0, "P1", watched=True)
    assert corrections.watch(people, 6.0, "P1") == []
    people.take_touched()
    corrections.undo(people, 7.0, 1)
    assert not people.partition.watched
    assert [identity.watched for identity in people.take_touched()] == [False]


def test_the_watch_list_survives_merges_splits_and_their_undoing():
    people = gallery()
    people.observe([tracklet("door/1", ANN, 0, 1), tracklet("door/2", BOB, 5, 6), tracklet("door/3", EVE, 9, 10)])
    corrections.watch(people, 10.0, "P1")
    corrections.merge(people, 11.0, "P1", "P2")
    assert people.partition.watched == {"P2"}
    corrections.undo(people, 12.0, next(i for i, c in enumerate(people.log) if isinstance(c, Merged)))
    assert people.partition.watched == {"P1"}
    people.append(Merged(13.0, "P3", "P1", corrections.SAID))
    [split, _] = corrections.split(people, 14.0, "P1", ["door/3"])
    assert people.partition.watched == {"P1"}  # who leaves is not followed
    assert split.target not in people.partition.watched
    assert to_plain(fold(people.log)) == to_plain(people.partition)


def test_of_who_is_forgotten_nobody_can_tell_that_they_were_followed():
    people = gallery()
    people.observe([tracklet("door/1", ANN)])
    corrections.watch(people, 5.0, "P1")
    corrections.forget(people, 6.0, "P1", "asked")
    assert not any(change.watched for change in people.log if isinstance(change, Watched))
    assert not people.partition.watched


# --- only who is on a list ------------------------------------------------------------------------------------------


@pytest.fixture
def watching():
    people = Gallery("m", DIM, CentredLinkage(CALIBRATION), Posterior(CALIBRATION, 0.88, 0.01), listed_only=True)
    identity, _ = enrol(people, 0.0, "Ann", pictures(ANN))
    return people, identity


def test_strangers_are_counted_and_let_go(watching, monkeypatch):
    people, identity = watching
    monkeypatch.setattr("perdure.gallery.passers.HELD", 5)
    people.observe([tracklet("door/1", ANN, 10, 11)])
    for number in range(2, 30):
        people.observe([tracklet(f"door/{number}", (BOB, EVE)[number % 2], 10 * number, 10 * number + 1)])
        people.tick(10.0 * number)
    assert list(people.partition.members) == [identity]
    assert people.passers.take() == {"door": 28}
    assert people.passers.take() == {}
    strangers = set(people.evidence) - set(people.partition.identity_of)
    assert len(strangers) == 5
    assert len(people.index) == 2 + 5
    assert all(change.identity == identity for change in people.log)


def test_an_open_track_of_a_stranger_is_judged_again_and_counted_once(watching):
    people, identity = watching
    people.observe([tracklet("door/1", BOB, 10, 11, ended="open")])
    assert not people.passers.take()
    people.observe([tracklet("door/1", ANN, 10, 15, revision=1, ended="open")])
    assert people.partition.identity_of["door/1"] == identity
    people.observe([tracklet("door/2", BOB, 20, 21, ended="open")])
    people.observe([tracklet("door/2", BOB, 20, 22, revision=1)])
    people.observe([tracklet("door/2", BOB, 20, 23, revision=2)])
    assert people.passers.take() == {"door": 1}


def test_who_was_known_before_is_no_candidate():
    free = gallery()
    free.observe([tracklet("door/1", BOB, 0, 1)])
    again = Gallery("m", DIM, CentredLinkage(CALIBRATION), Posterior(CALIBRATION, 0.88, 0.01), listed_only=True)
    again.restore(list(free.evidence.values()), free.log, fold(free.log))
    assert again.observe([tracklet("door/2", BOB, 10, 11)]) == []
    corrections.watch(again, 20.0, "P1")
    [found] = again.observe([tracklet("door/3", BOB, 30, 31)])
    assert found.identity == "P1"


def test_who_proves_to_be_in_two_places_is_expelled(watching):
    people, identity = watching
    people.observe([tracklet("door/1", ANN, 10, 12), tracklet("door/2", ANN, 20, 21, (200, 0, 210, 20), ended="open")])
    assert people.partition.identity_of["door/2"] == identity
    people.observe([tracklet("door/3", ANN, 25, 27)])
    people.observe(
        [tracklet("door/2", ANN, 20, 30, (200, 0, 210, 20), revision=1)]
    )  # beside door/3, who is Ann as well
    [expelled] = people.passers.take_expelled()
    assert people.partition.members[expelled] == ["door/2"]
    assert people.passers.take_expelled() == []


def test_in_a_closed_set_everybody_is_the_nearest_with_a_probability():
    people = Gallery("m", DIM, CentredLinkage(CALIBRATION), Nearest(CALIBRATION), listed_only=True)
    ann, _ = enrol(people, 0.0, "Ann", pictures(ANN))
    bob, _ = enrol(people, 0.0, "Bob", pictures(BOB))
    between = (ANN + 0.9 * BOB) / np.linalg.norm(ANN + 0.9 * BOB)
    sure, doubtful = people.observe([tracklet("door/1", ANN, 10, 11), tracklet("door/2", between, 20, 21)])
    assert (sure.identity, doubtful.identity) == (ann, ann)
    assert sure.evidence.probability > doubtful.evidence.probability > 0.5
    assert doubtful.evidence.second == bob
    joiner, _ = enrol(people, 30.0, "Eve", pictures(EVE))  # known from now on, without training
    [found] = people.observe([tracklet("door/3", EVE, 40, 41)])
    assert found.identity == joiner
    beside = tracklet("door/4", EVE, 40, 41, (300, 0, 310, 20), seed=9)
    [other] = people.observe([beside])
    assert other.identity != joiner  # one person is not in two places
    assert any(veto.startswith(joiner) for veto in other.evidence.vetoes)


def test_in_a_closed_set_who_is_in_doubt_hardly_counts_for_whom_they_were_taken_for():
    people = Gallery("m", DIM, CentredLinkage(CALIBRATION), Nearest(CALIBRATION), listed_only=True)
    enrol(people, 0.0, "Ann", pictures(ANN))
    enrol(people, 0.0, "Bob", pictures(BOB))
    between = (ANN + 0.9 * BOB) / np.linalg.norm(ANN + 0.9 * BOB)
    sure, doubtful = people.observe([tracklet("door/1", ANN, 10, 11), tracklet("door/2", between, 20, 21)])
    weight = {id: float(people.index.weights[people.index.row(id)]) for id in people.index.ids}
    assert weight["@enrolled/1"] == weight["@enrolled/2"] == GIVEN_WEIGHT
    assert weight["door/1"] == pytest.approx(sure.evidence.probability**2, rel=1e-6)
    assert weight["door/2"] == pytest.approx(doubtful.evidence.probability**2, rel=1e-6)
    again = Gallery("m", DIM, CentredLinkage(CALIBRATION), Nearest(CALIBRATION), listed_only=True)
    again.restore(people.evidence.values(), people.log, fold(people.log))
    assert {id: float(again.index.weights[again.index.row(id)]) for id in again.index.ids} == weight
    for id in people.index.ids:
        here, there = people.index.row(id), again.index.row(id)
        np.testing.assert_allclose(again.index.vectors[there], people.index.vectors[here], atol=1e-6)
        assert again.index.owners[there] >= 0
    people.append(Matched(30.0, sure.identity, "door/2", Evidence(1.0)))  # somebody says so
    assert people.index.weights[people.index.row("door/2")] == 1.0


def test_in_an_open_gallery_all_count_alike():
    people = Gallery("m", DIM, CentredLinkage(CALIBRATION), Posterior(CALIBRATION, 0.88))
    enrol(people, 0.0, "Ann", pictures(ANN))
    people.observe([tracklet("door/1", ANN, 10, 11)])
    assert people.index.weights.tolist() == [1.0, 1.0]


def test_in_a_closed_set_of_nobody_everybody_passes():
    people = Gallery("m", DIM, CentredLinkage(CALIBRATION), Nearest(CALIBRATION), listed_only=True)
    assert people.observe([tracklet("door/1", ANN)]) == []
    assert people.passers.take() == {"door": 1}


def test_calibrations_are_those_of_configurations():
    from perdure.assemble import WATCH_RATE, policy

    calibration = Calibration(20.0, -8.0, 0.0, 0.2, 0.5)
    assert isinstance(policy(GalleryConfig(mode="closed"), "m", calibration)[1], Nearest)
    rule = policy(GalleryConfig(mode="watch"), "m", calibration)[1]
    assert rule.rule.false_match_rate == WATCH_RATE
    assert policy(GalleryConfig(mode="watch", false_match_rate=0.2), "m", calibration)[1].rule.false_match_rate == 0.2
    assert policy(GalleryConfig(mode="closed", policy="ema"), "m", calibration)[1].threshold == -1.0


def test_a_tracklet_by_hand_has_no_place():
    given = Tracklet.by_hand(3, pictures(ANN))
    assert (given.id, given.camera, given.is_by_hand, len(given.path)) == ("@enrolled/3", "", True, 0)
    assert not tracklet("door/1", ANN).is_by_hand


# --- a provisional answer, and its revision -------------------------------------------------------------------------


def test_while_it_waits_the_most_probable_is_told():
    people = gallery(wait_s=10.0)
    people.observe([tracklet("door/1", ANN, 0, 1), tracklet("door/2", BOB, 2, 3)])
    doubtful = ANN + 1.25 * EVE
    people.observe([tracklet("hall/1", doubtful / np.linalg.norm(doubtful), 10, 11, ended="open")])
    assert people.undecided == 1
    assert people.likely("hall/1") == "P1"
    assert people.likely("door/1") == ""  # decided
    people.tick(30.0)  # the deadline ends the waiting
    assert people.undecided == 0
    assert people.likely("hall/1") == ""
    assert "hall/1" in people.partition.identity_of


def test_a_number_shown_at_first_is_revised_by_the_visit_that_takes_its_own_in():
    people, visits = gallery(wait_s=0.0), Events(VisitRule(visit_gap_s=60.0))

    def told(at, *tracklets):
        people.observe(tracklets)
        people.tick(at)
        return visits.update(at, people.take_touched())

    told(2.0, tracklet("door/1", ANN, 0, 1))
    blurred = ANN + 2.0 * EVE
    [opened] = told(11.0, tracklet("hall/1", blurred / np.linalg.norm(blurred), 10, 11, ended="open"))
    assert (opened.identity, opened.end) == ("P2", None)  # within a second of being told, though it is wrong
    revised = told(15.0, tracklet("hall/1", ANN, 10, 15, revision=1))
    assert {(e.id, e.identity, e.superseded_by) for e in revised} == {
        ("visit/door/1", "P1", ""),
        ("visit/hall/1", "P2", "visit/door/1"),
    }
    assert people.partition.resolve("P2") == "P1"  # the number that was shown still finds them
