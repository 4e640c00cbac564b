"""Metrics of three classes as functions of a stack of confusion matrices: rows are the truth, columns the answer."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.statistics.cluster_intervals import (
    Clusters,
    Replicates,
    class_subjects,
    metric,
    ratio,
    tabulate,
)
from clinimcl.evaluation.statistics.metrics import Absent, Outcome, widened

CLASSES = len(CHANGES)
UNIT, SIGNED = (0.0, 1.0), (-1.0, 1.0)

Stack = Float[np.ndarray, "stack 3 3"]
Values = Float[np.ndarray, " stack"]
Present = Bool[np.ndarray, "3"]


def confusions(
    clusters: Clusters, change: Int[np.ndarray, " answer"], answered: Int[np.ndarray, " answer"]
) -> Replicates:
    cells = np.eye(CLASSES * CLASSES)[CLASSES * change + answered]
    return tabulate(clusters, cells, (CLASSES, CLASSES))


def present(change: Int[np.ndarray, " answer"]) -> Present:
    """Classes over which means are taken, whoever is left out."""
    return np.bincount(change, minlength=CLASSES) > 0


def class_metrics(confusion: Replicates, change: Int[np.ndarray, " answer"], clusters: Clusters) -> dict[str, Outcome]:
    """All of them; class means are over the classes that are present in the test.

    F1 and kappa depend on how common classes are: their intervals are for tests of these shares of classes.
    """
    classes, agreeing = present(change), subjects_a_class(change, clusters)
    averaged: dict[str, tuple[Callable[[Stack], Values], tuple[float, float]]] = {
        "balanced_accuracy": (lambda stack: balanced_accuracy(stack, classes), UNIT),
        "weighted_f1": (weighted_f1, UNIT),
        "quadratic_kappa": (quadratic_kappa, SIGNED),
    }
    means = {name: metric(confusion.map(value), bounds, agreeing) for name, (value, bounds) in averaged.items()}
    means["macro_f1"] = macro_metric(confusion.map(lambda stack: macro_f1(stack, classes)), agreeing)
    return {"accuracy": metric(confusion.map(accuracy), UNIT)} | means


def macro_metric(replicates: Replicates, agreeing: int) -> Outcome:
    """Of macro F1, whose interval is the wider of that over classes and that over subjects.

    The F1 of a rare class hangs on how the others are answered, and of few subjects either alone is too narrow.
    """
    outcome, plain = metric(replicates, UNIT, agreeing), metric(replicates, UNIT)
    if isinstance(outcome, Absent) or isinstance(plain, Absent):
        return outcome
    return widened(outcome, plain)


def subjects_a_class(change: Int[np.ndarray, " answer"], clusters: Clusters) -> int:
    """What a class mean rests on."""
    ends = np.concatenate([clusters.one, clusters.other])
    classes = np.flatnonzero(present(change))
    return class_subjects(len(np.unique(ends[np.tile(change == number, 2)])) for number in classes)


def accuracy(stack: Stack) -> Values:
    return ratio(np.trace(stack, axis1=1, axis2=2), stack.sum(axis=(1, 2)))


def balanced_accuracy(stack: Stack, classes: Present) -> Values:
    """Mean recall of `classes`; NaN without one of them."""
    recall = ratio(np.diagonal(stack, axis1=1, axis2=2).copy(), stack.sum(axis=2))
    return recall[:, classes].mean(axis=1)


def f1(stack: Stack) -> Float[np.ndarray, "stack 3"]:
    """0 for a class that is neither there nor answered."""
    hit = np.diagonal(stack, axis1=1, axis2=2)
    return np.nan_to_num(ratio(2 * hit, stack.sum(axis=1) + stack.sum(axis=2)))


def weighted_f1(stack: Stack) -> Values:
    support = stack.sum(axis=2)
    return ratio((f1(stack) * support).sum(axis=1), support.sum(axis=1))


def macro_f1(stack: Stack, classes: Present) -> Values:
    return f1(stack)[:, classes].mean(axis=1)


def quadratic_kappa(stack: Stack) -> Values:
    """1 − observed over expected squared distance of the classes; a constant answer gives 0.

    Source: Cohen 1968, Weighted kappa, with squared weights.
    """
    place = np.arange(CLASSES)
    weight = (place[:, None] - place[None, :]) ** 2
    rows, columns = stack.sum(axis=2), stack.sum(axis=1)
    expected = rows[:, :, None] * columns[:, None, :] * weight
    total = stack.sum(axis=(1, 2))
    return 1 - ratio((stack * weight).sum(axis=(1, 2)) * total, expected.sum(axis=(1, 2)))
