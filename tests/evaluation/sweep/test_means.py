import pytest

from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.sweep.means import averaged


def test_seeds_share_their_subjects_and_folds_do_not():
    one, other = Metric(0.4, 0.3, 0.6, 10, 30, chance=0.2), Metric(0.6, 0.5, 0.8, 10, 30, chance=0.4)
    seeds = averaged({(0, -1): one, (1, -1): other})
    assert (seeds.value, seeds.low, seeds.n_subjects) == pytest.approx((0.5, 0.4, 10))
    folds = averaged({(0, 0): one, (0, 1): other})
    assert (folds.value, folds.low, folds.n_subjects) == pytest.approx((0.5, 0.5 - 0.1 / 2**0.5, 20))
    assert folds.chance == pytest.approx(0.3)


def test_larger_folds_weigh_more():
    assert averaged({(0, 0): Metric(0.0, 0, 0, 10, 1), (0, 1): Metric(1.0, 1, 1, 30, 1)}).value == pytest.approx(0.75)
