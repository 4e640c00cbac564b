from clinimcl.evaluation.change.probability_table import probability_table
from clinimcl.evaluation.statistics.metrics import Absent, Metric


def of(value: float) -> Metric:
    return Metric(value, value - 0.1, value + 0.1, 30, 60)


def test_each_class_has_a_row_and_all_of_them_the_mean():
    outcomes = {"auroc": of(0.8), "auroc_stable": of(0.7), "calibration_slope_stable": Absent("no slope")}
    table = probability_table(outcomes)
    assert table["columns"] == ["AUROC", "slope", "intercept"]
    rows = dict(table["classes"])
    assert rows["stable"] == [("0.700", "0.600 to 0.800", 30), ("–", "", 0), ("–", "", 0)]
    assert rows["all"][0] == ("0.800", "0.700 to 0.900", 30)


def test_the_parts_of_the_score_stand_beside_it_with_its_chance():
    table = probability_table({"brier_score": of(0.5)._replace(chance=0.6), "brier_reliability": of(0.2)})
    assert table["parts"][:3] == [
        ("score", "0.500", "0.400 to 0.600"),
        ("reliability", "0.200", "0.100 to 0.300"),
        ("resolution", "–", ""),
    ]
    assert table["chance"] == "0.600"


def test_further_columns_are_metrics_of_a_class():
    outcomes = {"set_coverage": of(0.8), "set_coverage_improved": of(0.6), "exported_auroc_improved": of(0.7)}
    table = probability_table(outcomes, "exported_", {"set_coverage": "coverage"})
    assert dict(table["classes"])["improved"][0][0] == "0.700"
    assert dict(table["classes"])["improved"][-1][0] == "0.600"
    assert dict(table["classes"])["all"][-1][0] == "0.800"
