"""An embedder that gets used to a site by looking: no labels, only tracklets of its cameras.

    perdure train adapt --config FILE

Every round groups the tracklets into pseudo people (average linkage of camera-centred tracklet means, which takes off
what a camera adds to everybody), keeps one proxy per group and camera in a memory, and pulls crops to the proxies of
their group: within the camera and across cameras, against the hardest others (Wang et al. 2021, "Camera-aware Proxies",
eq. 5 and 8). The memory follows with momentum (Ge et al. 2020, "Self-paced Contrastive Learning"). A tracklet is never
divided. `keep` holds the vectors near those of the network before, so that a small site does not wreck it.
"""

from __future__ import annotations

import csv
import json
import logging
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from scipy.cluster.hierarchy import fcluster, linkage
from torch import Tensor
from torch.nn import functional

from perdure.errors import InputError
from perdure.store.run_store import RunStore
from perdure.train.embedder.augment import Strength, augment, plain
from perdure.train.embedder.config import LabelledSet, Strict, expand, parse
from perdure.train.embedder.data import Crops, read_crops, read_picture
from perdure.train.embedder.export import export_onnx
from perdure.train.embedder.losses import box_consistency, camera_proxies
from perdure.train.embedder.nets import SHIPPED, BodyNet, NetShape
from perdure.train.embedder.restore import put_weights
from perdure.train.embedder.sampler import identity_batches
from perdure.train.embedder.validate import Retrieval, as_planes, embed, validate

log = logging.getLogger(__name__)

MOST_TRACKLETS = 6000
"""Clustering compares all pairs; of more tracklets the first are taken."""


