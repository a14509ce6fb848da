from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from perdure.errors import SourceError
from perdure.types import Frame
from perdure.video.pixels import Loaded
from perdure.video.prefetch import prefetch

PIXELS = Loaded(np.zeros((2, 2, 3), np.uint8))


def counted(count: int, made: list[int] | None = None, end: BaseException | None = None) -> Iterator[Frame]:
    try:
        for index in range(count):
            if made is not None:
                made.append(index)
            yield Frame("c", index, index / 10, 0.0, 2, 2, PIXELS)
        if end is not None:
            raise end
    finally:
        if made is not None:
            made.append(-1)


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "perdure-prefetch"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    assert not threads()
    yield
    gc.collect()
    assert not threads()


@pytest.mark.parametrize("ahead", [1, 3, 8])
def test_same_frames_in_the_same_order(ahead: int) -> None:
    assert [f.index for f in prefetch(counted(50), ahead)] == list(range(50))


def test_reads_ahead_but_not_without_bound() -> None:
    made: list[int] = []
    frames = prefetch(counted(100, made), 8)
    next(frames)
    deadline = time.monotonic() + 10
    while len(made) < 10 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.05)
    assert len(made) == 10  # one taken, eight waiting, one in hand
    frames.close()
    assert made[-1] == -1


@pytest.mark.parametrize("error", [SourceError("broke"), ValueError("bug"), KeyboardInterrupt()])
def test_an_error_comes_after_the_frames_before_it(error: BaseException) -> None:
    seen: list[int] = []

    def reader() -> None:
        for frame in prefetch(counted(5, end=error)):
            seen.append(frame.index)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(type(error)) as caught:
        reader()
    assert caught.value is error
    assert seen == list(range(5))


def test_closing_stops_the_thread_and_closes_the_source() -> None:
    made: list[int] = []
    frames = prefetch(counted(10**9, made), 2)
    assert next(frames).index == 0
    assert len(threads()) == 1
    frames.close()
    assert not threads()
    assert made[-1] == -1


def test_an_exception_in_the_reader_stops_the_thread() -> None:
    def reader() -> None:
        for frame in prefetch(counted(10**9)):
            if frame.index == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reader()
    gc.collect()
    assert not threads()


def test_nothing_starts_before_the_first_frame_is_wanted() -> None:
    made: list[int] = []
    prefetch(counted(5, made))
    assert made == []


def test_a_source_that_is_no_generator_will_do() -> None:
    assert [f.index for f in prefetch(iter(list(counted(3))))] == [0, 1, 2]
