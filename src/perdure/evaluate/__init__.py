"""Measuring: tracking, cameras together, partitions, retrieval and open-set decisions. Pure functions on arrays."""
