from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

from perdure.video import motion_kernel as kernel


def blocks(samples):
    """Sums of 8 x 8 blocks, the slow way."""
    high, wide = (-(-side // kernel.BLOCK) for side in samples.shape)
    padded = np.zeros((high * kernel.BLOCK, wide * kernel.BLOCK))
    padded[: samples.shape[0], : samples.shape[1]] = samples
    return padded.reshape(high, kernel.BLOCK, wide, kernel.BLOCK).sum(axis=(1, 3))


@pytest.mark.parametrize("shape", [(23, 37), (1, 1), (2, 40), (40, 2), (16, 16)])
@pytest.mark.parametrize("gain", [1.0, 1.2])
def test_one_pass_is_what_numpy_says(shape, gain):
    random = np.random.default_rng(0)
    now = random.integers(0, 256, shape).astype(np.uint8)
    mean = random.integers(0, 200 * 128, shape).astype(np.uint16)
    noise = random.integers(0, 15 * 1024, shape).astype(np.uint16)
    before = random.integers(0, 120, shape).astype(np.uint8)
    changed, lasting = np.empty(blocks(now).shape, np.float32), np.empty(blocks(now).shape, np.float32)
    settle, habit, least, noises, most = 0.1, 0.05, 10.0, 3.0, 15.0
    new_mean, new_noise, beyond = kernel.update(
        now, gain, (settle, habit), (least, noises, most), (mean, noise, before), changed, lasting
    )
    known, usual = gain * mean / 128, noise / 1024
    low, high = minimum_filter(known, 3, mode="nearest"), maximum_filter(known, 3, mode="nearest")
    change = np.maximum(np.maximum(now - high, low - now), 0)
    threshold = least + noises * usual
    np.testing.assert_allclose(changed, blocks(change > threshold), atol=1)
    np.testing.assert_allclose(lasting, blocks(np.minimum(change, before) > threshold), atol=1)
    np.testing.assert_allclose(new_mean / 128, known + settle * (now - known), atol=0.02)
    np.testing.assert_allclose(new_noise / 1024, np.minimum(usual + habit * (change - usual), most), atol=0.002)
    np.testing.assert_allclose(beyond, change, atol=1)


def test_sums_of_blocks():
    samples = np.random.default_rng(0).integers(0, 256, (23, 37)).astype(np.uint8)
    sums = np.empty((3, 5), np.float32)
    kernel.block_sums(samples, sums)
    np.testing.assert_array_equal(sums, blocks(samples))
