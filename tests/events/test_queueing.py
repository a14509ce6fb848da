from __future__ import annotations

import numpy as np
from tests.events.walkers import everybody, tracklet

from perdure.events.places import Line, Zone
from perdure.events.queueing import queues

LINE_UP = Zone("door", "queue", ((0.2, 0.2), (0.5, 0.2), (0.5, 0.9), (0.2, 0.9)), 0.0, queue=True, served_by="till")
TILL = Line("door", "till", (0.6, 0.1), (0.6, 0.9))


def stand(*places, each=20):
    x = np.repeat(places, each)
    return np.column_stack([x, np.full(len(x), 0.5)])


def outcomes(line, *feet):
    people = [tracklet(i, path) for i, path in enumerate(feet)]
    of = {t.id: f"P{i}" for i, t in enumerate(people)}
    return {i: [w.outcome for w in own] for i, own in queues(people, of, LINE_UP, line, 2.0).items()}


def test_who_goes_on_over_the_line_was_served_and_who_turns_back_left():
    served, gave_up = stand(0.1, 0.3, 0.55, 0.9, each=15), stand(0.1, 0.3, 0.1)
    assert outcomes(TILL, served, gave_up) == {"P0": ["served"], "P1": ["left"]}


def test_who_crosses_long_after_was_not_served_from_this_queue():
    assert outcomes(TILL, stand(0.3, 0.55, 0.55, 0.9)) == {"P0": ["left"]}


def test_without_a_line_nobody_knows():
    assert outcomes(None, stand(0.1, 0.3, 0.9)) == {"P0": [""]}


def test_the_wait_goes_on_over_merged_tracklets():
    first, second = tracklet(1, stand(0.1, 0.3)), tracklet(2, stand(0.3, 0.9), start=5.0)
    (wait,) = queues([first, second], everybody([first, second]), LINE_UP, TILL, 2.0)["P1"]
    assert (wait.stay.start, wait.stay.end) == (2.0, 7.0)
    assert wait.outcome == "served"
