"""A bare machine: no user data, no PERDURE_MODELS, nothing beside the working directory."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("PERDURE_MODELS", raising=False)
    (tmp_path / "checkout" / "work").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "checkout" / "work")
    monkeypatch.setattr("perdure.models.catalogue.PACKAGE", tmp_path / "a" / "b" / "perdure" / "models")
    return tmp_path
