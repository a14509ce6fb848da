from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from perdure.cli.eval import app
from perdure.config import GalleryConfig
from perdure.errors import ConfigError, InputError, PerdureError
from perdure.evaluate import stream_calibration
from perdure.evaluate.calibration import cllr
from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.partition import partition
from perdure.evaluate.replay import best_threshold, replay, run_policy, snapshot, tell, thinned
from perdure.evaluate.stream import halves, of_pictures, of_simulation
from perdure.evaluate.stream_calibration import _poor_tracklets, _with_growing_identities, fit_calibration, fit_poor
from perdure.evaluate.stream_report import PolicyRun, report
from perdure.gallery.calibrate import Calibration
from perdure.gallery.constraints import seen_apart
from perdure.gallery.decide import FixedThreshold
from perdure.gallery.exemplars import last
from perdure.gallery.gallery import Gallery
from perdure.gallery.scoring import Representatives

PicturesOf = Callable[..., Embeddings]


def test_tracklets_are_cut_at_gaps_and_arrive_by_sequence_and_first_frame(pictures_of: PicturesOf) -> None:
    made = pictures_of(4)
    gap = np.where(np.arange(len(made)) % 3 == 2, 300, 0)  # the last picture of every stay comes much later
    stream = of_pictures(replace(made, frame=made.frame + gap))
    assert len(stream) == 4 * 3 * 2 * 2
    assert stream.crops.tolist().count(1) == stream.crops.tolist().count(2) == 24
    assert stream.crops.sum() == len(made)
    assert (np.diff(stream.at) >= 0).all()
    assert len({t.id for t in stream.told}) == len(stream)
    halfway = len(stream) // 2
    assert stream.at[halfway] - stream.at[halfway - 1] > 3000  # the second sequence is another hour


