"""Which network shape learns most within a time per crop: time measured in onnxruntime, learning by a short training.

    perdure train search --config src/perdure/train/embedder/configs/search.yaml

Counted operations say little about time on a CPU (of two shapes with equal counts one takes twice as long), so every
candidate is exported with random weights and timed beside the others, call by call in turn. Those within the budget are
trained for a few epochs on the same crops with the same seed (a proxy, as in Zoph et al. 2018), and ranked by the mean
average precision on people held out.
"""

from __future__ import annotations

import json
import logging
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from pydantic import Field

from perdure.errors import ConfigError, InputError
from perdure.train.embedder.config import Phase, Strict, TrainingConfig, expand, parse
from perdure.train.embedder.export import export_onnx
from perdure.train.embedder.material import Material, gather
from perdure.train.embedder.nets import BodyNet, NetShape
from perdure.train.embedder.train import begin, run_phase
from perdure.train.embedder.validate import validate

log = logging.getLogger(__name__)


class SearchConfig(Strict):
    """A search among network shapes."""

    base: TrainingConfig = Field(description="data, sizes and augmentation; its net and phases are not used")
    candidates: list[NetShape] = Field(min_length=2)
    budget_ms: float | None = Field(default=None, gt=0, description="time per crop at batch 1 on one thread")
    reference: str | None = Field(default=None, description="ONNX file whose time, times `share`, is the budget")
    share: float = Field(default=0.15, gt=0)
    repeats: int = Field(default=30, ge=3, description="timed calls of each candidate; the median counts")
    proxy: Phase = Phase(name="proxy", epochs=4)


@dataclass(frozen=True)
class Candidate:
    """What was found out about one shape; `mean_ap` is None where it was over the budget and not trained."""

    shape: NetShape
    milliseconds: float
    parameters: int
    rank1: float | None = None
    mean_ap: float | None = None


def search(config_path: Path) -> list[Candidate]:
    """Time every candidate, train those within the budget, best first; written to `<folder>/<name>-search.json`.

    Raises:
        ConfigError: the file is wrong, or no candidate is within the budget.
        InputError: the data cannot be read.
    """
    config = parse(SearchConfig, config_path)
    if (config.budget_ms is None) == (config.reference is None):
        raise ConfigError(f"{config_path}: give budget_ms or reference, one of them")
    timed, budget_ms = times(config)
    within = [c for c in timed if c.milliseconds <= budget_ms]
    log.info("%d of %d candidates take at most %.2f ms", len(within), len(timed), budget_ms)
    if not within:
        fastest = min(c.milliseconds for c in timed)
        raise ConfigError(f"no candidate is within {budget_ms:.2f} ms per crop; the fastest takes {fastest:.2f} ms")
    material = gather(config.base.model_copy(update={"phases": [config.proxy]}))
    found = [trained(config, c, i, material) if c in within else c for i, c in enumerate(timed)]
    found.sort(key=lambda c: -1.0 if c.mean_ap is None else c.mean_ap, reverse=True)
    _write(expand(config.base.folder) / f"{config.base.name}-search.json", budget_ms, found)
    return found


def times(config: SearchConfig) -> tuple[list[Candidate], float]:
    """Every candidate with its CPU time per crop, and the budget, all measured in one run."""
    size_hw = config.base.size_hw
    torch.manual_seed(config.base.seed)
    with tempfile.TemporaryDirectory() as folder:
        sessions, parameters = [], []
        for number, shape in enumerate(config.candidates):
            net = BodyNet(shape).eval()
            path = Path(folder) / f"{number}.onnx"
            export_onnx(net, size_hw, path, torch.rand(2, 3, *size_hw) * 255)
            sessions.append(open_on_one_thread(path))
            parameters.append(sum(p.numel() for p in net.parameters()))
        if config.reference is not None:
            sessions.append(open_on_one_thread(expand(config.reference)))
        medians = median_ms(sessions, config.repeats)
    budget = config.budget_ms if config.budget_ms is not None else config.share * medians.pop()
    shapes = zip(config.candidates, medians, parameters, strict=True)
    return [Candidate(shape, ms, count) for shape, ms, count in shapes], float(budget)


def open_on_one_thread(path: Path) -> ort.InferenceSession:
    """Raises `InputError` where the file is no network."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises several unrelated types
        raise InputError(f"cannot open the network {path}: {error}") from error


def median_ms(sessions: list[ort.InferenceSession], repeats: int) -> list[float]:
    """Median CPU milliseconds of this thread for one crop; calls in turn, each after one that fills the caches."""
    inputs = []
    for session in sessions:
        given = session.get_inputs()[0]
        shape = [1, *(side if isinstance(side, int) else 128 for side in given.shape[1:])]
        inputs.append({given.name: np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)})
    taken: list[list[float]] = [[] for _ in sessions]
    for _ in range(repeats):
        for session, given, mine in zip(sessions, inputs, taken, strict=True):
            session.run(None, given)
            began = time.thread_time()
            session.run(None, given)
            mine.append((time.thread_time() - began) * 1e3)
    return [statistics.median(mine) for mine in taken]


def trained(config: SearchConfig, candidate: Candidate, number: int, material: Material) -> Candidate:
    """The candidate after the proxy training, scored on the people held out."""
    name = f"{config.base.name}-{number}"
    own = config.base.model_copy(update={"name": name, "net": candidate.shape, "phases": [config.proxy]})
    run = begin(own, material)
    run_phase(run, 0, config.proxy, material)
    score = validate(run.average.net.cpu(), material.held_out, config.proxy.size_hw or own.size_hw)
    log.info("%s: %.2f ms, mAP %.3f", candidate.shape, candidate.milliseconds, score.mean_ap)
    return Candidate(candidate.shape, candidate.milliseconds, candidate.parameters, score.rank1, score.mean_ap)


def _write(path: Path, budget_ms: float, found: list[Candidate]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"budget_ms": budget_ms, "candidates": [asdict(c) for c in found]}
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
