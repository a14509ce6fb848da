"""What each part of the gallery is worth: switched off one at a time, on real and simulated streams, and on footage.

Every seed draws who comes; the calibration is fitted on those who do not. Tracklets are told as the tracker tells
them: open after a second, again when they have closed. A switch that moves no tracklet is said to have no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from perdure.assemble import gallery as open_gallery
from perdure.config import GalleryConfig
from perdure.evaluate.contingency import heaviest_matching
from perdure.evaluate.embeddings import Embeddings
from perdure.evaluate.partition import PartitionScores
from perdure.evaluate.replay import Prepare, Replay, assigned, replay, thinned
from perdure.evaluate.stream import Stream, of_pictures, of_simulation
from perdure.evaluate.stream_calibration import fit_calibration
from perdure.gallery.calibrate import Calibration
from perdure.gallery.decide import Candidates, Posterior
from perdure.gallery.gallery import Gallery
from perdure.gallery.scoring import CentredLinkage
from perdure.simulate.stream import StreamPlan, stream
from perdure.simulate.stream_fit import fit, tracklets_of
from perdure.simulate.stream_people import FittedPeople
from perdure.simulate.stream_traffic import CameraGraph, Traffic
from perdure.types import Decision, Exemplars, Float64s, Tracklet

TOLD_AFTER_S = 1.0
SIMULATED_CAMERAS = 6
SIMULATED_EXEMPLARS = 16
"""Twice what the gallery keeps, so that it matters which."""
NEVER = float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One stream, and what is known beforehand."""

    stream: Stream
    calibration: Calibration
    plain: Calibration
    """The same fitted without centring."""
    config: GalleryConfig


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A gallery about to be told a stream."""

    stream: Stream
    gallery: Gallery
    prepare: Prepare


@dataclass(frozen=True, slots=True)
class WithoutPrior:
    """The posterior's rule by appearance alone: how many are known, and how often people return, does not count."""

    rule: Posterior

    def __call__(self, candidates: Candidates) -> Decision:
        """Decide."""
        decision = self.rule(candidates)
        prior = sum(term.value for term in decision.evidence.terms if term.name == "prior")
        calibration = candidates.calibration or self.rule.calibration
        return self.rule(replace(candidates, calibration=replace(calibration, offset=calibration.offset - prior)))


def full(setting: Setting) -> Trial:
    """Everything as it is."""
    stream, config = setting.stream, setting.config
    gallery = open_gallery(config, stream.model, stream.dim, setting.calibration)
    taken = thinned(config.exemplars_per_tracklet) if config.policy == "default" else _each(lambda e: e)
    return Trial(stream, gallery, taken)


def without_centring(setting: Setting) -> Trial:
    """Cosines as they are, with a calibration fitted to them."""
    trial = full(replace(setting, calibration=setting.plain))
    trial.gallery.scorer = CentredLinkage(setting.plain, identity_weight=NEVER)
    return trial


def without_camera_means(setting: Setting) -> Trial:
    """Only the mean of the site is taken off, not each camera's own."""
    trial = full(setting)
    trial.gallery.scorer = CentredLinkage(setting.calibration, camera_weight=1e9)
    return trial


def without_crowding(setting: Setting) -> Trial:
    """How crowded it is around a tracklet does not count."""
    trial = full(setting)
    trial.gallery.scorer = CentredLinkage(setting.calibration, crowding_weight=0.0)
    return trial


def without_help(setting: Setting) -> Trial:
    """In the second look no tracklet borrows from its neighbours."""
    return full(replace(setting, calibration=replace(setting.calibration, second_slope=0.0)))


def without_prior(setting: Setting) -> Trial:
    """See ``WithoutPrior``; the second look keeps its prior."""
    trial = full(setting)
    assert isinstance(trial.gallery.rule, Posterior)
    trial.gallery.rule = WithoutPrior(trial.gallery.rule)
    return trial


def without_waiting(setting: Setting) -> Trial:
    """Every tracklet is decided when it is first told."""
    return full(replace(setting, config=setting.config.model_copy(update={"wait_s": 0.0})))


def without_early_telling(setting: Setting) -> Trial:
    """Tracklets are told once, when they have closed."""
    return full(replace(setting, stream=setting.stream.only([t.ended != "open" for t in setting.stream.told])))


def without_settling(setting: Setting) -> Trial:
    """What was decided early stays, whatever a tracklet shows later."""

    def left_open(gallery: Gallery, tracklet: Tracklet) -> Tracklet:
        decided = tracklet.id in gallery.partition.identity_of
        return replace(tracklet, ended="open") if decided else tracklet

    return _also(full(setting), left_open)


