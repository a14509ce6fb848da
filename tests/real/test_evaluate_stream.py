"""Open-world streams of real people: Market-1501 crops, OSNet x0.25 (which never saw Market), the real gallery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.config import GalleryConfig
from perdure.embed.open import open_embedder
from perdure.evaluate.datasets import read
from perdure.evaluate.embeddings import Embeddings, embed_pictures
from perdure.evaluate.mistakes import worst
from perdure.evaluate.mistakes_page import section
from perdure.evaluate.replay import best_threshold, run_policy
from perdure.evaluate.stream import Stream, halves, of_pictures
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.calibrate import Calibration

pytestmark = pytest.mark.real

PEOPLE = 80


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    found = shared / "data/market1501-dev"
    if not found.is_dir():
        pytest.skip("needs data/market1501-dev")
    return found


@pytest.fixture(scope="module")
def some(folder: Path, shared: Path) -> Embeddings:
    if not (shared / "models/osnet_x0_25_msmt17.onnx").is_file():
        pytest.skip("needs models/osnet_x0_25_msmt17.onnx")
    pictures = read(folder).pictures
    chosen = np.isin(pictures.person, np.unique(pictures.person)[-PEOPLE:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERDURE_MODELS", str(shared / "models"))
        return embed_pictures(pictures[chosen], open_embedder("osnet-x0.25-msmt17", "cpu"))


@pytest.fixture(scope="module")
def stream(some: Embeddings) -> Stream:
    return of_pictures(some[np.isin(some.person, halves(some.person)[0])])


@pytest.fixture(scope="module")
def others(some: Embeddings) -> Calibration:
    return fit_calibration(some[np.isin(some.person, halves(some.person)[1])])


def test_the_folder_is_the_stream_that_its_page_describes(folder: Path) -> None:
    pictures = read(folder).pictures
    vectors = np.ones((len(pictures), 1), np.float32)
    labels = pictures.person, pictures.camera, pictures.sequence, pictures.frame
    blank = Embeddings("none", vectors, *labels, vectors[:, 0], tuple(map(str, pictures.paths)))
    stream = of_pictures(blank)
    assert len(stream) == len(stream.latest(len(stream))) == 3407
    assert len(np.unique(stream.person)) == 486
    assert stream.crops.sum() == 8419
    assert len(of_pictures(blank, repeat_days=5)) == 3407


def test_the_default_beats_a_moving_average_that_knows_its_best_threshold(stream: Stream, others: Calibration) -> None:
    default = run_policy(stream, GalleryConfig(), others).end
    simple = GalleryConfig(policy="ema")
    best = best_threshold(stream, simple)
    average = run_policy(stream, simple.model_copy(update={"threshold": best}), None).end.online
    quoted = run_policy(stream, simple.model_copy(update={"threshold": 0.5}), None).end.online
    assert default.online.idf1 > average.idf1 + 0.02
    assert default.online.idf1 > 0.7
    assert default.consolidated is not None
    assert default.consolidated.idf1 > default.online.idf1
    assert quoted.idf1 < 0.2 < average.idf1  # the often-quoted threshold makes everybody one


def test_returning_on_other_days_keeps_people_together(some: Embeddings, others: Calibration) -> None:
    tested = some[np.isin(some.person, halves(some.person)[0])]
    days = run_policy(of_pictures(tested, repeat_days=4), GalleryConfig(), others, checkpoints=5)
    assert days.end.online.idf1 > 0.65
    assert [point.online.people for point in days.checkpoints] == sorted(p.online.people for p in days.checkpoints)


def test_the_worst_mistakes_show_the_pictures(stream: Stream, others: Calibration, folder: Path) -> None:
    done = run_policy(stream, GalleryConfig(), others)
    page = section(worst(stream, done.online.log), folder)
    assert page.count("data:image/jpeg") > 8
    assert 'class="none"' not in page
    assert len(page) < 1_000_000
