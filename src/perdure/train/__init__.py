"""Training of the built-in networks; the only room that may import torch."""
