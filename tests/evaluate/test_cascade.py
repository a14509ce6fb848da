from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from typer.testing import CliRunner

from perdure.cli.eval import app
from perdure.config import GalleryConfig
from perdure.errors import ConfigError, InputError
from perdure.evaluate.ablate import Setting, full, real_settings
from perdure.evaluate.cascade import (
    FAULTS,
    Damage,
    FalseMatch,
    _exchanged,
    _names,
    _places,
    _spoilt,
    b_cubed_of_each,
    cascade,
    elsewhere,
    of_fault,
)
from perdure.evaluate.cascade_report import _more_errors, figures, report
from perdure.evaluate.contingency import heaviest_matching
from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.partition import partition
from perdure.evaluate.replay import tell
from perdure.gallery.decide import Candidates, FixedThreshold, Match, New
from perdure.types import Exemplars, Ints

PicturesOf = Callable[..., Embeddings]
LABELS = arrays(np.int64, 30, elements=st.integers(0, 6))


@pytest.fixture(scope="module")
def setting(pictures_of: PicturesOf) -> Setting:
    """Ten people, hard to tell apart; nobody repairs what goes wrong."""
    made = pictures_of(24, spread=0.9, per_stay=4)
    return next(real_settings(made, 1, 12, GalleryConfig(maintain=False), told_early_s=None))


@settings(deadline=None)
@given(LABELS, LABELS)
def test_elsewhere_is_the_rest_of_the_best_matching(before: Ints, after: Ints) -> None:
    before, after = (np.unique(labels, return_inverse=True)[1] for labels in (before, after))
    ones = np.ones(30)
    assert (~elsewhere(before, after, ones)).sum() == heaviest_matching(before, after, ones)
    assert not elsewhere(before, before.max() - before, ones).any()


@settings(deadline=None)
@given(LABELS, LABELS, arrays(np.float64, 30, elements=st.integers(1, 9)))
def test_b_cubed_of_each_by_the_definition(person: Ints, identity: Ints, weight: np.ndarray) -> None:
    found = b_cubed_of_each(person, identity, weight)
    for i in range(30):
        shared = weight[(person == person[i]) & (identity == identity[i])].sum()
        precision, recall = shared / weight[identity == identity[i]].sum(), shared / weight[person == person[i]].sum()
        assert found[i] == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_swap_exchanges_second_halves() -> None:
    def pictures(name: str, count: int) -> Exemplars:
        eye = np.eye(8, dtype=np.float32)[:count]
        return Exemplars("m", eye, np.ones(count, np.float32), np.arange(count) / 1.0, (name,) * count)

    mine, theirs = pictures("a", 4), pictures("b", 3)
    assert _exchanged(mine, theirs).pictures == ("a", "a", "b", "b")
    assert _exchanged(theirs, mine).pictures == ("b", "a", "a")
    assert _exchanged(mine, theirs).vectors.shape == (4, 8)


def test_a_false_match_takes_the_nearest_of_the_others() -> None:
    similarity, vetoed = np.array([0.9, 0.8, 0.7, -np.inf]), np.array([False, True, False, False])
    candidates = Candidates(["P1", "P2", "P3", "P4"], similarity, vetoed, (), tracklets=9, may_wait_until=None)
    rule = FalseMatch(FixedThreshold(0.5))
    assert isinstance(rule(candidates), Match)
    assert rule(candidates).identity == "P1"
    rule.right = frozenset({"P1"})
    assert rule(candidates).identity == "P3"
    rule.right = frozenset({"P1", "P3"})
    assert rule(candidates) == rule.rule(candidates)  # nobody is left to be confused with
    assert isinstance(FalseMatch(FixedThreshold(0.95), None)(candidates), New)


