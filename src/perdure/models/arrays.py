"""Weights that are plain arrays, for rooms that decide and read no files."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from perdure.errors import ModelError


def read_arrays(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Every array of an npz file by its name.

    Raises:
        ModelError: no such file, or not an npz file of arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except FileNotFoundError as error:
        raise ModelError(f"no weights at {path}") from error
    except (OSError, ValueError, TypeError, BadZipFile) as error:
        raise ModelError(f"cannot read {path}: not an npz file of arrays") from error
