from __future__ import annotations

import math
from typing import get_args

import pytest

from perdure.errors import StoreError
from perdure.store.changes import from_json, kind_of, to_json
from perdure.store.run_store import RunStore
from perdure.types import (
    Change,
    Constrained,
    Enrolled,
    Evidence,
    Forgotten,
    Matched,
    Merged,
    Moved,
    Renamed,
    Split,
    Term,
    Undone,
    Watched,
)

EVIDENCE = Evidence(0.75, "P1", 0.6, "P2", 0.4, (Term("appearance", 3.0), Term("prior", -1.9)), ("P3: seen beside",))
LOG: list[Change] = [
    Enrolled(0.1, "P1", "a", Evidence(0.0)),
    Matched(0.2, "P1", "b", EVIDENCE),
    Moved(0.3, "b", "P1", "P2", "closer"),
    Merged(0.4, "P2", "P1", EVIDENCE),
    Split(0.5, "P1", "P3", ("a", "b"), "two people"),
    Renamed(0.6, "P1", "Ann"),
    Watched(0.65, "P1", True),
    Constrained(0.7, "a", "b", False),
    Forgotten(0.8, "P3", "asked"),
    Undone(0.9, 5),
]


def test_every_kind_of_change_comes_back_as_it_was(tmp_path):
    assert {type(change) for change in LOG} == set(get_args(Change))
    with RunStore(tmp_path / "x.db") as store:
        store.write_result([], {}, LOG, [])
        again = store.changes()
    assert [to_json(change) for change in again] == [to_json(change) for change in LOG]
    assert again[1:] == LOG[1:]


def test_what_was_not_measured_stays_so():
    change = from_json(kind_of(LOG[0]), to_json(LOG[0]))
    assert isinstance(change, Enrolled)
    assert math.isnan(change.evidence.best_score)


@pytest.mark.parametrize(("kind", "content"), [("Grown", "{}"), ("Enrolled", "{}"), ("Enrolled", "not json")])
def test_a_change_of_another_version_is_said(kind, content):
    with pytest.raises(StoreError, match=f"kind {kind} cannot be read"):
        from_json(kind, content)
