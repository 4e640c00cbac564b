import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score, f1_score

from clinimcl.evaluation.statistics.cluster_intervals import clusters_of
from clinimcl.evaluation.statistics.confusion import (
    class_metrics,
    confusions,
    present,
    quadratic_kappa,
    subjects_a_class,
)
from clinimcl.evaluation.statistics.metrics import Absent, Metric


def drawn(answers: int = 90) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    change = rng.integers(3, size=answers)
    return (
        change,
        np.where(rng.uniform(size=answers) < 0.6, change, rng.integers(3, size=answers)),
        np.arange(answers) // 9,
    )


def test_values_are_those_of_scikit_learn():
    change, answered, subject = drawn()
    clusters = clusters_of(subject, subject, seed=0)
    outcomes = class_metrics(confusions(clusters, change, answered), change, clusters)
    expected = {
        "accuracy": accuracy_score(change, answered),
        "balanced_accuracy": balanced_accuracy_score(change, answered),
        "weighted_f1": f1_score(change, answered, average="weighted"),
        "macro_f1": f1_score(change, answered, average="macro"),
        "quadratic_kappa": cohen_kappa_score(change, answered, weights="quadratic"),
    }
    assert {name: outcome.value for name, outcome in outcomes.items()} == pytest.approx(expected)


def test_absent_class_leaves_the_mean():
    subject = np.arange(8) // 2
    change = np.array([1, 2] * 4)
    clusters = clusters_of(subject, subject, seed=0)
    outcomes = class_metrics(confusions(clusters, change, change), change, clusters)
    assert present(change).tolist() == [False, True, True]
    assert outcomes["balanced_accuracy"].value == 1.0
    assert outcomes["macro_f1"].value == 1.0


def test_always_right_is_not_certainty():
    change, _, subject = drawn()
    clusters = clusters_of(subject, subject, seed=0)
    outcomes = class_metrics(confusions(clusters, change, change), change, clusters)
    for outcome in outcomes.values():
        assert isinstance(outcome, Metric)
        assert outcome.low < outcome.value == outcome.high == 1.0


def test_constant_answer_has_no_kappa_beyond_chance():
    stack = np.array([[[0.0, 4, 0], [0, 5, 0], [0, 6, 0]]])
    assert quadratic_kappa(stack) == pytest.approx(0)


def test_class_means_rest_on_the_harmonic_mean_of_the_classes():
    subject = np.arange(20)
    change = np.array([0] * 10 + [1] * 9 + [2])
    assert subjects_a_class(change, clusters_of(subject, subject, seed=0)) == 2  # 3 / (1/10 + 1/9 + 1)


def test_class_of_one_subject_leaves_no_interval_of_class_means():
    subject = np.arange(20)
    change = np.array([0] * 10 + [1] * 9 + [2])
    clusters = clusters_of(subject, subject, seed=0)
    outcomes = class_metrics(confusions(clusters, change, change), change, clusters)
    assert isinstance(outcomes["accuracy"], Metric)
    absent = outcomes["balanced_accuracy"]
    assert isinstance(absent, Absent)
    assert "single subject" in absent.reason


def test_interval_of_a_class_of_two_subjects_is_that_of_two():
    change = np.array([0] * 200 + [1] * 2)
    clusters = clusters_of(np.arange(202), np.arange(202), seed=0)
    balanced = class_metrics(confusions(clusters, change, change), change, clusters)["balanced_accuracy"]
    assert isinstance(balanced, Metric)
    assert balanced.low == pytest.approx(1 - (1 - 0.025**0.5) / 2, abs=1e-3)  # 2 of 2: 0.158 to 1
