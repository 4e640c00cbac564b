"""Between whom the answers should be alike: variables, their groups, and the gap of the best and the worst."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from clinimcl.cohorts.decimals import short_decimals
from clinimcl.evaluation.exam.items import MOST_NAMES
from clinimcl.evaluation.statistics.cluster_intervals import Replicates, spread
from clinimcl.evaluation.statistics.confusion import SIGNED
from clinimcl.evaluation.statistics.intervals import TAIL
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome


class Variable(NamedTuple):
    name: str
    groups: list[str]
    of_item: Int[np.ndarray, " item"]  # −1: unknown, or of a group with too few subjects

    def inside(self, group: int) -> Bool[np.ndarray, " item"]:
        return self.of_item == group


def variable(values: pd.Series, subject: Int[np.ndarray, " item"], least: int) -> tuple[Variable, list[str]]:
    """The groups with at least `least` subjects; and sentences on those with fewer.

    Small groups are counted and not named: a name of few is that of a person, or near it.
    """
    name = str(values.name)
    named = _thirds(values, subject)
    counts = pd.Series(subject, named.index).groupby(named, observed=True).nunique()
    few = int((counts < least).sum())
    groups = [str(group) for group in counts.index[counts >= least]]
    numbers = {group: number for number, group in enumerate(groups)}
    of_item = np.array([numbers.get(group, -1) for group in named])
    notes = [f"{name} has {_small(few, least)}: too few to be a group."] if few else []
    unknown = int(named.isna().sum())
    notes += [f"{name} is not known of {unknown} items, or not the same in all of their scans."] if unknown else []
    return Variable(name, groups, of_item), notes


def gap(variables: list[list[Replicates]], tail: float = TAIL) -> Outcome:
    """Mean over variables of the best group's score minus the worst one's; all leave out the same subjects.

    The interval is that of all differences of two groups at once, each end of each leaving out its part of `tail`
    (Bonferroni): the true gap is at least the largest of their low ends and at most the largest of their high ends.
    So it may begin at 0, which a gap that is measured hardly ever is.
    """
    pairs = [list(combinations(groups, 2)) for groups in variables]
    shared = tail / sum(len(of_variable) for of_variable in pairs)
    gaps = [_largest(of_variable, shared) for of_variable in pairs]
    known = [one for one in gaps if one is not None]
    if len(known) < len(gaps):
        return Absent("the score of a group hangs on one subject alone")
    items = max(sum(one.items for one in groups) for groups in variables)
    value, low, high = np.mean(known, axis=0).tolist()
    return Metric(value, low, high, n_subjects=len(variables[0][0].left_out), n_items=items)


def _largest(pairs: list[tuple[Replicates, Replicates]], tail: float) -> tuple[float, float, float] | None:
    """Of the differences of two groups, without their signs; None where one is not defined."""
    ends = [spread(one.minus(other), SIGNED) for one, other in pairs]
    if any(interval_at is None for interval_at in ends):
        return None
    intervals = [interval_at(tail) for interval_at in ends if interval_at is not None]
    value = max(abs(one.value) for one in intervals)
    low = max(max(one.low, -one.high, 0.0) for one in intervals)
    high = max(max(one.high, -one.low) for one in intervals)
    return value, min(low, value), high


def _small(groups: int, least: int) -> str:
    plural, each = ("s", " each") if groups > 1 else ("", "")
    return f"{groups} value{plural} with fewer than {least} subjects{each}"


def _thirds(values: pd.Series, subject: Int[np.ndarray, " item"]) -> pd.Series:
    """Numbers as thirds of the subjects, all else as it is."""
    known = values.dropna()
    numbers = pd.to_numeric(known, errors="coerce")
    if numbers.isna().any() or numbers.nunique() <= MOST_NAMES:
        return values
    edges = np.quantile(numbers.groupby(subject[known.index]).mean(), [1 / 3, 2 / 3])
    short = short_decimals(edges, float(np.ptp(numbers)))
    low, high = (f"{edge:.12g}".replace("-", "−") for edge in short)
    names = [f"up to {low}", f"{low} to {high}", f"above {high}"]
    third = np.array(names)[np.searchsorted(edges, numbers)]
    ordered = pd.Categorical(third.tolist(), categories=names, ordered=True)
    return pd.Series(ordered, index=known.index).reindex(values.index)
