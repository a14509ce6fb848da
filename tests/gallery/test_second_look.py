from __future__ import annotations

import numpy as np
import pytest

from perdure.gallery import second_look
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import fold
from tests.gallery.people import faces, gallery, tracklet


def told(noise: float) -> tuple[Gallery, list[int]]:
    """Twelve people, 120 times; who each tracklet shows."""
    rng, looks, site = np.random.default_rng(3), faces(12), gallery()
    people = rng.integers(12, size=120).tolist()
    for i, person in enumerate(people):
        site.observe([tracklet(f"{'abc'[i % 3]}/{i}", looks[person], 100.0 * i, 100.0 * i + 2, noise=noise)])
    return site, people


def wrong(site: Gallery, people: list[int]) -> int:
    """Pairs of tracklets that are together and should not be, or the other way round."""
    homes = np.array([site.partition.identity_of[f"{'abc'[i % 3]}/{i}"] for i in range(120)])
    truth = np.array(people)
    return int(((homes[:, None] == homes) != (truth[:, None] == truth)).sum()) // 2


@pytest.mark.parametrize("noise", [0.1, 0.17])
def test_piece_by_piece_is_no_worse_than_before_and_near_the_whole(
    monkeypatch: pytest.MonkeyPatch, noise: float
) -> None:
    before, people = told(noise)
    whole, _ = told(noise)
    pieces, _ = told(noise)
    whole.consolidate(20000.0)
    monkeypatch.setattr(second_look, "MOST_AT_ONCE", 50)
    pieces.consolidate(20000.0)
    assert wrong(pieces, people) <= wrong(before, people)
    assert wrong(pieces, people) <= wrong(whole, people) + 60
    assert fold(pieces.log) == pieces.partition


def test_nobody_is_nobody() -> None:
    assert gallery().consolidate(1.0) == []


@pytest.mark.parametrize(("often", "counts"), [(5.0, True), (200.0, False)])
def test_how_often_somebody_comes_counts_where_people_come_often(
    monkeypatch: pytest.MonkeyPatch, often: float, counts: bool
) -> None:
    site, _ = told(0.1)
    given: list[float] = []
    cluster = second_look.cluster

    def spy(*all: object) -> object:
        given.append(all[-1])  # type: ignore[arg-type]
        return cluster(*all)  # type: ignore[arg-type]

    monkeypatch.setattr(second_look, "OFTEN", often)
    monkeypatch.setattr(second_look, "cluster", spy)
    site.consolidate(20000.0)
    assert given == [2.0 if counts else np.inf]
