"""perdure: multi-camera person re-identification. One lasting identity per person, one event per visit."""

__version__ = "0.1.0"
