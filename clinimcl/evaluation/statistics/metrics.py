"""What evaluation.json says of one metric, and how it is written."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.evaluation.statistics.intervals import Interval, mean_interval, statistic_interval

UNBOUNDED = "all subjects give the same value, and nothing bounds what others could give"


class Metric(NamedTuple):
    """A value with its 95 % interval over subjects; chance and majority where the metric has them."""

    value: float
    low: float
    high: float
    n_subjects: int
    n_items: int
    chance: float | None = None
    majority: float | None = None

    def entry(self) -> dict[str, float | int]:
        """The entry in evaluation.json; levels which the metric does not have are left out."""
        return {key: value for key, value in self._asdict().items() if value is not None}


class Absent(NamedTuple):
    """Stands for a metric that could not be measured."""

    reason: str


Outcome = Metric | Absent


def outcome_of(interval: Interval, n_subjects: int, n_items: int) -> Outcome:
    """The metric with this interval; none where an end is infinite."""
    if not np.isfinite(interval).all():
        return Absent(UNBOUNDED)
    return Metric(*interval, n_subjects=n_subjects, n_items=n_items)


def with_chance(outcome: Outcome, chance: float) -> Outcome:
    """Beside what is reached without knowledge: 0 of a difference."""
    return outcome._replace(chance=chance) if isinstance(outcome, Metric) else outcome


def widened(metric: Metric, other: Metric | Interval) -> Metric:
    """With ends that leave neither interval."""
    return metric._replace(low=min(metric.low, other.low), high=max(metric.high, other.high))


def mean_metric(values: "pd.Series[float]", n_items: int, bounds: tuple[float, float]) -> Outcome:
    """Mean of one value per subject. `bounds` are the lowest and highest value that a subject can have."""
    if len(values) < 2:
        return Absent(f"an interval over subjects needs at least 2 of them, and {len(values)} can be measured")
    return outcome_of(mean_interval(values.to_numpy(float), bounds), len(values), n_items)


def statistic_metric(
    value: float,
    left_out: Float[np.ndarray, " part"],
    counts: tuple[int, int],
    bounds: tuple[float, float],
    freedom: float | None = None,
) -> Outcome:
    """A statistic of all subjects together, as a ratio of means. `counts` are of subjects and of items.

    `left_out`: the same without each of some equal parts of the subjects, in turn; usually each subject is one.
    `freedom`: Student's degrees, unless they are to be those of `degrees_of_freedom`.
    """
    subjects, n_items = counts
    if subjects < 3:
        return Absent(f"an interval over pairs of subjects needs at least 3 of them, and there are {subjects}")
    return outcome_of(statistic_interval(value, left_out, bounds, freedom), subjects, n_items)
