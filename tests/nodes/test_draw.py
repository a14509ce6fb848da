from __future__ import annotations

import av
import numpy as np
import pytest

from perdure.config import parse
from perdure.errors import SourceError, StoreError
from perdure.nodes import draw
from perdure.nodes.draw import STALE_S, draw_videos, mosaic_name, tile_size
from perdure.report.colours import colour_of
from perdure.report.result import CameraRun
from perdure.types import Identity, Sighting, Tracklet
from perdure.video.webcam import Webcam
from perdure.video.write import VideoWriter
from tests.report.results import run

SIZE = (320, 240)


def grey(number):
    """The brightness of frame ``number``: unlike that of its neighbours, which an encoder would not keep apart."""
    return 60 + 37 * number % 150


def write_grey(path, times, size=SIZE):
    """A clip whose frames are grey."""
    with VideoWriter(path, 10.0, size) as writer:
        for number, at in enumerate(times):
            writer.write(np.full((size[1], size[0], 3), grey(number), np.uint8), at)
    return path


def read(path):
    """[(time, BGR picture)] of a video."""
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def camera_run(name, frames, rate_fps, size=SIZE, every=1):
    return CameraRun(name, f"{name}.mp4", *size, frames, -(-frames // every), (frames - 1) / rate_fps)


def person(number, camera, times, rate_fps, box_at):
    """A person with a box at each of these times."""
    id = f"{camera}/{number}"
    path = np.array([[t, round(t * rate_fps), *box_at(t), 0.9] for t in times])
    track = Tracklet(id, 1, camera, times[0], times[-1], path)
    return Identity(f"P{number}", (Sighting(id, camera, times[0], times[-1]),)), track


def is_colour(pixels, identity, tolerance=60):
    """Whether some pixel of (..., 3) BGR has about the person's colour."""
    colour = np.array(colour_of(identity))
    return bool((np.abs(pixels[..., ::-1].astype(int) - colour).max(axis=-1) < tolerance).any())


def still_box(at):
    return 100.0, 80.0, 160.0, 200.0


def test_same_frames_same_times_and_a_box_in_its_place(tmp_path):
    times = [0.0, 0.1, 0.2, 0.4, 0.45, 0.9, 1.0]
    write_grey(tmp_path / "door.mp4", times)
    identity, track = person(2, "door", [0.2, 0.4, 0.45], 10, still_box)
    config = parse({"cameras": {"door": {"source": str(tmp_path / "door.mp4")}}})
    seen = []
    result = run([identity], [track], (camera_run("door", 7, 6),))
    draw_videos(config, result, tmp_path / "video", lambda camera, frames: seen.append((camera, frames)))
    drawn = read(tmp_path / "video" / "door.mp4")
    np.testing.assert_allclose([at for at, _ in drawn], times, atol=1e-3)
    assert seen == [("door", n) for n in range(1, 8)]
    sides = [(slice(130, 150), slice(98, 104)), (slice(130, 150), slice(155, 161)), (slice(195, 201), slice(120, 140))]
    for number, (_, picture) in enumerate(drawn):
        assert np.median(picture) == pytest.approx(grey(number), abs=5)
        for ys, xs in sides:
            assert is_colour(picture[ys, xs], "P2") == (number in (2, 3, 4))
        assert not is_colour(picture[100:180, 115:145], "P2")


def test_between_two_looks_the_box_walks_on(tmp_path):
    write_grey(tmp_path / "door.mp4", np.arange(21) / 10)
    identity, track = person(1, "door", [0.0, 1.0, 2.0], 10, lambda t: (20 + 100 * t, 80, 60 + 100 * t, 200))
    config = parse({"cameras": {"door": {"source": str(tmp_path / "door.mp4")}}, "detection": {"every": 10}})
    draw_videos(config, run([identity], [track], (camera_run("door", 21, 10, every=10),)), tmp_path / "video")
    for number, (_, picture) in enumerate(read(tmp_path / "video" / "door.mp4")):
        left = 20 + 10 * number
        assert is_colour(picture[120:160, left - 1 : left + 4], "P1")
        assert not is_colour(picture[120:160, left + 8 : left + 30], "P1")


def test_the_mosaic_shows_all_cameras_at_the_same_moment(tmp_path):
    write_grey(tmp_path / "door.mp4", np.arange(60) / 10)
    write_grey(tmp_path / "hall.mp4", np.arange(10) / 5)
    cameras = {"door": {"source": str(tmp_path / "door.mp4")}, "hall": {"source": str(tmp_path / "hall.mp4")}}
    cameras["hall"]["offset_s"] = 1.0
    first, one = person(1, "door", np.arange(60) / 10, 10, still_box)
    second, two = person(2, "hall", 1.0 + np.arange(10) / 5, 5, still_box)
    runs = camera_run("door", 60, 10), camera_run("hall", 10, 5)
    draw_videos(parse({"cameras": cameras}), run([first, second], [one, two], runs), tmp_path / "video")
    mosaic = read(tmp_path / "video" / "mosaic.mp4")
    np.testing.assert_allclose([at for at, _ in mosaic], np.arange(60) / 10, atol=1e-3)
    for at, picture in mosaic:
        assert picture.shape == (240, 640, 3)
        door, hall = picture[210:, 20:300], picture[210:, 340:620]
        assert np.median(door) == pytest.approx(grey(round(at * 10)), abs=5)
        shown = is_colour(picture[130:150, 418:424], "P2")
        if at < 0.99 or at > 1.0 + 1.8 + STALE_S + 0.01:
            assert np.median(hall) == pytest.approx(24, abs=4)
            assert not shown
        else:
            assert np.median(hall) == pytest.approx(grey(min(int((at - 1.0) * 5 + 1e-3), 9)), abs=5)
            assert shown
        assert is_colour(picture[130:150, 98:104], "P1")


def test_a_silence_of_all_cameras_is_left_out_of_the_mosaic(tmp_path):
    cameras = {}
    for name, offset in (("early", 0.0), ("late", 500.0)):
        cameras[name] = {"source": str(write_grey(tmp_path / f"{name}.mp4", np.arange(10) / 10)), "offset_s": offset}
    runs = camera_run("early", 10, 10), camera_run("late", 10, 10)
    draw_videos(parse({"cameras": cameras}), run([], [], runs), tmp_path / "video")
    assert 20 <= len(read(tmp_path / "video" / "mosaic.mp4")) <= 20 + 10 * STALE_S + 1


def test_where_the_grid_has_room_it_says_who_is_where(tmp_path):
    cameras, runs, persons, tracks = {}, [], [], []
    for number, name in enumerate(("a", "b", "c"), 1):
        cameras[name] = {"source": str(write_grey(tmp_path / f"{name}.mp4", np.arange(10) / 10))}
        runs.append(camera_run(name, 10, 10))
        identity, track = person(number, name, np.arange(5) / 10, 10, still_box)
        persons.append(identity)
        tracks.append(track)
    draw_videos(parse({"cameras": cameras}), run(persons, tracks, tuple(runs)), tmp_path / "video")
    mosaic = read(tmp_path / "video" / "mosaic.mp4")
    for identity in persons:
        assert is_colour(mosaic[2][1][240:, 320:], identity.id, 30)
        assert not is_colour(mosaic[8][1][240:, 320:], identity.id, 30)


def test_a_broken_source_ends_its_own_video_only(tmp_path):
    write_grey(tmp_path / "door.mp4", np.arange(30) / 10)
    write_grey(tmp_path / "hall.mkv", np.arange(30) / 10)
    cameras = {name: {"source": str(tmp_path / file)} for name, file in (("door", "door.mp4"), ("hall", "hall.mkv"))}
    cameras["roof"] = {"source": str(tmp_path / "gone.mp4")}
    runs = camera_run("door", 30, 10), camera_run("hall", 30, 10), camera_run("roof", 30, 10)
    whole = (tmp_path / "hall.mkv").read_bytes()
    (tmp_path / "hall.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    told = {}
    draw_videos(
        parse({"cameras": cameras}),
        run([], [], runs),
        tmp_path / "video",
        on_broken=lambda camera, error: told.update({camera: error}),
    )
    assert sorted(told) == ["hall", "roof"]
    assert all(isinstance(error, SourceError) for error in told.values())
    assert len(read(tmp_path / "video" / "door.mp4")) == 30
    assert 0 < len(read(tmp_path / "video" / "hall.mp4")) < 30
    assert len(read(tmp_path / "video" / "mosaic.mp4")) == 30
    assert not (tmp_path / "video" / "roof.mp4").exists()


def test_a_run_that_was_stopped_is_drawn_as_far_as_it_went(tmp_path):
    config = parse({"cameras": {"door": {"source": str(write_grey(tmp_path / "door.mp4", np.arange(30) / 10))}}})
    draw_videos(config, run([], [], (camera_run("door", 12, 10),), interrupted=True), tmp_path / "video")
    assert len(read(tmp_path / "video" / "door.mp4")) == 12


def test_a_webcam_is_not_filmed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(draw, "open_source", lambda name, config: Webcam(name, 0))
    draw_videos(parse({"cameras": {"desk": {"source": "0"}}}), run([], [], (camera_run("desk", 9, 10),)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_draw(tmp_path):
    config = parse({"cameras": {"door": {"source": str(tmp_path / "gone.mp4")}}})
    draw_videos(config, run([], [], (camera_run("door", 0, 10),)), tmp_path / "video")
    assert list((tmp_path / "video").iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot make the folder"):
        draw_videos(parse({}), run([], []), tmp_path / "file" / "video")


def test_odd_sizes_and_unlike_cameras(tmp_path):
    cameras = {
        "tall": {"source": str(write_grey(tmp_path / "tall.mp4", np.arange(5) / 10, (90, 160)))},
        "wide": {"source": str(write_grey(tmp_path / "wide.mp4", np.arange(5) / 10, (500, 120)))},
    }
    runs = camera_run("tall", 5, 10, (90, 160)), camera_run("wide", 5, 10, (500, 120))
    draw_videos(parse({"cameras": cameras}), run([], [], runs), tmp_path / "video")
    assert read(tmp_path / "video" / "tall.mp4")[0][1].shape == (160, 90, 3)
    height, width, _ = read(tmp_path / "video" / "mosaic.mp4")[0][1].shape
    assert (width, height % 2) == (1000, 0)


def test_tiles_are_bounded_and_even():
    def cameras(*sizes):
        return [camera_run(f"c{n}", 10, 10, size) for n, size in enumerate(sizes)]

    assert tile_size(cameras((1920, 1080)), 1) == (960, 540)
    assert tile_size(cameras((160, 120)), 1) == (320, 240)
    assert tile_size(cameras(*[(1920, 1080)] * 9), 3) == (640, 360)
    assert all(side % 2 == 0 for side in tile_size(cameras((353, 287), (641, 479)), 2))


def test_a_camera_called_mosaic_keeps_its_name():
    assert mosaic_name({}) == "mosaic.mp4"
    assert mosaic_name({"mosaic": camera_run("mosaic", 1, 10)}) == "_mosaic.mp4"
