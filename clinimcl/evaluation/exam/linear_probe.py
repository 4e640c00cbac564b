"""The probe: logistic regression on frozen embeddings."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from clinimcl.evaluation.exam.partition import TEST, TRAIN, VALIDATION
from clinimcl.evaluation.statistics.logistic import standardised

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)  # scikit-learn's C times the dimensions


class Answers(NamedTuple):
    """What a probe says of the tested items."""

    item: Int[np.ndarray, " test"]  # which of all
    truth: Int[np.ndarray, " test"]
    probability: Float[np.ndarray, "test class"]

    @property
    def answered(self) -> Int[np.ndarray, " test"]:
        return self.probability.argmax(axis=1)


def answers(
    vectors: Float[np.ndarray, "item dimension"], label: Int[np.ndarray, " item"], part: Int[np.ndarray, " item"]
) -> Answers:
    """Of a probe that learns from the training items alone.

    Features are standardised by the training items. Classes weigh the same. The strength of the penalty is the one
    with the least cross-entropy of the validation items, the stronger of two that are as good.
    """
    train, validation, test = (np.flatnonzero(part == one) for one in (TRAIN, VALIDATION, TEST))
    features = standardised(vectors[train], vectors)[1]
    probes = [_fitted(features[train], label[train], strength) for strength in STRENGTHS]
    losses = [_loss(probe.predict_proba(features[validation]), label[validation]) for probe in probes]
    best = probes[int(np.argmin(losses))]
    return Answers(test, label[test], best.predict_proba(features[test]))


def _fitted(
    features: Float[np.ndarray, "train dimension"], label: Int[np.ndarray, " train"], strength: float
) -> Any:  # scikit-learn is imported when it is needed
    from sklearn.linear_model import LogisticRegression

    penalty = strength / features.shape[1]
    return LogisticRegression(C=penalty, class_weight="balanced", max_iter=5000).fit(features, label)


def _loss(probability: Float[np.ndarray, "item class"], label: Int[np.ndarray, " item"]) -> float:
    """Cross-entropy, a class as important as another."""
    of_truth = np.maximum(probability[np.arange(len(label)), label], np.finfo(float).tiny)
    weight = 1 / np.bincount(label)[label]
    return float(-(np.log(of_truth) * weight).sum() / weight.sum())
