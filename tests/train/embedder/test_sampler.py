from __future__ import annotations

from itertools import islice

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perdure.train.embedder.sampler import identity_batches, index_batches


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(2, 5))
def test_every_batch_holds_p_identities_with_k_crops_each(seed, people, crops):
    rng = np.random.default_rng(seed)
    identities = np.concatenate([np.repeat(np.arange(8), rng.integers(1, 9, 8)), [-1, -1]])
    cameras = rng.integers(0, 3, len(identities))
    for batch in islice(identity_batches(identities, cameras, people, crops, rng), 5):
        who, count = np.unique(identities[batch], return_counts=True)
        assert len(who) == people
        assert (count == crops).all()
        assert (who >= 0).all()


def test_every_identity_comes_once_before_any_comes_again():
    identities = np.repeat(np.arange(6), 4)
    drawn = islice(identity_batches(identities, np.zeros(24, int), 2, 4, np.random.default_rng(0)), 3)
    assert sorted(np.unique(identities[np.concatenate(list(drawn))])) == list(range(6))


def test_the_crops_of_an_identity_come_from_different_cameras():
    identities, cameras = np.repeat([0, 1], 20), np.tile(np.repeat(np.arange(4), 5), 2)
    batch = next(identity_batches(identities, cameras, 2, 4, np.random.default_rng(0)))
    for person in (0, 1):
        assert sorted(cameras[batch[identities[batch] == person]]) == [0, 1, 2, 3]


def test_crops_repeat_only_when_there_are_too_few():
    batch = next(identity_batches(np.array([0, 0, 1, 1, 1, 1]), np.zeros(6, int), 2, 4, np.random.default_rng(0)))
    assert sorted(np.unique(batch)) == [0, 1, 2, 3, 4, 5]
    assert len(np.unique(batch[np.isin(batch, [2, 3, 4, 5])])) == 4


def test_the_same_seed_gives_the_same_batches():
    identities, cameras = np.repeat(np.arange(5), 5), np.arange(25) % 3
    first, second = (
        list(islice(identity_batches(identities, cameras, 3, 2, np.random.default_rng(7)), 4)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_index_batches_cover_all_before_repeating():
    drawn = np.concatenate(list(islice(index_batches(10, 4, np.random.default_rng(0)), 5)))
    assert sorted(drawn[:10]) == list(range(10))
    assert sorted(drawn[10:]) == list(range(10))


def test_a_batch_may_be_larger_than_the_set():
    assert len(next(index_batches(3, 8, np.random.default_rng(0)))) == 8