def without_cannot_link(setting: Setting) -> Trial:
    """Nobody knows who was seen beside whom."""
    told = tuple(replace(tracklet, path=tracklet.path[:0]) for tracklet in setting.stream.told)
    return full(replace(setting, stream=replace(setting.stream, told=told)))


def without_topology(setting: Setting) -> Trial:
    """Where and when somebody was seen last does not count."""
    trial = full(setting)
    trial.gallery.topology.learns = False
    return trial


def without_quality(setting: Setting) -> Trial:
    """All pictures count alike, and are chosen as if they were equally good."""
    trial = full(setting)
    alike = _each(lambda e: replace(e, quality=np.ones_like(e.quality)))
    return replace(trial, prepare=lambda gallery, t: trial.prepare(gallery, alike(gallery, t)))


def without_choosing(setting: Setting) -> Trial:
    """The last pictures are kept, not the good and different ones."""
    keep = setting.config.exemplars_per_tracklet
    return replace(full(setting), prepare=_each(lambda e: e[-keep:]))


def without_thinning(setting: Setting) -> Trial:
    """All pictures are kept."""
    return replace(full(setting), prepare=_each(lambda e: e))


SWITCHES: Mapping[str, Callable[[Setting], Trial]] = {
    "centring": without_centring,
    "means of cameras": without_camera_means,
    "crowding": without_crowding,
    "neighbours' help": without_help,
    "prior": without_prior,
    "waiting": without_waiting,
    "early telling": without_early_telling,
    "settling": without_settling,
    "cannot-link": without_cannot_link,
    "topology": without_topology,
    "quality weights": without_quality,
    "k-centre choice": without_choosing,
    "thinning": without_thinning,
}
CONSOLIDATION = "consolidation"
"""Not a switch of its own run: the full system before its second look."""


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """One part switched off; S seeds."""

    name: str
    moved: Float64s
    """(S,) share of tracklets that end up with other company, online or after the second look."""
    online_idf1: Float64s
    """(S,) IDF1 with the part less without it; likewise the next three."""
    online_b_cubed_f: Float64s
    consolidated_idf1: Float64s
    consolidated_b_cubed_f: Float64s

    @property
    def has_effect(self) -> bool:
        """Whether the switch changed any decision at all."""
        return bool(self.moved.any())


@dataclass(frozen=True, slots=True, eq=False)
class Ablation:
    """All parts on one kind of stream; S seeds."""

    kind: str
    tracklets: tuple[int, ...]
    """Of each seed."""
    idf1: Float64s
    """(S, 2) of the full system, online and consolidated."""
    b_cubed_f: Float64s
    """(S, 2) likewise."""
    effects: tuple[Effect, ...]


def ablate(kind: str, settings: Sequence[Setting], told: Callable[[str], None] | None = None) -> Ablation:
    """Every switch on every stream; ``told`` hears what is being done."""
    whole, each = [], []
    for number, setting in enumerate(settings):
        runs = {}
        for name, switch in {"": full, **SWITCHES}.items():
            if told is not None:
                told(f"{kind}, seed {number + 1} of {len(settings)}: {f'without {name}' if name else 'everything on'}")
            runs[name] = _run(switch(setting))
        whole.append(runs.pop(""))
        each.append(runs)
    effects = [_consolidation(whole)]
    effects += [_effect(name, whole, [runs[name] for runs in each]) for name in SWITCHES]
    ends = [run.end for run in whole]
    return Ablation(
        kind,
        tuple(end.online.items for end in ends),
        np.array([[end.online.idf1, _again(run).idf1] for end, run in zip(ends, whole, strict=True)]),
        np.array([[end.online.b_cubed_f, _again(run).b_cubed_f] for end, run in zip(ends, whole, strict=True)]),
        tuple(effects),
    )


