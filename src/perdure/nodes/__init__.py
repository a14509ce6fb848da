"""Long-running work: the pipeline with its effects."""
