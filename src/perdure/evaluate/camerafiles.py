"""Truth and results of several cameras with ids that mean the same person in all of them.

Read: AI City track 1 text (one file for all cameras), MOTChallenge text (one file a camera), a run folder of perdure,
and UCLA CAMPUS annotations (view-*.txt, with its calibration).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from perdure.config import Config
from perdure.errors import InputError
from perdure.evaluate.motfiles import info_of, paired_files, read_result, read_truth
from perdure.evaluate.multicamera import Camera
from perdure.evaluate.tracks import Tracks, Truth
from perdure.geometry import project
from perdure.interop.numberfile import read_numbers, whole
from perdure.types import Float64s

AICITY = ("camera", "id", "frame", "left", "top", "width", "height", "x world", "y world")
UCLA = ("track", "xmin", "ymin", "xmax", "ymax", "frame", "lost", "occluded", "generated")


def read_cameras(truth: Path, result: Path, fps: float) -> tuple[Camera, ...]:
    """The cameras of two AI City files, or of two folders with one file a camera (a run folder: its ``tracks``).

    Args:
        truth: file or folder.
        result: likewise.
        fps: of cameras whose rate no seqinfo.ini tells.

    Raises:
        InputError: missing, of different cameras, or a file is not as documented.
    """
    for path, role in ((truth, "truth"), (result, "result")):
        if not path.exists():
            raise InputError(f"no {role} at {path}")
    if truth.is_file() and result.is_file():
        return _aicity_cameras(truth, result, fps)
    folder = result / "tracks" if (result / "tracks").is_dir() else result
    cameras = []
    for name, (truth_file, result_file) in paired_files(truth, folder).items():
        if is_ucla(truth_file):
            found = Truth.of(read_ucla(truth_file))
            info = None
        else:
            found, info = read_truth(truth_file), info_of(truth_file)
        tracks = read_ucla(result_file) if is_ucla(result_file) else read_result(result_file)
        cameras.append(Camera(name, found, tracks, (info.rate_fps if info else None) or fps))
    homographies = read_ucla_calibration(truth / "cam_param.mat") if (truth / "cam_param.mat").is_file() else {}
    return on_floor(cameras, homographies)


def with_clocks(cameras: Sequence[Camera], config: Config) -> tuple[Camera, ...]:
    """The cameras with the offset, and the rate where one is given, of the configuration they were run with."""
    known = config.cameras
    return tuple(
        replace(c, offset_s=known[c.name].offset_s, fps=known[c.name].rate_fps or c.fps) if c.name in known else c
        for c in cameras
    )


def on_floor(cameras: Sequence[Camera], homographies: Mapping[str, Float64s]) -> tuple[Camera, ...]:
    """The cameras, those with a homography (image to metres) with the place of everybody's feet."""
    return tuple(
        replace(
            camera,
            truth_floor=_feet(camera.truth.tracks, homographies[camera.name]),
            result_floor=_feet(camera.result, homographies[camera.name]),
        )
        if camera.name in homographies
        else camera
        for camera in cameras
    )


def _feet(tracks: Tracks, homography: Float64s) -> Float64s:
    """(N, 2) metres: the middle of the lower edge of each box."""
    middle = (tracks.boxes[:, 0] + tracks.boxes[:, 2]) / 2
    return project(np.column_stack([middle, tracks.boxes[:, 3]]), homography)


def _aicity_cameras(truth: Path, result: Path, fps: float) -> tuple[Camera, ...]:
    truths, results = read_aicity(truth), read_aicity(result)
    extra = sorted(results.keys() - truths.keys())
    if extra:
        raise InputError(
            f"truth and result are of different cameras: {truth} has {', '.join(truths) or 'none'}; "
            f"{result} has {', '.join(results)}"
        )
    nothing = (Tracks.none(), np.zeros((0, 2)))
    return tuple(
        Camera(
            name,
            Truth.of(tracks),
            results.get(name, nothing)[0],
            fps,
            truth_floor=floor if np.isfinite(floor).any() else None,
            result_floor=results.get(name, nothing)[1],
        )
        for name, (tracks, floor) in truths.items()
    )


