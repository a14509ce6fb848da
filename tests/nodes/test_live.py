from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import pytest

from perdure import assemble
from perdure.config import CameraConfig, parse
from perdure.errors import InputError, StoreError
from perdure.gallery import corrections
from perdure.gallery.calibrate import Calibration
from perdure.nodes import crop_book
from perdure.nodes.live import DATABASE, LiveSite
from perdure.simulate.rtsp import RtspCamera, RtspServer
from perdure.store.site_reader import EventFilter, SiteReader
from tests.nodes.clips import ColourDetector, ColourEmbedder, write_clip

CALIBRATION = Calibration(slope=20.0, offset=-8.0, impostor_mean=0.0, impostor_std=0.3, threshold=0.7)


@pytest.fixture
def models(monkeypatch):
    """Models that see colours."""
    monkeypatch.setattr(assemble, "models", lambda config: (ColourDetector(), ColourEmbedder()))
    monkeypatch.setattr(assemble, "calibration_of", lambda name: CALIBRATION)


@contextmanager
def running(folder, cameras, **limits):
    """A site that watches, and the questions to its database."""
    config = parse({"cameras": cameras, "live": {"silent_after_s": 2.0, **limits}, "events": {"visit_gap_s": 600.0}})
    with LiveSite(config, folder) as site, SiteReader(folder / DATABASE) as reader:
        thread = threading.Thread(target=site.run)
        thread.start()
        try:
            yield site, reader
        finally:
            site.stop()
            thread.join()


def until(true, timeout_s=240.0):
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def seen_by(reader):
    """Cameras of everybody, sorted."""
    return sorted(person.cameras for person in reader.people())


def test_people_are_one_over_cameras_and_last_over_a_restart(tmp_path, models):
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 40), "green": (5, 50)})
    hall = write_clip(tmp_path / "hall.mp4", {"red": (30, 60), "blue": (10, 50)})
    cameras = {"door": {"source": str(door)}, "hall": {"source": str(hall)}}
    folder = tmp_path / "site"
    with running(folder, cameras) as (site, reader):
        until(lambda: seen_by(reader) == [("door",), ("door", "hall"), ("hall",)] or len(seen_by(reader)) > 3)
        view = site.views["door"]
        assert view.jpeg({}, boxes=True, max_width_px=64)[:2] == b"\xff\xd8"
        before = {person.id for person in reader.people()}
        numbers = {t.id for person in before for t in reader.tracklets_of(person)}
        assert len(before) == 3
    assert (folder / "site.db.good").is_file()
    with running(folder, cameras) as (site, reader):
        assert {p.id for p in reader.people()} == before
        until(lambda: len({t.id for person in before for t in reader.tracklets_of(person)}) >= len(numbers) + 3)
        assert {p.id for p in reader.people()} == before  # the same three came again
        assert all(t.ended != "open" for p in before for t in reader.tracklets_of(p) if t.id in numbers)
        # one visit each: nobody was away for longer than the gap
        assert len(reader.events(EventFilter())) == 3


def test_a_step_that_cannot_be_kept_is_kept_later(tmp_path, models, monkeypatch):
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 40)})
    with running(tmp_path / "site", {"door": {"source": str(door)}}) as (site, reader):
        save, broken = site.store.save, threading.Event()

        def full(step):
            if broken.is_set():
                raise StoreError("cannot write: database or disk is full")
            save(step)

        monkeypatch.setattr(site.store, "save", full)
        broken.set()
        until(lambda: site.failures > 0)
        assert site.is_behind
        assert reader.people() == []
        broken.clear()
        until(lambda: reader.people() and not site.is_behind)
        assert reader.identity_of(reader.tracklets_of(reader.people()[0].id)[0].id) == reader.people()[0].id


