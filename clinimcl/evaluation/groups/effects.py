"""The value of a headline in each group and how they vary together, for a stack of labels."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from clinimcl.evaluation.groups.headlines import Values

SMALLEST = 1e-12  # what rounding leaves of a difference of 0


class Items(NamedTuple):
    """What labels are given to: the items of a headline, each of one subject."""

    value: Float[np.ndarray, " item"]
    cell: Int[np.ndarray, " item"]  # of subject and class
    subjects: int
    classes: int
    by_subject: bool


class Effects(NamedTuple):
    """A stack of them, one for each labelling."""

    value: Float[np.ndarray, "stack group"]
    pull: Float[np.ndarray, "stack group subject"]
    """How far each subject moves the value of each group; their products sum to covariances."""

    @property
    def covariance(self) -> Float[np.ndarray, "stack group group"]:
        return self.pull @ self.pull.swapaxes(1, 2)


def items_of(values: Values) -> Items:
    subject = np.unique(values.subject, return_inverse=True)[1]
    classes = values.classes
    cell = subject * classes + values.of_class
    return Items(values.value, cell, int(subject.max()) + 1, classes, values.by_subject)


def effects(items: Items, labels: Int[np.ndarray, "stack item"], groups: int) -> Effects:
    """Linearised: a group's value is the mean of its classes' ratios of sums over subjects.

    A subject's pull is what its sums add to that, times the root of n / (n - 1), of n subjects in
    the group. NaN where a group lacks a class.

    Source: Woodruff 1971, A simple method for approximating the variance of a complicated estimate.
    """
    total, count = sums(items, labels, groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        size = count.sum(axis=2)
        mean = total.sum(axis=2) / size
        pull = ((total - mean[:, :, None] * count) / size[:, :, None]).mean(axis=-1)
        members = (count.sum(axis=-1) > 0).sum(axis=2)
        pull *= np.sqrt(members / (members - 1))[:, :, None]
    return Effects(mean.mean(axis=-1), pull)


def sums(
    items: Items, labels: Int[np.ndarray, "stack item"], groups: int
) -> tuple[Float[np.ndarray, "stack group subject of_class"], ...]:
    """Of the values, and their number, in each group, subject and class."""
    cells = items.subjects * items.classes
    stack = np.arange(len(labels))[:, None]
    place = ((stack * groups + labels) * cells + items.cell).ravel()
    shape = (len(labels), groups, items.subjects, items.classes)
    count = np.bincount(place, minlength=np.prod(shape)).reshape(shape).astype(float)
    values = np.broadcast_to(items.value, labels.shape).ravel()
    total = np.bincount(place, values, minlength=np.prod(shape)).reshape(shape)
    if not items.by_subject:
        return total, count
    there = np.minimum(count, 1)
    return total / np.maximum(count, 1), there


def standard_errors(found: Effects) -> Float[np.ndarray, "stack pair"]:
    """Of the differences of every two groups, in the order of `np.triu_indices`."""
    first, second = np.triu_indices(found.value.shape[1], 1)
    covariance = found.covariance
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    both = variance[:, first] + variance[:, second]
    squared = both - 2 * covariance[:, first, second]
    # what rounding left of 0 is none
    return np.sqrt(np.where(squared > SMALLEST * both, squared, 0.0))


def studentised_range(found: Effects) -> Float[np.ndarray, " stack"]:
    """The largest difference of two groups in units of its own standard error.

    Infinite where two groups differ and neither varies, or where a group has no value.

    Source: Games and Howell 1976, Pairwise multiple comparison procedures with unequal N's.
    """
    first, second = np.triu_indices(found.value.shape[1], 1)
    difference = np.abs(found.value[:, first] - found.value[:, second])
    error = standard_errors(found)
    scaled = np.where(difference > SMALLEST, np.inf, 0.0)
    np.divide(difference, error, out=scaled, where=error > 0)
    scaled[np.isnan(difference)] = np.inf
    return scaled.max(axis=1)
