"""Arrays from npz files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.errors import ModelError
from perdure.models.arrays import read_arrays


def test_arrays_come_back(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.arange(3), two=np.eye(2))
    read = read_arrays(tmp_path / "a.npz")
    assert list(read) == ["one", "two"]
    np.testing.assert_array_equal(read["two"], np.eye(2))


def test_what_is_no_npz_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no weights at"):
        read_arrays(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(ModelError, match="not an npz file"):
        read_arrays(tmp_path / "text.npz")
    np.save(tmp_path / "one.npy", np.arange(3))
    with pytest.raises(ModelError, match="not an npz file"):
        read_arrays(tmp_path / "one.npy")
