"""Training of the body embedder: data, nets, losses, one flat loop, validation and export (needs the extra `train`)."""
