from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.failure.kill import run


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_nothing_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    tally = run(tmp_path, 12, seed=1)
    assert tally.rounds == 12
    assert tally.commits >= 12
    assert tally.identities > 5
