from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.train.embedder.teacher import halves_teacher

from perdure.errors import ModelError
from perdure.train.embedder import distill
from perdure.train.embedder.data import Crops
from perdure.train.embedder.distill import agreed, evening, teacher_vectors

RNG = np.random.default_rng(0)


def _people(count=40):
    """Two colours each, one above and one below."""
    rng = np.random.default_rng(1)
    pixels = np.repeat(rng.integers(30, 220, (count, 2, 1, 3)), 16, axis=1) + rng.normal(0, 6, (count, 32, 16, 3))
    nobody = np.full(count, -1, np.int64)
    names = tuple(f"p{i}" for i in range(count))
    return Crops(np.clip(pixels, 0, 255).astype(np.uint8), nobody, nobody.copy(), names)


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _turn(dim):
    return np.linalg.qr(RNG.normal(size=(dim, dim)))[0]


def test_one_teacher_is_what_it_says():
    first = _unit(RNG.normal(size=(50, 8)))
    assert agreed([first]) is first


def test_teachers_who_differ_by_a_turn_agree_on_the_first():
    first = _unit(RNG.normal(size=(200, 8)) * np.linspace(1, 3, 8))
    told = agreed([first, _unit(first @ _turn(8)), _unit(first @ _turn(8))])
    assert told.dtype == np.float32
    np.testing.assert_allclose(told, first, atol=1e-4)


def test_together_they_are_nearer_to_the_truth_than_each():
    truth = _unit(RNG.normal(size=(600, 16)))
    noisy = [_unit(truth @ turn + 0.15 * RNG.normal(size=truth.shape)) for turn in (np.eye(16), _turn(16))]
    told = agreed(noisy)
    np.testing.assert_allclose(np.linalg.norm(told, axis=1), 1, atol=1e-5)

    def wrong(vectors):
        return np.square(vectors @ vectors.T - truth @ truth.T).mean()

    assert wrong(told) < 0.8 * min(map(wrong, noisy))
    assert (told * noisy[0]).sum(1).mean() > 0.8  # in the space of the first


def test_a_teacher_may_have_another_length():
    first, second = _unit(RNG.normal(size=(300, 8))), _unit(RNG.normal(size=(300, 20)))
    assert agreed([first, second]).shape == (300, 8)


def test_evened_directions_keep_their_place_and_weigh_the_same():
    vectors = _unit(RNG.normal(size=(2000, 8)) * np.linspace(1, 6, 8) @ _turn(8))
    second = vectors.T @ vectors / len(vectors)
    np.testing.assert_allclose(evening(vectors, 0.0), np.eye(8), atol=1e-6)
    half, whole = evening(vectors, 0.25), evening(vectors, 0.5)
    np.testing.assert_allclose(whole @ second @ whole, np.eye(8) / 8, atol=1e-6)
    np.testing.assert_allclose(half, half.T, atol=1e-9)
    np.testing.assert_allclose(half @ second, second @ half, atol=1e-6)  # the same directions
    spread = np.linalg.eigvalsh(half @ second @ half)
    np.testing.assert_allclose(spread / spread.sum(), (s := np.linalg.eigvalsh(second) ** 0.5) / s.sum(), atol=1e-5)


def test_teacher_vectors_are_cached_and_do_not_depend_on_the_mirror(tmp_path, monkeypatch):
    crops = _people()
    teacher = halves_teacher(tmp_path / "t.onnx")
    first = teacher_vectors(teacher, crops, tmp_path / "cache.npz")
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(teacher_vectors(teacher, crops, tmp_path / "cache.npz"), first)
    mirrored = Crops(crops.pixels[:, :, ::-1].copy(), crops.identities, crops.cameras, crops.names)
    np.testing.assert_allclose(teacher_vectors(teacher, mirrored, tmp_path / "other.npz"), first, atol=1e-4)
    looks = []
    embed = distill._embed
    monkeypatch.setattr(distill, "_embed", lambda *given: looks.append(given[-1]) or embed(*given))
    teacher_vectors(teacher, crops, tmp_path / "once.npz", mirrored=False)
    assert set(looks) == {False}


def test_a_teacher_may_look_at_moved_boxes_the_same_for_a_seed(tmp_path):
    crops = _people()
    teacher = halves_teacher(tmp_path / "t.onnx")
    at = {seed: teacher_vectors(teacher, crops, tmp_path / f"{seed}.npz", 1, False, seed) for seed in (None, 3, 4)}
    still, moved, otherwise = at.values()
    cosine = (still * moved).sum(1)
    assert 0.9 < cosine.mean() < 1 - 1e-5
    assert np.abs(moved - otherwise).max() > 1e-4
    np.testing.assert_array_equal(teacher_vectors(teacher, crops, tmp_path / "again.npz", 1, False, 3), moved)
    over = teacher_vectors(teacher, crops, tmp_path / "3.npz", 1, False, 4)  # a file of another seed is not believed
    np.testing.assert_array_equal(over, otherwise)


def test_pictures_made_anew_are_described_anew(tmp_path):
    crops = _people()
    teacher = halves_teacher(tmp_path / "t.onnx")
    first = teacher_vectors(teacher, crops, tmp_path / "cache.npz")
    renewed = replace(crops, pixels=255 - crops.pixels)
    assert np.abs(teacher_vectors(teacher, renewed, tmp_path / "cache.npz") - first).max() > 0.01


def test_the_log_says_how_long_the_teacher_still_takes(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(distill, "TOLD_EVERY_S", -1.0)
    crops = _people()
    with caplog.at_level("INFO", logger=distill.__name__):
        teacher_vectors(halves_teacher(tmp_path / "t.onnx"), crops, tmp_path / "teacher-few.npz", batch=len(crops) // 4)
    said = [line for line in caplog.messages if "described" in line]
    assert any(line.startswith("teacher-few: 50 %") and line.endswith("min left") for line in said)


def test_a_missing_or_unfit_teacher_is_told(tmp_path):
    crops = _people()
    with pytest.raises(ModelError, match="does not exist"):
        teacher_vectors(tmp_path / "no.onnx", crops, tmp_path / "c.npz")
