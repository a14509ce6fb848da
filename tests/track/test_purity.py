"""A mixed tracklet is split where the person changes; one person never is."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.track.album import SimilarityScale
from perdure.track.default import DefaultRule
from perdure.track.purity import change_of_person
from perdure.track.scene import Looks, Scene

from .conftest import box_at, look_of, play


def pictures(*people: int, seed: int = 0, noise: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([look_of(person, rng, noise) for person in people])


def found(vectors: np.ndarray) -> int | None:
    return change_of_person(vectors, np.ones(len(vectors), np.float32), SimilarityScale().llr)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("first", [3, 5, 8])
def test_the_change_is_found_where_it_is(seed: int, first: int) -> None:
    assert found(pictures(*[1] * first, *[2] * (12 - first), seed=seed)) == first


@pytest.mark.parametrize("seed", range(10))
def test_one_person_is_not_split(seed: int) -> None:
    assert found(pictures(*[1] * 16, seed=seed)) is None


def test_a_few_pictures_prove_nothing() -> None:
    assert found(pictures(1, 1, 1, 2, 2)) is None


def test_back_and_forth_is_no_single_change() -> None:
    assert found(pictures(*[1, 2] * 6)) is None


def test_poor_pictures_prove_nothing() -> None:
    vectors = pictures(*[1] * 6, *[2] * 6)
    assert change_of_person(vectors, np.full(12, 0.05, np.float32), SimilarityScale().llr) is None


def test_a_mixed_track_is_told_as_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second person takes over and nothing is noticed on the way: only the finished album shows it."""

    def never(_rule: DefaultRule, scene: Scene, links: np.ndarray, _looks: Looks) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(scene.tracks)), np.full(len(links), -1)

    monkeypatch.setattr(DefaultRule, "_contradicted", never)
    frames = [(f / 10, {0 if f < 40 else 1: box_at(100 + 3 * f)}) for f in range(90)]
    told = play(frames, embed_every_s=0.2, cut_after_s=60.0).last().values()
    first, second = sorted(told, key=lambda t: t.start)
    assert abs(first.end - 4.0) < 0.7
    assert (second.supersedes, second.began, first.ended) == (first.id, "appeared", "lost")
    assert len(first.path) + len(second.path) == 90
    assert max(first.exemplars[0].at) < min(second.exemplars[0].at)
