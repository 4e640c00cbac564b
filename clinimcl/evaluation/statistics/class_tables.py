"""Statistics of tables that are sums over subjects: rows are the classes, columns the answers."""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from clinimcl.evaluation.statistics.intervals import (
    SMALLEST_DEVIATION,
    Interval,
    degrees_of_freedom,
    standard_error,
    subject_interval,
)

EXACT = 12  # subjects that differ, up to whom all exchanges are tried
EXCHANGES = 9999  # drawn above

Counts = Float[np.ndarray, "*seed row column"]


class Table(NamedTuple):
    """The table of all subjects, each subject's own part of it, and the functions that make it a statistic."""

    whole: Counts
    own: Float[np.ndarray, "subject *seed row column"]  # items of two people are in the part of either
    functions: tuple[Callable[[np.ndarray], np.ndarray], ...]

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> "Table":
        return self._replace(functions=(*self.functions, function))

    def statistic(self, stack: Float[np.ndarray, "stack *seed row column"]) -> Float[np.ndarray, "stack *value"]:
        for function in self.functions:
            stack = function(stack)
        return stack

    @property
    def of_class(self) -> Bool[np.ndarray, "subject row"]:
        """Who has an item of which class."""
        return self.own.sum(axis=-1).reshape(len(self.own), -1, self.own.shape[-2]).any(axis=1)


def loneliest(tables: tuple[Table, ...]) -> int:
    """Subjects of the class that the fewest have."""
    sizes = tables[0].of_class.sum(axis=0)
    return int(sizes[sizes > 0].min())


class Row(NamedTuple):
    """How the subjects of one class pull a statistic, and what their answers can make of it."""

    deviation: Float[np.ndarray, " member"]
    bounds: tuple[float, float]


class Pulls(NamedTuple):
    """How far the items of one class of a subject pull a statistic: 0 for who has none of the class."""

    pulls: Float[np.ndarray, "row subject"]  # the statistic less that without them
    of_class: Bool[np.ndarray, "row subject"]
    bounds: list[tuple[float, float]]  # what the answers of one class can make of the statistic

    @property
    def loneliest(self) -> int:
        """Subjects of the class that the fewest have."""
        return int(self.of_class.sum(axis=1).min())

    def minus(self, other: "Pulls") -> "Pulls":
        bounds = [(one[0] - two[1], one[1] - two[0]) for one, two in zip(self.bounds, other.bounds, strict=True)]
        return Pulls(self.pulls - other.pulls, self.of_class, bounds)


def class_interval(tables: tuple[Table, ...], value: float) -> Callable[[float], Interval] | None:
    """Interval of a statistic of one table, or of that of one minus that of another, given what each end leaves out.

    Each class has the interval of its own subjects, between what the statistic would be if its row were all in one
    column and all in another, the other rows staying as they are; they are combined by `combined_interval`. None where
    the statistic is not defined without some subject.
    """
    of_class = tables[0].of_class
    rows = np.flatnonzero(of_class.any(axis=0))
    pulls = np.zeros((len(rows), len(of_class)))
    for place, row in enumerate(rows.tolist()):
        members = np.flatnonzero(of_class[:, row])
        pulls[place, members] = value - difference(tables, [without(table, members, row) for table in tables])
    bounds = [extremes(tables, row, value) for row in rows.tolist()]
    return combined_interval(Pulls(pulls, of_class[:, rows].T, bounds), value)


def combined_interval(found: Pulls, value: float) -> Callable[[float], Interval] | None:
    """Ends are as far from the value as the root of the summed squares of those of the classes.

    Classes that share subjects are correlated. Student's degrees of freedom are those of all classes together.

    Source: Zou, Huang and Zhang 2009, A note on confidence interval estimation for a linear function of binomial
    proportions; with correlation Zou 2007, eq. 15.
    """
    if not np.isfinite(found.pulls).all():
        return None
    owned = [pull[members] for pull, members in zip(found.pulls, found.of_class, strict=True)]
    parts = [Row((len(own) - 1) * own, bounds) for own, bounds in zip(owned, found.bounds, strict=True)]
    alike, freedom = correlations(found.pulls), pooled_freedom(value, parts, found.pulls.shape[1])

    def interval(tail: float) -> Interval:
        own = [subject_interval(value, part.deviation, part.bounds, tail, freedom) for part in parts]
        ends = np.array([[value - one.low, one.high - value] for one in own]).T
        below, above = (float(np.sqrt(max(end @ alike @ end, 0.0))) for end in ends)
        return Interval(value, value - below, value + above)

    return interval


