from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from perdure.train.embedder.augment import Strength
from perdure.train.embedder.config import LabelledSet, Phase, TrainingConfig
from perdure.train.embedder.data import Crops
from perdure.train.embedder.material import Material, batches_of

NONE = Strength(**dict.fromkeys(Strength.__dataclass_fields__, 0.0))


@pytest.mark.parametrize("own", [None, NONE])
def test_a_phase_may_have_its_own_augmentation(own):
    pixels = np.full((8, 32, 16, 3), 100, np.uint8)
    crops = Crops(pixels, np.repeat([1, 2], 4), np.tile([1, 2], 4), tuple("abcdefgh"))
    phase = Phase(name="p", epochs=1, people_per_batch=2, unlabelled=6, augment=own)
    shape = {"size_hw": (32, 16), "source_hw": (32, 16), "crops_per_person": 2}
    config = TrainingConfig(name="x", labelled=[LabelledSet(layout="market1501", path=".")], phases=[phase], **shape)
    material = Material(crops, crops, crops, np.ones((8, 4), np.float32), np.ones((8, 4), np.float32))
    batch = next(batches_of(config, phase, material, (32, 16), np.random.default_rng(0)))
    for part in (batch.pictures[:4], batch.pictures[4:]):
        assert (part == 100).all() == (own is not None)
