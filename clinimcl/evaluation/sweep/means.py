"""Means of metrics of which no answers are kept."""

from collections.abc import Iterable

import numpy as np

from clinimcl.evaluation.statistics.metrics import Metric

Unit = tuple[int, int]  # seed and fold; −1 where there are no folds


def averaged(metrics: dict[Unit, Metric]) -> Metric:
    """Over folds, weighted by subjects, then over seeds."""
    by_seed: dict[int, list[Metric]] = {}
    for (seed, _), own in metrics.items():
        by_seed.setdefault(seed, []).append(own)
    return over_seeds([over_folds(own) for own in by_seed.values()])


def over_seeds(metrics: list[Metric]) -> Metric:
    """The same subjects: the ends of the intervals are averaged, which errs on the wide side."""
    value, low, high = (float(np.mean([own[end] for own in metrics])) for end in range(3))
    subjects, items = max(own.n_subjects for own in metrics), max(own.n_items for own in metrics)
    return Metric(value, low, high, subjects, items, *levels(metrics))


def over_folds(metrics: list[Metric]) -> Metric:
    """Independent subjects: the squares of the half-widths add."""
    subjects = np.array([own.n_subjects for own in metrics])
    share = subjects / subjects.sum()
    value, low, high = (np.array([own[end] for own in metrics]) for end in range(3))
    mean = float(share @ value)
    below, above = (float(np.sqrt(share**2 @ (end - value) ** 2)) for end in (low, high))
    items = sum(own.n_items for own in metrics)
    return Metric(mean, mean - below, mean + above, int(subjects.sum()), items, *levels(metrics))


def levels(metrics: list[Metric]) -> tuple[float | None, float | None]:
    """Mean chance and majority."""
    return mean(own.chance for own in metrics), mean(own.majority for own in metrics)


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
