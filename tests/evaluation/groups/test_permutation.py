from itertools import permutations

import numpy as np
import pytest
from scipy.stats import permutation_test, ttest_ind

from clinimcl.evaluation.groups.effects import items_of
from clinimcl.evaluation.groups.permutation import arrangements, arrangements_of, p_value, units_of

RNG = np.random.default_rng(1)


def test_arrangements_are_the_different_orders():
    assert sorted(arrangements((0, 0, 1, 2))) == sorted(set(permutations((0, 0, 1, 2))))


def test_people_in_one_group_exchange_and_those_in_several_do_so_within_themselves(headline):
    items = items_of(headline([0] * 6, [0, 0, 1, 1, 2, 2]).values)
    units = units_of(items, np.array([0, 0, 1, 1, 0, 1]))
    assert units.block.tolist() == [0, 0, 3, 3]
    assert units.of_item.tolist() == [0, 0, 1, 1, 2, 3]
    assert arrangements_of(units) == 4


def welch(x, y):
    return abs(ttest_ind(x, y, equal_var=False).statistic)


def test_small_groups_get_the_exact_p_of_scipy(headline):
    x, y = RNG.normal(size=4), RNG.normal(1, size=5)
    expected = permutation_test((x, y), welch, n_resamples=np.inf, alternative="greater").pvalue
    items = items_of(headline([*x, *y], list(range(9))).values)
    assert p_value(items, np.repeat([0, 1], [4, 5]), 2, seed=0) == pytest.approx(expected)


def test_pairs_get_the_exact_p_of_exchanged_signs(headline):
    value = RNG.normal([0, 0.8], size=(8, 2))

    def paired(x, y):
        difference = x - y
        return abs(difference.mean() / difference.std(ddof=1))

    expected = permutation_test(
        tuple(value.T), paired, permutation_type="samples", n_resamples=np.inf, alternative="greater"
    ).pvalue
    items = items_of(headline(value.ravel(), np.repeat(range(8), 2).tolist()).values)
    assert p_value(items, np.tile([0, 1], 8), 2, seed=0) == pytest.approx(expected)


def test_drawn_labellings_come_near_the_exact_p(headline, monkeypatch):
    items = items_of(headline(RNG.normal(size=10), list(range(10))).values)
    label = np.repeat([0, 1, 2], [4, 3, 3])
    exact = p_value(items, label, 3, seed=0)
    monkeypatch.setattr("clinimcl.evaluation.groups.permutation.EXACT", 0)
    assert p_value(items, label, 3, seed=0) == pytest.approx(exact, abs=0.1)


def test_the_same_seed_gives_the_same_p(headline):
    items, label = items_of(headline(RNG.normal(size=40), list(range(40))).values), np.arange(40) % 2
    assert p_value(items, label, 2, seed=3) == p_value(items, label, 2, seed=3)


def test_no_difference_gives_1(headline):
    assert p_value(items_of(headline([1] * 40, list(range(40))).values), np.arange(40) % 2, 2, 0) == 1


def test_equality_is_rejected_as_often_as_is_said(headline):
    label = np.repeat([0, 1, 2], [10, 20, 30])
    draws = [RNG.normal(size=60) * np.array([3.0, 1.0, 1.0])[label] for _ in range(60)]
    p = [p_value(items_of(headline(own, list(range(60))).values), label, 3, 0) for own in draws]
    assert (np.array(p) <= 0.05).sum() <= 7  # of 60 in 97 %, at a true 5 %
