from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from perdure.train.embedder.distill import agreed

RNG = np.random.default_rng(0)


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
