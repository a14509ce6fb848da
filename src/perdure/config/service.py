"""Live cameras, the service and its page."""

from __future__ import annotations

from pydantic import Field

from perdure.config.section import Section


class LiveConfig(Section):
    """Live cameras: ``perdure serve``."""

    analysis_fps: float = Field(10.0, gt=0.0, le=60.0, description="At most so many frames a second of a camera count.")
    silent_after_s: float = Field(10.0, ge=1.0, le=600.0, description="A stream silent for this long is opened anew.")
    frozen_after_s: float = Field(
        30.0, ge=1.0, le=3600.0, description="One whose picture stands still for this long too."
    )
    doze: bool = Field(True, description="While nothing moves decode key frames only; what was passed over is kept.")
    retention_days: float = Field(
        30.0, gt=0.0, le=3650.0, description="Older pictures and visits go; people unseen for so long are erased."
    )


class ServerConfig(Section):
    """The service and its page."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0: every network of this machine.")
    port: int = Field(8710, ge=1, le=65535, description="Port to listen on.")
    https: bool = Field(False, description="A proxy in front speaks HTTPS: cookies are sent over nothing else.")
