"""One small hierarchy. A message says what, where, and what to do; a user's mistake never ends in a traceback."""

from __future__ import annotations


class PerdureError(Exception):
    """Anything a user can cause and mend. The command line prints the message and exits with 2."""


class ConfigError(PerdureError):
    """The configuration or a command-line value is wrong: names the key and what is allowed."""


class SourceError(PerdureError):
    """A video source cannot be opened, or broke while it was read. Ends this camera only."""


class ModelError(PerdureError):
    """A model is unknown, missing, damaged, or not of the form its card says."""


class InputError(PerdureError):
    """A file that somebody gave us (truth, result, embeddings, pictures) is not as documented."""


class StoreError(PerdureError):
    """The run folder or database cannot be written, read, or belongs to another run."""
