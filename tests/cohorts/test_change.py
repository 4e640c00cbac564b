from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from clinimcl.cohorts.change import ChangeRule, rule_for
from clinimcl.errors import UserError


def scans(name: str = "age", scores: tuple[float, ...] = (1.0, 3.0, 5.0)) -> pd.DataFrame:
    return pd.DataFrame({"score": scores, "score_name": name, "higher_is": "better", "split": "train"})


def changes(rule: ChangeRule, *pairs: tuple[float, float]) -> list[int]:
    earlier, later = np.array(pairs, float).T
    return rule.change(earlier, later).tolist()


def test_a_difference_of_the_threshold_is_a_change():
    assert changes(ChangeRule("better", 3.0, ()), (27, 24), (27, 25), (24, 27)) == [0, 1, 2]


def test_a_higher_score_that_is_worse_is_deterioration():
    assert changes(ChangeRule("worse", 1.0, ()), (0, 2), (2, 0)) == [0, 2]


def test_crossing_an_edge_is_a_change_however_small():
    assert changes(ChangeRule("better", None, (180.0, 275.0)), (179, 181), (181, 274), (300, 100)) == [2, 1, 0]


@pytest.mark.parametrize("rule", [ChangeRule("worse", 2.0, ()), ChangeRule("better", None, (0.0, 1.0))])
def test_exchanged_scans_exchange_the_answer(rule: ChangeRule):
    earlier, later = np.random.default_rng(0).normal(0, 3, (2, 50))
    assert (rule.change(earlier, later) == 2 - rule.change(later, earlier)).all()


def decimals(low: str, high: str, step: str) -> list[Decimal]:
    count = int((Decimal(high) - Decimal(low)) / Decimal(step)) + 1
    return [Decimal(low) + Decimal(step) * number for number in range(count)]


@pytest.mark.parametrize(
    ("scores", "threshold"),
    [(("1", "4", "0.01"), "0.2"), (("0", "10", "0.1"), "0.3"), (("-5", "5", "0.1"), "0.7"), (("0", "85", "0.01"), "3"),
     (("9000", "9010", "0.001"), "0.001"), (("0", "0.001", "0.000001"), "0.0003")],
)  # fmt: skip
def test_a_decimal_difference_of_the_threshold_is_a_change_and_one_step_less_is_none(
    scores: tuple[str, str, str], threshold: str
):
    earlier, step = decimals(*scores), Decimal(threshold)
    rule = ChangeRule("better", float(step), ())
    less = step - step / 1000
    assert set(changes(rule, *[(float(own), float(own + step)) for own in earlier])) == {2}
    assert set(changes(rule, *[(float(own + step), float(own)) for own in earlier])) == {0}
    assert set(changes(rule, *[(float(own), float(own + less)) for own in earlier])) == {1}


def test_a_sum_of_decimals_that_equals_an_edge_lies_above_it():
    rule = ChangeRule("better", None, (0.3, 0.7))
    assert changes(rule, (0.1, 0.1 + 0.2), (0.7 - 0.1 - 0.1, 0.1 + 0.6), (0.1, 0.299)) == [2, 2, 1]
    assert changes(rule, (0.2, 0.1 * 3), (0.2, 1 - 0.7), (0.3, 0.2999)) == [2, 2, 0]


def test_scores_of_four_bytes_are_rounded_more():
    earlier, later = np.array([[4.0, 4.0], [4.2, 4.199]], np.float32)
    assert ChangeRule("better", 0.2, ()).change(earlier, later).tolist() == [2, 1]


def test_an_infinite_score_equals_no_edge():
    assert changes(ChangeRule("better", None, (1.0,)), (0, -np.inf), (0, np.inf)) == [1, 2]


def test_half_a_deviation_between_two_scores_is_a_change():
    found = rule_for(scans(scores=(0.1, 0.3)), None, None)
    threshold = found.threshold
    assert threshold is not None
    assert changes(found, (0.1, 0.1 + 0.2 / np.sqrt(8)), (5.1, 5.1 + threshold)) == [2, 2]


def test_mmse_changes_by_three_points_and_sf_by_the_paper_s_bins():
    assert rule_for(scans("MMSE"), None, None).threshold == 3
    assert rule_for(scans("SF"), None, None).bins == (180, 275, 430)


def test_another_score_changes_by_half_its_deviation_in_training():
    assert rule_for(scans(), None, None).threshold == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("threshold", "bins", "said"),
    [(1.0, [2.0], "two rules"), (-1.0, None, "must be above 0"), (None, [3.0, 1.0], "rising edges")],
)
def test_a_wrong_rule_is_refused(threshold, bins, said):
    with pytest.raises(UserError, match=said):
        rule_for(scans(), threshold, bins)


@pytest.mark.parametrize("scores", [(2.0, 2.0), (0.1, 0.1, 0.1), (2.0,)])
def test_scores_that_never_differ_are_refused(scores: tuple[float, ...]):
    with pytest.raises(UserError, match="same score"):
        rule_for(scans(scores=scores), None, None)
