from __future__ import annotations

import logging
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.video.conftest import Make, number_of, painted

from perdure.errors import SourceError
from perdure.types import Frame
from perdure.video.files import VideoFile, open_video


def read(source: VideoFile, start: int = 0) -> tuple[list[Frame], SourceError | None]:
    """All frames, and the error that ended them."""
    frames: list[Frame] = []
    try:
        for frame in source.frames(start):
            frames.append(frame)  # noqa: PERF402 - what came before an error counts
    except SourceError as error:
        return frames, error
    return frames, None


def assert_clean(path: Path, count: int, period_s: float, **how: object) -> list[Frame]:
    """Every frame there, in order, at its time and with its content."""
    frames, error = read(open_video("lobby", path, **how))  # type: ignore[arg-type]
    assert error is None
    assert [f.index for f in frames] == list(range(count))
    assert [number_of(f) for f in frames] == list(range(count))
    assert [f.at for f in frames] == pytest.approx([i * period_s for i in range(count)], abs=2e-3)
    assert {f.camera for f in frames} == {"lobby"}
    return frames


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.mp4", {}),
        ("a.mkv", {}),
        ("a.avi", {}),
        ("a.ts", {}),
        ("xvid.avi", {"codec": "mpeg4", "options": {"bf": "2", "b": "4000000", "qmax": "2"}}),
        ("mjpeg.avi", {"codec": "mjpeg", "pixels": "yuvj420p", "options": {"qscale": "2"}}),
        ("grey.mkv", {"codec": "ffv1", "pixels": "gray", "options": {}}),
        ("grey264.mp4", {"pixels": "gray"}),
        ("ten.mkv", {"pixels": "yuv420p10le"}),
        ("rgb.mkv", {"codec": "ffv1", "pixels": "bgr0", "options": {}}),
        ("odd.mkv", {"codec": "ffv1", "pixels": "yuv420p", "size": (95, 63), "options": {}}),
        ("odd.avi", {"codec": "mjpeg", "pixels": "yuvj420p", "size": (95, 63), "options": {"qscale": "2"}}),
        ("padded.mp4", {"size": (90, 58)}),
    ],
)
def test_frames_of_every_kind_of_file(make: Make, name: str, how: dict[str, object]) -> None:
    frames = assert_clean(make(name, **how), 20, 0.1)
    size = how.get("size", (96, 64))
    for frame in frames[:2]:
        assert (frame.width, frame.height) == size
        assert frame.image().shape == (frame.height, frame.width, 3)
        assert frame.luma().shape == (frame.height, frame.width)
    assert all(f.at_std_s < 0.05 for f in frames[:10])


@pytest.mark.parametrize(("rate", "period_s"), [(10, 0.1), (25, 0.04)])
def test_raw_h264_has_no_stamps_and_takes_the_rate_of_its_header(make: Make, rate: int, period_s: float) -> None:
    path = make("a.264", container="h264", rate=rate)
    frames = assert_clean(path, 20, period_s)
    assert all(f.at_std_s == pytest.approx(period_s) for f in frames[1:])
    assert open_video("lobby", path).length is None


def test_a_variable_rate_is_kept(make: Make) -> None:
    ticks = [0, 40, 100, 1000, 1033, 5000, 5001, 9000]
    frames, error = read(open_video("lobby", make("v.mkv", 8, ticks=ticks)))
    assert error is None
    assert [f.at for f in frames] == pytest.approx([t / 1000 for t in ticks], abs=1e-9)
    assert {round(f.at_std_s, 9) for f in frames} == {round(0.001 / math.sqrt(12), 9)}


def test_time_zero_is_the_first_frame_plus_the_offset(make: Make) -> None:
    path = make("late.mkv", 3, ticks=[7000, 7100, 7300])
    frames, _ = read(open_video("lobby", path, offset_s=-2.5))
    assert [f.at for f in frames] == pytest.approx([-2.5, -2.4, -2.2])


def test_the_configured_rate_overrides_every_stamp(make: Make) -> None:
    source = open_video("lobby", make("v.mkv", 4, ticks=[0, 40, 1000, 1033]), rate_fps=7.0, offset_s=1.0)
    frames, _ = read(source)
    assert [f.at for f in frames] == [1.0 + i / 7.0 for i in range(4)]
    assert {f.at_std_s for f in frames} == {0.0}
    assert source.rate_fps == 7.0


@pytest.mark.parametrize("name", ["a.mp4", "a.264", "v.mkv"])
def test_starting_later_changes_neither_index_nor_time_nor_picture(make: Make, name: str) -> None:
    how = {"a.264": {"container": "h264"}, "v.mkv": {"ticks": [i * i * 10 for i in range(20)]}}.get(name, {})
    source = open_video("lobby", make(name, **how))
    whole, _ = read(source)
    for start in (0, 1, 13, 19, 20, 50):
        part, error = read(source, start)
        assert error is None
        assert [(f.index, f.at, f.at_std_s) for f in part] == [(f.index, f.at, f.at_std_s) for f in whole[start:]]
        assert all(np.array_equal(a.image(), b.image()) for a, b in zip(part, whole[start:], strict=True))


