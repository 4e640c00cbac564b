"""How good a probe's answers are, for a stack of weights of the test items."""

import numpy as np
from jaxtyping import Float, Int

from clinimcl.cohorts.decimals import first_of_ties
from clinimcl.evaluation.change.regression import BOUNDS, compare, errors, measure
from clinimcl.evaluation.probes.targets import Items
from clinimcl.evaluation.statistics.class_tables import Pulls
from clinimcl.evaluation.statistics.cluster_intervals import (
    Clusters,
    Replicates,
    class_subjects,
    metric,
    ratio,
    replicate,
    tabulate,
)
from clinimcl.evaluation.statistics.confusion import SIGNED, UNIT
from clinimcl.evaluation.statistics.linear_probes import classify, regress
from clinimcl.evaluation.statistics.metrics import Outcome, with_chance
from clinimcl.evaluation.statistics.rank_correlation import auc

Features = Float[np.ndarray, "item component"]
Rows = Int[np.ndarray, " row"]


def scored(items: Items, features: Features, train: Rows, clusters: Clusters) -> dict[str, Replicates]:
    """Of a probe that learns from the items `train` and answers all test items, whose subjects `clusters` are."""
    test, label = np.flatnonzero(~items.train), items.label
    if not items.classes:
        return errors(label[test], regress(features[train], label[train], features[test]), clusters)
    truth, classes = label[test].astype(int), len(items.classes)
    probabilities = classify(features[train], label[train].astype(int), features[test], classes)
    found = {"balanced_accuracy": balanced_accuracy(truth, probabilities.argmax(axis=1), clusters)}
    if classes == 2:
        found["auc"] = area(probabilities[:, 1], truth, clusters)
    return found


def balanced_accuracy(
    truth: Int[np.ndarray, " item"], answered: Int[np.ndarray, " item"], clusters: Clusters
) -> Replicates:
    """Mean recall of the classes of the test; NaN without one of them."""
    known, row = np.unique(truth, return_inverse=True)
    right = (truth == answered).astype(int)
    sums = tabulate(clusters, np.eye(2 * len(known))[2 * row + right], (len(known), 2))
    return sums.map(lambda stack: ratio(stack[..., 1], stack.sum(axis=-1)).mean(axis=-1))


def area(probability: Float[np.ndarray, " item"], truth: Int[np.ndarray, " item"], clusters: Clusters) -> Replicates:
    """AUC, with how far each subject's items of either class pull it.

    Source: DeLong, DeLong and Clarke-Pearson 1988, eq. 4.
    """
    whole = replicate(clusters, lambda weights: auc(probability, truth, weights))
    placed, of_class = placements(probability, truth), [truth == 0, truth == 1]
    if not all(one.any() for one in of_class):
        return whole
    size = np.stack([np.bincount(clusters.one, one, clusters.subjects) for one in of_class])
    sums = np.stack([np.bincount(clusters.one, one * placed, clusters.subjects) for one in of_class])
    rest = ratio(sums.sum(axis=1, keepdims=True) - sums, size.sum(axis=1, keepdims=True) - size)
    pulls = np.where(size > 0, float(whole.whole[0]) - rest, 0.0)
    return whole._replace(pulls=Pulls(pulls, size > 0, [UNIT, UNIT]))


def placements(probability: Float[np.ndarray, " item"], truth: Int[np.ndarray, " item"]) -> Float[np.ndarray, " item"]:
    """Of each item, the share of the other class that it is on the right side of; a tie is half.

    Their mean over either class is the AUC.
    """
    order = np.argsort(probability, kind="stable")
    level = np.empty(len(truth), int)
    level[order] = np.cumsum(first_of_ties(probability[order])) - 1
    below = []
    for one in (0, 1):
        count = np.bincount(level, truth == one, level.max() + 1)
        below.append((np.cumsum(count) - count / 2)[level] / max(count.sum(), 1))
    return np.where(truth == 1, below[0], 1 - below[1])


def outcome(items: Items, name: str, replicates: Replicates) -> Outcome:
    """The metric beside what is reached without looking."""
    found = measure(name, replicates) if name in BOUNDS else metric(replicates, UNIT, agreeing(items))
    return with_chance(found, chance(items, name))


def minus(items: Items, name: str, one: Replicates, other: Replicates) -> Outcome:
    """One minus the other, paired by subject."""
    of_classes = name not in BOUNDS
    found = metric(one.minus(other), SIGNED, agreeing(items)) if of_classes else compare(name, one, other)
    return with_chance(found, 0.0)


def agreeing(items: Items) -> int:
    """Test subjects that a metric rests on: for classes the harmonic mean over them."""
    test = ~items.train
    groups = items.label[test] if items.classes else np.zeros(int(test.sum()))
    return class_subjects(len(np.unique(items.subject[test][groups == group])) for group in np.unique(groups))


def chance(items: Items, name: str) -> float:
    """Guessing a class; answering the median of the training items."""
    train, test = items.label[items.train], items.label[~items.train]
    if name == "balanced_accuracy":
        return 1 / len(np.unique(test))
    if name == "mae":
        return float(np.abs(test - np.median(train)).mean())
    return 0.5 if name == "auc" else 0.0
