"""``report.html``."""
from __future__ import annotations
from pathlib import Path
from perdure.report.result import RunResult
def page(result: RunResult, root: Path) -> str:
    """The page."""
    return "<p>to come</p>"
