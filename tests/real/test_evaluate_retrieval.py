"""Retrieval and open-set figures on real people: Market-1501 crops through OSNet x0.25, which never saw Market."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from perdure.evaluate.datasets import query_each, read
from perdure.evaluate.embeddings import Embeddings, embed_pictures
from perdure.evaluate.retrieval_report import figures, scores_of
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
