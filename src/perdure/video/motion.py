"""Where something moves: a running background of the brightness at about 320 px, judged in blocks.

A sample has changed where it leaves the range of the background around it by more than its own usual noise; a block
is active where more of its samples have changed than usual there, and stays so until fewer have, for a while. That is
Manzanera and Richefeu's background with a noise estimate of its own per sample ("A new motion detection algorithm based
on Sigma-Delta background estimation", 2007) with running means, and three things added for cameras outdoors: the range
of the neighbours (ViBe's idea, Barnich and Van Droogenbroeck 2011) forgives shaking by a sample, the median gain of all
blocks forgives exposure, and a picture that changed nearly everywhere is a new background and not a crowd.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from perdure.types import Bools, Float32s, Frame, Image

Words: TypeAlias = npt.NDArray[np.uint16]

LONG_SIDE: Final = 320
BLOCK: Final = 8
"""Samples on a side, as in the kernel."""
_MEAN_UNIT: Final = np.uint16(128)
_SETTLE_S: Final = 2.0
"""In so long what stands still becomes background: whoever stands there is known by then, and is looked after as a
track; what they hid is background again soon after they leave."""
_HABIT_S: Final = 10.0
"""In so long it is learned what usually moves, such as leaves and rain."""
_HOLD_S: Final = 0.5
"""A block stays active for so long after its last change."""
_LEAST_CHANGE: Final = 10.0
"""Grey levels: below is compression, whatever the noise was so far."""
_NOISES: Final = 3.0
_MOST_NOISE: Final = 15.0
"""However busy a place is, a change of 55 levels is seen there."""
_ON: Final = 4.0 / BLOCK**2
_OFF: Final = 2.0 / BLOCK**2
_USUAL: Final = 0.7
"""What is usual asks for more; by its square root, as it comes in bursts."""
_MOST_USUAL: Final = 0.2
_AT_ONCE: Final = 0.5
"""So much of a block counts in its first frame; less must last for two, which rain does not."""
_EVERYWHERE: Final = 0.5
"""More active blocks than this share are a light switched or a camera turned."""
_LEAST_GAIN: Final = 0.01
_DARK: Final = 12.0
"""Blocks darker than this say nothing about the exposure."""
_TOGETHER_S: Final = 0.5
"""Frames further apart are no witnesses of each other."""
_PAUSE_S: Final = 10.0
"""After a gap this long what was known is out of date."""


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """What is known of one camera's picture without anybody in it. H x W samples, h x w blocks; never changed."""

    at: float
    size: tuple[int, int]
    """(width, height) of the frames, px."""
    mean: Words
    """(H, W) uint16 brightness, 128 to a grey level."""
    noise: Words
    """(H, W) uint16 mean change beyond the neighbours' range, 1024 to a grey level."""
    beyond: Image
    """(H, W) uint8 change beyond the neighbours' range in the last frame, grey levels."""
    usual: Float32s
    """(h, w) mean share of changed samples."""
    changed_at: npt.NDArray[np.float64]
    """(h, w) UTC seconds of the last change that counted; ``-inf`` before the first."""


def watch(before: Background | None, frame: Frame) -> tuple[Background, Float32s | None]:
    """What is known after this frame, and (R, 4) float32 boxes, xyxy px, of where something moves in it.

    None where nothing can be said: the first frame, one of another size, and one that changed nearly everywhere. Look
    at all of it then. Depends on nothing but the frames, so reading them again gives the same answers.
    """
    step = max(1, round(max(frame.width, frame.height) / LONG_SIDE))
    now = frame.luma(step)
    if before is None or before.size != (frame.width, frame.height) or not 0 < frame.at - before.at < _PAUSE_S:
        return _new(frame, now), None
    passed_s = frame.at - before.at
    habit = 1 - math.exp(-passed_s / _HABIT_S)
    mean, noise, beyond, at_once, share = _compared(before, now, (1 - math.exp(-passed_s / _SETTLE_S), habit))
    was = frame.at - before.changed_at <= _HOLD_S
    if passed_s > _TOGETHER_S:
        share = at_once
    changed = (share >= np.where(was, _OFF, _ON) + _USUAL * np.sqrt(before.usual)) | (at_once >= _AT_ONCE)
    active = changed | was
    if active.mean() > _EVERYWHERE:
        # Noise and bustle are kept: a flash in the rain is no end of the rain.
        return replace(_new(frame, now), noise=before.noise, usual=before.usual), None
    after = replace(
        before,
        at=frame.at,
        mean=mean,
        noise=noise,
        beyond=beyond,
        usual=np.minimum(before.usual + np.float32(habit) * (at_once - before.usual), np.float32(_MOST_USUAL)),
        changed_at=np.where(changed, frame.at, before.changed_at),
    )
    return after, _boxes(active, step, frame.width, frame.height)


def _new(frame: Frame, now: Image) -> Background:
    blocks = tuple(-(-side // BLOCK) for side in now.shape)
    return Background(
        frame.at,
        (frame.width, frame.height),
        now.astype(np.uint16) * _MEAN_UNIT,
        np.zeros(now.shape, np.uint16),
        np.zeros(now.shape, np.uint8),
        np.zeros(blocks, np.float32),
        np.full(blocks, -np.inf),
    )


def _compared(
    before: Background, now: Image, rates: tuple[float, float]
) -> tuple[Words, Words, Image, Float32s, Float32s]:
    """Mean, noise and change after this picture, and per block the shares of samples changed, and changed twice."""
    from perdure.video import motion_kernel as kernel

    changed, lasting = np.empty_like(before.usual), np.empty_like(before.usual)
    mean, noise, beyond = kernel.update(
        now,
        _gain(before, now),
        rates,
        (_LEAST_CHANGE, _NOISES, _MOST_NOISE),
        (before.mean, before.noise, before.beyond),
        changed,
        lasting,
    )
    whole = np.float32(BLOCK**2)
    return mean, noise, beyond, changed / whole, lasting / whole


def _gain(before: Background, now: Image) -> float:
    """The exposure of this picture against the background's: the median over blocks of their gains."""
    from perdure.video import motion_kernel as kernel

    here, then = np.empty_like(before.usual), np.empty_like(before.usual)
    kernel.block_sums(now, here)
    kernel.block_sums(before.mean, then)
    then /= np.float32(_MEAN_UNIT)
    if abs(float(here.sum()) - float(then.sum())) <= _LEAST_GAIN / 2 * float(then.sum()):
        return 1.0
    bright = then > _DARK * BLOCK**2
    if bright.sum() < bright.size / 4:
        return 1.0
    gain = float(np.median(here[bright] / then[bright]))
    return gain if abs(gain - 1) > _LEAST_GAIN else 1.0


def _boxes(active: Bools, step: int, width: int, height: int) -> Float32s:
    """(R, 4) px around the connected groups of active blocks, each with one block of margin."""
    if not active.any():
        return np.zeros((0, 4), np.float32)
    grown = cv2.dilate(active.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    left, top, wide, high = (stats[1:, k] for k in range(4))
    corners = np.stack([left, top, left + wide, top + high], axis=1) * (BLOCK * step)
    return np.asarray(np.minimum(corners, [width, height, width, height]), np.float32)