def pooled_freedom(value: float, parts: list[Row], subjects: int) -> float | None:
    """Of the sum of the classes' variances, at most one less than there are subjects, who may share classes.

    None where nothing varies. Source: Satterthwaite 1946, eq. 17.
    """
    variance = np.array([standard_error(part.deviation) ** 2 for part in parts])
    freedom = np.array([degrees_of_freedom(value, part.deviation, part.bounds) for part in parts])
    if not variance.any():
        return None
    return min(float(variance.sum() ** 2 / (variance**2 / freedom).sum()), subjects - 1.0)


def difference(
    tables: tuple[Table, ...], stacks: list[Float[np.ndarray, "stack *seed row column"]]
) -> Float[np.ndarray, " stack"]:
    """The statistic of the first table, less that of the second if there are two."""
    values = [table.statistic(stack) for table, stack in zip(tables, stacks, strict=True)]
    return values[0] if len(values) == 1 else values[0] - values[1]


def without(table: Table, members: np.ndarray, row: int) -> Float[np.ndarray, "member *seed row column"]:
    """The table without the items of one class of each of some subjects."""
    stack = np.repeat(table.whole[None], len(members), axis=0)
    stack[..., row, :] -= table.own[members][..., row, :]
    return stack


def extremes(tables: tuple[Table, ...], row: int, value: float) -> tuple[float, float]:
    """The least and the most that the answers of one class can make of the statistic."""
    reached = [table.statistic(pushed(table, row)) for table in tables]
    lowest, highest = (np.fmin.reduce(reached[0]), np.fmax.reduce(reached[0]))
    if len(reached) == 2:
        lowest, highest = lowest - np.fmax.reduce(reached[1]), highest - np.fmin.reduce(reached[1])
    return float(np.fmin(lowest, value)), float(np.fmax(highest, value))


def pushed(table: Table, row: int) -> Float[np.ndarray, "column *seed row column"]:
    """All items of a class in one column, for each column."""
    columns = table.whole.shape[-1]
    stack = np.repeat(table.whole[None], columns, axis=0)
    for column in range(columns):
        stack[column, ..., row, :] = 0
        stack[column, ..., row, column] = table.whole[..., row, :].sum(axis=-1)
    return stack


def correlations(deviations: Float[np.ndarray, "row subject"]) -> Float[np.ndarray, "row row"]:
    length = np.sqrt((deviations**2).sum(axis=1))
    scaled = deviations / np.where(length > SMALLEST_DEVIATION, length, np.inf)[:, None]
    alike = scaled @ scaled.T
    np.fill_diagonal(alike, 1.0)
    return alike


def exchangeable(tables: tuple[Table, ...]) -> bool:
    """Whether there are two, of the same items, none of which is of two people."""
    return len(tables) == 2 and bool(np.allclose(tables[0].own.sum(axis=0), tables[0].whole))


def exchange_p(tables: tuple[Table, ...]) -> float:
    """Two-sided: the share of exchanges of a subject's two answers that make a difference as large as the one found.

    Only subjects whose answers differ count. Of up to 12 of them all exchanges are tried, else 9999 that are drawn.

    Source: Good 2005, Permutation, Parametric and Bootstrap Tests of Hypotheses, section 3.7 (matched pairs); drawn:
    Phipson and Smyth 2010, eq. 2.
    """
    change = tables[1].own - tables[0].own
    change = change[change.reshape(len(change), -1).any(axis=1)]
    if not len(change):
        return 1.0
    if len(change) <= EXACT:
        exchanged = np.array(list(product([0.0, 1.0], repeat=len(change))))
    else:
        exchanged = np.random.default_rng(0).integers(2, size=(EXCHANGES, len(change))).astype(float)
    moved = np.tensordot(exchanged, change, axes=1)
    found = np.abs(difference(tables, [table.whole[None] for table in tables]))
    reached = np.abs(difference(tables, [tables[0].whole + moved, tables[1].whole - moved]))
    as_large = int((reached >= found - 1e-9).sum())
    return as_large / len(reached) if len(change) <= EXACT else (1 + as_large) / (1 + len(reached))
