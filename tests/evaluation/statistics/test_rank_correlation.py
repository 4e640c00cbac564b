import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import roc_auc_score

from clinimcl.evaluation.statistics.rank_correlation import auc, spearman, weighted_ranks


def values(rows: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(8, size=(rows, 30)).astype(float)  # with ties


def test_weights_are_repetitions():
    own = values()[0]
    weights = np.random.default_rng(1).integers(1, 4, size=(1, 30))
    repeated = rankdata(np.repeat(own, weights[0]))
    first = np.r_[0, np.cumsum(weights[0])[:-1]]
    assert weighted_ranks(own, weights.astype(float))[0] == pytest.approx(repeated[first])


def test_correlation_of_a_resample_is_that_of_its_items():
    weights = np.random.default_rng(1).multinomial(30, np.full(30, 1 / 30), size=4)
    expected = [spearmanr(*np.repeat(values(), draw, axis=1)).statistic for draw in weights]
    assert spearman(values(), weights.astype(float)) == pytest.approx(expected)


def test_partial_correlation_is_that_of_the_residuals_of_ranks():
    given = values(4)
    ranks = np.apply_along_axis(rankdata, 1, given)
    known = np.c_[np.ones(30), ranks[2:].T]
    residuals = [rank - known @ np.linalg.lstsq(known, rank, rcond=None)[0] for rank in ranks[:2]]
    assert spearman(given, np.ones((1, 30))) == pytest.approx(np.corrcoef(residuals)[0, 1])


def test_variable_that_does_not_vary_explains_nothing():
    given = np.r_[values(), np.ones((1, 30))]
    assert spearman(given, np.ones((1, 30))) == pytest.approx(spearman(values(), np.ones((1, 30))))


def test_correlation_that_is_all_explained_is_not_defined():
    given = values()[[0, 1, 0]]
    assert np.isnan(spearman(given, np.ones((1, 30)))).all()


def test_differences_of_decimals_that_are_equal_are_ties():
    steps = np.array([0.7 - 0.4, 0.5 - 0.2, 0.3, 1.2 - 0.9, 0.301])
    assert len(set(steps[:4])) > 1
    assert weighted_ranks(steps, np.ones((1, 5))).tolist() == [[2.5, 2.5, 2.5, 2.5, 5.0]]


def test_small_numbers_are_no_ties():
    assert weighted_ranks(np.array([2e-9, 1e-9, 3e-9]), np.ones((1, 3))).tolist() == [[2.0, 1.0, 3.0]]


def test_auc_of_repeated_items_is_that_of_the_resample():
    rng = np.random.default_rng(0)
    probability, truth = rng.integers(5, size=30) / 5, rng.integers(2, size=30)
    times = rng.integers(3, size=30)
    expected = roc_auc_score(truth.repeat(times), probability.repeat(times))
    assert auc(probability, truth, times[None].astype(float)) == pytest.approx([expected])


def test_auc_without_a_class_is_not_defined():
    assert np.isnan(auc(np.array([0.1, 0.2]), np.array([1, 1]), np.ones((1, 2)))).all()


def test_scores_that_rounding_alone_tells_apart_are_ties():
    score, truth = np.array([0.7 - 0.4, 0.5 - 0.2]), np.array([0, 1])
    assert score[0] != score[1]
    assert auc(score, truth, np.ones((1, 2))).tolist() == [0.5]
