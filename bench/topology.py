"""What knowing where cameras are to each other is worth, each part on and off, in one run.

    python bench/topology.py --embeddings osnet.npz [--parts simulated clocks ucla market] [--seeds 3]

*Simulated*: a corridor of six cameras (``perdure eval ablate``'s stream). False matches are 1 - B-cubed precision; "at
equal recall" moves the prior (``gallery.return_rate``) until the recall is that of the row without topology. *Clocks*:
the same corridor with two wrong clocks. *UCLA*: the four cameras of UCLA CAMPUS Auditorium under PERDURE_SHARED,
tracklets from the true boxes, looks from the model fitted to the embeddings. *Market*: the labelled pictures as a
stream, each half calibrated on the other.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.io
from rich.console import Console

from perdure.assemble import gallery as open_gallery
from perdure.config import GalleryConfig
from perdure.evaluate.ablate import Setting, simulated_settings
from perdure.evaluate.embeddings import Embeddings, load
from perdure.evaluate.partition import PartitionScores
from perdure.evaluate.replay import replay, thinned
from perdure.evaluate.report import Report, Table, print_report
from perdure.evaluate.stream import Stream, halves, of_pictures
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.calibrate import Calibration
from perdure.gallery.topology import SiteMap, Topology
from perdure.simulate.stream_fit import fit, tracklets_of
from perdure.simulate.stream_people import FittedPeople
from perdure.simulate.stream_traffic import CameraGraph, Traffic
from perdure.types import Exemplars, Float64s, Tracklet

RATES = (0.5, 0.75, 0.88, 0.95, 0.98)
FASTEST_S = 4.0
"""Declared for neighbours of the corridor, where the median walk takes 12 s."""
WRONG_S = {"cam03": 15.0, "cam05": -6.0}
UCLA_FPS, LONGEST_GAP_S, SHORTEST_S = 30.0, 1.0, 0.5
UCLA_EXEMPLARS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One way of knowing, over all seeds."""

    name: str
    online: tuple[PartitionScores, ...]
    consolidated: tuple[PartitionScores, ...]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embeddings", type=Path, required=True, help="npz of perdure eval stream --save")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3, help="of the simulated looks and streams")
    chosen = parser.parse_args()
    everybody = load(chosen.embeddings)
    for name in chosen.parts:
        for report in PARTS[name](everybody, chosen.seeds):
            print_report(report, Console(width=120))


def run(stream: Stream, calibration: Calibration, topology: Topology, config: GalleryConfig) -> list[PartitionScores]:
    """Scores online and after the second look."""
    gallery = open_gallery(config, stream.model, stream.dim, calibration, topology)
    done = replay(stream, gallery, prepare=thinned(config.exemplars_per_tracklet))
    assert done.end.consolidated is not None
    return [done.end.online, done.end.consolidated]


def compare(
    settings: Sequence[tuple[Stream, Calibration]],
    ways: Mapping[str, Callable[[], Topology]],
    config: GalleryConfig | None = None,
) -> list[Row]:
    """Every way of knowing on every stream."""
    rows = []
    for name, topology in ways.items():
        found = [run(stream, calibration, topology(), config or GalleryConfig()) for stream, calibration in settings]
        rows.append(Row(name, tuple(f[0] for f in found), tuple(f[1] for f in found)))
    return rows


def table(title: str, rows: Sequence[Row]) -> Table:
    """Means over seeds."""

    def cells(scores: Sequence[PartitionScores]) -> tuple[float, ...]:
        keys = ("idf1", "b_cubed_f", "b_cubed_precision", "b_cubed_recall", "purity")
        means = [float(np.mean([getattr(s, key) for s in scores])) for key in keys]
        return (*means, float(np.mean([s.ids / s.people for s in scores])))

    head = ("", "IDF1", "B3 F", "B3 precision", "B3 recall", "purity", "ids per person")
    lines = [(f"{row.name}, online", *cells(row.online)) for row in rows]
    lines += [(f"{row.name}, consolidated", *cells(row.consolidated)) for row in rows]
    return Table(title, head, tuple(lines))


