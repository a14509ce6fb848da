from __future__ import annotations

import pytest

from perdure.gallery.ledger import fold, standing
from perdure.types import Constrained, Enrolled, Evidence, Forgotten, Matched, Merged, Moved, Renamed, Split, Undone

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