@pytest.mark.parametrize("display_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("rotate_deg", [0, 90, 180, 270])
def test_upright_by_the_display_matrix_as_opencv_shows_it_then_turned(
    make: Make, display_deg: int, rotate_deg: int
) -> None:
    path = make("phone.mp4", 2, display_deg=display_deg)
    capture = cv2.VideoCapture(str(path))
    alive, upright = capture.read()
    capture.release()
    assert alive
    want = np.rot90(upright, -rotate_deg // 90)
    source = open_video("lobby", path, rotate_deg=rotate_deg)
    frame = next(source.frames())
    assert (frame.height, frame.width) == (source.height, source.width) == want.shape[:2]
    assert np.abs(frame.image().astype(int) - want).mean() < 1
    assert np.abs(frame.luma().astype(int) - cv2.cvtColor(np.ascontiguousarray(want), cv2.COLOR_BGR2GRAY)).mean() < 4


def test_a_size_that_changes_in_mid_stream(make: Make, tmp_path: Path) -> None:
    small, large = make("s.264", 5, container="h264"), make("l.264", 5, container="h264", size=(160, 128))
    both = tmp_path / "both.264"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    frames, error = read(open_video("lobby", both))
    assert error is None
    assert [(f.width, f.height) for f in frames] == [(96, 64)] * 5 + [(160, 128)] * 5
    assert [number_of(f) for f in frames] == [0, 1, 2, 3, 4] * 2
    assert all(f.image().shape == (f.height, f.width, 3) for f in frames)


def test_a_rewound_clock_is_repaired(make: Make, tmp_path: Path) -> None:
    """Two recordings pasted together: MPEG-TS keeps each one's own stamps."""
    part = make("p.ts", 20, options={"bf": "0", "crf": "10"})
    both = tmp_path / "both.ts"
    both.write_bytes(part.read_bytes() * 2)
    frames, error = read(open_video("lobby", both))
    assert error is None
    times = [f.at for f in frames]
    assert len(frames) >= 39
    assert all(b > a for a, b in pairwise(times))
    assert times[-1] == pytest.approx((len(frames) - 1) * 0.1, abs=0.15)


def test_damage_in_the_middle_is_skipped(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    path = make("hit.mp4", 40)
    stored = bytearray(path.read_bytes())
    hit_packets(path, stored, [15])
    path.write_bytes(stored)
    source = open_video("lobby", path)
    with caplog.at_level(logging.WARNING):
        frames, error = read(source)
    assert error is None
    assert "damaged packets skipped: 1" in caplog.text
    assert [f.index for f in frames] == list(range(39))
    assert frames[-1].at == pytest.approx(3.9)
    numbers = [number_of(f) for f in frames]
    assert numbers[:14] == list(range(14))
    assert numbers[-10:] == list(range(30, 40))  # from the next key frame on
    again, _ = read(source)
    assert all(np.array_equal(a.image(), b.image()) for a, b in zip(frames, again, strict=True))


def test_damage_to_the_end_breaks_the_file_after_what_came_before(make: Make) -> None:
    path = make("dead.mp4", 60)
    stored = bytearray(path.read_bytes())
    hit_packets(path, stored, list(range(20, 60)))
    path.write_bytes(stored)
    frames, error = read(open_video("lobby", path))
    assert [number_of(f) for f in frames[:18]] == list(range(18))
    assert error is not None
    assert "'lobby'" in str(error)
    assert f"after frame {len(frames) - 1} " in str(error)
    assert f"about {60 - len(frames)} of 60 are lost" in str(error)
    assert "packets cannot be decoded" in str(error)


@pytest.mark.parametrize(
    ("name", "how"), [("cut.mkv", {}), ("cut.avi", {}), ("cut.mp4", {"mux": {"movflags": "+faststart"}})]
)
def test_a_cut_off_file_gives_what_it_has_and_says_so(make: Make, name: str, how: dict[str, object]) -> None:
    path = make(name, 60, **how)
    cut_at_packet(path, 30)
    frames, error = read(open_video("lobby", path))
    assert 27 <= len(frames) <= 30
    assert [number_of(f) for f in frames[:26]] == list(range(26))
    assert error is not None
    assert f"after frame {len(frames) - 1} " in str(error)
    assert "its header promises 6.0 s" in str(error)


def test_a_cut_off_elementary_stream_gives_what_it_has(make: Make) -> None:
    path = make("cut.264", 60, container="h264")
    cut_at_packet(path, 30)
    frames, error = read(open_video("lobby", path))
    assert error is None
    assert 27 <= len(frames) <= 31


def test_a_read_error_ends_the_file_after_what_came_before(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails: the demuxer raises in the middle of the file."""
    source = open_video("lobby", make("disk.mp4", 30))
    from perdure.video import files

    real = files._packets

    def failing(*of: object) -> object:
        for number, packet in enumerate(real(*of)):  # type: ignore[arg-type]
            if number == 12:
                yield files._BrokenError("Input/output error")
                return
            yield packet

    monkeypatch.setattr(files, "_packets", failing)
    frames, error = read(source)
    assert [number_of(f) for f in frames[:9]] == list(range(9))
    assert len(frames) == 12  # what the decoder held back comes too
    assert "Input/output error" in str(error)
    assert f"about {30 - len(frames)} of 30 are lost" in str(error)


def test_an_error_of_the_demuxer_becomes_the_last_packet() -> None:
    from perdure.video.files import _BrokenError, _packets

    class Failing:
        def demux(self, stream: object) -> object:
            yield "one"
            raise av.error.OSError(5, "Input/output error")

    packets = list(_packets(Failing(), None))  # type: ignore[arg-type]
    assert packets[0] == "one"
    assert isinstance(packets[1], _BrokenError)
    assert str(packets[1]) == "Input/output error"


def test_a_file_taken_away_between_opening_and_reading(make: Make) -> None:
    path = make("gone.mp4", 3)
    source = open_video("lobby", path)
    path.unlink()
    frames, error = read(source)
    assert frames == []
    assert "No such file" in str(error)


def test_an_mp4_without_its_index_says_so_at_open(make: Make) -> None:
    path = make("noindex.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"'lobby'.*noindex\.mp4 is an MP4 without its index.*copy it again"):
        open_video("lobby", path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.mp4", b"these are notes, not pictures" * 50, "is not a video"),
        ("notes.txt", b"these are notes, not pictures\n" * 50, "no video"),
        ("noise.mkv", bytes(range(256)) * 40, "is not a video"),
    ],
)
def test_what_is_no_video_says_so_at_open(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=says) as caught:
        open_video("lobby", path)
    assert str(path) in str(caught.value)
    assert "'lobby'" in str(caught.value)


def test_sound_without_pictures_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(SourceError, match="holds no video"):
        open_video("lobby", path)


def test_a_video_of_which_nothing_decodes_says_so_at_open(make: Make) -> None:
    path = make("rotten.mp4")
    stored = bytearray(path.read_bytes())
    hit_packets(path, stored, list(range(20)))
    path.write_bytes(stored)
    with pytest.raises(SourceError, match="not one frame can be decoded"):
        open_video("lobby", path)


@pytest.mark.parametrize(("name", "length"), [("a.mp4", 20), ("a.avi", 20), ("a.mkv", 20), ("a.ts", 20)])
def test_the_length_is_told_for_a_progress_bar(make: Make, name: str, length: int) -> None:
    assert open_video("lobby", make(name)).length == length


def test_pictures_are_converted_only_when_asked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make("lazy.mp4", 6)
    asked: list[int] = []
    from perdure.video import pixels

    real = pixels._luma
    monkeypatch.setattr(pixels, "_luma", lambda frame: asked.append(frame.pts) or real(frame))
    frames, _ = read(open_video("lobby", path))
    assert asked == []
    frames[3].luma()
    frames[3].luma()
    assert len(asked) == 1


def test_closing_half_way_closes_the_file(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_video("lobby", make("half.mp4"))
    opened: list[av.container.InputContainer] = []
    real: Callable[..., av.container.InputContainer] = av.open
    monkeypatch.setattr(av, "open", lambda *a, **k: opened.append(real(*a, **k)) or opened[-1])
    frames = source.frames()
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="not open"):
        opened[0].demux().__next__()


def places_of_packets(path: Path) -> list[tuple[int, int]]:
    """Position and size in the file of every packet, in coding order."""
    with av.open(str(path)) as container:
        return [(p.pos or 0, p.size) for p in container.demux(video=0) if p.size]


def cut_at_packet(path: Path, number: int) -> None:
    """End the file in the middle of a packet."""
    position, size = places_of_packets(path)[number]
    path.write_bytes(path.read_bytes()[: position + size // 2])


def hit_packets(path: Path, stored: bytearray, numbers: list[int]) -> None:
    """Overwrite whole packets with 0xFF, where they lie in the file."""
    places = places_of_packets(path)
    for number in numbers:
        position, size = places[number]
        stored[position : position + size] = b"\xff" * size


def test_the_helper_paints_what_it_reads() -> None:
    """The number painted on a picture survives the way through a frame."""
    from perdure.video.pixels import Loaded

    for number in (0, 7, 60):
        frame = Frame("c", 0, 0.0, 0.0, 96, 64, Loaded(painted(number)))
        assert number_of(frame) == number
