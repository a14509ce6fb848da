"""Is this machine fit for the job? Each finding says what is there and, where something is wrong, what to do."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np

from perdure import __version__, assemble
from perdure.config import Config
from perdure.errors import PerdureError
from perdure.models.catalogue import BASELINE

State: TypeAlias = Literal["good", "weak", "bad"]
PACKAGES: Final = ("numpy", "scipy", "numba", "opencv-python-headless", "av", "onnxruntime", "pydantic", "sqlalchemy")
OPENCV: Final = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
ONNXRUNTIME: Final = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")
_DECODERS: Final = ("h264", "hevc", "mjpeg", "mpeg4")
_LITTLE_DISK_BYTES: Final = 2 << 30
_LITTLE_MEMORY_MB: Final = 1000
_TRIALS: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    name: str
    state: State
    """``weak``: it works, but less well than it could; ``bad``: it does not."""
    text: str


def examine(config: Config, folder: Path) -> Iterator[Finding]:
    """All findings, one after the other as they are made; ``folder`` is where runs will be written."""
    yield Finding("perdure", "good", f"{__version__}, Python {platform.python_version()} on {platform.platform()}")
    yield _packages()
    yield _clash("opencv", OPENCV, "opencv-python-headless")
    yield _clash("onnxruntime", ONNXRUNTIME, "onnxruntime (or onnxruntime-gpu)")
    yield _cores()
    yield _memory()
    yield _disk(folder)
    yield _codecs()
    yield _providers(config)
    yield from _models(config)


def _packages() -> Finding:
    found, missing = [], []
    for name in PACKAGES:
        installed = _installed(name)
        if installed is None:
            missing.append(name)
        else:
            found.append(f"{name} {installed}")
    if missing:
        return Finding("packages", "weak", f"not installed under its usual name: {', '.join(missing)}")
    return Finding("packages", "good", ", ".join(found))


def _clash(name: str, variants: tuple[str, ...], wanted: str) -> Finding:
    """Packages that are one module under several names overwrite each other."""
    found = [f"{variant} {version}" for variant in variants if (version := _installed(variant))]
    if len(found) > 1:
        return Finding(
            name,
            "bad",
            f"{' and '.join(found)} overwrite each other: uninstall them all, then install {wanted} alone",
        )
    return Finding(name, "good", found[0] if found else f"none of its packages; the module itself is {_module(name)}")


def _module(name: str) -> str:
    from importlib.util import find_spec

    return "there" if find_spec("cv2" if name == "opencv" else name) else "missing"


def _installed(package: str) -> str | None:
    try:
        return distribution(package).version
    except PackageNotFoundError:
        return None


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    text = f"{cores} for this process, load {load:.1f}"
    if load > cores:
        return Finding("cores", "weak", f"{text}: others use this machine, so everything is slower than it could be")
    return Finding("cores", "good", text)


def _memory() -> Finding:
    if sys.platform != "linux":
        return Finding("memory", "good", "not looked at on this system")
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    free_mb = int(lines["MemAvailable"].split()[0]) / 1024
    state: State = "weak" if free_mb < _LITTLE_MEMORY_MB else "good"
    return Finding("memory", state, f"{free_mb / 1024:.1f} GB free")


def _disk(folder: Path) -> Finding:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / (1 << 30):.1f} GB free at {there}"
    if not os.access(there, os.W_OK):
        return Finding("disk", "bad", f"{there} cannot be written: choose another folder, or change its rights")
    return Finding("disk", "weak" if free < _LITTLE_DISK_BYTES else "good", text)


def _codecs() -> Finding:
    import av
    from av.codec.codec import UnknownCodecError

    def there(name: str, mode: Literal["r", "w"]) -> bool:
        try:
            av.Codec(name, mode)
        except UnknownCodecError:
            return False
        return True

    lacking = [name for name in _DECODERS if not there(name, "r")]
    writes = "libx264" if there("libx264", "w") else "mpeg4" if there("mpeg4", "w") else ""
    if lacking or not writes:
        what = ", ".join([*lacking, *([] if writes else ["any encoder for videos"])])
        return Finding("video", "bad", f"this PyAV lacks {what}: install its wheel, `pip install --force-reinstall av`")
    return Finding("video", "good", f"PyAV {av.__version__} reads {', '.join(_DECODERS)} and writes {writes}")


def _providers(config: Config) -> Finding:
    import onnxruntime

    offered = ", ".join(
        provider.removesuffix("ExecutionProvider") for provider in onnxruntime.get_available_providers()
    )
    return Finding(
        "providers", "good", f"onnxruntime {onnxruntime.__version__} offers {offered}; device: {config.device}"
    )


def _models(config: Config) -> Iterator[Finding]:
    """The two networks are really opened and run."""
    try:
        detector, embedder = assemble.models(config)
    except PerdureError as error:
        yield Finding("models", "bad", str(error))
        return
    picture = np.full((720, 1280, 3), 128, np.uint8)
    crop = np.full((256, 128, 3), 128, np.uint8)
    for kind, model, work in (
        ("detector", detector, lambda: detector.detect([picture])),
        ("embedder", embedder, lambda: embedder.embed([crop])),
    ):
        provider = getattr(model, "provider", "no network")
        text = f"{model.name} runs on {provider.removesuffix('ExecutionProvider')}, {_median_ms(work):.1f} ms a picture"
        if model.name == BASELINE:
            yield Finding(kind, "weak", f"{text}: only the stand-in, people will be missed and mixed up")
        elif _falls_back(config, provider):
            yield Finding(kind, "weak", f"{text}: a GPU build is installed, but CUDA did not start")
        else:
            yield Finding(kind, "good", text)


def _falls_back(config: Config, provider: str) -> bool:
    return config.device != "cpu" and _installed("onnxruntime-gpu") is not None and not provider.startswith("CUDA")


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_TRIALS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1e3 * float(np.median(times))
