"""What a run learns from: crops, what the teacher says of them, and endless batches of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perdure.train.embedder.augment import augment, boxes_of
from perdure.train.embedder.config import Phase, TrainingConfig, expand
from perdure.train.embedder.dark import in_dark_clothes
from perdure.train.embedder.data import Crops, hold_out, join_crops, read_crops, read_people, read_places
from perdure.train.embedder.distill import agreed, open_teacher, teacher_vectors
from perdure.train.embedder.drawn import drawn_people
from perdure.train.embedder.mix import by_other_cameras, elsewhere, mixed_outfits
from perdure.train.embedder.rendered import rendered_people
from perdure.train.embedder.sampler import identity_batches, index_batches


@dataclass(frozen=True)
class Material:
    """What a run learns from; what the teacher says is None where no phase asks for it.

    Attributes:
        labelled: N crops of known identity.
        held_out: those of the identities that are only validated on.
        unlabelled: M crops for the teacher alone.
        labelled_teacher: (N, D) unit vectors.
        unlabelled_teacher: (M, D) unit vectors.
        places: crops of nobody in particular.
    """

    labelled: Crops
    held_out: Crops
    unlabelled: Crops | None
    labelled_teacher: np.ndarray | None
    unlabelled_teacher: np.ndarray | None
    places: Crops | None = None

    @property
    def described(self) -> tuple[Crops, np.ndarray] | None:
        """The crops without identity, and the teacher's vectors."""
        if self.unlabelled is None or self.unlabelled_teacher is None:
            return None
        return self.unlabelled, self.unlabelled_teacher

    @property
    def told(self) -> np.ndarray:
        """All that the teacher says, (N + M, D)."""
        parts = [v for v in (self.labelled_teacher, self.unlabelled_teacher) if v is not None]
        return np.concatenate(parts)

    def turned(self, matrix: np.ndarray) -> Material:
        """The same with the teacher's vectors multiplied by a (D, D) matrix, at unit length."""

        def turn(vectors: np.ndarray | None) -> np.ndarray | None:
            if vectors is None:
                return None
            moved = vectors @ matrix
            return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)

        labelled, unlabelled = turn(self.labelled_teacher), turn(self.unlabelled_teacher)
        return replace(self, labelled_teacher=labelled, unlabelled_teacher=unlabelled)

    def widened(self, border: float) -> Material:
        """The same with boxes of the crops without identity that are wider by so much, which is what a camera gives."""
        return self if self.unlabelled is None else replace(self, unlabelled=self.unlabelled.widened(border))

    @property
    def labels(self) -> np.ndarray:
        """(N,) int64: identities renumbered from 0 without gaps."""
        return np.unique(self.labelled.identities, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class Batch:
    """One step's pictures, and what is known of them.

    Attributes:
        pictures: (B, H, W, 3) uint8, those with labels first.
        labels: (B,) int64, -1 without a label.
        teacher: (B, D) the teacher's vectors, or None.
    """

    pictures: np.ndarray
    labels: Tensor
    teacher: Tensor | None

    def joined(self, more: Batch) -> Batch:
        """With the pictures of `more`, which have no labels, behind its own."""
        teacher = None if self.teacher is None or more.teacher is None else torch.cat([self.teacher, more.teacher])
        pictures = np.concatenate([self.pictures, more.pictures])
        return replace(more, pictures=pictures, labels=torch.cat([self.labels, more.labels]), teacher=teacher)

    def to(self, device: torch.device) -> Batch:
        """The same with everything but the pictures on `device`."""
        teacher = None if self.teacher is None else self.teacher.to(device)
        return replace(self, labels=self.labels.to(device), teacher=teacher)


def gather(config: TrainingConfig) -> Material:
    """Read every set of the run and, where a phase uses it, what the teacher says of each crop."""
    sets = [read_crops(s.layout, expand(s.path), config.source_hw) for s in config.labelled]
    labelled, held_out = hold_out(join_crops(sets), config.validation_identities)
    if config.teacher is None or not any(p.needs_teacher for p in config.phases):
        return Material(labelled, held_out, None, None, None)
    for model in (config.teacher, *config.more_teachers):
        open_teacher(expand(model), config.threads)  # a wrong one is told before the others' long work
    if not config.people or not any(p.unlabelled for p in config.phases):
        return Material(labelled, held_out, None, described(config, {"labelled": labelled}), None)
    places = places_of(config)
    strangers = without_identity(config, labelled, places)
    told = described(config, {"labelled": labelled} | strangers)
    known, together = len(labelled), join(strangers.values(), config.people_context)
    return Material(labelled, held_out, together, told[:known], told[known:], places)


def described(config: TrainingConfig, sets: dict[str, Crops]) -> np.ndarray:
    """What the teachers agree on of all sets, one after the other, (N, D) unit vectors.

    Pictures that were made are many and cheap: they get one look each, the student sees them mirrored anyway. Teachers
    after the first look at moved boxes.
    """
    assert config.teacher is not None
    first = [
        teacher_vectors(
            expand(config.teacher), crops, cache_of(config, name), config.threads, name in ("labelled", "people")
        )
        for name, crops in sets.items()
    ]
    teachers = [np.concatenate(first)]
    for number, model in enumerate(config.more_teachers, start=2):
        told = [
            teacher_vectors(
                expand(model), crops, cache_of(config, f"{name}-{number}"), config.threads, False, config.seed + number
            )
            for name, crops in sets.items()
        ]
        teachers.append(np.concatenate(told))
    return agreed(teachers)


def places_of(config: TrainingConfig) -> Crops | None:
    """Places cut out of the detection sets, where the run needs any."""
    if not config.places:
        return None
    rng = np.random.default_rng((config.seed, 13))
    listings = [path for path in map(expand, config.people) if not path.is_dir()]
    each = -(-config.places // len(listings))
    context = config.people_context
    return join([read_places(path, each, config.size_hw, rng, context) for path in listings], context)


def without_identity(config: TrainingConfig, labelled: Crops, places: Crops | None) -> dict[str, Crops]:
    """Pictures for the teacher to describe: people cut from pictures; people made of two of these or of the labelled
    ones (`mixed_outfits`); others made of two who stand upright and are seen whole, which labelled people and those of
    sequences do, as another camera might show them (`by_other_cameras`); and any of them at other places
    (`elsewhere`), or in dark clothes (`in_dark_clothes`), twice as often those who stand upright; and people
    who were drawn (`drawn_people`) or rendered (`rendered_people`).
    """
    context, size_hw = config.people_context, config.size_hw
    sources = [read_people(expand(p), size_hw, config.people_least_height_px, context) for p in config.people]
    walking = [crops for path, crops in zip(config.people, sources, strict=True) if expand(path).is_dir()]
    found, upright = join(sources, context), join([labelled.with_context(size_hw, context), *walking], context)
    some = {"people": found}
    if config.mixed:
        rng = np.random.default_rng((config.seed, 11))
        some["mixed"] = mixed_outfits(join([upright, found], context), config.mixed, rng)
    if config.other_cameras:
        some["other-cameras"] = by_other_cameras(upright, config.other_cameras, (config.seed, 12))
    if places is None:
        return some
    if config.elsewhere:
        some["elsewhere"] = elsewhere(join([upright, found], context), places, config.elsewhere, (config.seed, 14))
    if config.dark:
        people = join([upright, upright, found], context)
        some["dark"] = in_dark_clothes(people, places, config.dark, (config.seed, 15))
    if config.drawn:
        some["drawn"] = drawn_people(places, config.drawn, (config.seed, 16))
    if config.rendered:
        some["rendered"] = rendered_people(places, config.rendered, (config.seed, 17))
    return some


def join(sets: Iterable[Crops], context: float) -> Crops:
    """Sets that all show `context` as one."""
    return replace(join_crops(sets), context=context)


def cache_of(config: TrainingConfig, name: str) -> Path:
    """The file that keeps what the teacher said of one set."""
    return expand(config.folder) / f"teacher-{name}.npz"


def batches_of(
    config: TrainingConfig, phase: Phase, material: Material, size_hw: tuple[int, int], rng: np.random.Generator
) -> Iterator[Batch]:
    """Endless batches: `phase.people_per_batch` labelled people, and `phase.unlabelled` crops in so many boxes."""
    people = _labelled(config, phase, material, size_hw, rng)
    if not phase.unlabelled or material.unlabelled is None:
        return people
    strangers = _unlabelled(config, phase, material, size_hw, rng)
    return (first.joined(more) for first, more in zip(people, strangers, strict=True))


def _labelled(
    config: TrainingConfig, phase: Phase, material: Material, size_hw: tuple[int, int], rng: np.random.Generator
) -> Iterator[Batch]:
    crops, labels, teacher = material.labelled, material.labels, material.labelled_teacher
    in_batch = phase.people_per_batch or config.people_per_batch
    for index in identity_batches(labels, crops.cameras, in_batch, config.crops_per_person, rng):
        front = crops.pixels[rng.integers(len(crops), size=len(index))]
        pairs = zip(crops.pixels[index], front, strict=True)
        pictures = np.stack(
            [augment(crop, other, size_hw, phase.augment or config.augment, rng) for crop, other in pairs]
        )
        told = None if teacher is None else torch.from_numpy(teacher[index])
        yield Batch(pictures, torch.from_numpy(labels[index]), told)


def _unlabelled(
    config: TrainingConfig, phase: Phase, material: Material, size_hw: tuple[int, int], rng: np.random.Generator
) -> Iterator[Batch]:
    crops, teacher = material.unlabelled, material.unlabelled_teacher
    assert crops is not None
    assert teacher is not None
    nobody = torch.full((phase.boxes * phase.unlabelled,), -1)
    for index in index_batches(len(crops), phase.unlabelled, rng):
        front = material.labelled.pixels[rng.integers(len(material.labelled), size=len(index))]
        pictures = [
            view
            for crop, other in zip(crops.pixels[index], front, strict=True)
            for view in boxes_of(crop, other, size_hw, phase.augment or config.augment, rng, phase.boxes, crops.context)
        ]
        yield Batch(np.stack(pictures), nobody, torch.from_numpy(np.repeat(teacher[index], phase.boxes, axis=0)))
