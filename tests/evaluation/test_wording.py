import pytest

from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.evaluation.wording import cell, label, number, order_sentence, retrieval_sentence, verb


def metric(value: float, low: float, high: float, chance: float = 0.0) -> Metric:
    return Metric(value, low, high, 40, 120, chance=chance)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.500"),
        (-0.25, "−0.250"),
        (97.15, "97.2"),
        (-4.5e-15, "0.000"),
        (0.0007, "0.001"),
        (12345.6, "12,346"),
        (0.0, "0.000"),
    ],
)
def test_numbers_are_short(value: float, text: str):
    assert number(value) == text


def test_count_has_no_decimals():
    assert number(110.0) == "110"


def test_metric_without_a_label_keeps_its_name():
    assert label("some_metric") == "some metric"


def test_difference_that_holds_zero_is_not_called_better():
    sentence = retrieval_sentence(
        {
            "retrieval_top1": metric(0.9, 0.8, 0.95, 0.02),
            "raw_voxels_retrieval_top1": metric(0.85, 0.7, 0.9, 0.02),
            "retrieval_top1_minus_raw_voxels": metric(0.05, -0.05, 0.15),
        }
    )
    assert "cannot be told from them" in sentence
    assert "chance 2.0%" in sentence


def test_order_that_holds_zero_is_random():
    assert "cannot be told from random order" in order_sentence(metric(0.1, -0.1, 0.3))


@pytest.mark.parametrize(
    ("ends", "said"),
    [((0.1, 0.3), "is better"), ((-0.3, -0.1), "is worse"), ((-0.1, 0.3), "cannot be told from it")],
)
def test_an_interval_says_whether_a_difference_is_one(ends, said):
    assert verb(metric(0.0, *ends)) == said


def test_what_was_not_measured_is_a_dash():
    assert cell(Absent("nobody was tested")) == cell(None) == ("–", "")
    assert cell(metric(0.5, 0.4, 0.6)) == ("0.500", "0.400 to 0.600")
