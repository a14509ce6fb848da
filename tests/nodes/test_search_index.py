"""A search knows everybody who is stored, also whom the gallery has let go, and nobody who is erased."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.assemble import calibration_of
from perdure.errors import InputError
from perdure.nodes.search_index import SearchIndex, Within
from perdure.store.site_store import SiteStore, Step
from perdure.types import Enrolled, Event, Evidence, Exemplars, Identity, Merged, Sighting, Tracklet

DIM, MODEL = 32, "perdure-s"
rng = np.random.default_rng(3)
LOOKS = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0][:8].astype(np.float32)


def stay(person, number, camera, start, noise=0.1):
    """A tracklet of somebody with two pictures."""
    vectors = LOOKS[person] + noise * rng.normal(size=(2, DIM)) / np.sqrt(DIM)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    at = np.array([start, start + 5.0])
    body = Exemplars(MODEL, vectors, np.full(2, 0.9, np.float32), at, ("a.jpg", "b.jpg"))
    return Tracklet(f"{camera}/{number}", 1, camera, start, start + 5.0, np.zeros((2, 7)), (body,), ended="left")


def save(store, first, *tracklets):
    """Each shows the person it is numbered by: 30 and 31 are P3."""
    home = {t.id: f"P{int(t.id.split('/')[1]) // 10}" for t in tracklets}
    log = [Enrolled(t.start, home[t.id], t.id, Evidence(0.0)) for t in tracklets]
    people, events = [], []
    for who in sorted(set(home.values())):
        seen = tuple(Sighting(t.id, t.camera, t.start, t.end) for t in tracklets if home[t.id] == who)
        people.append(Identity(who, seen))
        events += [Event(f"visit/{s.tracklet}", "visit", who, s.start, s.end, (s,)) for s in seen]
    store.save(Step(tracklets, first, log, home, people, events))
    return first + len(log)


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "site.db"
    with SiteStore(path) as store:
        stays = [stay(p, 10 * p + i, ("door", "hall")[i], 1000.0 * p + 100 * i) for p in range(1, 6) for i in range(2)]
        last = save(store, 0, *stays)
        index = SearchIndex(path, MODEL, DIM, calibration_of(MODEL), 0.88)
        yield store, index, last
        index.close()


def asked(person):
    return LOOKS[person][None], np.full(1, 0.9, np.float32)


def test_the_right_person_is_the_most_probable(site):
    _, index, _ = site
    for person in range(1, 6):
        found = index.by_pictures(*asked(person), Within(), 3)
        assert found[0].identity == f"P{person}"
        assert found[0].probability > 0.9
        assert all(other.probability < 0.1 for other in found[1:])
        assert [visit.sightings[0].camera for visit in found[0].journeys] == ["hall", "door"]


def test_only_who_was_there_then(site):
    _, index, _ = site
    found = index.by_pictures(*asked(2), Within(("hall",), 2900.0, 3300.0), 5)
    assert [one.identity for one in found] == ["P3"]
    assert found[0].probability < 0.1
    assert index.by_pictures(*asked(2), Within((), 1e6, 2e6), 5) == []
    assert index.by_pictures(*asked(2), Within(("nowhere",)), 5) == []


def test_a_person_is_found_with_who_may_be_the_same(site):
    store, index, last = site
    save(store, last, stay(2, 70, "yard", 9000.0))  # P7 looks like P2
    found = index.by_person("P2", Within(), 5)
    assert [(one.identity, one.probability > 0.9) for one in found[:2]] == [("P2", True), ("P7", True)]
    assert index.by_person("P2", Within(("yard",)), 5)[0].identity == "P7"
    with pytest.raises(InputError, match="nothing is stored of P99"):
        index.by_person("P99", Within(), 5)


def test_what_is_written_later_is_searched_too(site):
    store, index, last = site
    assert all(one.identity != "P6" for one in index.by_pictures(*asked(6), Within(), 10))
    last = save(store, last, stay(6, 60, "door", 7000.0))
    assert index.by_pictures(*asked(6), Within(), 1)[0].identity == "P6"
    home = {"door/60": "P1"}
    merged = Merged(7100.0, "P6", "P1", Evidence(1.0))
    store.save(Step((), last, [merged], home, [], []))
    found = index.by_pictures(*asked(6), Within(), 10)
    assert all(one.identity != "P6" for one in found)


def test_who_is_erased_is_found_no_more(site):
    store, index, _ = site
    assert index.by_pictures(*asked(4), Within(), 1)[0].identity == "P4"
    size = len(index)
    store.erase("P4", ["door/40", "hall/41"], [])
    assert all(one.identity != "P4" for one in index.by_pictures(*asked(4), Within(), 10))
    assert len(index) == size - 2


def test_the_evidence_goes_at_once(site):
    _, index, _ = site
    index.by_pictures(*asked(4), Within(), 1)
    size = len(index)
    index.drop(["door/40", "never/0"])
    assert len(index) == size - 1


def test_without_a_calibration_there_is_an_order_but_no_probability(site):
    _, index, _ = site
    plain = SearchIndex(index.path, MODEL, DIM, None, 0.88)
    found = plain.by_pictures(*asked(3), Within(), 2)
    assert (found[0].identity, found[0].probability) == ("P3", None)


def test_an_empty_site_has_nobody(tmp_path):
    path = tmp_path / "site.db"
    SiteStore(path).close()
    assert SearchIndex(path, MODEL, DIM, None, 0.88).by_pictures(*asked(1), Within(), 5) == []


def test_who_is_erased_goes_also_where_others_came_without_a_picture(site):
    store, index, last = site
    index.by_pictures(*asked(4), Within(), 1)
    bare = Tracklet("door/90", 1, "door", 9000.0, 9005.0, np.zeros((2, 7)), ended="left")
    save(store, last, bare)
    store.erase("P4", ["door/40"], [])
    index.by_pictures(*asked(1), Within(), 1)
    assert "door/40" not in index._index
    assert "hall/41" in index._index


def test_only_days_that_were_changed_are_regrouped(site, monkeypatch):
    store, index, last = site
    index.by_pictures(*asked(1), Within(), 1)
    days = []
    real = SearchIndex._regroup
    monkeypatch.setattr(
        SearchIndex,
        "_regroup",
        lambda self, which, given, held: days.append(given["day"]) or real(self, which, given, held),
    )
    index.by_pictures(*asked(1), Within(), 1)
    assert days == []
    save(store, last, stay(6, 60, "door", 5 * 86400.0))
    assert index.by_pictures(*asked(6), Within(), 1)[0].identity == "P6"
    assert days == [5]
