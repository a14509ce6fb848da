from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from perdure.cli.eval import app
from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.mistakes import MAIN_SHOWN, MAX_SHOWN, sayings, worst
from perdure.evaluate.mistakes_page import figures, heading, section
from perdure.evaluate.stream import Stream, of_pictures
from perdure.gallery.decide import FixedThreshold
from perdure.gallery.exemplars import last
from perdure.gallery.gallery import Gallery
from perdure.gallery.scoring import Representatives
from perdure.types import Enrolled, Evidence, Matched, Merged, Moved, Split, Term

PicturesOf = Callable[..., Embeddings]


def judged(stream: Stream, identities: list[str]) -> Gallery:
    """A gallery that put each tracklet where it is told."""
    gallery = Gallery(stream.model, stream.dim, Representatives(last), FixedThreshold(0.5))
    for tracklet, name in zip(stream.told, identities, strict=True):
        known = name in gallery.partition.members
        evidence = Evidence(0.9, name if known else None, 0.8)
        change = (Matched if known else Enrolled)(tracklet.end, name, tracklet.id, evidence)
        gallery.log.append(change)
        gallery.partition.apply(change)
    return gallery


@pytest.fixture
def stream(pictures_of: PicturesOf) -> Stream:
    return of_pictures(pictures_of(5))


def test_no_mistake_where_all_is_right(stream: Stream) -> None:
    assert worst(stream, judged(stream, [f"P{p}" for p in stream.person]).log) == []
    assert section([], None).count("<img") == 0


def test_merges_and_fragments_are_ranked_by_crops_in_the_wrong_place(stream: Stream) -> None:
    names = [f"P{p}" for p in stream.person]
    of = {p: np.flatnonzero(stream.person == p) for p in range(1, 6)}
    for row in of[2][:3]:
        names[row] = "P1"  # half of person 2 went to person 1
    names[of[4][0]] = "P3"
    names[of[5][5]] = "P9"
    found = worst(stream, judged(stream, names).log)
    told = [(m.kind, m.name, m.parts, m.crops, m.wrong_crops, m.tracklets) for m in found]
    assert told == [
        ("merge", "P1", 2, 27, 9, 9),
        ("merge", "P3", 2, 21, 3, 7),
        ("fragment", "2", 2, 18, 9, 6),
        ("fragment", "4", 2, 18, 3, 6),
        ("fragment", "5", 2, 18, 3, 6),
    ]
    merge = found[0]
    assert [w.person for w in merge.shown] == [1] * MAIN_SHOWN + [2] * 3
    assert [w.in_place for w in merge.shown] == [True] * MAIN_SHOWN + [False] * 3
    assert [w.said for w in merge.shown].count(("new: P1",)) == 1
    assert all(w.said[0] in ("new: P1", "matched P1 (best P1 at 0.80)") for w in merge.shown)
    assert "9 of 27 crops are not its main person's" in heading(merge)
    assert "Person 2 has 2 identities" in heading(found[2])
    assert len(worst(stream, judged(stream, names).log, most=1)) == 2


def test_every_part_of_a_large_mistake_is_shown_before_more_of_the_same(stream: Stream) -> None:
    everybody_one = worst(stream, judged(stream, ["P1"] * len(stream)).log)
    (merge,) = everybody_one
    assert merge.parts == 5
    assert len(merge.shown) == MAX_SHOWN
    assert {w.person for w in merge.shown} == {1, 2, 3, 4, 5}


def test_the_log_in_words_with_the_evidence_of_the_time() -> None:
    evidence = Evidence(
        0.75, "P1", 0.6, "P2", 0.4, (Term("appearance", 3.0), Term("prior", -1.9)), ("P3: seen beside c",)
    )
    nothing = Evidence(0.0)
    said = sayings(
        [
            Enrolled(0.0, "P1", "a", nothing),
            Matched(1.0, "P1", "b", evidence),
            Enrolled(2.0, "P2", "c", nothing),
            Split(3.0, "P1", "P3", ("b",), "unlike the rest"),
            Moved(4.0, "c", "P2", "P3", "more like these"),
            Merged(5.0, "P3", "P1", nothing),
        ]
    )
    assert said["a"] == ["new: P1"]
    assert said["c"] == ["new: P2", "moved from P2 to P3 (more like these)", "P3 merged into P1"]
    assert said["b"][1:] == ["split from P1 as P3 (unlike the rest)", "P3 merged into P1"]
    assert said["b"][0].startswith("matched P1 (best P1 at 0.60; then P2 at 0.40; same person 75")
    assert said["b"][0].endswith("from appearance +3.0, prior -1.9 nats; not P3: seen beside c)")


def test_the_page_holds_its_pictures_and_escapes_what_it_says(stream: Stream, tmp_path: Path) -> None:
    names = ["<b>one</b>"] * len(stream)
    found = worst(stream, judged(stream, names).log)
    for witness in found[0].shown[:3]:
        cv2.imwrite(str(tmp_path / witness.picture), np.full((128, 64, 3), 90, np.uint8))
    page = section(found, tmp_path)
    assert page.count("data:image/jpeg;base64,") == 3
    assert page.count('class="none"') == len(found[0].shown) - 3
    assert "<b>one</b>" not in page
    assert len(page) < 30_000
    assert figures(found)[0]["name"] == "<b>one</b>"


def test_the_command_shows_them(pictures_of: PicturesOf, tmp_path: Path) -> None:
    made, npz, page = pictures_of(12, spread=1.2), tmp_path / "some.npz", tmp_path / "page.html"
    keys = {key: getattr(made, key) for key in ("vectors", "person", "camera", "sequence", "frame")}
    np.savez(npz, **keys, path=np.array(made.paths))
    options = ["stream", "--embeddings", str(npz), "--policy", "nearest", "--threshold", "0.3", "--checkpoints", "2"]
    found = CliRunner().invoke(app, [*options, "--json", "--html", str(page)], catch_exceptions=False)
    mistakes = json.loads(found.stdout)["policies"][0]["worst_mistakes"]
    assert {mistake["kind"] for mistake in mistakes} == {"merge", "fragment"}
    assert all(witness["said"] for mistake in mistakes for witness in mistake["shown"])
    assert "Worst mistakes of nearest" in page.read_text()
