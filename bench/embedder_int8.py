"""The built-in embedder in eight bits beside itself: is it faster, and what does it lose?

    PERDURE_SHARED=../shared python bench/embedder_int8.py [--model NAME|FILE]

Static quantisation of onnxruntime (weights per channel, activations by the range of 260 training crops), of the
convolutions and of everything, both behind the second convolution. CPU time of one thread, calls in turn; rank-1 and
mAP on the last 100 people of market1501-dev.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from embedder import SHARED, held_out_market
from perdure.embed.crop import stack
from perdure.evaluate.datasets import query_each
from perdure.evaluate.retrieval import Labels, score_vectors
from perdure.models.catalogue import find


class TrainingCrops(CalibrationDataReader):
    """Every 26th crop of the people that are not held out, one at a time."""

    def __init__(self, size_hw: tuple[int, int]) -> None:
        paths = sorted((SHARED / "data/market1501-dev").glob("*.jpg"))
        held = set(sorted({p.name[:4] for p in paths})[-100:])
        chosen = [p for p in paths if p.name[:4] not in held][::26]
        self.pictures: Iterator[np.ndarray] = (as_planes([cv2.imread(str(p))], size_hw) for p in chosen)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next picture, as the network takes it."""
        pictures = next(self.pictures, None)
        return None if pictures is None else {"images": pictures}


def as_planes(crops: list[np.ndarray], size_hw: tuple[int, int]) -> np.ndarray:
    return stack(crops, *size_hw).transpose(0, 3, 1, 2).astype(np.float32)


def widened(path: Path, to: Path) -> Path:
    """The network with its stored weights as float32, which the quantiser wants."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC  # computes what is constant
    options.optimized_model_filepath = str(to)
    options.log_severity_level = 3
    ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return to


def session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="perdure-s", help="name in the catalogue, or an ONNX file with a card")
    options = parser.parse_args()
    card, path = find(options.model, "embedder")
    size_hw = (card.input.height, card.input.width)
    with tempfile.TemporaryDirectory() as folder:
        plain = widened(path, Path(folder) / "plain.onnx")
        files = {"float": plain}
        nodes = onnx.load(str(plain)).graph.node
        linear = [n.name for n in nodes if n.op_type not in ("Conv", "Relu", "Add")]
        second = [i for i, n in enumerate(nodes) if n.op_type == "Conv"][1]
        front = [n.name for n in nodes[: second + 1]]  # normalises the picture; eight bits there leave nothing
        for name, left_out in (("int8 convolutions", front + linear), ("int8, all behind", front)):
            files[name] = Path(folder) / f"{len(files)}.onnx"
            quantize_static(
                str(plain),
                str(files[name]),
                TrainingCrops(size_hw),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=left_out,
            )
        report({name: session(file) for name, file in files.items()}, size_hw)


def report(sessions: dict[str, ort.InferenceSession], size_hw: tuple[int, int]) -> None:
    market = held_out_market()
    labels = Labels(market.person, market.camera)
    query = query_each(market.person, market.camera, seed=0)
    times: dict[tuple[str, int], list[float]] = {(name, b): [] for name in sessions for b in (1, 8)}
    for _ in range(40):
        for name, run in sessions.items():
            for b in (1, 8):
                pictures = as_planes(market.crops[:b], size_hw)
                run.run(["embedding"], {"images": pictures})
                began = time.thread_time()
                run.run(["embedding"], {"images": pictures})
                times[name, b].append((time.thread_time() - began) / b * 1e3)
    for name, run in sessions.items():
        parts = [market.crops[i : i + 64] for i in range(0, len(market.crops), 64)]
        raw = np.concatenate([run.run(["embedding"], {"images": as_planes(p, size_hw)})[0] for p in parts])
        vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
        s = score_vectors(vectors[query], vectors, labels[query], labels)
        one, eight = (statistics.median(times[name, b]) for b in (1, 8))
        print(
            f"{name:20s} {one:6.2f} ms at batch 1, {eight:6.2f} at 8; rank-1 {s.cmc[0]:.3f}, mAP {s.mean_ap:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
