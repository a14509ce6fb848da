from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from perdure.embed.quality import Scale
from perdure.errors import InputError
from perdure.evaluate.quality_calibration import error, fit_scale, ranks_first


def test_how_often_ones_own_comes_first_equals_trying_every_gallery(pictures_of) -> None:
    pictures = pictures_of(people=6, spread=1.2, seed=3, per_stay=2)
    person = pictures.person.copy()
    person[:3] = [0, -1, 0]  # two distractors and junk ask for nobody
    pictures = replace(pictures, person=person)
    found = ranks_first(pictures, gallery=3)
    cosines = pictures.vectors @ pictures.vectors.T
    for row in range(len(pictures)):
        if person[row] < 1:
            assert np.isnan(found[row])
            continue
        own = (person == person[row]) & (pictures.camera != pictures.camera[row])
        wins = [
            cosines[row, own].max() >= cosines[row, np.isin(person, others)].max()
            for others in combinations(sorted({*person.tolist()} - {0, -1, person[row]}), 2)
        ]
        assert found[row] == pytest.approx(np.mean(wins))


def test_who_was_seen_by_one_camera_only_says_nothing(pictures_of) -> None:
    pictures = pictures_of(people=4)
    one_camera = (pictures.person != 1) | (pictures.camera == 1)
    found = ranks_first(pictures[one_camera], gallery=4)
    assert np.isnan(found[pictures.person[one_camera] == 1]).all()
    assert np.isfinite(found[pictures.person[one_camera] != 1]).all()


def test_crops_can_be_looked_for_among_others(pictures_of) -> None:
    pictures = pictures_of(people=6, spread=1.2, seed=3)
    some = np.array([40, 3, 17, 90])
    asked = pictures[some]
    np.testing.assert_allclose(ranks_first(asked, 3, pictures), ranks_first(pictures, 3)[some])
    nobody = replace(asked, person=np.array([999, 0, -1, asked.person[3]]))
    assert np.isnan(ranks_first(nobody, 3, pictures)).tolist() == [True, True, True, False]


def test_too_few_people_are_told(pictures_of) -> None:
    with pytest.raises(InputError, match="needs 50 people or more, found 8"):
        ranks_first(pictures_of(people=8))


def made(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Qualities, and who came first by chance, the more often the better but less often than the quality says."""
    rng = np.random.default_rng(seed)
    told = rng.uniform(0, 1, count).astype(np.float32)
    return told, (rng.uniform(size=count) < 0.2 + 0.6 * told**2).astype(np.float64)


def test_the_fitted_scale_is_a_probability_on_others() -> None:
    told, first = made(6000, 0)
    scale = fit_scale(told, first)
    others = made(6000, 1)
    assert error(scale, *others) < 0.03
    as_it_is = Scale((0.0, 1.0), (0.0, 1.0))
    assert error(as_it_is, *others) > 0.1
    assert (np.diff(scale.first) >= 0).all()
    assert (np.diff(scale.told) > 0).all()
    assert scale.told[0] == scale.first[0] == 0.0


def test_crops_that_cannot_be_asked_are_left_out() -> None:
    told, first = made(800, 3)
    unknown = np.concatenate([first, np.full(200, np.nan)])
    assert fit_scale(np.concatenate([told, np.ones(200, np.float32)]), unknown) == fit_scale(told, first)


def test_one_and_the_same_quality_and_few_crops_are_harmless() -> None:
    same = np.full(9, 0.6, np.float32)
    scale = fit_scale(same, np.array([1.0, 0, 1, 1, 0, 1, 1, 1, 1]))
    np.testing.assert_allclose(scale(same), 7 / 9, atol=1e-3)
    assert fit_scale(same[:2], np.ones(2)).first[-1] == 1.0
