import numpy as np
import pytest
from sklearn.metrics import r2_score

from clinimcl.evaluation.change.regression import errors
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of

SUBJECT = np.arange(20) // 2


def determination(measured: np.ndarray, regressed: np.ndarray) -> float:
    return float(errors(measured, regressed, clusters_of(SUBJECT, SUBJECT, seed=0))["r2"].whole[0])


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_r2_is_that_of_scikit_learn_in_every_unit(unit: float):
    measured, noise = np.random.default_rng(0).normal(size=(2, 20)) * unit
    assert determination(measured, measured + noise) == pytest.approx(r2_score(measured, measured + noise), rel=1e-9)


@pytest.mark.parametrize("score", [0.3, 3e8])
def test_a_score_that_does_not_vary_beyond_rounding_has_no_r2(score: float):
    measured = score * np.tile([1.0, 1 + 2.3e-16], 10)
    assert np.isnan(determination(measured, measured + 1))
