"""``perdure train association`` from end to end, in small."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from perdure.cli import app
from perdure.errors import ConfigError, InputError
from perdure.track.default import DefaultRule
from perdure.track.learned import Net
from perdure.train.association.clips import Recording, owners, part, read_recording
from perdure.train.association.config import PolicyStage, ScorerStage, read_config
from perdure.train.association.policy import Policy, World, explored, improve, prepared
from perdure.train.association.scorer import described_pairs, fit_scorer, unchanged
from perdure.train.association.train import train_association

from .scenes import walkers

CONSTANTS = DefaultRule(0.5, 0.1, 3.0).constants()
SMALL = {"steps": 4, "clips": 2, "seconds": 6.0, "rollouts": 2}


def sequence(folder: Path, seed: int) -> Path:
    """The toy world as a MOTChallenge folder; the truth is where the boxes of people are."""
    clip = walkers(people=6, frames=100, seed=seed)
    (folder / "det").mkdir(parents=True)
    (folder / "gt").mkdir()
    frames = np.repeat(np.arange(1, 101), np.diff(clip.first))
    found, true = [], []
    for frame, box, score, owner in zip(frames, clip.boxes, clip.scores, clip.owner, strict=True):
        place = f"{box[0]:.3f},{box[1]:.3f},{box[2] - box[0]:.3f},{box[3] - box[1]:.3f}"
        found.append(f"{frame},-1,{place},{score:.4f},-1,-1,-1\n")
        if owner >= 0:
            true.append(f"{frame},{owner + 1},{place},1,1,1.0\n")
    (folder / "det" / "det.txt").write_text("".join(found))
    (folder / "gt" / "gt.txt").write_text("".join(true))
    info = "[Sequence]\nname=x\nframeRate=10\nseqLength=100\nimWidth=640\nimHeight=480\n"
    (folder / "seqinfo.ini").write_text(info)
    return folder


def written(tmp_path: Path, **given: object) -> Path:
    names = [sequence(tmp_path / name, k).as_posix() for k, name in enumerate("ab")]
    config = {"out": (tmp_path / "out").as_posix(), "sequences": names, "held_out": ["b"]}
    config |= {"scorer": {"hidden": 4, "epochs": 2}, "policy": SMALL} | given
    path = tmp_path / "run.yaml"
    path.write_text(json.dumps(config))
    return path


def test_a_run_leaves_weights_a_curve_and_a_report(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", "association", "--config", str(written(tmp_path))])
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    report = json.loads((out / "report.json").read_text())
    assert report["scored on"] == "held out"
    assert list(report["stages"]) == ["default", "scorer", "policy"]
    assert 0.3 < report["stages"]["default"]["IDF1"] <= 1
    with (out / "curve.csv").open() as file:
        curve = list(csv.DictReader(file))
    assert [line["step"] for line in curve if line["reward"] != "nan"] == ["1", "2", "3", "4"]
    for name in ("scorer", "policy"):
        with np.load(out / f"{name}.npz") as arrays:
            assert Net.of(dict(arrays)).scale.size


def test_the_weights_reach_the_tracker(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "a", 0)
    weights = unchanged() | {"shift": np.array(-50.0)}
    np.savez(tmp_path / "never.npz", **weights)
    (tmp_path / "perdure.yaml").write_text(f"tracking: {{association: {tmp_path / 'never.npz'}}}\n")
    given = ["track", "--detections", str(folder), "--out", str(tmp_path / "out.txt")]
    plain = CliRunner().invoke(app, given)
    never = CliRunner().invoke(app, [*given, "--config", str(tmp_path / "perdure.yaml")])
    assert "of 0 tracks" in never.output
    assert "of 0 tracks" not in plain.output
    np.savez(tmp_path / "never.npz", mean=np.zeros(2))
    broken = CliRunner().invoke(app, [*given, "--config", str(tmp_path / "perdure.yaml")])
    assert broken.exit_code != 0
    assert "no array 'share'" in f"{broken.output}{broken.exception}"


def test_a_broken_off_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, parts = written(tmp_path / "whole", scorer=None), written(tmp_path / "parts", scorer=None)
    train_association(whole, resume=False)
    settings = json.loads(parts.read_text())
    parts.write_text(json.dumps(settings | {"policy": SMALL | {"steps": 2}}))
    train_association(parts, resume=False)
    parts.write_text(json.dumps(settings))
    train_association(parts, resume=True)
    first, second = (np.load(tmp_path / name / "out" / "policy.npz") for name in ("whole", "parts"))
    for name in first.files:
        np.testing.assert_allclose(first[name], second[name], atol=1e-6)


def test_mistakes_of_the_user_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="held_out: no sequence c; there are a, b"):
        train_association(written(tmp_path / "1", held_out=["c"]), resume=False)
    with pytest.raises(ConfigError, match="nothing to learn from"):
        read_config(written(tmp_path / "2", sequences=[]))
    with pytest.raises(ConfigError, match=r"policy\.steps"):
        read_config(written(tmp_path / "3", policy={"steps": 0}))
    with pytest.raises(InputError, match="no checkpoint"):
        train_association(written(tmp_path / "4", scorer=None), resume=True)
    path = written(tmp_path / "5")
    (tmp_path / "5" / "a" / "gt" / "gt.txt").unlink()
    with pytest.raises(InputError, match="no truth at"):
        train_association(path, resume=False)


def test_boxes_belong_to_whom_they_overlap(tmp_path: Path) -> None:
    recording = read_recording(sequence(tmp_path / "a", 0))
    np.testing.assert_array_equal(recording.clip.owner >= 0, walkers(people=6, frames=100).owner >= 0)
    moved = recording.clip.boxes + 1000.0
    assert (owners(moved, recording.clip.first, recording.truth) == -1).all()


def test_a_part_of_a_clip_is_a_clip() -> None:
    clip = walkers()
    some = part(clip, 20, 50)
    assert len(some.at) == 30
    np.testing.assert_array_equal(some.boxes, clip.boxes[clip.first[20] : clip.first[50]])
    assert some.first[0] == 0
    assert some.first[-1] == len(some.boxes)


def test_the_scorer_learns_the_labels() -> None:
    samples = [described_pairs(Recording("a", walkers(seed=s)), CONSTANTS, 0.1, 5000) for s in (0, 1)]
    weights, losses = fit_scorer(samples, ScorerStage(epochs=12, hidden=8, batch=128), seed=0)
    assert losses[-1] < 0.9 * losses[0]
    assert Net.of(weights).bias.size == 8


def test_a_policy_of_zeros_is_its_parent_and_follows_the_advantages() -> None:
    """After a step of the gradient what paid is likelier than before, and what cost is less likely."""
    stage = PolicyStage(steps=1, clips=2, seconds=6.0, rollouts=3, rate=0.02, pull=0.0)
    world = World([Recording("a", walkers(frames=90, seed=3))], CONSTANTS, 0.1, stage)
    parent, policy = prepared(unchanged(), world, np.random.default_rng(0)), Policy()
    assert world.greedy(Net.of(policy.on(parent))) == pytest.approx(world.greedy(Net.none()))
    batches, _ = explored(world, policy.on(parent), np.random.default_rng(0))
    improve(policy, torch.optim.Adam(policy.parameters(), stage.rate), batches, stage)
    links = batches[0]
    assert len(links.z) > 10
    with torch.no_grad():
        change = policy.link(links.z)[:, 0] * (2 * links.taken - 1)
    assert float((change * links.advantage).mean()) > 0
