"""Statistics of the ranks of weighted items, for a stack of weights at once."""

import numpy as np
from jaxtyping import Float, Int

from clinimcl.cohorts.decimals import first_of_ties
from clinimcl.evaluation.statistics.cluster_intervals import ratio


def spearman(
    values: Float[np.ndarray, "variable item"], weights: Float[np.ndarray, "stack item"]
) -> Float[np.ndarray, " stack"]:
    """Spearman's ρ of the first two variables given the others, partial where there are any.

    A weight is how often an item is in the sample. Other variables that do not vary change nothing. NaN where one
    of the first two does not vary beyond what the others explain.
    """
    ranks = np.stack([weighted_ranks(variable, weights) for variable in values])
    total = np.maximum(weights.sum(axis=1), 1e-12)
    centred = ranks - ((ranks * weights).sum(axis=2) / total)[:, :, None]
    cross = np.einsum("vsi,usi->svu", centred * weights, centred) / total[:, None, None]
    both = cross[:, :2, :2]
    if len(values) > 2:
        given = cross[:, :2, 2:]
        both = both - given @ np.linalg.pinv(cross[:, 2:, 2:], hermitian=True) @ given.transpose(0, 2, 1)
    explained = np.diagonal(both, axis1=1, axis2=2) <= 1e-9 * np.diagonal(cross[:, :2, :2], axis1=1, axis2=2)
    scale = np.sqrt(np.maximum(both[:, 0, 0] * both[:, 1, 1], 0))
    return ratio(both[:, 0, 1], np.where(explained.any(axis=1), 0.0, scale))


def weighted_ranks(
    values: Float[np.ndarray, " item"], weights: Float[np.ndarray, "stack item"]
) -> Float[np.ndarray, "stack item"]:
    """Rank of each item in a sample that holds it as often as its weight; ties share the middle rank."""
    order = np.argsort(values, kind="stable")
    first = first_of_ties(values[order])
    mass = np.add.reduceat(weights[:, order], np.flatnonzero(first), axis=1)
    middle = np.cumsum(mass, axis=1) - (mass - 1) / 2
    ranks = np.empty_like(weights)
    ranks[:, order] = middle[:, np.cumsum(first) - 1]
    return ranks


def auc(
    score: Float[np.ndarray, " item"],
    truth: Int[np.ndarray, " item"],
    weights: Float[np.ndarray, "stack item"],
    slack: float | None = None,
) -> Float[np.ndarray, " stack"]:
    """How often an item of class 1 has a higher score than one of class 0; a tie is half. NaN without a class.

    Ties are those of `first_of_ties`: with a `slack` of 0 only equal scores, as in scikit-learn.

    Source: Hanley and McNeil 1982, eq. 1.
    """
    order = np.argsort(score, kind="stable")
    first = np.flatnonzero(first_of_ties(score[order], slack))
    ill, healthy = (np.add.reduceat(weights[:, order] * (truth[order] == one), first, axis=1) for one in (1, 0))
    below = np.cumsum(healthy, axis=1) - healthy / 2
    return ratio((ill * below).sum(axis=1), ill.sum(axis=1) * healthy.sum(axis=1))
