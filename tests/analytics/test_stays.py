"""Stays become visits as the rule for events says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perdure.analytics.stays import Stays, visits
from perdure.events.visits import group
from perdure.types import Sighting

stays_of_some = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["door", "hall"]), st.integers(0, 400), st.integers(0, 90)),
    max_size=30,
)


@given(stays_of_some, st.integers(0, 60), st.integers(0, 20))
def test_visits_are_those_of_the_events(told, gap, least):
    stays = Stays.of(
        [t[0] for t in told], [t[1] for t in told], [1e9 + t[2] for t in told], [1e9 + t[2] + t[3] for t in told]
    )
    made = visits(stays, gap, least)
    expected = []
    for person in sorted({t[0] for t in told}):
        own = [Sighting(f"{i}", t[1], 1e9 + t[2], 1e9 + t[2] + t[3]) for i, t in enumerate(told) if t[0] == person]
        for visit in group(own, gap):
            start, end = visit[0].start, max(s.end for s in visit)
            if end - start >= least:
                expected.append((person, start, end, len(visit)))
    found = [
        (stays.people[p], s, e, int((made.of_stay == v).sum()))
        for v, (p, s, e) in enumerate(zip(made.person, made.start, made.end, strict=True))
    ]
    assert found == expected


def test_nobody_makes_no_visit():
    made = visits(Stays.of([], [], [], []), 10.0)
    assert len(made) == 0
    assert len(made.of_stay) == 0


def test_some_stays_keep_their_names():
    stays = Stays.of(["b", "a"], ["hall", "door"], [5.0, 1.0], [6.0, 2.0], [17, 4])
    part = stays[np.array([False, True])]
    assert (part.people[part.person[0]], part.cameras[part.camera[0]], part.row.tolist()) == ("b", "hall", [17])
