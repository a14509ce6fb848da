"""Retrieval, open-set and simulator figures on Market-1501 crops through OSNet x0.25, which never saw Market."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from perdure.evaluate.datasets import query_each, read
from perdure.evaluate.embeddings import Embeddings, embed_pictures
from perdure.evaluate.openset_report import measure
from perdure.evaluate.retrieval_report import figures, scores_of
from perdure.evaluate.simulator import KINDS, compare, largest_gap
from perdure.types import Float32s, Image

pytestmark = pytest.mark.real


class OsNet:
    """The honest small peer, straight through onnxruntime."""

    name, dim = "osnet_x0_25_msmt17", 512

    def __init__(self, path: Path) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(str(path), options)

    def embed(self, crops: list[Image]) -> tuple[Float32s, Float32s]:
        mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
        scaled = np.stack([cv2.resize(crop, (128, 256))[:, :, ::-1].astype(np.float32) / 255 for crop in crops])
        batch = np.ascontiguousarray(((scaled - mean) / std).transpose(0, 3, 1, 2))
        vectors = self.session.run(None, {self.session.get_inputs()[0].name: batch})[0]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.ones(len(crops), np.float32)


@pytest.fixture(scope="module")
def last_hundred(shared: Path) -> Embeddings:
    folder, model = shared / "data/market1501-dev", shared / "models/osnet_x0_25_msmt17.onnx"
    if not folder.is_dir() or not model.exists():
        pytest.skip("needs data/market1501-dev and models/osnet_x0_25_msmt17.onnx")
    pictures = read(folder).pictures
    chosen = np.isin(pictures.person, np.unique(pictures.person)[-100:])
    return embed_pictures(pictures[chosen], OsNet(model))


def test_osnet_reaches_its_published_level_and_re_ranking_helps(last_hundred: Embeddings) -> None:
    assert len(last_hundred) == 1621
    query, gallery = query_each(last_hundred.person, last_hundred.camera), np.arange(1621)
    plain = figures(scores_of(last_hundred, query, gallery))
    assert plain["rank-1"] == pytest.approx(0.79, abs=0.02)
    assert plain["mAP"] == pytest.approx(0.58, abs=0.02)
    zhong = figures(scores_of(last_hundred, query, gallery, "k-reciprocal"))
    camera_aware = figures(scores_of(last_hundred, query, gallery, "ca-jaccard"))
    assert zhong["mAP"] > plain["mAP"] + 0.1
    assert camera_aware["mAP"] > zhong["mAP"]
    assert camera_aware["rank-1"] > plain["rank-1"]


def test_thresholds_keep_their_word_and_probabilities_are_honest(last_hundred: Embeddings) -> None:
    found = measure(last_hundred, dealings=10)
    for point, realised in zip(found.points, found.realised, strict=True):
        if point.fpir >= 0.03:
            assert realised.low <= point.fpir <= realised.high
    assert found.calibration.min_cllr <= found.calibration.cllr < 0.6
    assert found.calibration.reliability.ece < 0.1
    assert found.fnir[-1] > found.fnir[0], "a larger gallery costs more"


def test_simulated_people_score_like_the_real_half_they_were_not_fitted_to(last_hundred: Embeddings) -> None:
    found = compare(last_hundred)
    for kind in KINDS:
        gap = largest_gap(found.real[kind], found.simulated[kind])
        assert gap < max(0.15, 2 * largest_gap(found.real[kind], found.other_half[kind])), kind
    assert found.simulated_retrieval["mAP"] == pytest.approx(found.real_retrieval["mAP"], abs=0.2)
