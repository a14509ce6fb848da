from __future__ import annotations

import numpy as np
import pytest

from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.report import to_html
from perdure.evaluate.simulator import KINDS, compare, exact, fitted_people, largest_gap, real_people, report
from perdure.simulate.stream import StreamPlan, stream
from perdure.simulate.stream_traffic import CameraGraph, Traffic


def crowd(people: int = 80, dim: int = 24) -> Embeddings:
    """People in three cameras, two tracklets in each, three pictures in each."""
    rng = np.random.default_rng(0)
    person, camera, sequence, frame = np.indices((people, 3, 2, 3)).reshape(4, -1)
    stay = (person * 3 + camera) * 2 + sequence
    vectors = (
        rng.normal(size=(people, dim))[person]
        + 0.3 * rng.normal(size=(3, dim))[camera]
        + 0.6 * rng.normal(size=(people * 6, dim))[stay]
        + 0.5 * rng.normal(size=(len(person), dim))
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    quality = np.ones(len(person), np.float32)
    return Embeddings(
        "made", vectors.astype(np.float32), person + 1, camera, sequence, frame, quality, ("",) * len(person)
    )


def test_a_simulated_half_is_about_as_near_as_a_real_one() -> None:
    found = compare(crowd())
    for kind in KINDS:
        assert largest_gap(found.real[kind], found.simulated[kind]) < 0.15
    assert found.simulated_retrieval["mAP"] == pytest.approx(found.real_retrieval["mAP"], abs=0.15)
    page = to_html(report(found, "made"))
    assert page.count("<svg") == len(KINDS)
    assert set(exact(found)) == {"quantiles", "scores", "retrieval"}


def test_streams_of_real_and_of_made_up_people_from_embeddings() -> None:
    embeddings = crowd()
    graph, traffic = CameraGraph.corridor(3), Traffic(days=0.5, visits_per_day=40, people=80)
    for looks in (real_people(embeddings), fitted_people(embeddings, seed=1)):
        told = next(stream(looks, graph, StreamPlan(traffic)))
        assert told.tracklet.exemplars[0].model == "made"
        assert told.tracklet.exemplars[0].vectors.shape[1] == 24


def test_largest_gap() -> None:
    low, high = np.zeros(3, np.float32), np.ones(5, np.float32)
    assert largest_gap(low, low) == 0
    assert largest_gap(low, high) == 1
    assert largest_gap(np.arange(10, dtype=np.float32), np.arange(5, dtype=np.float32)) == pytest.approx(0.5)
    assert np.isnan(largest_gap(low, np.zeros(0, np.float32)))
