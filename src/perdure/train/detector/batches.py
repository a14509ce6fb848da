"""Training batches: which pictures, augmented how, as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from perdure.train.detector.augment import Placing, Scene, Spoiling, clip, crowd, mosaic, place, spoil
from perdure.train.detector.config import DetectorTraining
from perdure.train.detector.data import Picture, read_image
from perdure.train.detector.losses import Targets

SQUEEZED_ASPECT = 1.5  # a square was 4:3 to 16:9 before
PEOPLE_TO_PASTE = 3
PASTED_HEIGHT_PX = 70


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures (B, 3, H, W) float32 BGR 0..255 in channels-last memory, and the targets of each."""

    images: Tensor
    targets: list[Targets]


class Batches:
    """Batches of one data set. The same (seed, epoch, step) gives the same batch, whatever came before."""

    def __init__(self, pictures: Sequence[Picture], config: DetectorTraining) -> None:
        self.pictures = pictures
        self.config = config
        self.chances = np.array([times_seen(picture, config.repeat) for picture in pictures])
        self.steps = max(1, int(self.chances.sum()) // config.batch)
        self._images: dict[int, NDArray[np.uint8]] = {}
        self._whole = [
            (index, box)
            for index, picture in enumerate(pictures)
            for box in picture.boxes
            if box[3] - box[1] >= PASTED_HEIGHT_PX and 1.6 < (box[3] - box[1]) / (box[2] - box[0]) < 4.5
        ]

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Indices of the pictures of one epoch, (steps, batch): each as often as `repeat` says, fractions by chance."""
        rng = np.random.default_rng([self.config.seed, epoch])
        times = np.floor(self.chances + rng.random(len(self.chances))).astype(int)
        drawn = rng.permutation(np.repeat(np.arange(len(self.pictures)), times))
        return np.resize(drawn, (self.steps, self.config.batch))

    def make(self, epoch: int, step: int, indices: NDArray[np.int64]) -> Batch:
        """One augmented batch."""
        rng = np.random.default_rng([self.config.seed, epoch, step])
        plain = epoch >= self.config.epochs - self.config.plain_epochs
        sizes = self.config.plain_sizes if plain else self.config.sizes
        height, width = sizes[rng.integers(len(sizes))]
        scenes = [self._scene(int(index), height, width, plain, rng) for index in indices]
        images = torch.from_numpy(np.stack([scene.image for scene in scenes])).permute(0, 3, 1, 2).float()
        targets = [Targets(*map(torch.from_numpy, (one.boxes, one.ignore, one.likely))) for one in scenes]
        return Batch(images, targets)

    def _scene(self, index: int, height: int, width: int, plain: bool, rng: np.random.Generator) -> Scene:
        placing = Placing(self.config.scale, self.config.aspect)
        if not plain and rng.random() < self.config.mosaic:
            others = rng.choice(len(self.pictures), 3, p=self.chances / self.chances.sum())
            closer = Placing(self.config.mosaic_scale, self.config.aspect)
            scene = mosaic([self._load(i) for i in (index, *others.tolist())], height, width, closer, rng)
        else:
            scene = place(self._load(index), height, width, placing, rng)
        if not plain and self._whole and rng.random() < self.config.crowd:
            scene = crowd(scene, [self._person(rng) for _ in range(rng.integers(1, PEOPLE_TO_PASTE + 1))], rng)
        return clip(spoil(scene, Spoiling(), rng))

    def _load(self, index: int) -> Scene:
        picture = self.pictures[index]
        if index not in self._images:
            self._images[index] = read_image(picture.path)
        pixel_aspect = SQUEEZED_ASPECT if picture.subset in self.config.stretched else 1.0
        return Scene(self._images[index], picture.boxes, picture.ignore, pixel_aspect, picture.likely)

    def _person(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        index, box = self._whole[rng.integers(len(self._whole))]
        x1, y1, x2, y2 = box.astype(int)
        return self._load(index).image[y1:y2, x1:x2]


def times_seen(picture: Picture, repeat: Mapping[str, float]) -> float:
    """The rule with the longest matching start of `folder/name` counts; without one, once."""
    matching = [start for start in repeat if picture.name.startswith(start)]
    return repeat[max(matching, key=len)] if matching else 1.0
