from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.track.journal import Journal


def entry(journal: Journal, before: int, at: float) -> int:
    return int(journal.add(np.array([before]), at, int(at), np.full((1, 4), at), np.ones(1))[0])


@settings(deadline=None)
@given(st.integers(0, 100))
def test_paths_survive_any_amount_of_growth_and_forgetting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    journal, live = Journal(), {}
    entries: dict[int, int] = {}
    for frame in range(400):
        numbers = [n for n in range(12) if rng.random() < 0.7]
        if rng.random() < 0.1 and entries:
            gone = int(rng.choice(list(entries)))
            del entries[gone], live[gone]
        known = list(entries)
        moved = journal.make_room(len(numbers), np.array([entries[n] for n in known], np.int64))
        entries.update(zip(known, moved.tolist(), strict=True))
        before = np.array([entries.get(n, -1) for n in numbers], np.int64)
        boxes = np.full((len(numbers), 4), float(frame))
        after = journal.add(before, float(frame), frame, boxes, np.ones(len(numbers)))
        entries.update(zip(numbers, after.tolist(), strict=True))
        for n in numbers:
            live.setdefault(n, []).append(float(frame))
    for n, times in live.items():
        assert journal.path(entries[n])[:, 0].tolist() == times


def test_memory_is_bound_by_what_is_alive() -> None:
    journal = Journal()
    for frame in range(20_000):
        journal.make_room(3, np.zeros(0, np.int64))
        journal.add(np.full(3, -1), float(frame), frame, np.zeros((3, 4)), np.zeros(3))
    assert len(journal.rows) <= 2048


def test_a_tail_goes_to_whom_it_belongs() -> None:
    journal = Journal()
    first, second = -1, entry(journal, -1, 0.0)
    for at in range(6):
        first = entry(journal, first, float(at))
    second = entry(journal, second, 6.0)
    left = journal.move_tail(first, 2.5, second)
    assert journal.path(left)[:, 0].tolist() == [0, 1, 2]
    assert journal.path(second)[:, 0].tolist() == [0, 3, 4, 5, 6]


def test_a_tail_that_would_be_twice_is_dropped() -> None:
    journal = Journal()
    first, second = -1, -1
    for at in range(6):
        first, second = entry(journal, first, float(at)), entry(journal, second, float(at))
    left = journal.move_tail(first, 2.5, second)
    assert journal.path(left)[:, 0].tolist() == [0, 1, 2]
    assert journal.path(second)[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_the_first_box_stays() -> None:
    journal = Journal()
    first = entry(journal, entry(journal, -1, 0.0), 1.0)
    second = entry(journal, -1, 2.0)
    assert journal.path(journal.move_tail(first, -5.0, second))[:, 0].tolist() == [0]
