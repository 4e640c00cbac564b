"""Linear probes: logistic regression for classes, ridge regression for numbers.

Nothing is tuned, so that a handful of labels is enough. Each weight is thought to come from a normal distribution
whose variance is such that all weights together explain about half of the labels.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from clinimcl.evaluation.statistics.logistic import reduced, standardised


def components(
    vectors: Float[np.ndarray, "scan dimension"], train: Bool[np.ndarray, " scan"]
) -> Float[np.ndarray, "scan component"]:
    """At most 32 principal components of the training scans, labelled or not, each of deviation 1."""
    return reduced(*standardised(vectors[train], vectors))[1]


def classify(
    train: Float[np.ndarray, "train component"],
    label: Int[np.ndarray, " train"],
    test: Float[np.ndarray, "test component"],
    classes: int,
) -> Float[np.ndarray, "test class"]:
    """Probabilities, for which classes weigh the same; 0 for a class that no training item has."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=4 / train.shape[1], class_weight="balanced", max_iter=2000).fit(train, label)
    probabilities = np.zeros((len(test), classes))
    probabilities[:, model.classes_] = model.predict_proba(test)
    return probabilities


def regress(
    train: Float[np.ndarray, "train component"],
    label: Float[np.ndarray, " train"],
    test: Float[np.ndarray, "test component"],
) -> Float[np.ndarray, " test"]:
    from sklearn.linear_model import Ridge

    deviation = max(float(label.std()), 1e-9)
    model = Ridge(alpha=float(train.shape[1])).fit(train, (label - label.mean()) / deviation)
    return np.asarray(model.predict(test), dtype=float) * deviation + label.mean()