def read_aicity(path: Path) -> dict[str, tuple[Tracks, Float64s]]:
    """By camera, the boxes and (N, 2) places on the floor in metres, NaN where the file has -1 -1.

    Format: https://www.aicitychallenge.org/, track 1, ``camera id frame left top width height xworld yworld``.

    Raises:
        InputError: see ``read_numbers``; other than nine columns; an id is twice in a frame of a camera.
    """
    rows = read_numbers(path, AICITY)
    if rows.shape[1] != len(AICITY):
        # A result in MOTChallenge text has ten, and would pass for boxes of cameras that do not exist.
        raise InputError(f"{path}: has {rows.shape[1]} columns, AI City text has {len(AICITY)}: {', '.join(AICITY)}")
    camera = whole(rows[:, 0], path, "camera")
    ids, frames = whole(rows[:, 1], path, "id"), whole(rows[:, 2], path, "frame")
    boxes = np.column_stack([rows[:, 3:5], rows[:, 3:5] + rows[:, 5:7]])
    floor = np.where((rows[:, 7:9] == -1).all(axis=1, keepdims=True), np.nan, rows[:, 7:9])
    found = {}
    for name in np.unique(camera).tolist():
        mine = np.flatnonzero(camera == name)
        mine = mine[np.argsort(frames[mine], kind="stable")]
        where = f"{path}, camera {name}"
        found[str(name)] = (Tracks.of(frames[mine], ids[mine], boxes[mine], where), floor[mine])
    return found


def is_ucla(path: Path) -> bool:
    """Whether a file has the quoted label at the end of its lines that UCLA CAMPUS annotations have."""
    try:
        with path.open(encoding="utf-8") as lines:
            return lines.readline().rstrip().endswith('"')
    except (OSError, UnicodeDecodeError):
        return False


def read_ucla(path: Path) -> Tracks:
    """Boxes of UCLA CAMPUS (vatic) annotations that are in the picture (``lost`` is 0); their frame 0 is our frame 1.

    Boxes marked occluded stay: two of the four views mark nearly all, and a detector finds most of them.

    Raises:
        InputError: see ``read_numbers``; an id is twice in a frame.
    """
    rows = read_numbers(path, UCLA, rest=False)
    frames, ids = whole(rows[:, 5], path, "frame") + 1, whole(rows[:, 0], path, "track")
    seen = rows[:, 6] == 0
    return Tracks.of(frames[seen], ids[seen], rows[seen, 1:5], str(path))


def read_ucla_calibration(path: Path) -> dict[str, Float64s]:
    """Homographies (3, 3) from image to metres on the floor, by view, of a ``cam_param.mat``.

    As its README says: p of the floor is seen at K R (p - T), with the principal point ``center`` and pixels ``scale``.

    Raises:
        InputError: it cannot be read or holds something else.
    """
    from scipy.io import loadmat

    try:
        views = np.atleast_1d(loadmat(path, simplify_cells=True)["cam_param"])
        return {str(view["name"]): _homography(view) for view in views}
    except (OSError, KeyError, ValueError, TypeError, IndexError) as error:
        raise InputError(
            f"cannot read the calibration {path}: expected cam_param with name, K, R, T, center"
        ) from error


def _homography(view: Mapping[str, object]) -> Float64s:
    inner, rotation = np.asarray(view["K"], np.float64), np.asarray(view["R"], np.float64)
    place = np.asarray(view["T"], np.float64).reshape(3)
    centre, scale = np.asarray(view["center"], np.float64).reshape(2), float(np.asarray(view["scale"]))
    to_image = np.column_stack([(inner @ rotation)[:, :2], -(inner @ rotation @ place)])
    shift = np.array([[scale, 0, -centre[0]], [0, scale, -centre[1]], [0, 0, 1]])
    return np.asarray(np.linalg.inv(to_image) @ shift)


def read_homographies(path: Path) -> dict[str, Float64s]:
    """Image to metres by camera, of a JSON file {"camera": [[...], [...], [...]]}.

    Raises:
        InputError: it cannot be read, or is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {str(name): np.asarray(rows, np.float64) for name, rows in content.items()}
    except (OSError, UnicodeDecodeError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f'cannot read {path}: expected JSON {{"camera": 3 x 3 numbers, ...}}') from error
    for name, homography in found.items():
        if homography.shape != (3, 3) or not np.isfinite(homography).all():
            raise InputError(f"{path}: the homography of {name!r} is not 3 x 3 finite numbers")
    return found
