"""Metrics and their intervals over subjects, the same for every part."""
