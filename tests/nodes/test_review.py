"""The desk: answers move the gallery, last, can be taken back, and two reviewers may differ."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from perdure.errors import InputError, StoreError
from perdure.gallery.corrections import forget
from perdure.gallery.ledger import fold
from perdure.gallery.maintain import Keeper
from perdure.nodes.answer_log import FILE, AnswerLog, read
from perdure.nodes.review import Desk, Given, Refused
from perdure.nodes.review_rows import progress, rows
from tests.gallery.people import faces, gallery, tracklet

OPEN: list[AnswerLog] = []


@pytest.fixture(autouse=True)
def closed():
    yield
    while OPEN:
        OPEN.pop().close()


def log_of(folder):
    OPEN.append(AnswerLog(folder))
    return OPEN[-1]


def told(people=(0, 0, 1, 1, 2), blends=(), **options):
    """A gallery told of some people, one tracklet each time, far apart; ``blends``: (place, with whom)."""
    looks, site = faces(8), gallery(**options)
    for i, person in enumerate(people):
        look = looks[person]
        for place, other in blends:
            if place == i:
                look = look + 0.9 * looks[other]
        site.observe([tracklet(f"{'ab'[i % 2]}/{i}", look / np.linalg.norm(look), start=10.0 * i, end=10.0 * i + 2)])
    return site


def desk_at(folder, keeping="beside", **options):
    return Desk("run", told(**options), log_of(folder), keeping)


def same(first, second):
    return Given(first, second, "same")


def different(first, second, *leaving):
    return Given(first, second, "different", "part", leaving=leaving)


def state(desk):
    """Who is with whom, whatever the numbers."""
    return {frozenset(ids) for ids in desk.gallery.partition.members.values()}


def reopened(desk, folder):
    desk.log.close()
    return desk_at(folder)


def test_same_merges_and_different_splits_and_both_are_kept(tmp_path):
    desk = desk_at(tmp_path)
    assert state(desk) == {frozenset(("a/0", "b/1")), frozenset(("a/2", "b/3")), frozenset(("a/4",))}
    desk.say(50.0, "ann", [same("a/4", "a/0"), different("b/3", "a/2")])
    after = state(desk)
    assert after == {frozenset(("a/0", "b/1", "a/4")), frozenset(("a/2",)), frozenset(("b/3",))}
    again = reopened(desk, tmp_path)
    assert state(again) == after
    assert repr(again.gallery.log) == repr(desk.gallery.log)  # NaN is not NaN
    assert again.gallery.partition == fold(again.gallery.log)


def test_who_was_joined_to_a_mixed_identity_by_one_of_it_does_not_bind_the_others(tmp_path):
    desk = desk_at(tmp_path)
    desk.say(50.0, "ann", [same("a/4", "b/1")])
    assert [(c.first, c.second) for c in desk.gallery.partition.constraints] == [("a/4", "b/1")]
    desk.say(51.0, "ann", [different("a/0", "b/1")])
    assert frozenset(("b/1", "a/4")) in state(desk)


def test_the_one_who_was_asked_about_moves_where_the_whole_cannot(tmp_path):
    desk = desk_at(tmp_path)
    desk.say(50.0, "ann", [Given("a/0", "a/2", "different")])
    desk.say(51.0, "ann", [same("b/1", "b/3")])
    assert state(desk) == {frozenset(("a/0",)), frozenset(("b/1", "a/2", "b/3")), frozenset(("a/4",))}


def test_an_answer_can_be_taken_back_and_everything_is_as_before(tmp_path):
    desk = desk_at(tmp_path)
    before = state(desk)
    (first, second) = desk.say(50.0, "ann", [same("a/4", "a/0"), different("b/3", "a/2")])
    assert desk.last_of("ann") == second.number
    desk.take_back(51.0, "ann", second.number)
    desk.take_back(52.0, "ann", first.number)
    assert state(desk) == before
    assert desk.gallery.partition.constraints == []
    assert state(reopened(desk, tmp_path)) == before


def test_taking_back_twice_or_what_never_was_is_said(tmp_path):
    desk = desk_at(tmp_path)
    (answer,) = desk.say(50.0, "ann", [same("a/4", "a/0")])
    desk.take_back(51.0, "ann", answer.number)
    for number in (answer.number, 99):
        with pytest.raises(InputError, match="no answer"):
            desk.take_back(52.0, "ann", number)


def test_a_later_answer_still_holds_when_an_earlier_one_is_taken_back(tmp_path):
    desk = desk_at(tmp_path)
    (parted,) = desk.say(50.0, "ann", [different("b/1", "a/0")])
    desk.say(51.0, "ann", [same("b/1", "a/4")])
    desk.take_back(52.0, "ann", parted.number)
    home = desk.gallery.partition.identity_of
    assert home["b/1"] == home["a/4"]
    assert state(reopened(desk, tmp_path)) == state(desk)


def test_a_contradiction_names_the_answers_behind_it_the_least_probable_first(tmp_path):
    desk = desk_at(tmp_path)
    sure, doubtful = Given("a/0", "b/1", "same", odds=4.0), Given("b/1", "a/4", "same", odds=-2.0)
    desk.say(50.0, "ann", [sure, doubtful])
    before = (tmp_path / FILE).read_bytes(), state(desk)
    (refused,) = desk.say(51.0, "bob", [Given("a/0", "a/4", "different")])
    assert isinstance(refused, Refused)
    assert [(a.first, a.second) for a in refused.against] == [("b/1", "a/4"), ("a/0", "b/1")]
    assert "Take one of these back" in refused.reason
    assert before == ((tmp_path / FILE).read_bytes(), state(desk))
    desk.take_back(52.0, "ann", refused.against[0].number)
    (taken,) = desk.say(53.0, "bob", [Given("a/0", "a/4", "different")])
    assert not isinstance(taken, Refused)


def test_people_seen_side_by_side_are_refused_with_the_reason(tmp_path):
    looks, site = faces(2), gallery()
    site.observe([tracklet("a/1", looks[0]), tracklet("a/2", looks[1], box=(100, 0, 110, 20))])
    desk = Desk("run", site, log_of(tmp_path), "beside")
    (refused,) = desk.say(50.0, "ann", [same("a/1", "a/2")])
    assert "seen beside" in refused.reason
    assert refused.against == ()


@pytest.mark.parametrize("pair", [("a/0", "x/9"), ("a/0", "a/0")])
def test_nonsense_is_refused(tmp_path, pair):
    (refused,) = desk_at(tmp_path).say(50.0, "ann", [same(*pair)])
    assert isinstance(refused, Refused)


def test_two_reviewers_who_differ_leave_the_gallery_as_it_was_until_a_third_or_an_admin_decides(tmp_path):
    desk = desk_at(tmp_path)
    before = state(desk)
    desk.say(50.0, "ann", [same("a/4", "a/0")])
    desk.say(51.0, "bob", [Given("a/0", "a/4", "different")])
    assert state(desk) == before
    assert desk.gallery.partition.constraints == []
    assert [[a.by for a in said] for said in desk.verdicts.disputed()] == [["ann", "bob"]]
    third = reopened(desk, tmp_path)
    assert state(third) == before
    third.say(52.0, "cy", [same("a/0", "a/4")])
    assert frozenset(("a/0", "b/1", "a/4")) in state(third)
    assert third.verdicts.disputed() == []
    third.say(53.0, "dan", [Given("a/0", "a/4", "different")])
    assert len(third.verdicts.disputed()) == 1
    third.say(54.0, "root", [Given("a/0", "a/4", "different")], decides=True)
    assert third.verdicts.believed(frozenset(("a/0", "a/4"))) is False
    assert state(third) == before


def test_unsure_is_kept_and_not_asked_again_soon_of_the_same_reviewer(tmp_path):
    desk = desk_at(tmp_path, people=(0, 0, 1, 1, 2, 3), blends=[(4, 0), (5, 0)])
    desk.agenda.refresh()
    (row, *_) = rows(desk, "ann", 1, lambda _: True)
    pair = frozenset((row.stands, row.candidates[0].stands))
    desk.say(50.0, "ann", [Given(*pair, "unsure")])
    assert all(pair != {r.stands, c.stands} for r in rows(desk, "ann", 9, lambda _: True) for c in r.candidates)
    assert any(pair == {r.stands, c.stands} for r in rows(desk, "bob", 9, lambda _: True) for c in r.candidates)
    assert progress(desk, "ann").mine == 1


def test_a_row_is_one_subject_against_ranked_candidates_of_cameras_one_may_see(tmp_path):
    desk = desk_at(tmp_path, people=(0, 1, 2, 3, 4, 5), blends=[(3, 0), (4, 0)])
    desk.agenda.refresh()
    found = rows(desk, "ann", 5, lambda _: True)
    assert len(found) > 1
    named = [name for row in found for name in {row.identity, *(c.identity for c in row.candidates)}]
    assert len(named) == len(set(named))
    for row in found:
        after = [c.probability for c in row.candidates[1:]]
        assert after == sorted(after, reverse=True)
    for row in rows(desk, "ann", 9, lambda camera: camera == "a"):
        assert all(id.startswith("a/") for id in (row.stands, *row.shown, *(c.stands for c in row.candidates)))


def test_a_tracklet_is_cut_where_somebody_else_begins_and_joined_again(tmp_path):
    desk = desk_at(tmp_path)
    whole = desk.gallery.evidence["a/0"]
    since = float(whole.exemplars[0].at[1])
    entry = desk.cut(50.0, "ann", "a/0", since)
    first, second = desk.gallery.evidence["a/0"], desk.gallery.evidence[entry.second]
    assert len(first.exemplars[0]) + len(second.exemplars[0]) == len(whole.exemplars[0])
    assert len(first.path) + len(second.path) == len(whole.path)
    home = desk.gallery.partition.identity_of
    assert home["a/0"] != home[entry.second]
    assert {t.id for t in desk.take_revised()} == {"a/0", entry.second}
    again = reopened(desk, tmp_path)
    assert state(again) == state(desk)
    assert desk.last_of("ann") == entry.number
    again.take_back(51.0, "ann", entry.number)
    home = again.gallery.partition.identity_of
    assert home["a/0"] == home[entry.second]
    assert again.gallery.partition.constraints == []
    assert state(reopened(again, tmp_path)) == state(again)
    with pytest.raises(InputError, match="both sides"):
        again.cut(52.0, "ann", "b/1", -1.0)


def test_a_torn_last_line_is_forgotten_and_a_broken_one_in_the_middle_is_named(tmp_path):
    desk = desk_at(tmp_path)
    desk.say(50.0, "ann", [same("a/4", "a/0")])
    after = state(desk)
    desk.log.close()
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"what": "answ')
    again = desk_at(tmp_path)
    assert state(again) == after
    again.log.close()
    assert path.read_bytes() == whole
    path.write_bytes(b"nonsense\n" + whole)
    with pytest.raises(StoreError, match=r"review.jsonl:1 is no entry"):
        AnswerLog(tmp_path)
    with pytest.raises(StoreError, match=r"review\.jsonl:1"):
        read(tmp_path)


def test_an_entry_without_its_consequences_is_followed_at_the_next_start(tmp_path):
    desk = desk_at(tmp_path)
    desk.say(50.0, "ann", [same("a/4", "a/0")])
    after = state(desk)
    desk.log.close()
    path = tmp_path / FILE
    lines = [line for line in path.read_text().splitlines() if json.loads(line)["what"] != "applied"]
    path.write_text("\n".join(lines) + "\n")
    again = desk_at(tmp_path)
    assert state(again) == after
    assert state(reopened(again, tmp_path)) == after


def test_a_cut_stays_while_answers_about_its_second_part_count(tmp_path):
    desk = desk_at(tmp_path)
    entry = desk.cut(50.0, "ann", "a/0", float(desk.gallery.evidence["a/0"].exemplars[0].at[1]))
    [said] = desk.say(51.0, "bob", [same("a/4", entry.second)])
    with pytest.raises(InputError, match=f"first take back {said.number}$"):
        desk.take_back(52.0, "ann", entry.number)
    assert entry.number in desk.cuts
    desk.take_back(53.0, "ann", said.number)
    desk.take_back(54.0, "ann", entry.number)
    home = desk.gallery.partition.identity_of
    assert home[entry.second] == home["a/0"]


def test_what_is_taken_back_after_somebody_was_forgotten_is_refused_whole(tmp_path):
    desk = desk_at(tmp_path, keeping="own")
    desk.say(50.0, "ann", [different("a/0", "a/2")])  # two identities: the next answer moves one of them, not all
    (said,) = desk.say(51.0, "ann", [same("b/1", "b/3")])
    before = desk.gallery.partition.identity_of["b/3"]
    forget(desk.gallery, 52.0, desk.gallery.partition.identity_of["a/0"], "asked to")
    held, log = state(desk), list(desk.gallery.log)
    with pytest.raises(InputError, match="b/1 would be of somebody who was forgotten"):
        desk.take_back(53.0, "ann", said.number)
    assert state(desk) == held
    assert fold(desk.gallery.log) == fold(log) == desk.gallery.partition
    assert said.number in desk.verdicts.answers
    assert desk.gallery.partition.identity_of["b/1"] == before
    assert desk.gallery.identity(before).sightings  # nobody without pictures


def stay(desk):
    """Three parts of one long stay."""
    look = faces(8)[5]
    parts = [tracklet("c/0", look, start=200.0, end=202.0)]
    for number in (1, 2):
        start = 200.0 + 3 * number
        former = parts[-1].id
        parts.append(tracklet(f"c/{number}", look, start=start, end=start + 2, began="cut", supersedes=former))
    desk.gallery.observe(parts)


def test_parts_of_a_long_stay_that_follow_each_other_can_be_two_people(tmp_path):
    desk = Desk("site", told(upkeep=Keeper()), log_of(tmp_path), "own")
    stay(desk)
    assert frozenset(("c/0", "c/1", "c/2")) in state(desk)
    (refused,) = desk.say(210.0, "ann", [different("c/0", "c/2")])
    assert isinstance(refused, Refused)
    assert "parts of one stay" in refused.reason
    (said,) = desk.say(211.0, "ann", [different("c/0", "c/1")])
    assert {frozenset(("c/0",)), frozenset(("c/1", "c/2"))} <= state(desk)
    desk.gallery.tick(10_000.0)
    desk.hold(10_000.0)
    home = desk.gallery.partition.identity_of
    assert home["c/0"] != home["c/1"] == home["c/2"]
    desk.take_back(10_001.0, "ann", said.number)
    assert frozenset(("c/0", "c/1", "c/2")) in state(desk)


def test_answers_about_another_run_are_refused(tmp_path):
    desk = desk_at(tmp_path)
    desk.say(50.0, "ann", [same("a/4", "a/0")])
    desk.log.close()
    with pytest.raises(StoreError, match="about another run"):
        desk_at(tmp_path, people=(0, 0, 1))


def test_one_process_reviews_at_a_time(tmp_path):
    desk_at(tmp_path)
    with pytest.raises(StoreError, match="reviewed by another process"):
        AnswerLog(tmp_path)


def test_a_full_disk_takes_nothing(tmp_path, monkeypatch):
    desk = desk_at(tmp_path)
    before = state(desk)

    def full(*_):
        raise StoreError("no room")

    monkeypatch.setattr(desk.log, "append", full)
    with pytest.raises(StoreError, match="no room"):
        desk.say(50.0, "ann", [same("a/4", "a/0")])
    with pytest.raises(StoreError, match="no room"):
        desk.cut(51.0, "ann", "a/2", float(desk.gallery.evidence["a/2"].exemplars[0].at[1]))
    home = desk.gallery.partition.identity_of
    assert {frozenset(i for i in ids if "." not in i) for ids in state(desk)} == before
    assert all(home[id] == home[id.partition(".")[0]] for id in home)
    assert desk.verdicts.answers == {}


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["same", "different", "unsure", "undo", "tick", "cut", "new"]), *[st.integers(0, 99)] * 3
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MOVES, st.integers(0, 9))
@example([("cut", 38, 0, 0), ("same", 0, 3, 0), ("undo", 1, 0, 0)], 0)
@example([("cut", 7, 0, 0), ("undo", 1, 0, 0), ("different", 7, 8, 0)], 0)
def test_whatever_is_answered_maintenance_undo_and_replay_agree(tmp_path_factory, moves, seed):
    folder, rng = tmp_path_factory.mktemp("any"), np.random.default_rng(seed)
    people = rng.integers(0, 5, 9).tolist()
    blends = [(i, int(rng.integers(0, 5))) for i in range(9) if rng.random() < 0.3]
    live = Desk("site", told(people, blends, upkeep=Keeper()), log_of(folder), "own")
    for step, (what, x, y, who) in enumerate(moves):
        at, ids = 200.0 + 10 * step, sorted(live.gallery.partition.identity_of)
        by, first, second = ("ann", "bob", "cy")[who % 3], ids[x % len(ids)], ids[y % len(ids)]
        try:
            match what:
                case "tick":
                    live.gallery.tick(at)
                    live.hold(at)
                case "new":
                    look = faces(8)[x % 5]
                    live.gallery.observe([tracklet(f"c/{100 + step}", look, start=at, end=at + 1)])
                    live.hold(at)
                case "undo":
                    live.take_back(at, by, x % (live.verdicts.last + 1))
                case "cut":
                    live.cut(at, by, first, float(live.gallery.evidence[first].exemplars[0].at[-1]))
                case _:
                    live.say(at, by, [Given(first, second, what)])
        except InputError:
            continue
    home = live.gallery.partition.identity_of
    for said in live.gallery.partition.constraints:
        assert (home[said.first] == home[said.second]) == said.same
    for pair in {answer.pair for answer in live.verdicts.answers.values()}:
        believed = live.verdicts.believed(pair)
        if believed is not None:
            first, second = pair
            assert (home[first] == home[second]) == believed
    assert fold(live.gallery.log) == live.gallery.partition
    live.log.close()
    copy = gallery()
    copy.restore(live.gallery.evidence.values(), live.gallery.log, fold(live.gallery.log))
    again = Desk("site", copy, log_of(folder), "own")
    assert again.verdicts == live.verdicts
    assert again._followed == live._followed
    assert len(again.gallery.log) == len(live.gallery.log)
    assert again.cuts == live.cuts
