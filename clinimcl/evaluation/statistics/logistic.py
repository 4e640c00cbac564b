"""The plainest classifier: multinomial logistic regression on a few features."""

import numpy as np
from jaxtyping import Float, Int

from clinimcl.cohorts.decimals import merge_ties, rounding
from clinimcl.evaluation.statistics.confusion import CLASSES

COMPONENTS = 32
BINS = 8
STRENGTH = 1.0  # scikit-learn's C, for features of deviation 1


def fit_and_answer(
    train: Float[np.ndarray, "train feature"],
    change: Int[np.ndarray, " train"],
    test: Float[np.ndarray, "test feature"],
) -> Float[np.ndarray, "test 3"]:
    """Probabilities of the test pairs; 0 for a class that no training pair has.

    Features are standardised, and above 32 of them the first 32 principal components of the training pairs are
    taken. Classes weigh the same, so that these rows are at their best in balanced accuracy.
    """
    from sklearn.linear_model import LogisticRegression

    known = np.unique(change)
    probabilities = np.zeros((len(test), CLASSES))
    if len(known) == 1:
        probabilities[:, known] = 1
        return probabilities
    train, test = reduced(*standardised(train, test))
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000).fit(train, change)
    probabilities[:, known] = model.predict_proba(test)
    return probabilities


def binned(
    train: Float[np.ndarray, "train 1"], test: Float[np.ndarray, "test 1"]
) -> tuple[Float[np.ndarray, "train feature"], Float[np.ndarray, "test feature"]]:
    """The values, and a mark for each of 8 bins of as many training values: fewer where many values are the same.

    A value that equals an edge, but for the rounding of decimals, lies above it.
    """
    slack = float(rounding(np.abs(train).max()))
    edges = np.unique(merge_ties(np.quantile(train, np.arange(1, BINS) / BINS), slack)) - slack
    marks = np.eye(len(edges) + 1)
    one, other = (np.hstack([values, marks[np.digitize(values[:, 0], edges)]]) for values in (train, test))
    return one, other


def standardised(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    return (train - mean) / deviation, (test - mean) / deviation


def reduced(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Components of deviation 1, unless there are few features already."""
    if train.shape[1] <= COMPONENTS:
        return train, test
    axes = np.linalg.svd(train - train.mean(axis=0), full_matrices=False)[2][:COMPONENTS]
    return standardised(train @ axes.T, test @ axes.T)
