"""Appearance: crops -> vectors with a quality."""