class AdaptConfig(Strict):
    """An adaptation of trained weights to one site."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    start: str = Field(description="weights of a run (`-<phase>.pt`, `-final.pt`), or the `.onnx` that ships")
    runs: list[str] = Field(default=[], description="run folders of the site: their tracklets and pictures")
    tables: list[str] = Field(default=[], description="CSV files with the columns path, tracklet, camera")
    tests: list[LabelledSet] = Field(default=[], description="labelled sets to score before and after")
    net: NetShape = SHIPPED
    size_hw: tuple[int, int] = (192, 96)
    rounds: int = Field(default=6, ge=1, description="times the tracklets are grouped anew")
    learning_rate: float = Field(default=1e-4, gt=0)
    groups_per_batch: int = Field(default=16, ge=2)
    crops_per_group: int = Field(default=4, ge=2)
    strangers_std: float = Field(default=3.0, gt=0, description="how far above the mean of all pairs a link must be")
    momentum: float = Field(default=0.2, gt=0, le=1, description="how much of a proxy a crop replaces")
    temperature: float = Field(default=0.07, gt=0)
    keep: float = Field(default=3.0, ge=0, description="weight of the cosine to the vectors before")
    augment: Strength = Strength()
    threads: int = Field(default=1, ge=1)
    seed: int = 0
    folder: str = "checkpoints/embed"


@dataclass(frozen=True)
class Site:
    """Crops of a site and which tracklet each belongs to, (N,) int64."""

    crops: Crops
    tracklets: np.ndarray


def adapt(config_path: Path) -> BodyNet:
    """Adapt, and write `<name>-adapted.pt`, `<name>.onnx` and the scores in `<name>.jsonl`.

    Raises:
        ConfigError: the file is wrong.
        InputError: the weights, tracklets or pictures cannot be read, or there is only one tracklet.
    """
    config = parse(AdaptConfig, config_path)
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    site = read_site(config)
    net = BodyNet(config.net)
    some = site.crops.pixels[:: max(1, len(site.crops) // 256)]
    put_weights(net, expand(config.start), as_planes(np.stack([plain(p, config.size_hw) for p in some])))
    before = scores(net, config)
    run_rounds(net, site, config)
    after = scores(net, config)
    folder = expand(config.folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), folder / f"{config.name}-adapted.pt")
    few = as_planes(np.stack([plain(p, config.size_hw) for p in site.crops.pixels[:8]])).contiguous()
    export_onnx(net, config.size_hw, folder / f"{config.name}.onnx", few)
    lines = [
        {"test": t.path, "rank1_before": b.rank1, "mean_ap_before": b.mean_ap, "rank1": a.rank1, "mean_ap": a.mean_ap}
        for t, b, a in zip(config.tests, before, after, strict=True)
    ]
    (folder / f"{config.name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for line in lines:
        log.info("%s", line)
    return net


def scores(net: BodyNet, config: AdaptConfig) -> list[Retrieval]:
    """How the network does on each labelled set."""
    sets = [read_crops(t.layout, expand(t.path), config.size_hw) for t in config.tests]
    return [validate(net, crops, config.size_hw) for crops in sets]


def run_rounds(net: BodyNet, site: Site, config: AdaptConfig) -> None:
    """Group and train in turn, in place; normalisation statistics stay those of the network before."""
    before, _ = embed(net, site.crops, config.size_hw)
    anchors = torch.from_numpy(before)
    rng = np.random.default_rng((config.seed, 5))
    weights = [p for n, p in net.named_parameters() if "quality_head" not in n]
    optimizer = torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=0.01)
    average = deepcopy(net)
    for number in range(config.rounds):
        vectors, _ = embed(average, site.crops, config.size_hw)
        groups = pseudo_people(vectors, site.tracklets, site.crops.cameras, config.strangers_std)
        steps = max(1, len(groups) // (config.groups_per_batch * config.crops_per_group))
        memory = Memory.of(vectors, groups, site.crops.cameras, config.momentum)
        batches = identity_batches(groups, site.crops.cameras, config.groups_per_batch, config.crops_per_group, rng)
        net.eval()  # a batch of a few people is no measure of what is normal
        total = 0.0
        for _ in range(steps):
            index = next(batches)
            strangers = rng.integers(len(site.crops), size=len(index))
            pixels = [
                augment(site.crops.pixels[i], site.crops.pixels[s], config.size_hw, config.augment, rng)
                for i, s in zip(index, strangers, strict=True)
            ]
            embedding = net(as_planes(np.stack(pixels))).embedding
            loss = camera_proxies(
                embedding, memory.rows_of(index), memory.proxies, memory.group, memory.camera, config.temperature
            )
            loss = loss + config.keep * box_consistency(embedding, anchors[index])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            memory.follow(embedding.detach(), index)
            total += float(loss.detach())
            _mix(average, net, 0.05)
        log.info(
            "round %d: %d groups of %d tracklets, loss %.3f",
            number + 1,
            groups.max() + 1,
            len(np.unique(site.tracklets)),
            total / steps,
        )
    net.load_state_dict(average.state_dict())


def pseudo_people(vectors: np.ndarray, tracklets: np.ndarray, cameras: np.ndarray, strangers_std: float) -> np.ndarray:
    """(N,) int64 groups of crops, numbered from 0: tracklets joined by average linkage of their centred means.

    Two random tracklets are nearly always strangers, so the mean and spread of all pairs say what strangers look like:
    groups are joined while their mean similarity is `strangers_std` spreads above that mean.

    Args:
        vectors: (N, D) float32 unit norm.
        tracklets: (N,) int64.
        cameras: (N,) int64.
        strangers_std: in standard deviations of all pairs.
    """
    names, index, count = np.unique(tracklets, return_inverse=True, return_counts=True)
    means = np.zeros((len(names), vectors.shape[1]))
    np.add.at(means, index, vectors)
    means /= count[:, None]
    where = np.zeros(len(names), np.int64)
    where[index] = cameras
    for camera in np.unique(where):
        means[where == camera] -= means[where == camera].mean(axis=0)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    cosine = np.clip(means @ means.T, -1, 1)
    pairs = cosine[np.triu_indices(len(names), 1)]
    level = float(pairs.mean() + strangers_std * pairs.std())
    tree = linkage(np.clip(1 - pairs, 0, None), "average")
    groups = fcluster(tree, max(1 - level, 1e-9), "distance") - 1
    return np.asarray(groups[index], np.int64)


@dataclass
class Memory:
    """One proxy per group and camera.

    Attributes:
        proxies: (M, D) unit norm.
        group: (M,) int64.
        camera: (M,) int64.
        of_crop: (N,) int64, the proxy of each crop.
        momentum: how much of a proxy a crop replaces.
    """

    proxies: Tensor
    group: Tensor
    camera: Tensor
    of_crop: np.ndarray
    momentum: float

    @classmethod
    def of(cls, vectors: np.ndarray, groups: np.ndarray, cameras: np.ndarray, momentum: float) -> Memory:
        """The means of what is there."""
        both = np.stack([groups, cameras], axis=1)
        names, rows = np.unique(both, axis=0, return_inverse=True)
        sums = np.zeros((len(names), vectors.shape[1]), np.float32)
        np.add.at(sums, rows.reshape(-1), vectors)
        proxies = functional.normalize(torch.from_numpy(sums), dim=1)
        group, camera = torch.from_numpy(names[:, 0].copy()), torch.from_numpy(names[:, 1].copy())
        return cls(proxies, group, camera, rows.reshape(-1), momentum)

    def rows_of(self, index: np.ndarray) -> Tensor:
        """(B,) the proxies of these crops."""
        return torch.from_numpy(self.of_crop[index])

    def follow(self, embedding: Tensor, index: np.ndarray) -> None:
        """Move each crop's proxy towards the crop."""
        for vector, row in zip(functional.normalize(embedding, dim=1), self.of_crop[index].tolist(), strict=True):
            moved = (1 - self.momentum) * self.proxies[row] + self.momentum * vector
            self.proxies[row] = functional.normalize(moved, dim=0)


