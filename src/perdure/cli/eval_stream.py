"""``perdure eval stream``, ``ablate`` and ``cascade``: the real gallery on open-world streams with truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from perdure.cli.eval_options import (
    Device,
    DeviceOption,
    EmbeddingsOption,
    HtmlOption,
    JsonOption,
    SaveOption,
    labelled,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perdure.evaluate.embeddings import Embeddings
    from perdure.evaluate.stream import Stream
    from perdure.evaluate.stream_report import PolicyRun
    from perdure.gallery.calibrate import Calibration

ALL = "all"
BEST = "best"


class Half(StrEnum):
    """Which of the sorted people come."""

    ALL = "all"
    FIRST = "first"
    SECOND = "second"


class OnOff(StrEnum):
    """A switch."""

    ON = "on"
    OFF = "off"


class CalibrateOn(StrEnum):
    """Whom the calibration was fitted on."""

    CARD = "card"
    OTHER_HALF = "other-half"


ImagesOption = Annotated[
    Path | None, typer.Option("--images", help="Folder of Market-1501 names (pppp_cCsS_FFFFFF_NN.jpg), or a .csv.")
]
EmbedderOption = Annotated[
    str | None, typer.Option("--embedder", help="Model that embeds --images; with --embeddings: whose card counts.")
]
HalfOption = Annotated[Half, typer.Option("--half", help="Every second of the sorted people, or everybody.")]
PolicyOption = Annotated[
    str, typer.Option("--policy", help="default, ema, ring-centroid, nearest, micro-track; stream also: all.")
]
CalibrationOption = Annotated[
    CalibrateOn, typer.Option("--calibration", help="The model's card, or fitted on the half that does not come.")
]


def stream(
    images: ImagesOption = None,
    embedder: EmbedderOption = None,
    embeddings: EmbeddingsOption = None,
    save: SaveOption = None,
    policy: PolicyOption = "default",
    threshold: Annotated[
        str | None, typer.Option("--threshold", help="Cosine for policies that have one; best: scanned in hindsight.")
    ] = None,
    time: Annotated[OnOff, typer.Option("--time", help="May the gallery use when and beside whom?")] = OnOff.ON,
    repeat_days: Annotated[int, typer.Option("--repeat-days", min=1, max=1000, help="Deal it over so many days.")] = 1,
    half: HalfOption = Half.ALL,
    last_people: Annotated[int | None, typer.Option("--last-people", min=2, help="Only the last N people.")] = None,
    calibration: CalibrationOption = CalibrateOn.CARD,
    checkpoints: Annotated[int, typer.Option("--checkpoints", min=1, max=200, help="Points of the curves.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the days, and of ties in time.")] = 0,
    device: DeviceOption = Device.AUTO,
    as_json: JsonOption = False,
    html: HtmlOption = None,
) -> None:
    """People who come and come again, through the real gallery: who is who, online and after a second look."""
    from perdure.errors import ConfigError
    from perdure.evaluate import stream_report
    from perdure.evaluate.stream import of_pictures

    names, wanted = _policies(policy), _threshold(threshold)
    everybody, _ = labelled(images, embedder, embeddings, save, device, "--images")
    tested, fitted, source = calibrated(everybody, half, last_people, calibration, embedder)
    told = of_pictures(tested, with_time=time is OnOff.ON, repeat_days=repeat_days, seed=seed)
    if fitted is None and (wanted is None or "default" in names):
        raise ConfigError(
            f"{source} Measure one (docs/models.md), name the model with --embedder, or try --calibration other-half "
            "with --half first or second"
        )
    runs = _run(told, names, wanted, fitted, checkpoints, learn_ways=time is OnOff.ON)
    report = stream_report.report(runs, (source,), images)
    figures = {
        "stream": stream_report.stream_figures(told),
        "calibration": source,
        "policies": [run.figures() for run in runs],
    }
    tell(report, figures, as_json, html)


def ablate(
    images: ImagesOption = None,
    embedder: EmbedderOption = None,
    embeddings: EmbeddingsOption = None,
    save: SaveOption = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100, help="Draws of who comes and in which order.")] = 3,
    people: Annotated[int | None, typer.Option("--people", min=5, help="At most so many come (default: half).")] = None,
    days: Annotated[float, typer.Option("--days", min=0.01, max=365, help="Simulated days.")] = 1.0,
    visits_per_day: Annotated[float, typer.Option("--visits-per-day", min=1, help="Simulated.")] = 300.0,
    footage: Annotated[Path | None, typer.Option("--footage", help="Folder of a perdure run; with --truth.")] = None,
    truth: Annotated[Path | None, typer.Option("--truth", help="What is true of that footage.")] = None,
    device: DeviceOption = Device.AUTO,
    as_json: JsonOption = False,
    html: HtmlOption = None,
) -> None:
    """What each part of the gallery is worth: switched off one at a time, on real and simulated streams and footage.

    With --footage alone only the tracklets of that run are told again.
    """
    from rich.console import Console

    from perdure.config import GalleryConfig
    from perdure.evaluate import ablate_report
    from perdure.evaluate.ablate import ablate as switch_off
    from perdure.evaluate.ablate import footage_settings, real_settings, simulated_settings
    from perdure.simulate.stream_traffic import Traffic

    config, traffic = GalleryConfig(), Traffic(days=days, visits_per_day=visits_per_day)
    found, notes = [], []
    with Console(stderr=True).status("starting ...") as status:
        if footage is not None:
            told, calibration = _footage(footage, truth)
            draws = list(footage_settings(told, calibration, config, seeds))
            found.append(switch_off("Footage", draws, status.update))
            notes.append(
                f"Footage: {len(told)} tracklets of {footage}, calibrated by the card of {told.model}"
                + ("; each seed leaves out a fifth of them." if seeds > 1 else ".")
            )
        if footage is None or images is not None or embeddings is not None:
            everybody, _ = labelled(images, embedder, embeddings, save, device, "--images")
            real = list(real_settings(everybody, seeds, people, config))
            found.append(switch_off("Real stream", real, status.update))
            simulated = list(simulated_settings(everybody, seeds, traffic, config))
            found.append(switch_off("Simulated stream", simulated, status.update))
            notes.append(f"{everybody.model}: every seed draws who comes; calibrated on people who do not.")
    tell(ablate_report.report(found, tuple(notes)), ablate_report.figures(found), as_json, html)


def _footage(footage: Path, truth: Path | None) -> tuple[Stream, Calibration]:
    """The tracklets of a run with their truth, and the calibration of its embedder."""
    from perdure.assemble import calibration_of
    from perdure.errors import ConfigError
    from perdure.evaluate.footage import of_run

    if truth is None:
        raise ConfigError("--footage needs --truth, the ground truth of the same cameras")
    told = of_run(footage, truth)
    calibration = calibration_of(told.model)
    if calibration is None:
        raise ConfigError(f"the card of {told.model} has no calibration: measure one (docs/models.md)")
    return told, calibration


def cascade(
    images: ImagesOption = None,
    embedder: EmbedderOption = None,
    embeddings: EmbeddingsOption = None,
    save: SaveOption = None,
    places: Annotated[int, typer.Option("--places", min=1, help="Where each fault happens, for each seed.")] = 10,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100, help="Draws of who comes.")] = 3,
    people: Annotated[int, typer.Option("--people", min=2, help="At most so many come.")] = 100,
    policy: PolicyOption = "default",
    threshold: Annotated[float | None, typer.Option("--threshold", min=-1, max=1, help="Of simple policies.")] = None,
    fault: Annotated[list[str] | None, typer.Option("--fault", help="Only this one; may be repeated.")] = None,
    footage: Annotated[Path | None, typer.Option("--footage", help="Folder of a perdure run; with --truth.")] = None,
    truth: Annotated[Path | None, typer.Option("--truth", help="What is true of that footage.")] = None,
    device: DeviceOption = Device.AUTO,
    as_json: JsonOption = False,
    html: HtmlOption = None,
) -> None:
    """What one error does to all that comes after: a tracker's swap, a bad crop, a false match.

    With --footage the errors happen to the tracklets of that run, else to labelled pictures.
    """
    from rich.console import Console

    from perdure.config import GalleryConfig
    from perdure.errors import ConfigError
    from perdure.evaluate import cascade_report
    from perdure.evaluate.ablate import footage_settings, real_settings
    from perdure.evaluate.cascade import FAULTS
    from perdure.evaluate.cascade import cascade as spoil

    if unknown := sorted(set(fault or ()) - set(FAULTS)):
        raise ConfigError(f"unknown fault {unknown[0]!r}; known: {', '.join(FAULTS)}")
    faults = [one for one in FAULTS if not fault or one in fault]
    config = GalleryConfig.model_validate({"policy": _policy(policy), "threshold": threshold})
    if footage is not None:
        told, calibration = _footage(footage, truth)
        settings = footage_settings(told, calibration, config, seeds)
        source = f"{told.model}, {policy}: {len(told)} tracklets of {footage}, calibrated by the model's card"
        source += "; each seed leaves out a fifth of them." if seeds > 1 else "."
    else:
        everybody, _ = labelled(images, embedder, embeddings, save, device, "--images")
        settings = real_settings(everybody, seeds, people, config, told_early_s=None)
        source = f"{everybody.model}, {policy}: at most {people} people come; the calibration is fitted on others."
    with Console(stderr=True).status("starting ...") as status:
        found = [hurt for seed, one in enumerate(settings) for hurt in spoil(one, places, seed, status.update, faults)]
    tell(cascade_report.report(found, (source,)), {"faults": cascade_report.figures(found)}, as_json, html)


def _policies(wanted: str) -> list[str]:
    from perdure.config import PolicyName

    return list(get_args(PolicyName)) if wanted == ALL else [_policy(wanted)]


def _policy(wanted: str) -> str:
    from perdure.config import PolicyName
    from perdure.errors import ConfigError

    known = list(get_args(PolicyName))
    if wanted not in known:
        raise ConfigError(f"unknown policy {wanted!r}; known: {', '.join(known)}")
    return wanted


def _threshold(wanted: str | None) -> float | str | None:
    from perdure.errors import ConfigError

    if wanted is None or wanted == BEST:
        return wanted
    try:
        value = float(wanted)
    except ValueError as error:
        raise ConfigError(f"--threshold {wanted!r} is neither a cosine nor '{BEST}'") from error
    if not -1 <= value <= 1:
        raise ConfigError(f"--threshold {value} is not a cosine: allowed are -1 to 1")
    return value


def calibrated(
    everybody: Embeddings, half: Half, last_people: int | None, calibration: CalibrateOn, embedder: str | None
) -> tuple[Embeddings, Calibration | None, str]:
    """Who comes, what a similarity is worth, and where that was measured, in words."""
    import numpy as np

    from perdure.errors import ConfigError
    from perdure.evaluate.embeddings import people
    from perdure.evaluate.stream import halves
    from perdure.evaluate.stream_calibration import fit_calibration

    first, second = halves(everybody.person)
    chosen = {Half.ALL: people(everybody), Half.FIRST: first, Half.SECOND: second}[half]
    if last_people is not None:
        chosen = chosen[np.isin(chosen, people(everybody)[-last_people:])]
    tested = everybody[np.isin(everybody.person, chosen)]
    if calibration is CalibrateOn.CARD:
        fitted, source = card_calibration(embedder or everybody.model)
        return tested, fitted, source
    if half is Half.ALL:
        raise ConfigError(
            "--calibration other-half needs --half first or --half second: who else should it be fitted on?"
        )
    others = second if half is Half.FIRST else first
    source = f"Calibration fitted on the {len(others)} people of the other half, who are not in the stream."
    return tested, fit_calibration(everybody[np.isin(everybody.person, others)]), source


def card_calibration(model: str) -> tuple[Calibration | None, str]:
    """What the card of a model of this name says; the file of the model need not be here."""
    from perdure.assemble import measured_by
    from perdure.models.catalogue import cards, choose

    name = choose(model, "embedder")
    card = next((c for c in cards() if c.task == "embedder" and c.name == name), None)
    if card is None or card.calibration is None:
        return None, f"No card of {name!r} gives a calibration."
    return measured_by(card), f"Calibration and threshold of the card of {name}, fitted on {card.calibration.fitted_on}"


def _run(
    told: Stream,
    names: Sequence[str],
    threshold: float | str | None,
    fitted: Calibration | None,
    checkpoints: int,
    learn_ways: bool,
) -> list[PolicyRun]:
    from perdure.config import GalleryConfig
    from perdure.evaluate.replay import best_threshold, run_policy
    from perdure.evaluate.stream_report import PolicyRun
    from perdure.gallery.topology import Topology

    runs = []
    for name in names:
        config = GalleryConfig.model_validate({"policy": name})
        simple = name != "default"
        if simple:
            with _working(name) as said:
                cosine = best_threshold(told, config, said) if threshold == BEST else threshold
            if cosine is None and fitted is not None:
                cosine = fitted.threshold
            config = config.model_copy(update={"threshold": cosine})
        with _working(name):
            done = run_policy(told, config, fitted, checkpoints, Topology(learns=learn_ways))
        runs.append(PolicyRun(name, done, config.threshold, hindsight=simple and threshold == BEST))
    return runs


@contextmanager
def _working(name: str) -> Iterator[Callable[[float, float], None]]:
    """A line on stderr while a policy runs; it can be told of thresholds tried."""
    from rich.console import Console

    with Console(stderr=True).status(f"{name} ...") as status:
        yield lambda threshold, idf1: status.update(f"{name} ... threshold {threshold:.3f}: IDF1 {idf1:.3f}")
