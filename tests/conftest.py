"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real footage, truth and third-party models; tests that ask for it are skipped where it is absent."""
    root = Path(os.environ.get("PERDURE_SHARED", REPOSITORY.parent / "shared"))
    if not (root / "data").is_dir():
        if os.environ.get("PERDURE_REQUIRE_SHARED"):
            pytest.fail(f"PERDURE_REQUIRE_SHARED is set, but there is no {root}/data")
        pytest.skip(f"needs the real footage: no {root}/data (set PERDURE_SHARED)")
    return root