def read_site(config: AdaptConfig) -> Site:
    """All crops of the run folders and tables.

    Raises:
        InputError: none, a file cannot be read, or there is only one tracklet.
    """
    rows = [row for run in config.runs for row in _of_run(expand(run))]
    rows += [row for table in config.tables for row in _of_table(expand(table))]
    names = {name: i for i, name in enumerate(sorted({t for _, t, _ in rows}))}
    if len(names) < 2:
        raise InputError(f"{config.name} has {len(names)} tracklets to learn from: name `runs` or `tables` with more")
    kept = [row for row in rows if names[row[1]] < MOST_TRACKLETS]
    cameras = {name: i for i, name in enumerate(sorted({c for _, _, c in kept}))}
    pixels = np.stack([read_picture(path, config.size_hw) for path, _, _ in kept])
    nobody = np.full(len(kept), -1, np.int64)
    crops = Crops(pixels, nobody, np.array([cameras[c] for _, _, c in kept]), tuple(str(p) for p, _, _ in kept))
    return Site(crops, np.array([names[t] for _, t, _ in kept]))


def _of_run(folder: Path) -> list[tuple[Path, str, str]]:
    """(picture, tracklet, camera) of the pictures a run kept."""
    database = folder / "perdure.db"
    if not database.is_file():
        raise InputError(f"{folder} is no run folder: it has no perdure.db")
    with RunStore(database) as store:
        return [
            (folder / picture, f"{folder}/{t.id}", f"{folder}/{t.camera}")
            for t in store.tracklets()
            for e in t.exemplars
            for picture in e.pictures
            if picture
        ]


def _of_table(table: Path) -> list[tuple[Path, str, str]]:
    """Columns `path,tracklet,camera`; paths are relative to the table."""
    try:
        with table.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise InputError(f"cannot read {table}: {error.strerror}") from error
    if not rows or not {"path", "tracklet", "camera"} <= set(rows[0]):
        raise InputError(f"{table} needs a header with the columns path, tracklet and camera, and rows below it")
    return [(table.parent / r["path"], f"{table}/{r['tracklet']}", f"{table}/{r['camera']}") for r in rows]


def _mix(average: BodyNet, now: BodyNet, share: float) -> None:
    with torch.no_grad():
        for mean, new in zip(average.parameters(), now.parameters(), strict=True):
            mean.lerp_(new, share)
