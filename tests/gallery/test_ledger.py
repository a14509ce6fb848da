from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.gallery.ledger import fold, from_plain, standing, to_plain
from perdure.types import (
    Constrained,
    Enrolled,
    Evidence,
    Forgotten,
    Matched,
    Merged,
    Moved,
    Renamed,
    Split,
    Undone,
    Watched,
)

SURE = Evidence(1.0)


def log():
    return [
        Enrolled(1.0, "P1", "a", SURE),
        Enrolled(2.0, "P2", "b", SURE),
        Matched(3.0, "P1", "c", SURE),
        Renamed(4.0, "P2", "Ann"),
        Merged(5.0, "P2", "P1", SURE),
    ]


def test_a_merge_leaves_an_alias_and_carries_the_name():
    after = fold(log())
    assert after.members == {"P1": ["a", "c", "b"]}
    assert after.resolve("P2") == "P1"
    assert after.names == {"P1": "Ann"}


def test_what_comes_for_an_alias_goes_where_it_points():
    after = fold([*log(), Matched(6.0, "P2", "d", SURE)])
    assert after.identity_of["d"] == "P1"


def test_undo_takes_a_merge_apart_and_undoing_that_brings_it_back():
    undone = [*log(), Undone(6.0, 4)]
    assert fold(undone).members == {"P1": ["a", "c"], "P2": ["b"]}
    assert fold(undone).names == {"P2": "Ann"}
    assert fold([*undone, Undone(7.0, 5)]).members == {"P1": ["a", "c", "b"]}


def test_a_number_once_given_is_never_given_again():
    assert fold([*log(), Undone(6.0, 1)]).minted == 2
    assert fold([*log(), Split(6.0, "P1", "P3", ("c",), "")]).minted == 3


def test_moves_splits_and_forgetting():
    changes = [*log(), Split(6.0, "P1", "P3", ("c",), ""), Moved(7.0, "b", "P1", "P3", "")]
    assert fold(changes).members == {"P1": ["a"], "P3": ["c", "b"]}
    gone = fold([*changes, Forgotten(8.0, "P3", "asked")])
    assert gone.members == {"P1": ["a"]}
    assert gone.identity_of == {"a": "P1"}
    assert gone.tombstones == {"P3"}


def test_constraints_are_kept():
    said = Constrained(9.0, "a", "b", False)
    assert fold([*log(), said]).constraints == [said]


@pytest.mark.parametrize("position", [-1, 5, 99])
def test_undoing_what_is_not_there_changes_nothing(position):
    assert standing([*log(), Undone(6.0, position)]) == [True] * 6


IDS, NAMES = st.sampled_from("abcdefgh"), st.sampled_from(["P1", "P2", "P3", "P4", "P5"])
CHANGES = st.one_of(
    st.builds(Enrolled, st.just(0.0), NAMES, IDS, st.just(Evidence(0.1))),
    st.builds(Matched, st.just(0.0), NAMES, IDS, st.just(Evidence(0.9))),
    st.builds(Moved, st.just(0.0), IDS, NAMES, NAMES, st.just("")),
    st.builds(Merged, st.just(0.0), NAMES, NAMES, st.just(Evidence(0.9))),
    st.builds(Split, st.just(0.0), NAMES, NAMES, st.lists(IDS, max_size=3).map(tuple), st.just("")),
    st.builds(Renamed, st.just(0.0), NAMES, st.sampled_from(["", "Ann"])),
    st.builds(Watched, st.just(0.0), NAMES, st.booleans()),
    st.builds(Constrained, st.just(0.0), IDS, IDS, st.booleans()),
    st.builds(Forgotten, st.just(0.0), NAMES, st.just("asked"), st.lists(IDS, max_size=2).map(tuple)),
    st.builds(Undone, st.just(0.0), st.integers(0, 20)),
)


@given(st.lists(CHANGES, max_size=25), st.integers(0, 25))
def test_a_snapshot_and_its_tail_are_the_whole_bit_for_bit(changes, cut):
    cut = min(cut, len(changes))
    kept = json.dumps(to_plain(fold(changes[:cut])))
    resumed = fold(changes, from_plain(json.loads(kept)), cut)
    assert json.dumps(to_plain(resumed)) == json.dumps(to_plain(fold(changes)))
    assert resumed.identity_of == fold(changes).identity_of
