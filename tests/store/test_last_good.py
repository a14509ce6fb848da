from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from tests.gallery.people import faces, gallery, tracklet

from perdure.errors import StoreError
from perdure.gallery import corrections
from perdure.gallery.ledger import fold
from perdure.store.last_good import copy_of, go_back
from perdure.store.site_store import SiteStore, Step
from perdure.types import Identity


def filled(path: Path, steps: int = 30) -> None:
    site, looks = gallery(), faces(10)
    with SiteStore(path) as store:
        for i in range(steps):
            told = [tracklet(f"a/{i}", looks[i % 10], start=10.0 * i, end=10.0 * i + 2)]
            before = len(site.log)
            changes = site.observe(told)
            store.save(Step(told, before, changes, dict(site.partition.identity_of), site.take_touched()))
            if i == steps // 2:
                store.copy()


def damage(path: Path) -> None:
    """Overwrite pages in the middle, as a failing disk does."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content) // 2] = b"\xa5" * (len(content) // 2 - len(content) // 4)
    path.write_bytes(content)


def test_a_damaged_database_says_so_and_offers_the_last_good_copy(tmp_path: Path) -> None:
    path = tmp_path / "site.db"
    filled(path)
    damage(path)
    with pytest.raises(StoreError, match=r"site.db is damaged \(.*\); the last good copy is .*site.db.good of 20"):
        SiteStore(path)
    kept = go_back(path)
    assert kept.name == "site.db.damaged-1"
    with SiteStore(path) as store:
        found = store.load()
    assert len(found.tracklets) == 16
    assert len(found.changes) == 16
    assert sum(map(len, fold(found.changes).members.values())) == 16


def test_without_a_copy_it_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "site.db"
    filled(path, 10)
    copy_of(path).unlink()
    damage(path)
    with pytest.raises(StoreError, match="no good copy: move it away"):
        SiteStore(path)
    with pytest.raises(StoreError, match="no good copy of"):
        go_back(path)


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "site.db"
    path.write_bytes(b"GIF89a" * 1000)
    with pytest.raises(StoreError, match="file is not a database"):
        SiteStore(path)


def test_on_a_full_disk_nothing_is_lost(tmp_path: Path) -> None:
    path, site, looks = tmp_path / "site.db", gallery(), faces(10)
    with SiteStore(path) as store:
        full, refused = False, 0
        waiting: list[Step] = []  # what a writer does with a step that was refused: it goes with the next
        for i in range(60):
            if i == 10:  # from here on the database may not grow
                pages = store._connection.execute(text("PRAGMA page_count")).scalar_one()
                store._connection.execute(text(f"PRAGMA max_page_count={pages + 2}"))
                full = True
            if i == 40:
                store._connection.execute(text("PRAGMA max_page_count=100000"))
                full = False
            told = [tracklet(f"a/{i}", looks[i % 10], start=10.0 * i, end=10.0 * i + 2)]
            before = len(site.log)
            changes = site.observe(told)
            waiting.append(Step(told, before, changes, dict(site.partition.identity_of)))
            message = ""
            try:
                while waiting:
                    store.save(waiting[0])
                    waiting.pop(0)
            except StoreError as error:
                message = str(error)
            if message:
                refused += 1
                assert full
                assert "database or disk is full; nothing was lost but this step" in message
                with sqlite3.connect(path) as other:  # what was saved before is sound
                    counts = [
                        other.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0] for t in ("tracklets", "changes")
                    ]
                    assert counts[0] == counts[1] <= i
        assert refused > 5
        kept = store.load()
    assert len(kept.tracklets) == 60
    assert fold(kept.changes) == site.partition


def test_a_forgotten_person_is_nowhere_in_the_files(tmp_path: Path) -> None:
    path, site, looks = tmp_path / "site.db", gallery(), faces(10)
    with SiteStore(path) as store:
        for i in range(30):
            told = [tracklet(f"a/{i}", looks[i % 10], start=10.0 * i, end=10.0 * i + 2)]
            before = len(site.log)
            changes = site.observe(told)
            store.save(Step(told, before, changes, dict(site.partition.identity_of), site.take_touched()))
        renamed = corrections.rename(site, 400.0, "P3", "Annabelle Smith")
        store.save(Step((), len(site.log) - 1, renamed, None, [site.identity("P3")]))
        store.copy()
        secret = site.evidence["a/2"].exemplars[0].vectors.tobytes()
        files = [path, copy_of(path), path.with_name("site.db-wal")]
        assert any(secret in file.read_bytes() for file in files)
        assert any(b"Annabelle" in file.read_bytes() for file in files)
        tombstone = corrections.forget(site, 401.0, "P3", "asked")
        store.erase("P3", tombstone.tracklets, site.log)
        for file in files:
            assert secret not in file.read_bytes()
            assert b"Annabelle" not in file.read_bytes()
        kept = store.load()
    assert {t.id for t in kept.tracklets} == {f"a/{i}" for i in range(30) if i % 10 != 2}
    assert fold(kept.changes) == site.partition
    again = gallery()
    again.restore(kept.tracklets, kept.changes, fold(kept.changes))
    assert again.observe([tracklet("a/2", looks[2], revision=7)]) == []
    assert again.identity("P3") == Identity("P3", (), "", 0.0, 0.0)
    np.testing.assert_allclose(again._index.vectors[again._index.row("a/0")] @ looks[0], 1, atol=0.05)
