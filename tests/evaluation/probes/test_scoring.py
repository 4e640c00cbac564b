import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from clinimcl.evaluation.change.clusters import clusters_of
from clinimcl.evaluation.probes.scoring import auc, balanced_accuracy


def test_auc_of_repeated_items_is_that_of_the_resample():
    rng = np.random.default_rng(0)
    probability, truth = rng.integers(5, size=30) / 5, rng.integers(2, size=30)
    times = rng.integers(3, size=30)
    expected = roc_auc_score(truth.repeat(times), probability.repeat(times))
    assert auc(probability, truth, times[None].astype(float)) == pytest.approx([expected])


def test_auc_without_a_class_is_not_defined():
    assert np.isnan(auc(np.array([0.1, 0.2]), np.array([1, 1]), np.ones((1, 2)))).all()


def test_balanced_accuracy_is_over_the_classes_of_the_test():
    rng = np.random.default_rng(0)
    truth, answered = 2 * rng.integers(2, size=40), rng.integers(3, size=40)  # class 1 is answered, never true
    found = balanced_accuracy(truth, answered, clusters_of(np.arange(40), np.arange(40), seed=0))
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        assert found.whole == pytest.approx([balanced_accuracy_score(truth, answered)])
