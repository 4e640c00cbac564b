import numpy as np
import pytest
from scipy.stats import studentized_range

from clinimcl.evaluation.groups.effects import Effects
from clinimcl.evaluation.groups.gaps import critical, gap, least_gap
from clinimcl.evaluation.groups.measure import compare
from clinimcl.evaluation.groups.permutation import Equality
from clinimcl.evaluation.statistics.metrics import Metric
from experiments.groups.intervals import Case, simulated


def metric(value: float, half: float, subjects: int = 10_000) -> Metric:
    return Metric(value, value - half, value + half, subjects, subjects)


def test_two_groups_have_the_interval_of_their_difference():
    found = gap([metric(1, 0.3), metric(3, 0.4)], np.eye(2), np.inf, None)
    assert found == pytest.approx((2, 1.5, 2.5))


@pytest.mark.parametrize("groups", [3, 6])
def test_of_more_it_is_as_wide_as_tukeys(groups):
    expected = studentized_range.ppf(0.95, groups, np.inf) / np.sqrt(2)
    assert critical(np.ones(groups), np.eye(groups)) == pytest.approx(expected, rel=0.01)


def test_a_pair_that_was_picked_from_many_gets_more_room():
    two, five = (gap([metric(0, 0.5)] * n + [metric(2, 0.5)], np.eye(n + 1), np.inf, None) for n in (1, 4))
    assert five.low < two.low


def test_people_in_both_groups_make_it_narrower():
    alike = np.array([[1, 0.8], [0.8, 1]])
    paired = gap([metric(1, 0.3), metric(3, 0.3)], alike, np.inf, None)
    assert paired.high - paired.low == pytest.approx(2 * 0.3 * np.sqrt(0.4))


def test_it_holds_0_where_equality_is_not_rejected():
    groups = [metric(1, 0.3), metric(3, 0.4)]
    assert gap(groups, np.eye(2), np.inf, least=0.0).low == 0
    assert gap(groups, np.eye(2), np.inf, least=None).low > 0


def test_it_does_not_hold_0_where_equality_is_rejected():
    assert gap([metric(1, 3.0), metric(3, 4.0)], np.eye(2), np.inf, least=0.2).low == 0.2


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("kind", ["share", "signed", "classes"])
def test_p_agrees_with_the_interval(kind, groups):
    rng = np.random.default_rng(groups)
    for seed in range(8):
        headline, _ = simulated(Case(kind, groups, 12, 0.7, False), rng)
        found = compare(headline, "site", {}, seed).difference
        assert (found.p <= 0.05) == (found.gap.low > 0)


def test_the_least_gap_is_that_of_the_widest_pair_for_its_error():
    pull = np.array([[[0.3, 0, 0, 0], [0, 0.4, 0, 0], [0, 0, 0.01, 0]]])
    found = Effects(np.array([[1.0, 2.0, 1.5]]), pull)
    assert least_gap(found, Equality(0.05, 1.0)) == pytest.approx(0.5)
    assert least_gap(found, Equality(0.051, 1.0)) == 0


def test_it_ends_at_the_largest_gap_that_there_can_be():
    assert gap([metric(0.1, 0.3), metric(0.9, 0.3)], np.eye(2), 1.0, None).high == 1
