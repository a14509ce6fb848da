"""Nothing is kept for longer than was said: who and what has to go."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from perdure.gallery.gallery import Gallery


def expired(gallery: Gallery, before: float, most: int) -> list[str]:
    """Identities whose last sighting ended before that, the longest gone first; at most so many.

    Who is enrolled stays until somebody takes them out.
    """
    members, enrolled = gallery.partition.members, gallery.enrolled()
    last = {name: max(gallery.evidence[id].end for id in ids) for name, ids in members.items() if name not in enrolled}
    return sorted((name for name, end in last.items() if end < before), key=lambda name: (last[name], name))[:most]


def remove_old_pictures(folder: Path, before: float) -> int:
    """Delete the pictures of days that ended before that; how many days of cameras.

    Args:
        folder: of the site; pictures lie in ``crops/<camera>/<YYYYMMDD>``.
        before: UTC seconds.
    """
    limit = datetime.fromtimestamp(before, UTC).strftime("%Y%m%d")
    old = [day for day in folder.glob("crops/*/*") if day.is_dir() and day.name.isdigit() and day.name < limit]
    for day in old:
        shutil.rmtree(day, ignore_errors=True)
    return len(old)
