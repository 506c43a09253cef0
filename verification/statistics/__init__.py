"""Statements from samples: intervals of probabilities and quantiles, bands of curves, medians of censored numbers."""