def test_only_with_time_is_it_known_who_was_seen_beside_whom(pictures_of: PicturesOf) -> None:
    made = pictures_of(2)
    together = replace(made, frame=np.tile([1, 11, 21], len(made) // 3))
    for with_time in (True, False):
        stream = of_pictures(together, with_time=with_time)
        first = stream.told[0]
        other = next(t for t in stream.told[1:] if t.camera == first.camera and t.start == first.start)
        assert seen_apart(first, other) is with_time


def test_days_are_seeded_keep_all_crops_and_a_persons_order(pictures_of: PicturesOf) -> None:
    made = pictures_of(12)
    once, days = of_pictures(made), of_pictures(made, repeat_days=5, seed=3)
    again, otherwise = of_pictures(made, repeat_days=5, seed=3), of_pictures(made, repeat_days=5, seed=4)
    assert days.at.tolist() == again.at.tolist() != otherwise.at.tolist()
    assert days.at[-1] > 3 * once.at[-1]
    for person in range(1, 13):
        names = [
            [t.exemplars[0].pictures for t, who in zip(s.told, s.person, strict=True) if who == person]
            for s in (once, days)
        ]
        assert names[0] == names[1]


def test_told_early_means_twice_with_more_evidence_the_second_time(pictures_of: PicturesOf) -> None:
    stream = of_pictures(pictures_of(5), told_early_s=0.5)
    assert len(stream) == 2 * len(stream.latest(len(stream))) == 60
    assert (np.diff(stream.at) >= 0).all()
    by_id: dict[str, list[int]] = {}
    for row, tracklet in enumerate(stream.told):
        by_id.setdefault(tracklet.id, []).append(row)
    for early, closed in by_id.values():
        assert (stream.told[early].ended, stream.told[closed].ended) == ("open", "left")
        assert (stream.crops[early], stream.crops[closed]) == (2, 3)
        assert stream.told[early].revision < stream.told[closed].revision
        assert stream.told[early].path[:, 0].max() <= stream.told[early].end
    assert stream.latest(len(stream)).tolist() == sorted(rows[1] for rows in by_id.values())


def test_ties_are_broken_by_the_seed(pictures_of: PicturesOf) -> None:
    made = pictures_of(8)
    at_once = replace(made, frame=np.tile([1, 11, 21], len(made) // 3))
    orders = [of_pictures(at_once, seed=seed).person.tolist() for seed in (0, 0, 1, 2)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2] != orders[3]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"person": np.zeros(288, np.int64)}, "no picture of anybody"),
        ({"camera": -np.arange(1, 289)}, "needs the camera"),
        ({"frame": np.zeros(288, np.int64)}, "needs the frame"),
    ],
)
def test_pictures_that_are_no_stream(pictures_of: PicturesOf, spoil: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(InputError, match=message):
        of_pictures(replace(pictures_of(), **spoil))
    with pytest.raises(InputError, match="no tracklets"):
        of_simulation("m", [])


def test_halves_and_absent_people(pictures_of: PicturesOf) -> None:
    made = pictures_of(7)
    first, second = halves(made.person)
    assert first.tolist() == [1, 3, 5, 7]
    assert second.tolist() == [2, 4, 6]
    stream = of_pictures(made)
    rest = stream.only(~np.isin(stream.person, first))
    assert set(rest.person.tolist()) == {2, 4, 6}
    assert len(rest.told) == len(rest.at) == len(rest.crops) == 18


def test_the_default_policy_finds_easy_people_and_is_scored_as_a_partition(
    pictures_of: PicturesOf, calibration: Calibration
) -> None:
    done = run_policy(of_pictures(pictures_of()), GalleryConfig(), calibration, checkpoints=4)
    assert [point.told for point in done.checkpoints] == [24, 48, 72, 96]
    assert done.end.online.idf1 > 0.9
    assert done.end.consolidated is not None
    assert done.end.consolidated.idf1 > 0.9
    identity_of = done.online.partition.identity_of
    labels = [identity_of[t.id] for t in done.stream.told]
    assert done.end.online == partition(done.stream.person, labels, done.stream.crops)
    early = done.checkpoints[0].online
    assert early.items == 24
    assert early.people == len(np.unique(done.stream.person[:24]))


def test_a_checkpoint_does_not_change_what_comes_after(pictures_of: PicturesOf, calibration: Calibration) -> None:
    stream = of_pictures(pictures_of(spread=0.8))
    many, one = (run_policy(stream, GalleryConfig(), calibration, checkpoints=n) for n in (9, 1))
    assert many.end.online == one.end.online
    assert many.end.consolidated == one.end.consolidated
    assert repr(many.online.log) == repr(one.online.log)


def test_a_snapshot_goes_its_own_way(pictures_of: PicturesOf, calibration: Calibration) -> None:
    stream = of_pictures(pictures_of())
    gallery = run_policy(stream, GalleryConfig(consolidate=False), calibration).online
    before = list(gallery.log), dict(gallery.partition.identity_of)
    copy = snapshot(gallery)
    tell(copy, of_pictures(pictures_of(seed=5)), 0, 1)
    copy.consolidate(1e9)
    copy.log.clear()
    assert repr((gallery.log, gallery.partition.identity_of)) == repr(before)


def test_simple_policies_have_no_second_look_and_a_best_threshold(pictures_of: PicturesOf) -> None:
    stream = of_pictures(pictures_of(spread=0.2))
    config = GalleryConfig(policy="nearest")
    told: list[tuple[float, float]] = []
    best = best_threshold(stream, config, lambda *said: told.append(said))
    at_best = run_policy(stream, config.model_copy(update={"threshold": best}), None)
    assert at_best.consolidated is None
    assert at_best.end.online.idf1 == max(idf1 for _, idf1 in told) > 0.8
    everybody_one = run_policy(stream, config.model_copy(update={"threshold": -1.0}), None)
    assert everybody_one.end.online.ids == 1


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(1, 7))
def test_every_tracklet_counts_once_however_often_told(pictures_of: PicturesOf, seed: int, checkpoints: int) -> None:
    made = pictures_of(4, seed=seed)
    stream = of_pictures(made, told_early_s=0.5, seed=seed)
    gallery = Gallery("made-up", 24, Representatives(last), FixedThreshold(0.6))
    end = replay(stream, gallery, checkpoints, thinned(2)).end.online
    assert end.items == 24
    assert end.weight == len(made)


