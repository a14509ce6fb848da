"""The modes of the gallery through a run and a live site: who is kept, and that nothing is kept of anybody else."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest

from perdure import assemble
from perdure.cli.progress import Silent
from perdure.config import parse
from perdure.errors import ConfigError, InputError
from perdure.interop.people_file import NamedPeople, read_people, write_people
from perdure.nodes import enrolment
from perdure.nodes.live import DATABASE
from perdure.nodes.recorded import Plan, run
from perdure.store.site_reader import SiteReader
from perdure.types import Exemplars
from tests.nodes.clips import COLOURS, ColourDetector, ColourEmbedder, write_clip
from tests.nodes.test_enrolment import CALIBRATION, cut_out, given, looked, running
from tests.nodes.test_live import until


@pytest.fixture
def models(monkeypatch):
    """Models that see colours."""
    monkeypatch.setattr(assemble, "models", lambda config: (ColourDetector(), ColourEmbedder()))
    monkeypatch.setattr(assemble, "calibration_of", lambda name: CALIBRATION)


@pytest.fixture
def known(tmp_path):
    """A file with the red person."""
    vectors = ColourEmbedder().embed([np.full((20, 10, 3), COLOURS["red"], np.uint8)] * 2)[0]
    red = Exemplars("colours", vectors, np.ones(2, np.float32), np.zeros(2), ("", ""))
    write_people(NamedPeople("colours", {"Ann": red}), tmp_path / "people.npz")
    return tmp_path / "people.npz"


def recorded(tmp_path, known, mode):
    clip = write_clip(tmp_path / "door.mp4", {"red": (0, 30), "green": (5, 50)})
    gallery = {"mode": mode, "people": str(known)}
    cameras = {"door": {"source": str(clip)}}
    return run(Plan(parse({"cameras": cameras, "gallery": gallery}), tmp_path / "out"), Silent())


def test_a_run_calls_who_is_enrolled_by_name_and_others_by_number(tmp_path, models, known):
    recorded(tmp_path, known, "open")
    people = json.loads((tmp_path / "out" / "people.json").read_text())["people"]
    assert sorted(person["name"] for person in people) == ["", "Ann"]


def test_a_run_that_watches_keeps_nothing_of_strangers(tmp_path, models, known):
    result = recorded(tmp_path, known, "watch")
    assert [identity.name for identity in result.identities] == ["Ann"]
    assert {t.camera for t in result.tracklets.values()} == {"", "door"}
    green = ColourEmbedder().embed([np.full((20, 10, 3), COLOURS["green"], np.uint8)])[0]
    kept = [t for t in result.tracklets.values() if float((t.exemplars[0].vectors @ green[0]).max()) > 0.9]
    assert kept == []
    pictures = len(list((tmp_path / "out" / "crops").rglob("*.jpg")))
    assert pictures == len({p for t in result.tracklets.values() for e in t.exemplars for p in e.pictures if p})
    with sqlite3.connect(tmp_path / "out" / "perdure.db") as database:
        assert database.execute("select count(*) from crops").fetchone() == (0,)
        assert database.execute("select count(*) from seen").fetchone() == (0,)


def test_in_a_closed_set_of_one_only_one_of_two_at_once_is_that_one(tmp_path, models, known):
    result = recorded(tmp_path, known, "closed")
    assert [identity.name for identity in result.identities] == ["Ann"]


def test_a_run_that_knows_nobody_says_so(tmp_path, models):
    clip = write_clip(tmp_path / "door.mp4", {"red": (0, 30)})
    config = parse({"cameras": {"door": {"source": str(clip)}}, "gallery": {"mode": "watch"}})
    with pytest.raises(ConfigError, match=r"knows only enrolled people: give gallery\.people"):
        run(Plan(config, tmp_path / "out"), Silent())
    assert not (tmp_path / "out").exists()


def test_people_of_another_model_are_refused(tmp_path, models, known):
    write_people(NamedPeople("other", read_people(known).people), known)
    with pytest.raises(InputError, match="holds vectors of other"):
        recorded(tmp_path, known, "open")


@pytest.mark.parametrize("content", [b"", b"no npz", None])
def test_what_is_no_file_of_people_is_said(tmp_path, content):
    path = tmp_path / "people.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"people\.npz"):
        read_people(path)
    np.savez(path, vectors=np.ones((2, 3)))
    with pytest.raises(InputError, match="lacks person, model"):
        read_people(path)


def test_a_site_that_watches_keeps_hits_and_counts_the_others(tmp_path, models):
    clip = write_clip(tmp_path / "door.mp4", {"red": (0, 30), "green": (5, 50)})
    folder = tmp_path / "site"
    folder.mkdir()
    with running(folder, mode="watch") as (site, reader):
        enrolment.enrol(site, "Ann", looked(*given(a=cut_out(COLOURS["red"]))))
        camera = parse({"cameras": {"door": {"source": str(clip)}}}).cameras["door"]
        site.ask(lambda _, __: site.add_camera("door", camera), 60.0)
        until(lambda: reader.person("P1").sightings >= 2, 240.0)
        until(lambda: reader.passers(), 240.0)
        [ann] = reader.people()
        assert (ann.name, ann.cameras) == ("Ann", ("door",))
        [(_, where, stays)] = reader.passers()
        assert where == "door"
        assert stays >= 1
    with SiteReader(folder / DATABASE) as reader:
        kept = [t for t in reader.tracklets_of("P1") if not t.is_by_hand]
        assert kept
    green = ColourEmbedder().embed([np.full((20, 10, 3), COLOURS["green"], np.uint8)])[0][0]
    with sqlite3.connect(folder / DATABASE) as database:
        rows = database.execute("select vectors from exemplars").fetchall()
        assert database.execute("select count(*) from tracklets where identity is null").fetchone() == (0,)
    vectors = np.concatenate([np.frombuffer(row[0], np.float32).reshape(-1, 3) for row in rows])
    assert float((vectors @ green).max()) < 0.9
    written = {str(path.relative_to(folder)) for path in (folder / "crops").rglob("*.jpg")}
    assert written
    assert written <= {p for t in kept for e in t.exemplars for p in e.pictures}
