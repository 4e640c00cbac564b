"""Who teaches a probe, who sets its strength, and who is asked."""

import numpy as np
from jaxtyping import Int

from clinimcl.errors import UserError

TRAIN, VALIDATION, TEST = range(3)
TRAINING, VALIDATING = 0.4, 0.1  # shares of a class's subjects; the others are tested


def partition(
    subject: Int[np.ndarray, " item"], label: Int[np.ndarray, " item"], rng: np.random.Generator
) -> Int[np.ndarray, " item"]:
    """TRAIN, VALIDATION or TEST of each item: 40, 10 and 50 % of the subjects of each class.

    Subjects are drawn, not items, so nobody is in two parts. A subject with several labels counts for the one
    that the fewest subjects have.

    Raises:
        UserError: a class is not in all three parts, as its subjects have other labels, too.
    """
    stratum = rarest_label(subject, label)
    part = np.full(len(stratum), TEST)
    for number in np.unique(stratum):
        drawn = rng.permutation(np.flatnonzero(stratum == number))
        train = round(TRAINING * len(drawn))
        validation = max(1, round(VALIDATING * len(drawn)))
        part[drawn[:train]] = TRAIN
        part[drawn[train : train + validation]] = VALIDATION
    parts = part[subject]
    seen = np.unique(np.stack([label, parts]), axis=1).shape[1]
    if seen < 3 * len(np.unique(label)):
        raise UserError("too few subjects have one label alone: each class must have some to learn from and to test")
    return parts


def rarest_label(subject: Int[np.ndarray, " item"], label: Int[np.ndarray, " item"]) -> Int[np.ndarray, " subject"]:
    """Of each subject; of two that are as rare, the first."""
    rank = np.lexsort([label, np.bincount(label)[label], subject])
    first = np.unique(subject[rank], return_index=True)[1]
    return label[rank][first]