def test_a_calibration_is_right_about_its_own_people(pictures_of: PicturesOf, calibration: Calibration) -> None:
    assert calibration.slope > 0 > calibration.offset
    assert abs(calibration.impostor_mean) < 0.1
    plain = fit_calibration(pictures_of(40, seed=9), centred=False)
    assert plain.impostor_std > calibration.impostor_std  # cameras make strangers alike
    alone = pictures_of(5)
    with pytest.raises(InputError, match="two tracklets"):
        fit_calibration(alone[(alone.camera == 1) & (alone.sequence == 1)])
    with pytest.raises(InputError, match="found one"):
        fit_calibration(pictures_of(1))


def test_a_calibration_compares_with_part_of_an_identity_and_never_with_itself() -> None:
    person = np.array([1, 1, 1, 2, 2, 3])
    similarity = np.where(person[:, None] == person, 0.5, -0.1) + 99 * np.eye(6)
    score, same, _ = _with_growing_identities(similarity, person, np.arange(len(person)))
    assert score[same] == pytest.approx(0.5)
    assert score[~same] == pytest.approx(-0.1)
    assert len(score[~same]) == 6 * 3 - 6
    assert 0 < same.sum() <= 5  # the third person has no other tracklet


def worsened(pictures: Embeddings, seed: int) -> Embeddings:
    """Each less like itself, by a quality that is told."""
    rng = np.random.default_rng(seed)
    quality = rng.uniform(0.1, 1, len(pictures))
    off = rng.normal(size=pictures.vectors.shape)
    vectors = pictures.vectors + ((1 - quality) * 3)[:, None] * off / np.linalg.norm(off, axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return replace(pictures, vectors=vectors.astype(np.float32), quality=quality.astype(np.float32))


def test_what_poor_pictures_are_worth_holds_on_other_people(pictures_of: PicturesOf) -> None:
    fitted, others = (pictures_of(40, seed=seed, per_stay=1) for seed in (9, 11))
    calibration = fit_calibration(fitted)
    poor = fit_poor(fitted, worsened(fitted, 0), calibration)
    assert poor is not None
    assert (poor.quality[-1], poor.gain[-1], poor.shift[-1]) == (calibration.quality, 1, 0)
    assert list(poor.quality) == sorted(poor.quality)
    assert poor.same[0] < 0.5 < poor.same[-2]  # the poorest say little
    stranger = np.array(calibration.neutral - 0.1)
    assert poor.as_good(stranger, np.array(poor.quality[0])) > stranger  # less against one person
    worse = worsened(others, 1)
    similarity, person, own, how_good = _poor_tracklets(others, worse)
    score, same, probe = _with_growing_identities(similarity, person, own)
    quality = how_good[probe]
    bad = quality < 0.5
    rules = {"as it is": replace(calibration, quality=0.0), "to neutral": calibration}
    rules["measured"] = replace(calibration, poor=poor)
    loss = {
        name: cllr(rule.log_likelihood_ratio(rule.as_good(score[bad], quality[bad])), same[bad])
        for name, rule in rules.items()
    }
    assert loss["measured"] < 0.8 * min(loss["as it is"], loss["to neutral"])


def test_too_few_poor_pictures_say_nothing(pictures_of: PicturesOf, calibration: Calibration) -> None:
    fitted = pictures_of(40, seed=9)
    assert fit_poor(fitted, fitted, calibration) is None


def test_the_report_has_a_line_per_policy_and_curves(pictures_of: PicturesOf, calibration: Calibration) -> None:
    stream = of_pictures(pictures_of())
    runs = [
        PolicyRun("default", run_policy(stream, GalleryConfig(), calibration, 3)),
        PolicyRun("ema", run_policy(stream, GalleryConfig(policy="ema", threshold=0.6), None, 3), 0.6, True),
    ]
    found = report(runs, ("a note",))
    assert [row[0] for row in found.tables[0].rows] == ["default", "↳ consolidated", "ema"]
    assert "hindsight" in found.tables[0].note
    assert {"IDF1 over time", "Identities over time"} <= set(found.plots)
    assert found.notes[-1] == "a note"
    assert not report([PolicyRun("default", run_policy(stream, GalleryConfig(), calibration))]).plots


# --- the command ------------------------------------------------------------------------------------------------------


def output(*arguments: str) -> str:
    found = CliRunner().invoke(app, ["stream", *arguments], catch_exceptions=False, env={"COLUMNS": "120"})
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture
def npz(pictures_of: PicturesOf, tmp_path: Path) -> Path:
    made, path = pictures_of(20), tmp_path / "some.npz"
    keys = {key: getattr(made, key) for key in ("vectors", "person", "camera", "sequence", "frame")}
    np.savez(path, **keys, path=np.array(made.paths))
    return path


def test_the_command_prints_a_table_exact_figures_and_a_page(npz: Path, tmp_path: Path) -> None:
    options = ["--embeddings", str(npz), "--half", "first", "--calibration", "other-half"]
    page = tmp_path / "page.html"
    table = output(*options, "--policy", "all", "--threshold", "best", "--html", str(page))
    assert "↳ consolidated" in table
    assert "hindsight" in table
    assert page.read_text().count("<svg") >= 5
    exact = json.loads(output(*options, "--json", "--checkpoints", "5", "--repeat-days", "3", "--time", "off"))
    assert exact["stream"] | {"model": ""} == {
        "model": "",
        "tracklets": 60,
        "crops": 180,
        "people": 10,
        "cameras": 3,
    }
    (default,) = exact["policies"]
    assert len(default["over_time"]) == 5
    assert default["online"]["idf1"] > 0.8
    few = json.loads(output(*options, "--json", "--last-people", "6", "--policy", "ema", "--threshold", "0.5"))
    assert few["stream"]["people"] == 3
    assert few["policies"][0]["threshold"] == 0.5


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ([], ConfigError, "give --images"),
        (["--embeddings", "NPZ", "--policy", "oracle"], ConfigError, "known: default, ema"),
        (["--embeddings", "NPZ"], ConfigError, "No card of 'some'"),
        (["--embeddings", "NPZ", "--calibration", "other-half"], ConfigError, "needs --half"),
        (["--embeddings", "NPZ", "--threshold", "high"], ConfigError, "neither a cosine"),
        (["--embeddings", "NPZ", "--threshold", "7"], ConfigError, "allowed are -1 to 1"),
        (["--embeddings", "absent.npz"], InputError, "absent.npz"),
        (["--images", "absent"], InputError, "no data set at absent"),
    ],
)
def test_mistakes_are_named(npz: Path, options: list[str], error: type[PerdureError], message: str) -> None:
    with pytest.raises(error, match=message):
        output(*[str(npz) if option == "NPZ" else option for option in options])


