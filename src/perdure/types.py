"""What flows between the rooms. Everything here is frozen; read this file first.

``Frame -> Detections -> Crops -> Exemplars -> Tracklet -> Decision -> Change -> Identity -> Event``

Conventions: boxes are xyxy in pixels of the frame as decoded (after rotation), times are UTC seconds as float64,
vectors have unit norm, and a picture is named by a reference (a path relative to the run folder), never carried.
Arrays inside these types are shared, not copied: treat them as read-only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Float32s: TypeAlias = npt.NDArray[np.float32]
Float64s: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Image: TypeAlias = npt.NDArray[np.uint8]

Kind: TypeAlias = Literal["person", "vehicle"]
Part: TypeAlias = Literal["body", "face"]
Began: TypeAlias = Literal["entered", "appeared", "cut"]
Moment: TypeAlias = Literal["opened", "closed"]
"""Of an event: what can be told of it."""
Ended: TypeAlias = Literal["open", "left", "lost", "cut"]
Direction: TypeAlias = Literal["in", "out"]
"""Over a line."""
EventKind: TypeAlias = Literal["visit", "stay", "wait", "crossing", "loitering", "occupancy"]
Outcome: TypeAlias = Literal["", "served", "left"]
"""Of waiting in a queue."""
BEFORE_ALL = -1e12
"""UTC seconds of pictures that somebody gave by hand: they are no sighting, so nothing came before them."""
BY_HAND = "@enrolled/"
"""How the id of a tracklet of such pictures begins; no camera may be called so."""


class Flag(IntFlag):
    """What is wrong with a detection as a picture of one whole person; bits of ``Detections.flags``."""

    NONE = 0
    TRUNCATED = 1
    """Cut by the border of the picture."""
    CROWDED = 2
    """Shares a good part of its box with another person."""


class Pixels(Protocol):
    """A decoded picture that converts only what is asked for."""

    def luma(self, step: int = 1) -> Image:
        """(ceil(H / step), ceil(W / step)) uint8, brightness of every ``step``-th pixel."""

    def image(self) -> Image:
        """(H, W, 3) uint8, BGR."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of one camera. ``index`` counts every frame of the source from 0, also those never looked at."""

    camera: str
    index: int
    at: float
    """UTC seconds of capture."""
    at_std_s: float
    width: int
    height: int
    pixels: Pixels
    warp: Float64s | None = None
    """(3, 3) camera motion since the last look (pixels there -> pixels here), None for a fixed camera."""
    motion: Float32s | None = None
    """(R, 4) float32, xyxy, px: where something moves; None where nobody watched, so it may be anywhere."""

    def luma(self, step: int = 1) -> Image:
        """(ceil(H / step), ceil(W / step)) uint8, brightness of every ``step``-th pixel, converted on demand."""
        return self.pixels.luma(step)

    def image(self) -> Image:
        """(H, W, 3) uint8, BGR, converted on demand."""
        return self.pixels.image()


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes of one kind in one frame. Indexing with a mask, slice or index array gives ``Detections`` again."""

    boxes: Float32s
    """(N, 4) float32, xyxy, px."""
    scores: Float32s
    """(N,) float32 in [0, 1]."""
    flags: npt.NDArray[np.uint8]
    """(N,) uint8, bits of ``Flag``."""
    kind: Kind = "person"

    @classmethod
    def of(
        cls,
        boxes: npt.ArrayLike,
        scores: npt.ArrayLike,
        flags: npt.ArrayLike | None = None,
        kind: Kind = "person",
    ) -> Detections:
        """Detections from anything array-like; ``flags`` default to none set."""
        box_array = np.asarray(boxes, np.float32).reshape(-1, 4)
        score_array = np.asarray(scores, np.float32).reshape(-1)
        flag_array = np.zeros(len(box_array), np.uint8) if flags is None else np.asarray(flags, np.uint8).reshape(-1)
        if not len(box_array) == len(score_array) == len(flag_array):
            raise ValueError(f"{len(box_array)} boxes, {len(score_array)} scores, {len(flag_array)} flags")
        return cls(box_array, score_array, flag_array, kind)

    @classmethod
    def none(cls, kind: Kind = "person") -> Detections:
        """No detections."""
        return cls.of(np.zeros((0, 4)), np.zeros(0), kind=kind)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: slice | Ints | Bools | Sequence[int]) -> Detections:
        return replace(self, boxes=self.boxes[rows], scores=self.scores[rows], flags=self.flags[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Some detections of one frame, embedded by one model: the answer to a tracker's ``propose``."""

    rows: Ints
    """(K,) int64: which detections of the frame."""
    model: str
    vectors: Float32s
    """(K, D) float32, unit norm."""
    quality: Float32s
    """(K,) float32 in [0, 1]."""
    pictures: tuple[str, ...]
    """K references into the run folder; "" where no picture is kept."""
    part: Part = "body"

    @classmethod
    def none(cls, model: str = "", dim: int = 0) -> Crops:
        """No crops."""
        return cls(np.zeros(0, np.int64), model, np.zeros((0, dim), np.float32), np.zeros(0, np.float32), ())

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """All that the networks said of one frame: with it everything after them can be run again without pixels."""

    camera: str
    index: int
    at: float
    width: int
    height: int
    detections: Detections
    crops: tuple[Crops, ...] = ()
    warp: Float64s | None = None
    """As in ``Frame``."""


