import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from clinimcl.evaluation.probes.scoring import area, balanced_accuracy, placements
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of, metric
from clinimcl.evaluation.statistics.metrics import Absent, Metric


def test_balanced_accuracy_is_over_the_classes_of_the_test():
    rng = np.random.default_rng(0)
    truth, answered = 2 * rng.integers(2, size=40), rng.integers(3, size=40)  # class 1 is answered, never true
    found = balanced_accuracy(truth, answered, clusters_of(np.arange(40), np.arange(40), seed=0))
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        assert found.whole == pytest.approx([balanced_accuracy_score(truth, answered)])


def test_mean_placement_of_either_class_is_the_auc():
    rng = np.random.default_rng(0)
    probability, truth = rng.integers(9, size=50) / 9, rng.integers(2, size=50)
    placed = placements(probability, truth)
    expected = roc_auc_score(truth, probability)
    assert [placed[truth == one].mean() for one in (0, 1)] == pytest.approx([expected, expected])


def test_a_subject_pulls_the_auc_by_what_it_is_without_its_items_of_a_class():
    rng = np.random.default_rng(0)
    probability, truth, subject = rng.random(40), rng.integers(2, size=40), rng.integers(10, size=40)
    found = area(probability, truth, clusters_of(subject, subject, seed=0))
    assert found.pulls is not None
    kept = (subject != 3) | (truth == 0)
    without = roc_auc_score(truth[kept], probability[kept])
    assert found.pulls.pulls[1, 3] == pytest.approx(roc_auc_score(truth, probability) - without)


def test_auc_rests_on_the_subjects_of_its_rarer_class():
    truth = np.repeat([0, 1], [36, 4])
    people = clusters_of(np.arange(40), np.arange(40), seed=0)
    perfect = metric(area(truth.astype(float), truth, people), (0.0, 1.0), 7)
    assert isinstance(perfect, Metric)
    assert perfect.low == pytest.approx(1 - np.hypot(1 - 0.025 ** (1 / 4), 1 - 0.025 ** (1 / 36)))
    lonely = area(truth[:37].astype(float), truth[:37], clusters_of(np.arange(37), np.arange(37), seed=0))
    assert isinstance(metric(lonely, (0.0, 1.0), 7), Absent)
