"""Labelled pictures as an open-world stream: tracklets in the order in which cameras would tell them, with the truth.

Market-1501 crops carry person, camera, sequence and frame, which is enough to put them back into the order of filming:
a tracklet is a person before one camera in one sequence, cut where more than 250 frames are missing; tracklets arrive
by sequence and first frame. Sequences follow one another with nothing in between; there are 25 frames a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perdure.errors import InputError
from perdure.evaluate.embeddings import Embeddings
from perdure.simulate.stream import TrueTracklet
from perdure.simulate.stream_fit import tracklets_of
from perdure.types import Bools, Exemplars, Float64s, Ints, Tracklet

FRAMES_PER_S = 25.0
PAUSE_FRAMES = 90_000
"""An hour between two sequences, so that nothing of one is near anything of the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """What a gallery is told, in order, and what is true; N revisions, of each tracklet the last one counts."""

    model: str
    told: tuple[Tracklet, ...]
    at: Float64s
    """(N,) UTC seconds at which it is told, never decreasing."""
    person: Ints
    """(N,) whom the tracklet shows."""
    crops: Ints
    """(N,) pictures of the tracklet: its weight in every score."""

    def __len__(self) -> int:
        return len(self.told)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self.told[0].exemplars[0].vectors.shape[1])

    def latest(self, count: int) -> Ints:
        """Of the first ``count`` revisions the rows that no later one of them replaces, in order."""
        last = {tracklet.id: row for row, tracklet in enumerate(self.told[:count])}
        return np.sort(np.fromiter(last.values(), np.int64, len(last)))

    def only(self, keep: Sequence[bool] | Bools) -> Stream:
        """The stream as if the other rows had never been told."""
        rows = np.flatnonzero(keep)
        told = tuple(self.told[i] for i in rows)
        return Stream(self.model, told, self.at[rows], self.person[rows], self.crops[rows])


def of_pictures(
    embeddings: Embeddings,
    *,
    with_time: bool = True,
    repeat_days: int = 1,
    told_early_s: float | None = None,
    seed: int = 0,
) -> Stream:
    """The stream of labelled embeddings; junk and distractors (person below 1) are left out.

    Args:
        embeddings: with camera, sequence and frame.
        with_time: False empties the paths, so that nobody can tell who was seen beside whom.
        repeat_days: everything is filmed anew on so many days, and each tracklet is kept on one of them: a person's
            tracklets, in order, are dealt over days drawn at random by ``seed``, so people leave and return.
        told_early_s: a tracklet is told open with the pictures of its first seconds, then again when it has closed,
            as the tracker does; None: only once, complete, when it begins.
        seed: also breaks ties between tracklets that arrive at the same time; 0 with one day: by person and camera.

    Raises:
        InputError: nobody to show, an unknown camera, or no frame numbers.
    """
    rows = np.flatnonzero(embeddings.person > 0)
    _check(embeddings, rows)
    kept = embeddings[rows]
    tracklet = tracklets_of(kept.person, kept.camera, kept.sequence, kept.frame)
    order = np.lexsort([kept.frame, tracklet])
    parts = np.split(order, np.flatnonzero(np.diff(tracklet[order])) + 1)
    first = np.array([part[0] for part in parts])
    frame = _running_frame(kept, tracklet, first, repeat_days, seed)
    starts = frame[first]
    ties = np.arange(len(parts)) if seed == 0 else np.random.default_rng([seed, 1]).permutation(len(parts))
    built = []
    for number, place in enumerate(np.lexsort([ties, starts]).tolist()):
        part = parts[place]
        built.append((_tracklet(kept, part, frame[part], number, with_time), int(kept.person[part[0]])))
    return _stream(embeddings.model, built, told_early_s, at_start=True)


def of_simulation(model: str, tracklets: list[TrueTracklet], told_early_s: float | None = None) -> Stream:
    """The stream of a simulation; told when a tracklet closes, and before that as in ``of_pictures``.

    Raises:
        InputError: there is none.
    """
    if not tracklets:
        raise InputError("the simulation has no tracklets: more days or more visits a day are needed")
    return _stream(model, [(t.tracklet, t.person) for t in tracklets], told_early_s, at_start=False)


