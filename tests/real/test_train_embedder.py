"""The training data as it really is, and the weights that ship."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from perdure.models.catalogue import find
from perdure.train.embedder.data import hold_out, read_crops

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def market(shared):
    return read_crops("market1501", shared / "data" / "market1501-dev", (128, 64))


def test_market_has_its_known_counts(market):
    train, held = hold_out(market, 100)
    assert (len(train), len(held)) == (6798, 1621)
    assert len(np.unique(train.identities)) == 386
    assert set(np.unique(market.cameras)) == {1, 2, 3, 4, 5, 6}
    assert len(np.unique(np.stack([held.identities, held.cameras], 1), axis=0)) == 452


def test_the_shipped_embedder_finds_held_out_people_again(market):
    """A floor far below the published figure, on 20 people: whether the file, its card and its input order agree."""
    from perdure.embed.open import open_embedder
    from perdure.evaluate.retrieval import Labels, score_vectors

    card, _ = find("perdure-s", "embedder")
    assert card.size_bytes <= 3_000_000
    _, held = hold_out(market, 20)
    vectors, quality = open_embedder("perdure-s", "cpu", 1).embed(list(held.pixels))
    labels = Labels(held.identities, held.cameras)
    scores = score_vectors(vectors, vectors, labels, labels)
    assert scores.cmc[0] > 0.85
    assert 0.0 <= quality.min() < quality.max() <= 1.0
