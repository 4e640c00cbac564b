"""Intervals and tests beside those of libraries that define the same; metrics: test_libraries.py."""

import numpy as np
import pytest
import torch
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_cohen_kappa, multiclass_f1_score

from clinimcl.evaluation.change.regression import errors
from clinimcl.evaluation.statistics.class_tables import exchange_p
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of, metric
from clinimcl.evaluation.statistics.confusion import SIGNED, class_metrics, confusions
from clinimcl.evaluation.statistics.intervals import mean_interval, subject_interval
from clinimcl.evaluation.statistics.metrics import Metric


def answers(size: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    change = rng.choice(3, size=size, p=(0.2, 0.6, 0.2))
    return change, np.where(rng.random(size) < 0.6, change, rng.integers(3, size=size))


def levels() -> dict[str, float]:
    change, answered = answers()
    people = clusters_of(np.arange(80), np.arange(80), seed=0)
    outcomes = class_metrics(confusions(people, change, answered), change, people)
    return {name: own.value for name, own in outcomes.items() if isinstance(own, Metric)}


def test_metrics_of_classes_are_those_of_torchmetrics():
    change, answered = (torch.from_numpy(own) for own in answers())
    expected = {
        "accuracy": multiclass_accuracy(answered, change, 3, average="micro"),
        "balanced_accuracy": multiclass_accuracy(answered, change, 3, average="macro"),
        "weighted_f1": multiclass_f1_score(answered, change, 3, average="weighted"),
        "macro_f1": multiclass_f1_score(answered, change, 3, average="macro"),
        "quadratic_kappa": multiclass_cohen_kappa(answered, change, 3, weights="quadratic"),
    }
    assert levels() == pytest.approx({name: float(own) for name, own in expected.items()}, abs=1e-6)


def test_kappa_is_that_of_statsmodels():
    change, answered = answers()
    table = np.bincount(3 * change + answered, minlength=9).reshape(3, 3)
    assert levels()["quadratic_kappa"] == pytest.approx(cohens_kappa(table, wt="fc").kappa)


def test_scores_that_differ_by_rounding_alone_have_no_r2():
    score = np.r_[np.full(9, 0.1 + 0.2), 0.3]
    found = errors(score, np.arange(10.0), clusters_of(np.arange(10), np.arange(10), seed=0))
    assert np.isnan(found["r2"].whole).all()


def test_r2_does_not_depend_on_the_unit_of_the_score():
    rng = np.random.default_rng(0)
    score, noise = rng.normal(size=(2, 50))
    people = clusters_of(np.arange(50), np.arange(50), seed=0)
    found = [errors(scale * score, scale * (score + noise), people)["r2"].whole[0] for scale in (1.0, 1e-9)]
    assert found[1] == pytest.approx(found[0])


@pytest.mark.parametrize(("right", "subjects"), [(0, 3), (3, 8), (38, 40), (299, 300)])
def test_interval_of_a_share_is_at_least_the_exact_one_of_statsmodels(right: int, subjects: int):
    own = mean_interval((np.arange(subjects) < right).astype(float), (0.0, 1.0))
    low, high = proportion_confint(right, subjects, method="beta")
    assert own.low <= low + 1e-9
    assert own.high >= high - 1e-9


def test_interval_of_an_unbounded_mean_is_that_of_statsmodels():
    values = np.random.default_rng(0).normal(size=15)
    own = subject_interval(float(values.mean()), values - values.mean(), (-np.inf, np.inf))
    assert own[1:] == pytest.approx(DescrStatsW(values).tconfint_mean())


@pytest.mark.parametrize(("one_right", "other_right"), [(6, 1), (3, 3), (9, 2)])
def test_exchanging_the_answers_of_people_is_the_exact_test_of_mcnemar(one_right: int, other_right: int):
    size = 30
    change = np.r_[np.zeros(size, int), np.ones(2, int)]
    one, other = np.ones((2, size + 2), int)
    one[:one_right], other[one_right : one_right + other_right] = 0, 0
    people = clusters_of(np.arange(size + 2), np.arange(size + 2), seed=0)
    tables = [confusions(people, change, own).map(lambda stack: stack[:, 0, 0] / size) for own in (one, other)]
    p = exchange_p(tables[0].minus(tables[1]).tables)
    counts = [[size - one_right - other_right, other_right], [one_right, 0]]
    assert p == pytest.approx(mcnemar(counts, exact=True).pvalue)
    assert isinstance(metric(tables[0].minus(tables[1]), SIGNED), Metric)
