"""Simulated recordings."""

from __future__ import annotations

import numpy as np

from perdure.train.association.scenes import simulated


def test_the_same_seed_gives_the_same_recordings_and_another_others() -> None:
    first, again, other = (simulated("shop", 0.7, 5.0, seed) for seed in (0, 0, 1))
    assert [r.name for r in first] == [f"shop/{c}/0" for c in ("entrance", "aisles", "till", "bakery", "store")]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.clip.boxes, b.clip.boxes)
    assert any(len(a.clip.boxes) != len(b.clip.boxes) for a, b in zip(first, other, strict=True))


def test_boxes_are_those_of_people_who_walk() -> None:
    clip = max((r.clip for r in simulated("shop", 1.0, 10.0, 0)), key=lambda c: int((c.owner >= 0).sum()))
    assert clip.first[-1] == len(clip.boxes) == len(clip.scores) == len(clip.owner)
    own = clip.boxes[clip.owner >= 0]
    assert ((own[:, 2] > own[:, 0]) & (own[:, 3] > own[:, 1])).all()
    assert len(np.unique(clip.owner)) > 3
    frames = np.repeat(np.arange(len(clip.at)), np.diff(clip.first))
    for person in np.unique(clip.owner[clip.owner >= 0]):
        rows = np.flatnonzero(clip.owner == person)
        assert len(np.unique(frames[rows])) == len(rows)
        next_frame = np.flatnonzero(np.diff(frames[rows]) == 1)
        height = clip.boxes[rows, 3] - clip.boxes[rows, 1]
        moved = np.abs(np.diff(clip.boxes[rows, 0]))[next_frame] / height[next_frame]
        assert np.median(moved) < 0.2 if len(moved) > 5 else True
