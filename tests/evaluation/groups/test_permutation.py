from itertools import permutations

import numpy as np
import pytest
from scipy.stats import permutation_test, ttest_ind

from clinimcl.evaluation.groups.effects import effects, items_of, studentised_range
from clinimcl.evaluation.groups.headlines import Values
from clinimcl.evaluation.groups.permutation import arrangements, arrangements_of, equality_test, units_of, until_enough
from clinimcl.evaluation.statistics.metrics import Absent

RNG = np.random.default_rng(1)


def test_arrangements_are_the_different_orders():
    assert sorted(arrangements((0, 0, 1, 2))) == sorted(set(permutations((0, 0, 1, 2))))


def test_people_in_one_group_exchange_and_those_in_several_do_so_within_themselves(headline):
    items = items_of(headline([0] * 6, [0, 0, 1, 1, 2, 2]).values)
    units = units_of(items, np.array([0, 0, 1, 1, 0, 1]))
    assert units.block.tolist() == [0, 0, 1, 1]
    assert units.of_item.tolist() == [0, 0, 1, 1, 2, 3]
    assert arrangements_of(units) == 4


def welch(x, y):
    return abs(ttest_ind(x, y, equal_var=False).statistic)


def test_small_groups_get_the_exact_p_of_scipy(headline):
    x, y = RNG.normal(size=4), RNG.normal(1, size=5)
    expected = permutation_test((x, y), welch, n_resamples=np.inf, alternative="greater").pvalue
    items = items_of(headline([*x, *y], list(range(9))).values)
    assert equality_test(items, np.repeat([0, 1], [4, 5]), 2, seed=0).p == pytest.approx(expected)


def test_pairs_get_the_exact_p_of_exchanged_signs(headline):
    value = RNG.normal([0, 0.8], size=(8, 2))

    def paired(x, y):
        difference = x - y
        return abs(difference.mean() / difference.std(ddof=1))

    expected = permutation_test(
        tuple(value.T), paired, permutation_type="samples", n_resamples=np.inf, alternative="greater"
    ).pvalue
    items = items_of(headline(value.ravel(), np.repeat(range(8), 2).tolist()).values)
    assert equality_test(items, np.tile([0, 1], 8), 2, seed=0).p == pytest.approx(expected)


def test_drawn_labellings_come_near_the_exact_p(headline, monkeypatch):
    items = items_of(headline(RNG.normal(size=10), list(range(10))).values)
    label = np.repeat([0, 1, 2], [4, 3, 3])
    exact = equality_test(items, label, 3, seed=0).p
    monkeypatch.setattr("clinimcl.evaluation.groups.permutation.EXACT", 0)
    assert equality_test(items, label, 3, seed=0).p == pytest.approx(exact, abs=0.1)


def test_the_same_seed_gives_the_same_p(headline):
    items, label = items_of(headline(RNG.normal(size=40), list(range(40))).values), np.arange(40) % 2
    assert equality_test(items, label, 2, seed=3) == equality_test(items, label, 2, seed=3)


def test_no_difference_gives_1(headline):
    items = items_of(headline([1] * 40, list(range(40))).values)
    assert equality_test(items, np.arange(40) % 2, 2, 0).p == 1


def test_equality_is_rejected_as_often_as_is_said(headline):
    label = np.repeat([0, 1, 2], [10, 20, 30])
    draws = [RNG.normal(size=60) * np.array([3.0, 1.0, 1.0])[label] for _ in range(60)]
    p = [equality_test(items_of(headline(own, list(range(60))).values), label, 3, 0).p for own in draws]
    assert (np.array(p) <= 0.05).sum() <= 7  # of 60 in 97 %, at a true 5 %


def of_classes(value, of_class):
    """Items of a mean over classes, one a subject."""
    subject = np.arange(len(value))
    of_class, value = np.array(of_class), np.asarray(value, dtype=float)
    return items_of(Values(value, of_class, subject, subject, (0.0, 1.0)))


def test_subjects_exchange_with_those_of_the_same_classes():
    label = np.array([0, 1, 0, 1, 1])
    units = units_of(of_classes([0] * 5, [0, 1, 1, 0, 1]), label)
    assert units.block.tolist() == [0, 0, 0, 1, 1]
    assert units.label[units.of_item].tolist() == label.tolist()
    assert units.block[units.of_item].tolist() == [1, 0, 0, 1, 0]


def test_a_class_that_is_hard_and_more_frequent_in_a_group_makes_no_difference():
    rng, p = np.random.default_rng(0), []
    group = np.repeat([0, 1], 30)
    for _ in range(60):
        hard = rng.random(60) < np.where(group, 0.15, 0.85)
        right = rng.random(60) < np.where(hard, 0.6, 0.95)
        p.append(equality_test(of_classes(right, hard.astype(int)), group, 2, 0).p)
    assert (np.array(p) <= 0.05).sum() <= 7  # of 60 in 97 %, at a true 5 %


def test_a_group_of_one_class_each_leaves_nothing_to_exchange():
    found = equality_test(of_classes([0, 1] * 20, np.repeat([0, 1], 20)), np.repeat([0, 1], 20), 2, 0)
    assert isinstance(found, Absent) and "same classes" in found.reason


@pytest.mark.parametrize("size", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("subjects", [10, 60])
def test_p_is_at_most_005_just_where_the_range_is_above_the_critical_one(headline, size, subjects):
    label = np.arange(subjects) % 2
    for seed in range(5):
        value = np.random.default_rng(seed).normal(size=subjects) + size * label
        items = items_of(headline(value, list(range(subjects))).values)
        found = equality_test(items, label, 2, seed)
        true = studentised_range(effects(items, label[None], 2))[0]
        assert (found.p <= 0.05) == (true > found.critical)


def test_more_draws_make_a_smaller_p_reachable(headline):
    items = items_of(headline(np.arange(60) // 30 * 9 + RNG.normal(size=60), list(range(60))).values)
    found = equality_test(items, np.repeat([0, 1], 30), 2, 0, draws=9999)
    assert found.p == 1 / 10_000


def test_drawing_ends_at_the_50th_that_is_as_large():
    stacks = iter([np.zeros(30), np.ones(45), np.zeros(5), np.ones(20), np.ones(1000)])
    assert len(until_enough(stacks, least=1.0)) == 85