def real_settings(
    embeddings: Embeddings,
    seeds: int,
    people: int | None,
    config: GalleryConfig,
    told_early_s: float | None = TOLD_AFTER_S,
) -> Iterator[Setting]:
    """Streams of labelled pictures: half of the people come (at most ``people``), the others calibrate."""
    everybody = np.unique(embeddings.person[embeddings.person > 0])
    for seed in range(seeds):
        shuffled = np.random.default_rng(seed).permutation(everybody)
        come, others = shuffled[: len(shuffled) // 2], shuffled[len(shuffled) // 2 :]
        tested = embeddings[np.isin(embeddings.person, come[:people])]
        told = of_pictures(tested, told_early_s=told_early_s, seed=seed + 1)
        yield _setting(told, embeddings[np.isin(embeddings.person, others)], config)


def simulated_settings(
    embeddings: Embeddings, seeds: int, traffic: Traffic, config: GalleryConfig
) -> Iterator[Setting]:
    """Streams of people like those in labelled pictures, with a tracker's faults; the same pictures calibrate."""
    tracklet = tracklets_of(embeddings.person, embeddings.camera, embeddings.sequence, embeddings.frame)
    model = fit(
        embeddings.model,
        embeddings.vectors,
        embeddings.person,
        embeddings.camera,
        tracklet,
        embeddings.quality,
    )
    graph = CameraGraph.corridor(SIMULATED_CAMERAS)
    for seed in range(seeds):
        plan = StreamPlan(traffic, exemplars=SIMULATED_EXEMPLARS, seed=seed)
        told = of_simulation(model.model, list(stream(FittedPeople(model, seed), graph, plan)), TOLD_AFTER_S)
        yield _setting(told, embeddings, config)


def footage_settings(told: Stream, calibration: Calibration, config: GalleryConfig, seeds: int) -> Iterator[Setting]:
    """A run over footage, with the calibration it had; without centring the same one has to do.

    One run is one draw, so each seed leaves out another fifth of the tracklets, as if they had not been seen: the
    spread over seeds then tells which effects hang on a few tracklets. With one seed everything is told.
    """
    for seed in range(seeds):
        kept = np.random.default_rng(seed).permutation(len(told)) >= (len(told) // 5 if seeds > 1 else 0)
        yield Setting(told.only(kept), calibration, calibration, config)


def interval(values: Float64s) -> tuple[float, float, float]:
    """Mean over seeds and its 95 % interval (Student's t; unbounded for one seed)."""
    mean = float(values.mean())
    if len(values) < 2:
        return mean, -NEVER, NEVER
    reach = float(student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - reach, mean + reach


def moved(stream: Stream, first: Gallery, second: Gallery) -> float:
    """Share of tracklets that are not with the same others in both, when identities are matched as well as possible."""
    rows, names = assigned(stream, first.partition, len(stream))
    others, other_names = assigned(stream, second.partition, len(stream))
    by_id = {stream.told[row].id: name for row, name in zip(others.tolist(), other_names, strict=True)}
    pairs = [(name, by_id[stream.told[row].id]) for row, name in zip(rows.tolist(), names, strict=True)]
    before = np.unique([a for a, _ in pairs], return_inverse=True)[1]
    after = np.unique([b for _, b in pairs], return_inverse=True)[1]
    return 1 - heaviest_matching(before, after, np.ones(len(pairs))) / len(pairs)


def _setting(told: Stream, calibrate_on: Embeddings, config: GalleryConfig) -> Setting:
    return Setting(told, fit_calibration(calibrate_on), fit_calibration(calibrate_on, centred=False), config)


def _run(trial: Trial) -> Replay:
    return replay(trial.stream, trial.gallery, prepare=trial.prepare)


def _again(run: Replay) -> PartitionScores:
    assert run.end.consolidated is not None
    return run.end.consolidated


def _effect(name: str, whole: Sequence[Replay], without: Sequence[Replay]) -> Effect:
    pairs = list(zip(whole, without, strict=True))
    return Effect(
        name,
        np.array([max(moved(a.stream, a.online, b.online), moved(a.stream, _second(a), _second(b))) for a, b in pairs]),
        np.array([a.end.online.idf1 - b.end.online.idf1 for a, b in pairs]),
        np.array([a.end.online.b_cubed_f - b.end.online.b_cubed_f for a, b in pairs]),
        np.array([_again(a).idf1 - _again(b).idf1 for a, b in pairs]),
        np.array([_again(a).b_cubed_f - _again(b).b_cubed_f for a, b in pairs]),
    )


def _consolidation(whole: Sequence[Replay]) -> Effect:
    idf1 = np.array([_again(run).idf1 - run.end.online.idf1 for run in whole])
    b_cubed_f = np.array([_again(run).b_cubed_f - run.end.online.b_cubed_f for run in whole])
    changed = np.array([moved(run.stream, run.online, _second(run)) for run in whole])
    unknown = np.full(len(whole), np.nan)
    return Effect(CONSOLIDATION, changed, unknown, unknown, idf1, b_cubed_f)


def _second(run: Replay) -> Gallery:
    assert run.consolidated is not None
    return run.consolidated


def _also(trial: Trial, after: Prepare) -> Trial:
    return replace(trial, prepare=lambda gallery, t: after(gallery, trial.prepare(gallery, t)))


def _each(change: Callable[[Exemplars], Exemplars]) -> Prepare:
    return lambda _, tracklet: replace(tracklet, exemplars=tuple(change(e) for e in tracklet.exemplars))
