"""How often intervals hold the truth, in simulations small enough for every run: the figures are shares of trials."""

from collections.abc import Callable

import numpy as np
import pytest

from clinimcl.evaluation.statistics.calibration import calibration
from clinimcl.evaluation.statistics.cluster_intervals import Replicates, clusters_of, metric
from clinimcl.evaluation.statistics.confusion import (
    SIGNED,
    UNIT,
    balanced_accuracy,
    confusions,
    present,
    subjects_a_class,
)
from clinimcl.evaluation.statistics.intervals import mean_interval
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.statistics.significance import p_value

Draw = Callable[[np.random.Generator, int], np.ndarray]
RECALL = np.array([0.5, 0.9, 0.5])
# what is drawn, its bounds, its mean
MEANS: dict[str, tuple[Draw, tuple[float, float], float]] = {
    "normal": (lambda rng, size: rng.normal(0, 0.1, size), (-2.0, 2.0), 0.0),
    "skewed": (lambda rng, size: 0.05 * np.exp(rng.normal(-0.08, 0.4, size)), (0.0, 2.0), 0.05),
    "share of subjects": (lambda rng, size: (rng.uniform(size=size) < 0.9).astype(float), UNIT, 0.9),
    "share of 3 answers": (lambda rng, size: rng.binomial(3, rng.beta(9, 1, size)) / 3, UNIT, 0.9),
    "difference": (lambda rng, size: rng.choice([-1.0, 0.0, 1.0], size, p=[0.1, 0.6, 0.3]), SIGNED, 0.2),
}


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("subjects", [2, 3, 5, 8, 15, 40, 100])
def test_interval_of_a_mean_holds_it(name: str, subjects: int):
    draw, bounds, mean = MEANS[name]
    rng = np.random.default_rng(subjects)
    intervals = [mean_interval(draw(rng, subjects), bounds) for _ in range(400)]
    assert np.mean([own.low <= mean <= own.high for own in intervals]) > 0.95 - 0.033  # 3 standard errors


def answered(change: np.ndarray, recall: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    wrong = rng.uniform(size=len(change)) > recall[change]
    return np.where(wrong, np.where(change == 1, rng.choice([0, 2], len(change)), 1), change)


def drawn(subjects: int, answers: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Subjects and classes, of which the last is that of 4 % and of at least 2."""
    change = rng.choice(3, size=subjects, p=(0.1, 0.86, 0.04))
    change[:6] = np.repeat([0, 1, 2], 2)
    return np.repeat(np.arange(subjects), answers), np.repeat(change, answers)


def balanced(table: Replicates, classes: np.ndarray) -> Replicates:
    return table.map(lambda stack: balanced_accuracy(stack, classes))


@pytest.mark.parametrize(("subjects", "answers"), [(30, 1), (100, 1), (40, 3)])
def test_interval_of_balanced_accuracy_with_a_rare_class_holds_it(subjects: int, answers: int):
    rng, held, found = np.random.default_rng(0), [], []
    for _ in range(120):
        subject, change = drawn(subjects, answers, rng)
        clusters, classes = clusters_of(subject, subject, 0), present(change)
        both = [balanced(confusions(clusters, change, answered(change, RECALL, rng)), classes) for _ in range(2)]
        own = metric(both[0], UNIT, subjects_a_class(change, clusters))
        assert isinstance(own, Metric)
        held.append(own.low <= RECALL.mean() <= own.high)
        found.append(p_value(both[0].minus(both[1])) <= 0.05)
    assert np.mean(held) >= 0.93
    assert np.mean(found) <= 0.06


@pytest.mark.parametrize("sharper", [1.0, 2.5])
def test_interval_of_the_calibration_error_holds_it(sharper: float):
    rng, held = np.random.default_rng(0), []
    true = 0.0 if sharper == 1 else 0.182  # of 200,000 answers
    for _ in range(80):
        said = rng.dirichlet([2, 3, 2], 60)
        change = (said.cumsum(axis=1) > rng.uniform(size=(60, 1))).argmax(axis=1)
        said = said**sharper / (said**sharper).sum(axis=1, keepdims=True)
        error, _ = calibration(clusters_of(np.arange(60), np.arange(60), 0), change, said)
        assert isinstance(error, Metric)
        held.append(error.low <= true <= error.high)
    assert np.mean(held) >= 0.93