def test_an_npz_without_keys_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "few.npz", vectors=np.eye(3, dtype=np.float32))
    with pytest.raises(InputError, match="lacks person, camera"):
        output("--embeddings", str(tmp_path / "few.npz"))


def test_a_card_calibrates_by_the_name_of_the_model(calibration: Calibration, npz: Path) -> None:
    exact = json.loads(output("--embeddings", str(npz), "--embedder", "osnet-x0.25-msmt17", "--json"))
    assert "osnet-x0.25-msmt17" in exact["calibration"]
    assert isinstance(calibration, Calibration)


def test_parts_of_like_quality_leave_nobody_poor_out():
    """Few are very poor: they are joined with those above them, so that the lowest part begins at the poorest."""
    rng = np.random.default_rng(0)
    quality = np.concatenate([rng.uniform(0.1, 0.5, 90), rng.uniform(0.5, 0.9, 900), [0.95] * 50])
    parts = stream_calibration._like_quality(quality, 0.9)
    assert min(map(len, parts)) >= stream_calibration.FEWEST_POOR
    assert sorted(np.concatenate(parts).tolist()) == np.flatnonzero(quality < 0.9).tolist()
    means = [quality[part].mean() for part in parts]
    assert means == sorted(means, reverse=True)
    assert quality[parts[-1]].min() == quality.min()


def test_too_few_poor_pictures_make_no_part():
    assert stream_calibration._like_quality(np.linspace(0.1, 0.5, 20), 0.9) == []
