"""Training of `perdure-det`, the built-in person detector."""
