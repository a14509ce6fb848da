from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from perdure.cli.eval import app
from perdure.config import GalleryConfig
from perdure.evaluate.ablate import (
    CONSOLIDATION,
    SWITCHES,
    Setting,
    WithoutPrior,
    ablate,
    full,
    interval,
    moved,
    real_settings,
    simulated_settings,
)
from perdure.evaluate.ablate_report import NO_EFFECT, figures, report
from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.replay import replay
from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Candidates, Match, New, Posterior
from perdure.simulate.stream_traffic import Traffic

PicturesOf = Callable[..., Embeddings]


@pytest.fixture(scope="module")
def settings(pictures_of: PicturesOf) -> list[Setting]:
    made = pictures_of(30, spread=0.9, per_stay=12)
    uneven = np.random.default_rng(0).random(len(made)).astype(np.float32)
    return list(real_settings(replace(made, quality=uneven), 2, 10, GalleryConfig()))


def test_every_part_is_switched_off_and_told_apart_from_no_effect(settings: list[Setting]) -> None:
    said: list[str] = []
    found = ablate("real", settings, said.append)
    effects = {effect.name: effect for effect in found.effects}
    assert list(effects) == [CONSOLIDATION, *SWITCHES]
    assert len(said) == 2 * (1 + len(SWITCHES))
    assert found.tracklets == (60, 60)
    assert effects["means of cameras"].has_effect  # the cameras of pictures_of add much to everybody
    assert effects["means of cameras"].online_idf1.mean() > 0
    assert np.isnan(effects[CONSOLIDATION].online_idf1).all()
    runs = [replay((trial := full(s)).stream, trial.gallery, prepare=trial.prepare) for s in settings]
    assert found.idf1[:, 0].tolist() == [run.end.online.idf1 for run in runs]
    rows = {row[0]: row[1] for row in report([found]).tables[0].rows}
    for name, effect in effects.items():
        assert (rows[name] == NO_EFFECT) is not effect.has_effect
        if not effect.has_effect and name != CONSOLIDATION:
            assert not effect.online_idf1.any()
    exact = figures([found])["real"]
    assert set(exact["worth"]) == set(effects)


def test_a_switch_of_what_is_not_there_has_no_effect(settings: list[Setting]) -> None:
    bare = [
        replace(
            s,
            stream=replace(s.stream, told=tuple(replace(t, path=t.path[:0]) for t in s.stream.told)),
            config=s.config.model_copy(update={"exemplars_per_tracklet": 64}),
        )
        for s in settings
    ]
    effects = {effect.name: effect for effect in ablate("bare", bare).effects}
    for name in ("cannot-link", "k-centre choice", "thinning"):
        assert not effects[name].has_effect, name


def test_seeds_draw_other_people_and_never_calibrate_on_those_who_come(pictures_of: PicturesOf) -> None:
    made = pictures_of(20)
    drawn = list(real_settings(made, 3, 8, GalleryConfig()))
    come = [frozenset(s.stream.person.tolist()) for s in drawn]
    assert len(set(come)) == 3
    assert {len(c) for c in come} == {8}
    others = replace(made, vectors=made.vectors[:, ::-1].copy())
    mixed = np.where(np.isin(made.person, list(come[0]))[:, None], others.vectors, made.vectors)
    again = next(real_settings(replace(made, vectors=mixed), 1, 8, GalleryConfig()))
    assert again.calibration == drawn[0].calibration  # what those who come look like changes nothing


def test_simulated_settings_have_faults_and_twice_told_tracklets(pictures_of: PicturesOf) -> None:
    traffic = Traffic(days=0.6, visits_per_day=100, people=50)
    drawn = list(simulated_settings(pictures_of(20), 2, traffic, GalleryConfig()))
    assert drawn[0].stream.person.tolist() != drawn[1].stream.person.tolist()
    for setting in drawn:
        assert len(setting.stream) > len(setting.stream.latest(len(setting.stream))) > 10
        assert setting.stream.dim == 24


def test_moved_is_zero_for_equal_partitions_under_other_names(settings: list[Setting]) -> None:
    run = [replay((trial := full(settings[0])).stream, trial.gallery, prepare=trial.prepare) for _ in range(2)]
    first, second = run[0].online, run[1].online
    second.partition.identity_of = {id: f"other {name}" for id, name in second.partition.identity_of.items()}
    assert moved(run[0].stream, first, second) == 0
    one = next(iter(second.partition.identity_of))
    second.partition.identity_of[one] = "alone"
    assert moved(run[0].stream, first, second) <= 1.001 / 60


def test_without_prior_appearance_alone_decides() -> None:
    rule = Posterior(Calibration(10.0, -5.0, 0.0, 0.1), return_rate=0.5, wait_margin=0.0)
    names = [f"P{n}" for n in range(100)]
    similarity = np.full(100, -0.5)
    similarity[7] = 0.6  # one nat for "same", against log 100 for "one of a hundred"
    candidates = Candidates(names, similarity, np.zeros(100, bool), (), 100, None)
    assert isinstance(rule(candidates), New)
    decision = WithoutPrior(rule)(candidates)
    assert isinstance(decision, Match)
    assert decision.identity == "P7"
    assert decision.evidence.probability == pytest.approx(1 / (1 + np.exp(-1)))


def test_the_interval_is_students() -> None:
    values = np.array([0.1, 0.2, 0.4])
    mean, low, high = interval(values)
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 2, mean, stats.sem(values)))
    assert interval(values[:1]) == (0.1, -np.inf, np.inf)


def test_the_command(pictures_of: PicturesOf, tmp_path: Path) -> None:
    made, npz, page = pictures_of(16), tmp_path / "some.npz", tmp_path / "page.html"
    keys = {key: getattr(made, key) for key in ("vectors", "person", "camera", "sequence", "frame")}
    np.savez(npz, **keys)
    options = ["ablate", "--embeddings", str(npz), "--seeds", "1", "--days", "0.6", "--visits-per-day", "40"]
    found = CliRunner().invoke(app, [*options, "--json", "--html", str(page)], catch_exceptions=False)
    assert set(json.loads(found.stdout)) == {"Real stream", "Simulated stream"}
    assert page.read_text().count("<svg") == 2
