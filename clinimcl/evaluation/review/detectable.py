"""How small a difference this many people can tell."""

from typing import NamedTuple

import numpy as np
from scipy.stats import t

from clinimcl.evaluation.statistics.intervals import TAIL
from clinimcl.evaluation.statistics.metrics import Metric

POWER = 0.8
CORRELATIONS = (0.0, 0.5, 0.8)
FORMULA = (
    "(t₀.₉₇₅ + t₀.₈₀) · SE · √(2 (1 − ρ)), Student’s t with n − 1 degrees of freedom; SE is the width of the 95 % "
    "interval over 2 · t₀.₉₇₅, and ρ the correlation of two models’ results over subjects"
)


class Detectable(NamedTuple):
    name: str  # of the metric
    correlation: float | None  # None: the metric is a paired difference itself
    error: float  # standard error of the difference
    difference: float
    subjects: int


def standard_error(metric: Metric) -> float:
    """From the width of the interval, as if it were symmetric."""
    return (metric.high - metric.low) / (2 * float(t.ppf(1 - TAIL, metric.n_subjects - 1)))


def smallest_difference(error: float, subjects: int) -> float:
    """What a two-sided paired test at 5 % finds with 80 % power, given the standard error of the difference.

    Source: the usual sample size formula solved for the difference, Julious 2004, Statistics in Medicine 23:1921,
    section 4, with Student's t for the normal quantiles.
    """
    quantiles = t.ppf([1 - TAIL, POWER], subjects - 1)
    return float(quantiles.sum() * error)


def detectable(metrics: dict[str, Metric], headline: str) -> list[Detectable]:
    """Of the headline for three correlations, and of each paired difference that was measured."""
    rows = []
    if headline in metrics:
        for correlation in CORRELATIONS:
            error = standard_error(metrics[headline]) * np.sqrt(2 * (1 - correlation))
            rows.append(row(headline, correlation, float(error), metrics[headline].n_subjects))
    for name, metric in metrics.items():
        if name.startswith(f"{headline}_minus_"):
            rows.append(row(name, None, standard_error(metric), metric.n_subjects))
    return rows


def row(name: str, correlation: float | None, error: float, subjects: int) -> Detectable:
    return Detectable(name, correlation, error, smallest_difference(error, subjects), subjects)