def test_each_fault_tampers_with_its_tracklets_alone(setting: Setting) -> None:
    stream = setting.stream
    ((place, partner),) = _places(stream, 1, np.random.default_rng(0))
    assert stream.told[place].camera == stream.told[partner].camera
    assert stream.person[place] != stream.person[partner]
    for fault in FAULTS:
        trial = full(setting)
        tell(trial.gallery, stream, 0, place, trial.prepare)
        rule = trial.gallery.rule
        before = dict(trial.gallery.partition.identity_of)
        spoilt = _spoilt(stream, trial.gallery, fault, place, partner, trial.prepare)
        changed = [
            row
            for row in range(len(stream))
            if not np.array_equal(stream.told[row].exemplars[0].vectors, spoilt.told[row].exemplars[0].vectors)
        ]
        if fault == "a crop less":
            assert len(spoilt.told[place].exemplars[0]) == len(stream.told[place].exemplars[0]) - 1
        assert (
            changed == {"swap": [place, partner], "bad crop": [place], "false match": [], "a crop less": [place]}[fault]
        )
        assert trial.gallery.rule is rule
        if fault == "false match":
            wrong = trial.gallery.partition.identity_of[stream.told[place].id]
            whose = {stream.person[row] for row in range(place) if before[stream.told[row].id] == wrong}
            assert whose
            assert stream.person[place] not in whose


def test_maintenance_repairs_a_false_match(pictures_of: PicturesOf) -> None:
    made = pictures_of(24, spread=0.9, per_stay=4)
    moved = {}
    for maintain in (False, True):
        kept = next(real_settings(made, 1, 12, GalleryConfig(maintain=maintain), told_early_s=None))
        moved[maintain] = sum(damage.count for damage in of_fault(cascade(kept, 4, seed=1), "false match"))
    assert moved[True] < moved[False]


def test_damage_is_what_two_whole_runs_differ_in(setting: Setting) -> None:
    damages = cascade(setting, 4, seed=1)
    assert [damage.fault for damage in damages] == list(FAULTS) * 4
    stream = setting.stream
    clean = full(setting)
    tell(clean.gallery, stream, 0, len(stream), clean.prepare)
    for damage in of_fault(damages, "false match"):
        place = damage.place
        spoilt = full(setting)
        tell(spoilt.gallery, stream, 0, place, spoilt.prepare)
        _spoilt(stream, spoilt.gallery, "false match", place, place, spoilt.prepare)
        names = _names(stream, clean.gallery), _names(stream, spoilt.gallery)
        old = {clean.gallery.partition.identity_of[t.id] for t in stream.told[:place]}
        for row, moved in zip(range(place + 1, len(stream)), damage.moved, strict=True):
            first, second = (g.partition.identity_of[stream.told[row].id] for g in (clean.gallery, spoilt.gallery))
            if first in old or second in old:
                assert moved == (first != second)
        scores = [partition(stream.person[place + 1 :], n[place + 1 :], stream.crops[place + 1 :]).idf1 for n in names]
        assert damage.idf1_lost == pytest.approx(scores[0] - scores[1])
        assert len(damage.moved) == len(damage.lost) == len(damage.left) == len(stream) - place - 1
    assert any(damage.count for damage in damages)  # people this alike are confused for good
    for damage in damages:
        assert damage.lasts == (0 if not damage.count else 1 + int(np.flatnonzero(damage.moved).max()))
        assert damage.count or not damage.lost.any()


def test_people_who_are_easily_told_apart_suffer_no_damage(pictures_of: PicturesOf) -> None:
    easy = next(real_settings(pictures_of(24, spread=0.1), 1, 12, GalleryConfig(), told_early_s=None))
    for damage in of_fault(cascade(easy, 3, seed=0), "bad crop"):
        assert damage.count == 0


def test_a_swap_is_repaired_where_people_are_known_and_halves_were_measured(pictures_of: PicturesOf) -> None:
    made = pictures_of(24, spread=0.35, per_stay=6)
    damages = {}
    for maintain in (False, True):
        kept = next(real_settings(made, 1, 12, GalleryConfig(maintain=maintain), told_early_s=None))
        assert kept.calibration is not None
        assert kept.calibration.halves > 0
        damages[maintain] = of_fault(cascade(kept, 6, seed=1, faults=("swap",)), "swap")
    assert all(damage.apart == 0 for damage in damages[False])
    assert np.mean([damage.right for damage in damages[False]]) < 0.7
    assert np.mean([damage.apart for damage in damages[True]]) > 1.5
    assert np.mean([damage.right for damage in damages[True]]) > 0.9


