"""One writer per folder: a second one is refused, whatever process it is in."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from perdure.errors import StoreError

FILE = ".lock"


def lock(folder: Path) -> IO[bytes]:
    """Held until what is returned is closed, or the process ends in whatever way.

    Raises:
        StoreError: somebody else writes to the folder, or it cannot be written to.
    """
    try:
        opened = (folder / FILE).open("ab")
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror}") from error
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        opened.close()
        raise StoreError(f"{folder} is in use: is perdure serve running on it?") from error
    return opened
