"""Differences between cells of a sweep, paired by subject and seed."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from clinimcl.evaluation.statistics.cluster_intervals import Replicates, metric
from clinimcl.evaluation.statistics.confusion import SIGNED, Stack, Values, balanced_accuracy, present
from clinimcl.evaluation.statistics.metrics import Outcome
from clinimcl.evaluation.statistics.significance import holm, p_value
from clinimcl.evaluation.sweep.factors import WEIGHT, varying
from clinimcl.evaluation.sweep.groups import Cell, pool
from clinimcl.evaluation.sweep.means import Unit

# The one comparison that was chosen before there were results; the weight where several were tried.
PRIMARY = {"encoder": "TSM-ResNet-18", "combine": "difference", "classifier": "MLP, 1 hidden layer"}
PRIMARY_OBJECTIVES = ("MSE + wCL", "MSE")
PRIMARY_WEIGHT = "0.9"
MOST_LEVELS = 8  # a factor with more values is searched, not compared


class Difference(NamedTuple):
    """Balanced accuracy of one cell minus that of another, which differ in one factor."""

    factor: str
    one: Cell
    other: Cell
    outcome: Outcome
    p: float
    adjusted: float  # after Holm, over all but the primary comparison; of that, the same as p
    seeds: int  # that both have
    primary: bool


Averaged = tuple[Replicates, int]  # balanced accuracy over seeds, and the subjects that its class means rest on


def differences(cells: list[Cell]) -> list[Difference]:
    """The primary comparison first, then the others, the smallest p-value first."""
    primary = primary_pair(cells)
    pairs = [] if primary is None else [("objective", *primary)]
    chosen = {id(cell) for cell in primary or ()}
    pairs += [pair for pair in compared_pairs(cells) if {id(pair[1]), id(pair[2])} != chosen]
    known: dict[tuple[int, tuple[Unit, ...]], Averaged] = {}
    found = []
    for number, (factor, one, other) in enumerate(pairs):
        units = common(one, other)
        if units:
            own, others = (balanced(known, cell, units) for cell in (one, other))
            difference = own[0].minus(others[0])
            outcome, p = metric(difference, SIGNED, own[1]), p_value(difference)
            seeds = len({seed for seed, _ in units})
            found.append(
                Difference(factor, one, other, outcome, p, p, seeds, primary=primary is not None and number == 0)
            )
    return adjusted(found)


def balanced(known: dict[tuple[int, tuple[Unit, ...]], Averaged], cell: Cell, units: tuple[Unit, ...]) -> Averaged:
    """Over `units` alone; what was replicated before is kept in `known`."""
    key = (id(cell), units)
    if key not in known:
        pooled = pool({unit: cell.answers[unit] for unit in units})
        known[key] = pooled.averaged(class_mean), pooled.agreeing
    return known[key]


def class_mean(stack: Stack, change: Int[np.ndarray, " answer"]) -> Values:
    return balanced_accuracy(stack, present(change))


def adjusted(found: list[Difference]) -> list[Difference]:
    """All comparisons but the primary one are one family, whatever they compare."""
    family = [own for own in found if not own.primary]
    levels = holm(np.array([own.p for own in family], dtype=float))
    corrected = [own._replace(adjusted=float(level)) for own, level in zip(family, levels, strict=True)]
    return [own for own in found if own.primary] + sorted(corrected, key=lambda own: own.p)


def compared_pairs(cells: list[Cell]) -> list[tuple[str, Cell, Cell]]:
    """Factor, and the cells that differ in it alone, the later one first; a factor that a cell has not is no bar."""
    factors = compared(cells)
    pairs = []
    for one, other in combinations(cells, 2):
        differing = [name for name in one.values if apart(one.values[name], other.values[name])]
        if len(differing) == 1 and differing[0] in factors:
            pairs.append((differing[0], other, one))
    return pairs


def apart(one: str, other: str) -> bool:
    return one != other and "" not in (one, other)


def compared(cells: list[Cell]) -> list[str]:
    return [name for name in varying([cell.values for cell in cells]) if len(levels(cells, name)) <= MOST_LEVELS]


def searched(cells: list[Cell]) -> list[str]:
    """Factors of too many values for comparing each with each."""
    return [name for name in varying([cell.values for cell in cells]) if len(levels(cells, name)) > MOST_LEVELS]


def levels(cells: list[Cell], factor: str) -> set[str]:
    return {cell.values[factor] for cell in cells} - {""}


def primary_pair(cells: list[Cell]) -> tuple[Cell, Cell] | None:
    """None where there is not exactly one."""
    named = [cell for cell in cells if all(cell.values[name] == value for name, value in PRIMARY.items())]
    weights = levels(cells, WEIGHT)
    sides = [[cell for cell in named if cell.values["objective"] == objective] for objective in PRIMARY_OBJECTIVES]
    if len(weights) > 1:
        sides[0] = [cell for cell in sides[0] if cell.values[WEIGHT] == PRIMARY_WEIGHT]
    pairs = [
        (one, other)
        for one in sides[0]
        for other in sides[1]
        if sum(apart(one.values[name], other.values[name]) for name in one.values) == 1
    ]
    return pairs[0] if len(pairs) == 1 else None


def common(one: Cell, other: Cell) -> tuple[Unit, ...]:
    """Seeds and folds in which both were asked the same of the same people."""
    return tuple(
        unit
        for unit, own in one.jobs.items()
        if unit in other.jobs and (own.tested, own.asked) == (other.jobs[unit].tested, other.jobs[unit].asked)
    )