def simulated(everybody: Embeddings, seeds: int) -> Iterator[Report]:
    """A corridor; also false matches at the recall that there is without topology."""
    traffic = Traffic(days=1.0, visits_per_day=300.0)
    settings = list(simulated_settings(everybody, seeds, traffic, GalleryConfig()))
    site = corridor_map(CameraGraph.corridor(6))
    ways = {
        "off": lambda: Topology(learns=False),
        "declared": lambda: Topology(site, learns=False),
        "learned": Topology,
        "declared and learned": lambda: Topology(site),
    }
    pairs = [(setting.stream, setting.calibration) for setting in settings]
    yield Report("Simulated corridor", (table("As it is", compare(pairs, ways)), equal_recall(settings, ways)))


def corridor_map(graph: CameraGraph) -> SiteMap:
    """Nobody is faster than ``FASTEST_S`` from one camera to the next, nor in two at once."""
    names = graph.names
    travel = {frozenset((a, b)): FASTEST_S * (j - i) for i, a in enumerate(names) for j, b in enumerate(names) if i < j}
    return SiteMap(travel, others_overlap=False)


def equal_recall(settings: Sequence[Setting], ways: Mapping[str, Callable[[], Topology]]) -> Table:
    """False matches where every way reaches the recall of the first, by moving the prior; means over seeds."""
    lines, wanted = [], None
    for name, topology in ways.items():
        points = np.zeros((len(RATES), 2, 2))  # rate, online or consolidated, recall and false matches
        for place, rate in enumerate(RATES):
            found = [run(s.stream, s.calibration, topology(), GalleryConfig(return_rate=rate)) for s in settings]
            points[place] = np.mean([[[f.b_cubed_recall, 1 - f.b_cubed_precision] for f in fs] for fs in found], axis=0)
        if wanted is None:
            wanted = points[RATES.index(0.88), :, 0]
        ordered = [points[np.argsort(points[:, look, 0]), look] for look in (0, 1)]
        errors = [float(np.interp(at, *of_rate.T)) for at, of_rate in zip(wanted, ordered, strict=True)]
        lines.append((name, float(wanted[0]), errors[0], float(wanted[1]), errors[1]))
    head = ("", "recall online", "false matches online", "recall consolidated", "false matches consolidated")
    return Table("False matches at equal recall", head, tuple(lines))


def clocks(everybody: Embeddings, seeds: int) -> Iterator[Report]:
    """The corridor with two clocks that are wrong: what the hand-offs say of them."""
    traffic = Traffic(days=1.0, visits_per_day=300.0)
    lines = []
    for seed, setting in enumerate(simulated_settings(everybody, seeds, traffic, GalleryConfig())):
        told = tuple(set_ahead(t, WRONG_S.get(t.camera, 0.0)) for t in setting.stream.told)
        stream = replace(setting.stream, told=told)
        gallery = open_gallery(GalleryConfig(), stream.model, stream.dim, setting.calibration, Topology())
        done = replay(stream, gallery, prepare=thinned(8))
        assert done.consolidated is not None
        found, cameras = done.consolidated.topology.clocks, list(dict.fromkeys(t.camera for t in told))
        for place in np.argsort(cameras):
            true = WRONG_S.get(cameras[place], 0.0)
            lines.append((seed + 1, cameras[place], true, float(found.ahead_s[place]), float(found.std_s[place])))
    head = ("seed", "camera", "ahead, s", "estimated, s", "standard error, s")
    yield Report("Wrong clocks", (Table("Simulated corridor", head, tuple(lines)),))


def set_ahead(tracklet: Tracklet, seconds: float) -> Tracklet:
    """As a clock records it that is so much ahead."""
    path = tracklet.path.copy()
    path[:, 0] += seconds
    return replace(tracklet, start=tracklet.start + seconds, end=tracklet.end + seconds, path=path)


def ucla(everybody: Embeddings, seeds: int) -> Iterator[Report]:
    """Four overlapping cameras with the truth of who is where; two of them are calibrated."""
    folder = Path(os.environ.get("PERDURE_SHARED", "../shared")) / "data" / "ucla-campus"
    if not folder.is_dir():
        Console().print(f"UCLA CAMPUS left out: {folder} is not there", style="yellow")
        return
    tracklet = tracklets_of(everybody.person, everybody.camera, everybody.sequence, everybody.frame)
    model = fit(everybody.model, everybody.vectors, everybody.person, everybody.camera, tracklet, everybody.quality)
    calibration = fit_calibration(everybody)
    settings = [(ucla_stream(folder, FittedPeople(model, seed)), calibration) for seed in range(seeds)]
    floors = ucla_floors(folder)
    seen_together = frozenset({frozenset(("HC3", "HC4")), frozenset(("IP2", "IP5"))})
    ways = {
        "off": lambda: Topology(learns=False),
        "overlap declared": lambda: Topology(SiteMap({}, seen_together, others_overlap=False), learns=False),
        "learned": Topology,
        "ground plane": lambda: Topology(SiteMap(floors=floors), learns=False),
        "all three": lambda: Topology(SiteMap({}, seen_together, others_overlap=False, floors=floors)),
    }
    yield Report("UCLA CAMPUS, 4 cameras", (table(f"{seeds} draws of looks", compare(settings, ways)),))


