import numpy as np
import pytest

from clinimcl.evaluation.change.calibration import calibration
from clinimcl.evaluation.change.clusters import clusters_of
from clinimcl.evaluation.metrics import Metric


def sure(confidence: np.ndarray) -> np.ndarray:
    return np.stack([confidence, (1 - confidence) / 2, (1 - confidence) / 2], axis=1)


def test_classifier_that_is_surer_than_right_errs_by_the_difference():
    change = np.tile([0, 0, 0, 1, 2], 8)  # right in 60 %
    subject = np.arange(40) // 5
    error, bins = calibration(clusters_of(subject, subject, seed=0), change, sure(np.full(40, 0.9)))
    assert isinstance(error, Metric)
    assert error.value == pytest.approx(0.3)
    assert bins.to_numpy().tolist() == [pytest.approx([0.9, 0.6, 40])]


def test_calibrated_classifier_errs_little():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.4, 1, size=2000)
    change = np.where(rng.uniform(size=2000) < confidence, 0, 1)
    subject = np.arange(2000) // 10
    error, bins = calibration(clusters_of(subject, subject, seed=0), change, sure(confidence))
    assert isinstance(error, Metric)
    assert error.value < 0.05
    assert bins["answers"].tolist() == [200] * 10
