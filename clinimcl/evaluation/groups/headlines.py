"""The figures that groups are compared by: what each item adds to them, and whose it is."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from clinimcl.evaluation.probes.scoring import balanced_accuracy
from clinimcl.evaluation.statistics.cluster_intervals import (
    Clusters,
    Replicates,
    class_subjects,
    clusters_of,
    metric,
    ratio,
    replicate,
)
from clinimcl.evaluation.statistics.metrics import Absent, Outcome


class Values(NamedTuple):
    """What items add to a mean over items, or to the mean of the means of their classes.

    Items belong to the subjects `subject` and `other`: two people where a pair is of two.
    """

    value: Float[np.ndarray, " item"]
    of_class: Int[np.ndarray, " item"]  # counted from 0; all 0 for a plain mean
    subject: Int[np.ndarray, " item"]  # counted from 0
    other: Int[np.ndarray, " item"]
    bounds: tuple[float, float]  # of an item's value
    by_subject: bool = False  # a subject counts once, however many items it has

    @property
    def classes(self) -> int:
        return int(self.of_class.max()) + 1

    @property
    def of_two_people(self) -> bool:
        return bool((self.subject != self.other).any())

    @property
    def subjects(self) -> int:
        """How many people the items are of."""
        return len(np.unique(np.concatenate([self.subject, self.other])))

    def where(self, rows: Bool[np.ndarray, " item"]) -> "Values":
        """Of some of the items."""
        return self._replace(
            value=self.value[rows],
            of_class=self.of_class[rows],
            subject=self.subject[rows],
            other=self.other[rows],
        )


class Headline(NamedTuple):
    """A figure, and what its items are grouped by.

    `earlier` and `later` hold a row of the scan table for each item; one scan is both.
    """

    name: str
    aim: str  # high, low or zero: which value is best
    values: Values
    earlier: pd.DataFrame
    later: pd.DataFrame
    years: Float[np.ndarray, " item"] | None = None  # from the earlier to the later scan
    judged_by: str = ""  # the grouping that is made of the label by which items are judged


def measure(values: Values, classes: int) -> Outcome:
    """The figure with its interval over subjects.

    `classes` is how many the whole test has. A mean of fewer is another figure, and absent.
    """
    if len(np.unique(values.of_class)) < classes:
        return Absent("one of the classes has no item here")
    ends = np.unique(np.stack([values.subject, values.other]), return_inverse=True)[1]
    one, other = ends.reshape(2, -1)
    clusters = clusters_of(one, other, seed=0)
    if classes == 1:
        return metric(weighted_mean(values, clusters), values.bounds)
    return metric(class_mean(values, clusters), values.bounds, subjects_a_class(values))


def weighted_mean(values: Values, clusters: Clusters) -> Replicates:
    weight = item_weights(values)
    terms = np.stack([weight * values.value, weight], axis=1)
    sums = replicate(clusters, lambda weights: weights @ terms)
    return sums.map(lambda stack: ratio(stack[:, 0], stack[:, 1]))


def item_weights(values: Values) -> Float[np.ndarray, " item"]:
    """1, or what makes the items of a subject count as one."""
    if not values.by_subject:
        return np.ones(len(values.value))
    return 1 / np.bincount(values.subject)[values.subject]


def class_mean(values: Values, clusters: Clusters) -> Replicates:
    """Balanced accuracy: an item's value is 1 where it is answered right, and 0 elsewhere."""
    right = values.value > 0
    return balanced_accuracy(values.of_class, np.where(right, values.of_class, -1), clusters)


def subjects_a_class(values: Values) -> int:
    """What a class mean rests on."""
    pairs = pd.DataFrame({"of_class": values.of_class, "subject": values.subject})
    return class_subjects(pairs.groupby("of_class")["subject"].nunique().tolist())