def halves(person: Ints) -> tuple[Ints, Ints]:
    """Every second of the sorted people, from the first and from the second."""
    people = np.unique(person[person > 0])
    return people[::2], people[1::2]


def _check(embeddings: Embeddings, rows: Ints) -> None:
    if not len(rows):
        raise InputError(f"{embeddings.model}: no picture of anybody (people have numbers from 1)")
    if (embeddings.camera[rows] < 0).any():
        raise InputError(
            "a stream needs the camera of every picture: file names as in Market-1501 (pppp_cCsS_FFFFFF_NN.jpg), or "
            "the key camera in the npz"
        )
    if not embeddings.frame[rows].any():
        raise InputError(
            "a stream needs the frame number of every picture: file names as in Market-1501 (pppp_cCsS_FFFFFF_NN.jpg), "
            "or the key frame in the npz"
        )


def _running_frame(kept: Embeddings, tracklet: Ints, first: Ints, days: int, seed: int) -> Ints:
    """(N,) frames since the start of everything: days after days, sequences after sequences."""
    _, sequence = np.unique(kept.sequence, return_inverse=True)
    block = int(kept.frame.max()) + PAUSE_FRAMES
    running = sequence * block + kept.frame
    if days == 1:
        return np.asarray(running, np.int64)
    person = kept.person[first]
    in_order = np.lexsort([running[first], person])
    drawn = np.random.default_rng([seed, 0]).integers(0, days, len(first))
    day = np.empty(len(first), np.int64)
    day[in_order] = drawn[np.lexsort([drawn, person])]
    return np.asarray(day[tracklet] * ((int(sequence.max()) + 1) * block) + running, np.int64)


def _tracklet(kept: Embeddings, part: Ints, frame: Ints, number: int, with_time: bool) -> Tracklet:
    at = frame / FRAMES_PER_S
    camera = f"c{kept.camera[part[0]]}"
    path = np.zeros((0, 7))
    if with_time:
        seen, place = np.unique(frame, return_index=True)
        path = np.full((len(seen), 7), np.nan)
        path[:, 0], path[:, 1] = at[place], seen
    pictures = tuple(kept.paths[i] for i in part)
    exemplars = Exemplars(kept.model, kept.vectors[part], kept.quality[part], at, pictures)
    return Tracklet(
        f"{camera}/{number}", 1, camera, float(at[0]), float(at[-1]), path, (exemplars,), began="entered", ended="left"
    )


def _stream(model: str, built: list[tuple[Tracklet, int]], told_early_s: float | None, *, at_start: bool) -> Stream:
    """Puts what is told, and told again, in order of time."""
    told: list[tuple[float, Tracklet, int, int]] = []
    for tracklet, person in built:
        crops = len(tracklet.exemplars[0])
        early = None if told_early_s is None else _early(tracklet, told_early_s)
        if early is not None:
            told.append((early.end, early, person, len(early.exemplars[0])))
        at = tracklet.start if at_start and told_early_s is None else tracklet.end
        told.append((at, tracklet, person, crops))
    told.sort(key=lambda entry: entry[0])
    return Stream(
        model,
        tuple(tracklet for _, tracklet, _, _ in told),
        np.array([at for at, *_ in told]),
        np.array([person for *_, person, _ in told]),
        np.array([crops for *_, crops in told]),
    )


def _early(tracklet: Tracklet, after_s: float) -> Tracklet | None:
    """What is known of a tracklet a little after its start; None where that is all there will be."""
    body = tracklet.exemplars[0]
    by = tracklet.start + after_s
    soon = body.at <= by
    if soon.all() or not soon.any():
        return None
    return replace(
        tracklet,
        revision=0,
        end=by,
        path=tracklet.path[tracklet.path[:, 0] <= by],
        exemplars=(body[soon],),
        ended="open",
    )