def test_corrections_from_other_threads_are_done_between_frames(tmp_path, models):
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 60), "green": (0, 60)})
    with running(tmp_path / "site", {"door": {"source": str(door)}}) as (site, reader):
        until(lambda: len(reader.people()) == 2)
        first = reader.people()[0].id
        site.ask(lambda gallery, at: corrections.rename(gallery, at, first, "Ann"))
        assert reader.person(first).name == "Ann"
        assert site.names() == {first: "Ann"}
        with pytest.raises(InputError, match="no identity P99"):
            site.ask(lambda gallery, at: corrections.rename(gallery, at, "P99", "Bob"))
        pictures = list((tmp_path / "site" / "crops").rglob("*.jpg"))
        site.forget(first, "asked")
        assert reader.person(first) is None
        assert len(list((tmp_path / "site" / "crops").rglob("*.jpg"))) < len(pictures) + 10
        second = next(p.id for p in reader.people())
        assert all((tmp_path / "site" / t.exemplars[0].pictures[0]).is_file() for t in reader.tracklets_of(second))


def test_cameras_come_and_go(tmp_path, models):
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 60)})
    with running(tmp_path / "site", {}) as (site, reader):
        site.ask(lambda _, __: site.add_camera("door", CameraConfig(source=str(door))))
        until(lambda: reader.people())
        site.ask(lambda _, __: site.remove_camera("door"))
        assert site.status() == []
        site.ask(lambda _, __: site.add_camera("door", CameraConfig(source=str(door))))
        ids = {t.id for t in reader.tracklets_of(reader.people()[0].id)}
        until(lambda: {t.id for t in reader.tracklets_of(reader.people()[0].id)} - ids)
        assert len(reader.people()) == 1


def test_pictures_that_nobody_refers_to_go(tmp_path, models, monkeypatch):
    monkeypatch.setattr(crop_book, "_UNUSED_AFTER_S", 0.5)
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 60)})
    with running(tmp_path / "site", {"door": {"source": str(door)}}) as (_, reader):
        until(lambda: reader.people() and len(reader.tracklets_of(reader.people()[0].id)) >= 2)
        time.sleep(2.5)
        kept = {p for t in reader.tracklets_of(reader.people()[0].id) for e in t.exemplars for p in e.pictures}
        there = {str(p.relative_to(tmp_path / "site")) for p in (tmp_path / "site" / "crops").rglob("*.jpg")}
    assert kept & there
    assert len(there - kept) < 12  # those of the stay that goes on


def test_a_folder_that_cannot_be_written_is_said(tmp_path, models):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write to"):
        LiveSite(parse({}), tmp_path / "file" / "site")


def test_an_rtsp_camera_that_stops_freezes_and_comes_back_loses_nobody(tmp_path, models):
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 500)}, frames=500)
    with (
        RtspServer([RtspCamera("door", door)], port=0) as server,
        running(tmp_path / "site", {"door": {"source": server.urls["door"]}}, frozen_after_s=3.0) as (site, reader),
    ):
        until(lambda: reader.people())
        assert site.status()[0].health.state == "streaming"
        server.stop("door")
        until(lambda: site.status()[0].health.state == "unreachable")
        server.restart("door")  # its time stamps begin anew
        until(lambda: site.status()[0].health.state == "streaming")
        server.move_clock("door", 3600.0)
        server.freeze("door")  # it stays connected and sends nothing
        connections = site.status()[0].health.connections
        until(lambda: site.status()[0].health.state != "streaming" or site.status()[0].health.connections > connections)
        server.thaw("door")
        count = len(reader.tracklets_of(reader.people()[0].id))
        until(lambda: len(reader.tracklets_of(reader.people()[0].id)) > count)
        assert len(reader.people()) == 1
        assert len(reader.events(EventFilter())) == 1


def test_nothing_is_kept_longer_than_was_said(tmp_path, models):
    door = write_clip(tmp_path / "door.mp4", {"red": (0, 60), "green": (0, 60)})
    with running(tmp_path / "site", {"door": {"source": str(door)}}) as (site, reader):
        until(lambda: len(reader.people()) == 2)
        now = site.now()
    old = tmp_path / "site" / "crops" / "door" / "20200101"
    old.mkdir()
    (old / "1-0.jpg").write_bytes(b"x")
    with running(tmp_path / "site", {}, retention_days=1e-9) as (_, reader):
        until(lambda: not reader.people())
        assert reader.events(EventFilter(until=now)) == []
    assert not old.exists()
