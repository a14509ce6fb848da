from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import SourceError
from perdure.types import Frame
from perdure.video.merge import batches, merge
from perdure.video.pixels import Loaded
from perdure.video.source import Source

PIXELS = Loaded(np.zeros((2, 2, 3), np.uint8))


@dataclass
class Given:
    """A source of known times that breaks after the last one if told so."""

    camera: str
    times: list[float]
    breaks: bool = False

    @property
    def length(self) -> int | None:
        return len(self.times)

    def frames(self, start: int = 0) -> Iterator[Frame]:
        for index, at in enumerate(self.times):
            if index >= start:
                yield Frame(self.camera, index, at, 0.0, 2, 2, PIXELS)
        if self.breaks:
            raise SourceError(f"{self.camera} broke")


def at_rate(camera: str, rate_fps: float, count: int, offset_s: float = 0.0, *, breaks: bool = False) -> Given:
    return Given(camera, [offset_s + i / rate_fps for i in range(count)], breaks)


def never(camera: str, error: SourceError) -> None:
    raise AssertionError(f"{camera}: {error}")


def seen(frames: Iterator[Frame]) -> list[tuple[float, str, int]]:
    return [(f.at, f.camera, f.index) for f in frames]


def test_source_protocol_is_what_merge_takes() -> None:
    source: Source = at_rate("a", 10, 1)
    assert len(seen(merge([source], {}, never))) == 1


def test_cameras_of_different_rate_length_and_offset_come_in_capture_order() -> None:
    sources = [at_rate("a", 10, 30), at_rate("b", 7, 5, 0.5), at_rate("c", 25, 50, 10.0), Given("empty", [])]
    merged = seen(merge(sources, {}, never))
    assert len(merged) == 85
    assert [at for at, _, _ in merged] == sorted(at for at, _, _ in merged)
    for source in sources:
        assert [(at, i) for at, camera, i in merged if camera == source.camera] == [
            (at, i) for i, at in enumerate(source.times)
        ]


def test_ties_go_by_the_order_of_the_cameras_given() -> None:
    merged = seen(merge([at_rate("z", 10, 3), at_rate("a", 10, 3)], {}, never))
    assert [camera for _, camera, _ in merged] == ["z", "a"] * 3


def test_each_camera_starts_where_it_is_told() -> None:
    merged = seen(merge([at_rate("a", 10, 4), at_rate("b", 10, 4)], {"b": 3}, never))
    assert [(c, i) for _, c, i in merged] == [("a", 0), ("a", 1), ("a", 2), ("a", 3), ("b", 3)]


def test_a_broken_camera_is_told_once_in_its_place_and_the_others_go_on() -> None:
    log: list[object] = []
    sources = [at_rate("a", 10, 3, breaks=True), at_rate("b", 10, 6), Given("c", [], breaks=True)]
    merged = merge(sources, {}, lambda camera, error: log.append((camera, str(error))))
    log.extend((frame.camera, frame.index) for frame in merged)
    assert log == [
        ("c", "c broke"),
        ("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("a", "a broke"), ("b", 2), ("b", 3), ("b", 4), ("b", 5),
    ]  # fmt: skip


def test_another_error_is_not_swallowed_and_no_thread_is_left() -> None:
    class Bug(Given):
        def frames(self, start: int = 0) -> Iterator[Frame]:
            yield from super().frames(start)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(merge([at_rate("a", 10, 100), Bug("b", [0.0])], {}, never))
    assert not [t for t in threading.enumerate() if t.name == "perdure-prefetch"]


def test_closing_ends_every_thread() -> None:
    frames = merge([at_rate("a", 10, 10**6), at_rate("b", 10, 10**6)], {}, never)
    next(frames)
    assert len([t for t in threading.enumerate() if t.name == "perdure-prefetch"]) == 2
    frames.close()
    assert not [t for t in threading.enumerate() if t.name == "perdure-prefetch"]


cameras = st.lists(
    st.lists(st.floats(0.001, 2.0), max_size=12).map(lambda gaps: list(np.cumsum(gaps))), min_size=1, max_size=4
)


@given(cameras, st.floats(0.0, 1.0))
def test_batches_lose_nothing_and_keep_their_promise(times: list[list[float]], window_s: float) -> None:
    sources = [Given(str(i), t) for i, t in enumerate(times)]
    merged = list(merge(sources, {}, never))
    grouped = list(batches(merged, window_s))
    assert [f for batch in grouped for f in batch] == merged
    for batch in grouped:
        assert len({f.camera for f in batch}) == len(batch) > 0
        assert batch[-1].at - batch[0].at <= window_s
    # A frame starts a new batch only because it had to.
    for batch, after in pairwise(grouped):
        assert after[0].camera in {f.camera for f in batch} or after[0].at - batch[0].at > window_s


@given(cameras, st.floats(0.0, 1.0), st.integers(0, 10))
def test_reading_again_from_the_start_of_a_batch_gives_the_same_batches(
    times: list[list[float]], window_s: float, done: int
) -> None:
    sources = [Given(str(i), t) for i, t in enumerate(times)]
    whole = [[(f.camera, f.index) for f in b] for b in batches(merge(sources, {}, never), window_s)]
    starts = {str(i): 0 for i in range(len(times))}
    for batch in whole[:done]:
        starts.update({camera: index + 1 for camera, index in batch})
    again = [[(f.camera, f.index) for f in b] for b in batches(merge(sources, starts, never), window_s)]
    assert again == whole[done:]


def test_cameras_in_step_are_one_batch() -> None:
    merged = merge([at_rate("a", 10, 3), at_rate("b", 10, 3, 0.03)], {}, never)
    assert [[f.camera for f in b] for b in batches(merged, 0.05)] == [["a", "b"]] * 3
