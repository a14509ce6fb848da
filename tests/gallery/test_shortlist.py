from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perdure.gallery import shortlist as module
from perdure.gallery.calibrate import Poor
from perdure.gallery.gallery import Gallery
from perdure.gallery.index import Index
from perdure.gallery.scoring import CentredLinkage
from perdure.gallery.shortlist import shortlist
from perdure.types import Change
from tests.gallery.people import CALIBRATION, DIM, gallery, tracklet


def crowd(people: int, seed: int) -> np.ndarray:
    looks = np.random.default_rng(seed).normal(size=(people, DIM))
    return np.asarray(looks / np.linalg.norm(looks, axis=1, keepdims=True))


def told(seed: int, noise: float) -> Gallery:
    rng, looks, site = np.random.default_rng(seed), crowd(60, seed), gallery()
    for i in range(300):
        camera = "abc"[rng.integers(3)]
        look = looks[rng.integers(60)]
        site.observe([tracklet(f"{camera}/{i}", look, start=10.0 * i, end=10.0 * i + 5, seed=seed, noise=noise)])
    return site


def outcome(log: list[Change]) -> list[tuple[str, ...]]:
    return [(type(c).__name__, getattr(c, "identity", ""), getattr(c, "tracklet", "")) for c in log]


@pytest.mark.parametrize("noise", [0.05, 0.15, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_a_short_list_decides_like_a_full_scan(monkeypatch: pytest.MonkeyPatch, noise: float, seed: int) -> None:
    full = told(seed, noise)
    monkeypatch.setattr(module, "ALL_BELOW", 20)
    monkeypatch.setattr(module, "FIRST", 4)
    monkeypatch.setattr(module, "RECENT_S", 15.0)
    short = told(seed, noise)
    assert outcome(short.log) == outcome(full.log)
    assert {type(c).__name__ for c in full.log} >= {"Enrolled", "Matched"}
    for one, other in zip(short.log, full.log, strict=True):
        if type(one).__name__ == "Matched":
            assert one.evidence.best_score == pytest.approx(other.evidence.best_score, abs=1e-6)  # type: ignore[union-attr]


def test_the_list_is_short_and_has_whoever_was_just_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    looks, index, scorer = crowd(3000, 0), Index(DIM), CentredLinkage(CALIBRATION)
    for i in range(6000):
        vector = looks[i % 3000] + 0.02 * rng.normal(size=DIM)
        row = index.put(f"t{i}", (vector / np.linalg.norm(vector)).astype(np.float32), i, i + 1, i % 4)
        index.owners[row] = i % 3000
        scorer.placed(row, index)
    probe = index.put("probe", looks[7].astype(np.float32), 6000, 6001, 0)
    scorer.placed(probe, index)
    monkeypatch.setattr(module, "FIRST", 16)
    monkeypatch.setattr(module, "RECENT_S", 5.0)
    listed = shortlist(probe, index, scorer)
    assert 7 in listed.codes
    assert {2999, 2998} <= set(listed.codes.tolist())
    assert len(listed.codes) < 100
    assert listed.index.ids[listed.row] == "probe"
    full = scorer.similarity(probe, index, 3000)
    assert scorer.similarity(listed.row, listed.index, len(listed.codes)) == pytest.approx(full[listed.codes])


@pytest.mark.parametrize("quality", [0.25, 0.6, 0.95])
def test_poor_pictures_are_on_the_list_where_they_are_worth_more_than_their_cosine(
    monkeypatch: pytest.MonkeyPatch, quality: float
) -> None:
    poor = Poor((0.2, 0.5, 0.9), (0.4, 0.7, 1.0), (0.3, 0.15, 0.0), (0.1, 0.4, 1.0))
    index, scorer = Index(8), CentredLinkage(replace(CALIBRATION, quality=0.9, poor=poor), learns=False)
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(401, 8)) + 0.5
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    qualities = np.append(np.where(rng.random(400) < 0.1, rng.uniform(0, 0.9, 400), 0.95), quality)
    for i, vector in enumerate(vectors.astype(np.float32)):
        index.put(str(i), vector, 100.0 * i, 100.0 * i + 1, i % 3, qualities[i])
        index.owners[i] = i // 2
    scorer.placed(400, index)
    index.owners[400] = -1
    for name, value in (("ALL_BELOW", 20), ("FIRST", 4), ("RECENT_S", 0.0)):
        monkeypatch.setattr(module, name, value)
    listed = shortlist(400, index, scorer)
    full, found = (scorer.similarity(*place) for place in ((400, index, 200), (listed.row, listed.index, 200)))
    assert len(listed.codes) < 200
    assert found.max() == pytest.approx(full.max())
    assert listed.codes[found.argmax()] == full.argmax()


def test_a_small_gallery_is_compared_whole() -> None:
    site = told(0, 0.05)
    row = site._index.row("a/0" if "a/0" in site._index else site._index.ids[0])
    listed = shortlist(row, site._index, site.scorer)
    assert listed.index is site._index
    assert listed.row == row
