"""Experiments with results, without a page: baselines, convergence, saturation, what a logit can be moved to."""