@dataclass(frozen=True, slots=True, eq=False)
class Exemplars:
    """Embedded pictures of one part of one person by one model. Vectors of two models never meet."""

    model: str
    vectors: Float32s
    """(K, D) float32, unit norm."""
    quality: Float32s
    """(K,) float32 in [0, 1]."""
    at: Float64s
    """(K,) float64, UTC seconds."""
    pictures: tuple[str, ...]
    part: Part = "body"

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: slice | Ints | Bools | Sequence[int]) -> Exemplars:
        chosen = np.arange(len(self))[rows]
        return replace(
            self,
            vectors=self.vectors[chosen],
            quality=self.quality[chosen],
            at=self.at[chosen],
            pictures=tuple(self.pictures[i] for i in chosen),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Tracklet:
    """One person followed without a gap in doubt by one camera. Immutable: a change is a higher ``revision``.

    Or pictures of one person that somebody gave by hand (``by_hand``): no camera, no path, no time (``BEFORE_ALL``).
    """

    id: str
    """Unique in a site: ``<camera>/<number>``; never reused."""
    revision: int
    """Of two revisions of one id the highest wins."""
    camera: str
    """"" where the pictures were given by hand."""
    start: float
    end: float
    path: Float64s
    """(T, 7) float64: at, frame index, x1, y1, x2, y2, score; in order of time."""
    exemplars: tuple[Exemplars, ...] = ()
    kind: Kind = "person"
    site: str = ""
    began: Began = "appeared"
    ended: Ended = "open"
    supersedes: str | None = None
    """Its parent after a purity split, its former part after a cut."""
    size: tuple[int, int] = (0, 0)
    """Width and height of the pictures, px; (0, 0): nobody knows."""

    @property
    def key(self) -> tuple[str, int]:
        """What identifies this very object: (id, revision)."""
        return self.id, self.revision

    @classmethod
    def by_hand(cls, number: int, exemplars: Exemplars) -> Tracklet:
        """Pictures that somebody gave by hand, the ``number``-th time anybody did."""
        at = np.full(len(exemplars), BEFORE_ALL)
        given = (replace(exemplars, at=at),)
        return cls(f"{BY_HAND}{number}", 0, "", BEFORE_ALL, BEFORE_ALL, np.zeros((0, 7)), given, ended="left")

    @property
    def is_by_hand(self) -> bool:
        """Whether it is no sighting, but pictures that somebody gave."""
        return not self.camera

    def body(self, model: str) -> Exemplars | None:
        """Its body exemplars of one model, or None."""
        return next((e for e in self.exemplars if e.part == "body" and e.model == model), None)


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the posterior log odds, in natural units (nats)."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a decision fell as it did."""

    probability: float
    """Posterior probability that the best candidate is the same person."""
    best: str | None = None
    best_score: float = float("nan")
    second: str | None = None
    second_score: float = float("nan")
    terms: tuple[Term, ...] = ()
    vetoes: tuple[str, ...] = ()
    """Candidates excluded, each with its reason in words."""


@dataclass(frozen=True, slots=True)
class Match:
    """The tracklet shows a known identity."""

    identity: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class New:
    """The tracklet shows somebody not in the gallery."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Wait:
    """Not enough evidence yet; decide again with more, at the latest at ``until`` (UTC seconds)."""

    until: float
    evidence: Evidence


Decision: TypeAlias = Match | New | Wait


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new identity, first seen as this tracklet, or enrolled with these pictures."""

    at: float
    identity: str
    tracklet: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Matched:
    """A tracklet joined an identity that was known."""

    at: float
    identity: str
    tracklet: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Moved:
    """A tracklet went from one identity to another."""

    at: float
    tracklet: str
    source: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class Merged:
    """All tracklets of ``source`` went to ``target``; ``source`` is an alias from now on."""

    at: float
    source: str
    target: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Split:
    """These tracklets left ``source`` and are the new identity ``target``."""

    at: float
    source: str
    target: str
    tracklets: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """The operator gave an identity a name."""

    at: float
    identity: str
    name: str


@dataclass(frozen=True, slots=True)
class Watched:
    """The operator put an identity on the watch list, or took it off."""

    at: float
    identity: str
    watched: bool


@dataclass(frozen=True, slots=True)
class Constrained:
    """The operator said that two tracklets are the same person, or are not."""

    at: float
    first: str
    second: str
    same: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """An identity was erased: only this tombstone is left. It cannot be undone."""

    at: float
    identity: str
    reason: str
    tracklets: tuple[str, ...] = ()
    """What was erased; a later revision of one of these is refused."""


@dataclass(frozen=True, slots=True)
class Undone:
    """The change at this position of the log was taken back."""

    at: float
    position: int


Change: TypeAlias = Enrolled | Matched | Moved | Merged | Split | Renamed | Watched | Constrained | Forgotten | Undone


@dataclass(frozen=True, slots=True)
class Sighting:
    """One stay of a person before one camera."""

    tracklet: str
    camera: str
    start: float
    end: float
    picture: str = ""
    """The best picture of it."""
    quality: float = 0.0
    """Of that picture, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One person as the gallery sees them now: a set of tracklets."""

    id: str
    sightings: tuple[Sighting, ...]
    """One per tracklet, in order of start."""
    name: str = ""
    confidence: float = 1.0
    """In [0, 1]: how sure the gallery is that these tracklets are one person."""
    evidence: float = math.inf
    """What the pictures of its sightings are worth together: the sum of their qualities."""
    given: tuple[str, ...] = ()
    """Pictures that somebody gave by hand, the best first: the identity is enrolled. "" where none was kept."""
    watched: bool = False
    """Whether it is on the watch list."""

    @property
    def is_gone(self) -> bool:
        """Whether nothing is known of it any more, such as after a merge."""
        return not self.sightings and not self.given

    @property
    def first_seen(self) -> float:
        """UTC seconds; NaN for somebody enrolled whom no camera has seen yet."""
        return self.sightings[0].start if self.sightings else math.nan

    @property
    def last_seen(self) -> float:
        """UTC seconds; NaN for somebody enrolled whom no camera has seen yet."""
        return max((s.end for s in self.sightings), default=math.nan)

    @property
    def picture(self) -> str:
        """The best picture that was given by hand or else of its sightings, "" where none was kept."""
        seen = max(self.sightings, key=lambda s: s.quality).picture if self.sightings else ""
        return next((picture for picture in self.given if picture), seen)

    @property
    def cameras(self) -> tuple[str, ...]:
        """In order of first sighting."""
        return tuple(dict.fromkeys(s.camera for s in self.sightings))


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """Where somebody who is being followed was just now, before their tracklet is told again."""

    tracklet: str
    camera: str
    at: float
    frame: int
    box: Float32s
    """(4,) float32, xyxy, px."""
    size: tuple[int, int]
    """Width and height of the picture, px."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing worth telling, once. One visit is one event, however many cameras and re-sightings it has."""

    id: str
    kind: EventKind
    identity: str
    """Whose; "" of an occupancy."""
    start: float
    end: float | None
    """None while open."""
    sightings: tuple[Sighting, ...]
    """In order of start."""
    revision: int = 0
    """Of two revisions of one id the highest wins."""
    confidence: float = 1.0
    superseded_by: str = ""
    """The event that took this one in when two identities proved to be one; then there is nothing else to tell."""
    place: str = ""
    """Where: ``camera/zone``, ``camera/line``, a camera, or "" for anywhere on the site."""
    direction: Literal["", "in", "out"] = ""
    """Of a crossing."""
    outcome: Outcome = ""
    """Of a wait, once it is known."""
    people: int = 0
    """Of an occupancy: the most at once."""

    @property
    def cameras(self) -> tuple[str, ...]:
        """In order of first sighting; of an occupancy the camera of its place, none where that is the whole site."""
        if self.sightings:
            return tuple(dict.fromkeys(s.camera for s in self.sightings))
        return (self.place.partition("/")[0],) if self.place else ()

    @property
    def picture(self) -> str:
        """The best picture of it, "" where none was kept."""
        return max(self.sightings, key=lambda s: s.quality).picture if self.sightings else ""
