from __future__ import annotations

import numpy as np
import pytest

from perdure.simulate.people import Day
from perdure.simulate.reading import parse
from perdure.simulate.sightings import BRIDGED_S, LEAST_S, _spans, routes


def test_spans_bridge_short_absences_and_leave_glimpses_out():
    at = np.arange(0.0, 20.0, 0.2)
    seen = (at < 4) | ((at > 4 + BRIDGED_S / 2) & (at < 8)) | ((at > 14) & (at < 14 + LEAST_S / 2))
    ((start, end),) = _spans(at, seen)
    assert (start, end) == pytest.approx((0.0, 7.8))
    assert _spans(at, np.zeros(len(at), bool)) == []


def test_who_is_in_view_of_which_camera_is_what_the_pictures_show(tiny_text, tmp_path):
    """Against the renderer, which counts pixels."""
    from perdure.simulate.film import film

    plan = parse(tiny_text)
    filmed = film(plan, tmp_path)
    names = [camera.name for camera in plan.cameras]
    found = routes(plan, Day(plan).walks(), 100.0, least_px=24.0)
    for route in found:
        assert [stay.start for stay in route] == sorted(stay.start for stay in route)
    mine = {(stay.person, names[stay.camera]) for route in found for stay in route}
    theirs = {(visit.person, sighting.camera) for visit in filmed.visits for sighting in visit.sightings}
    assert mine
    assert mine <= theirs
    for route in found:
        for stay in route:
            true = [
                s
                for v in filmed.visits
                if v.person == stay.person
                for s in v.sightings
                if s.camera == names[stay.camera]
            ]
            assert min(s.start_s for s in true) - 1.0 <= stay.start - 100.0
            assert stay.end - 100.0 <= max(s.end_s for s in true) + 1.0
