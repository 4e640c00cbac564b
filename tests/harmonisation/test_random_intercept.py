import warnings

import numpy as np
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from clinimcl.harmonisation.random_intercept import fit_random_intercept, predict_intercept, studentise

COUNTS = [1, 2, 3, 4] * 8  # scans of each subject


def sampled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three dimensions, whose subjects vary much, a little, and not at all."""
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(len(COUNTS)), COUNTS)
    design = np.column_stack([np.ones(len(subject)), rng.normal(size=len(subject))])
    spread = np.array([2.0, 0.7, 0.0])
    intercept = spread * rng.normal(size=(len(COUNTS), 3))
    values = design @ rng.normal(size=(2, 3)) + intercept[subject] + rng.normal(size=(len(subject), 3))
    return design, values, subject


@pytest.mark.parametrize("dimension", [0, 1])
def test_the_fit_of_each_dimension_is_that_of_statsmodels(dimension: int):
    design, values, subject = sampled()
    fitted = fit_random_intercept(design, values, subject)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = MixedLM(values[:, dimension], design, subject).fit(reml=True)
    assert fitted.coefficients[:, dimension] == pytest.approx(oracle.fe_params, abs=1e-4)
    assert fitted.variance[dimension] == pytest.approx(oracle.scale, rel=1e-3)
    ratio = oracle.cov_re.item() / oracle.scale
    assert fitted.ratio[dimension] == pytest.approx(ratio, rel=1e-2)


def test_predicted_intercepts_are_those_of_statsmodels():
    design, values, subject = sampled()
    fitted = fit_random_intercept(design, values, subject)
    residual = values - design @ fitted.coefficients
    own = predict_intercept(residual, subject, fitted.ratio)[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = MixedLM(values[:, 0], design, subject).fit(reml=True).random_effects
    expected = [float(oracle[number].iloc[0]) for number in subject]
    assert own == pytest.approx(expected, abs=1e-2)


def test_a_dimension_in_which_subjects_do_not_differ_is_ordinary_least_squares():
    rng = np.random.default_rng(1)
    subject = np.repeat(np.arange(20), 2)
    half = rng.normal(size=20)
    values = np.column_stack([half, -half]).reshape(-1, 1)  # the two scans of a subject are opposite
    fitted = fit_random_intercept(np.ones((40, 1)), values, subject)
    assert fitted.ratio.tolist() == [0.0]
    assert fitted.variance == pytest.approx(values.var(axis=0, ddof=1))


@pytest.mark.parametrize("ratio", [0.0, 0.5, 4.0])
def test_a_studentised_residual_has_the_variance_of_the_rest(ratio: float):
    subject = np.repeat(np.arange(4), [1, 2, 3, 6])
    covariance = np.eye(12) + ratio * (subject[:, None] == subject)
    linear = studentise(np.eye(12), subject, np.full(12, ratio))
    assert np.diag(linear @ covariance @ linear.T) == pytest.approx(np.ones(12))
