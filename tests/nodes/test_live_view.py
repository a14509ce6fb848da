from __future__ import annotations

import numpy as np
import pytest

from perdure.nodes.live_view import View


@pytest.mark.parametrize(
    ("people", "likely", "names", "label"),
    [
        ("P1", "", {}, "P1"),
        ("P1", "", {"P1": "Ann"}, "Ann"),
        ("", "P1", {}, "P1?"),
        ("", "P1", {"P1": "Ann"}, "Ann?"),
        ("", "", {}, "?"),
    ],
)
def test_a_box_says_who_it_is_and_whether_that_is_sure(people, likely, names, label):
    view = View(None, np.zeros((1, 4), np.float32), (people,), (likely,))
    assert view._mark(0, names).label == label


def test_where_nothing_is_said_of_the_probable_there_is_a_question():
    assert View(None, np.zeros((1, 4), np.float32), ("",))._mark(0, {}).label == "?"
