import pytest

from clinimcl.evaluation.scanner.harmonised import Harmonised
from clinimcl.evaluation.scanner.notes import harmonised_sentence, score_clause
from clinimcl.evaluation.scanner.wording import PAIRED, difference_name, harmonised_name
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome


def metric(value: float, low: float, high: float, chance: float | None = None) -> Metric:
    return Metric(value, low, high, 20, 40, chance)


@pytest.mark.parametrize(
    ("cost", "judged"),
    [
        (metric(-0.05, -0.1, 0.0), "more than the 0.02 that it may cost"),
        (metric(-0.01, -0.03, 0.0), "no more than the 0.02 that it may cost, though its interval holds more"),
        (metric(-0.01, -0.015, 0.0), "no more than the 0.02 that it may cost"),
    ],
)
def test_what_harmonisation_costs_of_the_score_is_judged_with_its_interval(cost: Metric, judged: str):
    assert score_clause("combat", {difference_name("combat", PAIRED[1]): cost}).endswith(f"), {judged}")


@pytest.mark.parametrize(("low", "verb"), [(0.4, "is still above chance"), (0.3, "cannot be told from chance")])
def test_a_scanner_that_is_still_found_is_said(low: float, verb: str):
    after = metric(0.45, low, 0.5, chance=0.333)
    metrics: dict[str, Outcome] = {
        harmonised_name("combat", PAIRED[0]): after,
        difference_name("combat", PAIRED[1]): Absent("no score"),
    }
    before = {PAIRED[0]: metric(0.9, 0.8, 1.0)}
    sentence = harmonised_sentence("combat", metrics, Harmonised(metrics, before, "scanner", [], 0))
    assert verb in sentence and sentence.endswith("0.900 before.")
