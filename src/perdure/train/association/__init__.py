"""Training of the association: a pair scorer from labels, then a policy by its rewards (needs the extra `train`)."""
