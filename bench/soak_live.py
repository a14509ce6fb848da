"""Four 1080p cameras watched live for half an hour by a real ``perdure serve``: does it keep up, and is memory flat?

    python bench/soak_live.py [--footage DIR] [--minutes 30] [--cores 0,1]

Films the built-in house once with four 1920 x 1080 cameras at 10 frames a second (48 s; some minutes of work), serves
it again and again as RTSP cameras from a process of its own, and asks the service every 10 s over its API. Processor
time and memory are the kernel's, for the service and each of its readers; the cameras' side is not counted. The first
three minutes are left out of the slope of the memory: caches fill.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np
import yaml

from perdure.simulate.film import film
from perdure.simulate.plan import Crowd, Plan
from perdure.simulate.reading import load

SECONDS = 48.0
WARM_S = 180.0
EVERY_S = 10.0


def plan_of_four() -> Plan:
    """The house in mid-life: two at home, a guest and a pair who come."""
    house = load("house", minutes=SECONDS / 60)
    sharp = {"width": 1920, "height": 1080, "rate_fps": 10.0, "dropped": 0.0, "clock_skew_s": 0.0}
    people = tuple(
        person.model_copy(
            update={
                "visits": tuple(
                    visit.model_copy(update={"arrives_s": visit.arrives_s - 60.0})
                    for visit in person.visits
                    if visit.arrives_s < 200.0
                )
            }
        )
        for person in house.people
        if person.visits[0].arrives_s < 200.0
    )
    cameras = tuple(camera.model_copy(update=sharp) for camera in house.cameras)
    return house.model_copy(update={"cameras": cameras, "people": people, "crowd": Crowd(per_hour=60.0, returns=0.0)})


@dataclass
class Sample:
    """The service and its readers at one moment."""

    at_s: float
    figures: dict[str, float]
    """What ``GET metrics`` says, by name with labels."""
    cpu_s: dict[int, float]
    """By process; the service's own is the first."""
    rss_mb: dict[int, float]


