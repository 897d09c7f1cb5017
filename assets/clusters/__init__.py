"""Clusters: peer groups and their baselines, and how well both predict returns."""