def ucla_stream(folder: Path, looks: FittedPeople) -> Stream:
    """Tracklets from the true boxes, told when they end; a gap of more than a second in view ends one."""
    rng = np.random.default_rng([looks.seed, 7])
    built: list[tuple[Tracklet, int]] = []
    for number, file in enumerate(sorted(folder.glob("view-*.txt"))):
        camera = file.stem.removeprefix("view-")
        rows = np.loadtxt(file, usecols=range(7))
        for person in np.unique(rows[:, 0]).astype(int):
            seen = rows[(rows[:, 0] == person) & (rows[:, 6] == 0)]
            seen = seen[np.argsort(seen[:, 5])]
            cuts = np.flatnonzero(np.diff(seen[:, 5]) > LONGEST_GAP_S * UCLA_FPS) + 1
            for part in np.split(seen, cuts):
                if len(part) >= SHORTEST_S * UCLA_FPS:
                    name = f"{camera}/{len(built)}"
                    built.append((ucla_tracklet(name, camera, number, part, person, looks, rng), person + 1))
    built.sort(key=lambda one: one[0].end)
    told = tuple(tracklet for tracklet, _ in built)
    boxes = np.array([len(tracklet.path) for tracklet in told])
    return Stream(looks.model, told, np.array([t.end for t in told]), np.array([p for _, p in built]), boxes)


def ucla_tracklet(
    name: str, camera: str, number: int, part: Float64s, person: int, looks: FittedPeople, rng: np.random.Generator
) -> Tracklet:
    """One stay; looks are drawn as often as a run embeds."""
    at = part[:, 5] / UCLA_FPS
    path = np.column_stack([at, part[:, 5], part[:, 1:5], np.ones(len(part))])
    count = max(2, int((at[-1] - at[0]) / UCLA_EXEMPLARS_EVERY_S))
    pictures = looks.pictures(person, 0, number, count, rng)
    when = np.linspace(at[0], at[-1], count)
    exemplars = Exemplars(looks.model, pictures.vectors, pictures.quality, when, pictures.names)
    return Tracklet(name, 1, camera, float(at[0]), float(at[-1]), path, (exemplars,), ended="left")


def ucla_floors(folder: Path) -> dict[str, Float64s]:
    """Homographies of the cameras that the data set calibrates (two of four), as its README computes them."""
    floors = {}
    for view in scipy.io.loadmat(folder / "cam_param.mat")["cam_param"][0]:
        scale, centre = float(view["scale"].item()), view["center"].ravel().astype(float)
        rotated = view["K"].astype(float) @ view["R"].astype(float)
        to_image = np.column_stack([rotated[:, :2], -(rotated @ view["T"]).ravel()])
        pixels = np.array([[scale, 0, -centre[0]], [0, scale, -centre[1]], [0, 0, 1]])
        matrix = np.linalg.inv(to_image) @ pixels
        feet = np.array([960.0, 1080.0, 1.0])  # the nearest floor is before the camera, not behind it
        floors[str(view["name"][0]).removeprefix("view-")] = matrix * np.sign(matrix[2] @ feet)
    return floors


def market(everybody: Embeddings, seeds: int) -> Iterator[Report]:
    """The labelled pictures with their capture times."""
    del seeds
    first, second = halves(everybody.person)
    ways = {"off": lambda: Topology(learns=False), "learned": Topology}
    tables = []
    for title, come, others in (("First half", first, second), ("Second half", second, first)):
        tested, fitted = (everybody[np.isin(everybody.person, who)] for who in (come, others))
        stream = of_pictures(tested)
        tables.append(table(title, compare([(stream, fit_calibration(fitted))], ways)))
    yield Report("Market-1501 dev as a stream", tuple(tables))


PARTS: dict[str, Callable[[Embeddings, int], Iterator[Report]]] = {
    "simulated": simulated,
    "clocks": clocks,
    "ucla": ucla,
    "market": market,
}

if __name__ == "__main__":
    main()
