import numpy as np
import pytest
from scipy.stats import studentized_range

from clinimcl.evaluation.groups.gaps import critical, gap
from clinimcl.evaluation.metrics import Metric


def metric(value: float, half: float, subjects: int = 10_000) -> Metric:
    return Metric(value, value - half, value + half, subjects, subjects)


def test_two_groups_have_the_interval_of_their_difference():
    found = gap([metric(1, 0.3), metric(3, 0.4)], np.eye(2), np.inf, p=0.001)
    assert found == pytest.approx((2, 1.5, 2.5))


@pytest.mark.parametrize("groups", [3, 6])
def test_of_more_it_is_as_wide_as_tukeys(groups):
    expected = studentized_range.ppf(0.95, groups, np.inf) / np.sqrt(2)
    assert critical(np.ones(groups), np.eye(groups)) == pytest.approx(expected, rel=0.01)


def test_a_pair_that_was_picked_from_many_gets_more_room():
    two, five = (gap([metric(0, 0.5)] * n + [metric(2, 0.5)], np.eye(n + 1), np.inf, 0.001) for n in (1, 4))
    assert five.low < two.low


def test_people_in_both_groups_make_it_narrower():
    alike = np.array([[1, 0.8], [0.8, 1]])
    paired = gap([metric(1, 0.3), metric(3, 0.3)], alike, np.inf, 0.001)
    assert paired.high - paired.low == pytest.approx(2 * 0.3 * np.sqrt(0.4))


def test_it_holds_0_where_equality_is_not_rejected():
    assert gap([metric(1, 0.3), metric(3, 0.4)], np.eye(2), np.inf, p=0.06).low == 0
    assert gap([metric(1, 0.3), metric(3, 0.4)], np.eye(2), np.inf, p=None).low > 0


def test_it_ends_at_the_largest_gap_that_there_can_be():
    assert gap([metric(0.1, 0.3), metric(0.9, 0.3)], np.eye(2), 1.0, 0.001).high == 1