@dataclass
class Service:
    """``perdure serve`` as a process, and a session with it."""

    process: subprocess.Popen[str]
    root: str = ""
    cookie: str = ""
    readers: list[int] = field(default_factory=list)

    @classmethod
    def start(cls, config: Path, folder: Path, cores: str) -> Service:
        """Begin, and log in with the password it prints."""
        command = [str(Path(sys.executable).with_name("perdure")), "serve", "--config", str(config)]
        process = subprocess.Popen(
            ["taskset", "-c", cores, *command, "--data", str(folder), "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        service, password = cls(process), ""
        assert process.stdout is not None
        while not service.root:
            line = process.stdout.readline()
            if not line:
                raise SystemExit("the service did not start")
            if found := re.search(r"with the password  (\S+)", line):
                password = found[1]
            if found := re.search(r"perdure is at (\S+)", line):
                service.root = f"{found[1]}/api/v1"
        body = json.dumps({"name": "admin", "password": password}).encode()
        request = urllib.request.Request(
            f"{service.root}/login", body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request) as answer:
            service.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return service

    def ask(self, path: str) -> str:
        """An answer of the API."""
        request = urllib.request.Request(f"{self.root}/{path}", headers={"Cookie": self.cookie})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode())

    def sample(self) -> Sample:
        """Now."""
        figures = {}
        for line in self.ask("metrics").splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                figures[name.removeprefix("perdure_")] = float(value)
        pids = [p for p in (self.process.pid, *children(self.process.pid)) if is_alive(p)]
        return Sample(time.monotonic(), figures, {p: cpu_s(p) for p in pids}, {p: rss_mb(p) for p in pids})


def children(pid: int) -> list[int]:
    """Of a process, without what multiprocessing keeps for itself."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    pids = sorted({int(word) for path in found for word in path.read_text().split()})
    return [p for p in pids if b"resource_tracker" not in Path(f"/proc/{p}/cmdline").read_bytes()]


def is_alive(pid: int) -> bool:
    """Whether it has memory; what has died and waits for its parent has none."""
    try:
        return "VmRSS:" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def cpu_s(pid: int) -> float:
    """User and system seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


def slope_mb_per_h(at_s: list[float], mb: list[float]) -> float:
    """Least squares."""
    return float(3600 * np.polyfit(at_s, mb, 1)[0]) if len(at_s) > 2 else float("nan")


def lag_below(samples: list[Sample], share: float) -> str:
    """The bound under which so large a share of the lags is, over all cameras."""
    first, last = samples[0].figures, samples[-1].figures
    counts: dict[str, float] = {}
    for name, value in last.items():
        if found := re.match(r'lag_seconds_bucket\{.*le="([^"]+)"\}', name):
            counts[found[1]] = counts.get(found[1], 0.0) + value - first.get(name, 0.0)
    return next(bound for bound, count in counts.items() if count >= share * counts["+Inf"])


def report(samples: list[Sample], names: list[str]) -> None:
    """Tables of all that was asked for."""
    first, last = samples[0], samples[-1]
    passed = last.at_s - first.at_s

    def grown(name: str) -> float:
        return last.figures.get(name, 0.0) - first.figures.get(name, 0.0)

    print(f"\n{passed / 60:.1f} minutes, {len(samples)} samples")
    heads = ("given/s", "asleep", "taken/s", "factor", "searched/s", "mean lag s")
    print(f"{'camera':10s} {' '.join(f'{head:>10s}' for head in heads)}")
    for name in names:
        label = f'{{camera="{name}"}}'
        given, taken = grown(f"frames_total{label}"), grown(f"lag_seconds_count{label}")
        asleep = grown(f"frames_asleep_total{label}")
        lag = grown(f"lag_seconds_sum{label}") / max(taken, 1)
        looked = grown(f"looked_at_total{label}") / passed
        factor = taken / max(given - asleep, 1)
        values = (given / passed, asleep / max(given, 1), taken / passed, factor, looked, lag)
        print(f"{name:10s} {' '.join(f'{value:10.2f}' for value in values)}")
    print(
        "lag: half below {} s, 95 % below {} s, 99 % below {} s".format(
            *(lag_below(samples, s) for s in (0.5, 0.95, 0.99))
        )
    )
    own = next(iter(last.cpu_s))
    readers = [pid for pid in last.cpu_s if pid != own and pid in first.cpu_s]
    service = (last.cpu_s[own] - first.cpu_s[own]) / passed
    reading = sum(last.cpu_s[p] - first.cpu_s[p] for p in readers) / passed
    print(f"\nprocessor: {service + reading:.3f} cores, of which")
    print(f"  readers    {reading:.3f}")
    stages = sorted(name for name in last.figures if name.startswith("stage_cpu"))
    for name in stages:
        print(f"  {name.split(chr(34))[1]:10s} {grown(name) / passed:.3f}")
    print(f"  rest       {service - sum(grown(name) for name in stages) / passed:.3f}")
    print("\nresident memory, MB: at the start, at the end, most; slope after the first three minutes, MB an hour")
    late = [s for s in samples if s.at_s - first.at_s >= min(WARM_S, passed / 2)]
    for number, pid in enumerate([own, *readers]):
        mb = [s.rss_mb[pid] for s in late if pid in s.rss_mb]
        at = [s.at_s for s in late if pid in s.rss_mb]
        name = "service" if number == 0 else f"reader {number}"
        print(f"  {name:10s} {first.rss_mb[pid]:7.1f} {mb[-1]:7.1f} {max(mb):7.1f} {slope_mb_per_h(at, mb):+8.1f}")
    lost = [pid for pid in first.cpu_s if pid not in last.cpu_s]
    print(
        f"\nreaders begun anew: {len(lost)}; people: {last.figures['people']:.0f}; "
        f"connections: {sum(grown(f'connections_total{{camera={chr(34)}{n}{chr(34)}}}') for n in names):.0f} new"
    )


def main() -> None:
    """Film, serve, watch, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, help="folder of the videos; filmed there if it holds none")
    parser.add_argument("--film-only", action="store_true", help="make the footage and stop")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--cores", default="0,1", help="those the service may use")
    parser.add_argument("--samples", type=Path, help="file for the samples, JSON lines")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was begun is ended, too
    plan = plan_of_four()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.footage or Path(temporary) / "footage"
        if not all((folder / f"{camera.name}.mp4").is_file() for camera in plan.cameras):
            with ProcessPoolExecutor(len(plan.cameras)) as pool:
                list(pool.map(film, [plan.model_copy(update={"cameras": (c,)}) for c in plan.cameras], repeat(folder)))
        if chosen.film_only:
            return
        samples = watched(folder, Path(temporary), chosen.minutes, chosen.cores, chosen.samples)
    report(samples, [camera.name for camera in plan.cameras])


def watched(footage: Path, temporary: Path, minutes: float, cores: str, keep: Path | None) -> list[Sample]:
    """Serve the footage, watch it, and ask every ``EVERY_S``."""
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve-only", str(footage)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        urls = json.loads(server.stdout.readline())
        config = temporary / "perdure.yaml"
        config.write_text(yaml.safe_dump({"cameras": {name: {"source": url} for name, url in urls.items()}}))
        service = Service.start(config, temporary / "site", cores)
        try:
            time.sleep(20)  # connected, models warm
            samples = [service.sample()]
            end = time.monotonic() + 60 * minutes
            while time.monotonic() < end:
                time.sleep(EVERY_S)
                samples.append(service.sample())
                now = samples[-1]
                if keep is not None:
                    with keep.open("a") as file:
                        file.write(json.dumps([now.at_s, now.figures, now.cpu_s, now.rss_mb]) + "\n")
            return samples
        finally:
            service.process.send_signal(signal.SIGTERM)
            service.process.wait(60)
    finally:
        server.terminate()
        server.wait(20)


def serve_only(footage: Path) -> None:
    """The cameras: their addresses on standard output, then pictures until the end."""
    from perdure.simulate.rtsp import RtspServer, cameras_of

    with RtspServer(cameras_of(plan_of_four(), footage), port=0) as server:
        print(json.dumps(server.urls), flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve-only"]:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        serve_only(Path(sys.argv[2]))
    else:
        main()