def test_a_stream_without_room_for_a_fault(setting: Setting) -> None:
    alone = setting.stream.only(setting.stream.person == setting.stream.person[0])
    with pytest.raises(InputError, match="no place for a fault"):
        cascade(replace(setting, stream=alone), 3, seed=0)


def test_a_fault_needs_two_pictures_not_two_boxes(setting: Setting) -> None:
    stream = setting.stream
    single = tuple(replace(t, exemplars=(t.exemplars[0][:1],)) for t in stream.told)
    with pytest.raises(InputError, match="no place for a fault"):
        _places(replace(stream, told=single), 3, np.random.default_rng(0))
    late = stream.told[: len(stream) // 2] + single[len(stream) // 2 :]
    chosen = _places(replace(stream, told=late), 100, np.random.default_rng(0))
    assert max(max(pair) for pair in chosen) < len(stream) // 2


def test_footage_needs_its_truth(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--footage needs --truth"):
        CliRunner().invoke(app, ["cascade", "--footage", str(tmp_path)], catch_exceptions=False)


def test_policies_without_a_second_look_have_nothing_left_to_tell(setting: Setting) -> None:
    simple = GalleryConfig(policy="ema", threshold=0.8)
    damages = cascade(replace(setting, config=simple), 2, seed=0)
    assert all(damage.left is None for damage in damages)
    assert [row[-1] for row in report(damages).tables[0].rows] == [None] * 4
    assert figures(damages)["swap"][0]["moved_after_second_look"] is None


def test_more_errors_are_a_share_of_those_there_are_anyhow() -> None:
    nothing = np.zeros(0, bool)
    found = [Damage("swap", 0, nothing, nothing, np.zeros(0), lost, 0.2, None) for lost in (0.01, 0.03)]
    assert _more_errors(found) == "+10.0 ±9.8 %"
    assert _more_errors(found[:1]) == "+5.0 %"
    assert _more_errors([replace(found[0], errors=0.0)]) == "-"


def test_report_and_figures(setting: Setting) -> None:
    damages = cascade(setting, 2, seed=0)
    found = report(damages, ("a note",))
    assert [row[0] for row in found.tables[0].rows] == list(FAULTS)
    assert len(found.plots) == 2
    exact = figures(damages)
    assert [entry["place"] for entry in exact["swap"]] == [d.place for d in of_fault(damages, "swap")]


def test_the_command(pictures_of: PicturesOf, tmp_path: Path) -> None:
    made, npz, page = pictures_of(16), tmp_path / "some.npz", tmp_path / "page.html"
    keys = {key: getattr(made, key) for key in ("vectors", "person", "camera", "sequence", "frame")}
    np.savez(npz, **keys)
    options = ["cascade", "--embeddings", str(npz), "--seeds", "1", "--places", "2", "--people", "6"]
    found = CliRunner().invoke(app, [*options, "--json", "--html", str(page)], catch_exceptions=False)
    assert {name: len(each) for name, each in json.loads(found.stdout)["faults"].items()} == dict.fromkeys(FAULTS, 2)
    assert page.read_text().count("<svg") == 2
    table = CliRunner().invoke(app, options, catch_exceptions=False).stdout
    assert "Damage of one error" in table
    one = CliRunner().invoke(app, [*options, "--json", "--fault", "swap"], catch_exceptions=False)
    assert list(json.loads(one.stdout)["faults"]) == ["swap"]
    with pytest.raises(ConfigError, match="unknown fault 'flood'; known: swap, bad crop"):
        CliRunner().invoke(app, [*options, "--fault", "flood"], catch_exceptions=False)
