"""CVAT for video 1.1: one XML file a camera, one track for each person, boxes with "outside" where they are gone.

https://docs.cvat.ai/docs/manual/advanced/xml_format/ : frames count from 0; a track holds its boxes until one that is
``outside``; every box here is a key frame, so that CVAT interpolates nothing that was not seen.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np

from perdure.errors import StoreError
from perdure.types import Float64s

LABEL = "person"


def write(
    path: Path, name: str, frames: int, size: tuple[int, int], rows: Float64s, people: dict[int, tuple[str, str]]
) -> None:
    """Write the tracks of one camera.

    Args:
        path: of the file.
        name: of the task.
        frames: in the video.
        size: width, height in px.
        rows: (R, 7) frame (from 1), number of the person, x1, y1, x2, y2, score; in order of frame.
        people: number -> (identity, name).

    Raises:
        StoreError: it cannot be written.
    """
    root = Xml.Element("annotations")
    Xml.SubElement(root, "version").text = "1.1"
    root.append(_meta(name, frames, size))
    numbers = np.unique(rows[:, 1]).astype(int).tolist()
    for track, number in enumerate(numbers):
        identity, called = people.get(number, (f"P{number}", ""))
        node = Xml.SubElement(root, "track", id=str(track), label=LABEL, source="perdure")
        _fill(node, rows[rows[:, 1] == number], frames, {"identity": identity, "name": called})
    Xml.indent(root, " ")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def _meta(name: str, frames: int, size: tuple[int, int]) -> Xml.Element:
    meta = Xml.Element("meta")
    task = Xml.SubElement(meta, "task")
    for key, value in (("name", name), ("size", frames), ("mode", "interpolation"), ("overlap", 0)):
        Xml.SubElement(task, key).text = str(value)
    label = Xml.SubElement(Xml.SubElement(task, "labels"), "label")
    Xml.SubElement(label, "name").text = LABEL
    attributes = Xml.SubElement(label, "attributes")
    for key in ("identity", "name"):
        attribute = Xml.SubElement(attributes, "attribute")
        for field, value in (("name", key), ("mutable", "False"), ("input_type", "text"), ("values", "")):
            Xml.SubElement(attribute, field).text = value
    original = Xml.SubElement(task, "original_size")
    for key, value in zip(("width", "height"), size, strict=True):
        Xml.SubElement(original, key).text = str(value)
    return meta


def _fill(node: Xml.Element, rows: Float64s, frames: int, attributes: dict[str, str]) -> None:
    """The boxes of one track; where the next frame has none, one more that says that the person is gone."""
    seen = rows[:, 0].astype(int) - 1
    for place, row in enumerate(rows):
        _box(node, int(seen[place]), row, attributes, gone=False)
        after = seen[place + 1] if place + 1 < len(rows) else frames
        if seen[place] + 1 < after:
            _box(node, int(seen[place]) + 1, row, attributes, gone=True)


def _box(node: Xml.Element, frame: int, row: Float64s, attributes: dict[str, str], *, gone: bool) -> None:
    corners = {key: f"{value:.2f}" for key, value in zip(("xtl", "ytl", "xbr", "ybr"), row[2:6], strict=True)}
    flags = {"outside": str(int(gone)), "occluded": "0", "keyframe": "1", "z_order": "0"}
    box = Xml.SubElement(node, "box", {"frame": str(frame), **flags, **corners})
    for key, value in attributes.items():
        Xml.SubElement(box, "attribute", name=key).text = value
