import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from clinimcl.evaluation.exported.metrics import METRICS, Answered, evaluate_answers
from clinimcl.evaluation.exported.section import of_run, replace_entries, tell_report
from clinimcl.evaluation.statistics.metrics import Absent, Metric


def answered(subjects: int = 30) -> Answered:
    """Two pairs a subject; the set holds the likeliest and misses each fourth."""
    rng = np.random.default_rng(0)
    said = rng.dirichlet([1, 2, 1], 2 * subjects)
    change = np.where(np.arange(len(said)) % 4 == 0, said.argmin(axis=1), said.argmax(axis=1))
    within = np.eye(3, dtype=bool)[said.argmax(axis=1)]
    return Answered(np.arange(len(said)) // 2, change, said, within, np.full(3, 1 / 3))


def test_coverage_of_each_class_is_that_of_its_own_pairs():
    given = answered()
    outcomes, _ = evaluate_answers(given, seed=0)
    held = given.within[np.arange(60), given.change]
    for number, name in enumerate(("deteriorated", "stable", "improved")):
        own = outcomes[f"set_coverage_{name}"]
        assert isinstance(own, Metric)
        assert own.value == pytest.approx(held[given.change == number].mean())
        assert own.n_items == (given.change == number).sum()
        assert own.n_subjects == len(np.unique(given.subject[given.change == number]))


def test_coverage_of_a_class_of_nobody_or_of_one_subject_is_absent():
    given = answered()
    change = np.where(given.change == 0, 1, given.change)
    change[change == 2] = 1
    change[5] = 2
    outcomes, _ = evaluate_answers(given._replace(change=change), seed=0)
    assert outcomes["set_coverage_deteriorated"] == Absent("no test pair is deteriorated")
    assert isinstance(outcomes["set_coverage_improved"], Absent)


def test_probabilities_of_the_exported_model_are_measured_as_those_of_the_run():
    given = answered()
    outcomes, _ = evaluate_answers(given, seed=0)
    found = outcomes["exported_auroc"]
    assert isinstance(found, Metric)
    assert found.value == pytest.approx(roc_auc_score(given.change, given.probabilities, multi_class="ovr"))


def test_without_a_set_all_that_is_of_sets_is_absent_with_the_reason():
    outcomes, _ = evaluate_answers(answered()._replace(within=None), seed=0)
    absent = {name for name, own in outcomes.items() if isinstance(own, Absent) and "too few validation" in own.reason}
    assert absent == {name for name in METRICS if name.startswith("set_")}


def test_without_test_pairs_everything_is_absent():
    nobody = Answered(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 3)), None, np.full(3, 1 / 3))
    outcomes, _ = evaluate_answers(nobody, seed=0)
    assert {name for name in METRICS if not name.startswith("flagged")} == set(outcomes)
    assert all(isinstance(own, Absent) for own in outcomes.values())


def test_entries_of_an_export_replace_those_of_an_earlier_one(tmp_path):
    earlier = {"accuracy": {"value": 1.0}, "set_size": {"value": 3.0}}
    (tmp_path / "evaluation.json").write_text(json.dumps(earlier))
    replace_entries(tmp_path, {"set_coverage": Metric(0.9, 0.8, 0.95, 30, 60), "set_size": Absent("no set")})
    found = json.loads((tmp_path / "evaluation.json").read_text())
    assert set(found) == {"accuracy", "set_coverage"}
    assert of_run(found) == {"accuracy": {"value": 1.0}}
    assert not (tmp_path / "absent.json").exists()


def test_the_report_of_a_run_shows_coverage_by_class_and_why_something_is_not_measured(tmp_path):
    (tmp_path / "report.html").write_text("<main><!-- exported --><!-- /exported --></main>")
    given = answered()
    outcomes, bins = evaluate_answers(given._replace(change=np.where(given.change == 0, 1, given.change)), seed=0)
    tell_report(tmp_path, tmp_path / "model", None, "calibrated", outcomes, bins)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "coverage of the 90 % set" in text
    assert "Not measured, since no test pair is deteriorated: Coverage of the 90 % set, deteriorated" in text
