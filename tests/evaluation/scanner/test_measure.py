from collections.abc import Callable

import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.scanner.inputs import ScannerInputs
from clinimcl.evaluation.scanner.measure import ScannerEvaluation, evaluate_scanner
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.wording import METRICS

Given = Callable[..., ScannerInputs]


@pytest.fixture(scope="module")
def scanner(given: Given) -> ScannerEvaluation:
    return evaluate_scanner(given(), seed=0)


def metric(scanner: ScannerEvaluation, name: str) -> Metric:
    found = scanner.metrics[name]
    assert isinstance(found, Metric), found
    return found


def test_each_representation_has_its_share_of_the_scanner(scanner: ScannerEvaluation):
    shares = [metric(scanner, f"{name}scanner_share_scanner").value for name in ("", "untrained_", "raw_voxels_")]
    assert shares == pytest.approx([0.37, 0.0, 0.6], abs=0.07)


def test_retrieval_within_scanners_is_easier_where_the_scanner_is_most_of_an_embedding(scanner: ScannerEvaluation):
    within = metric(scanner, "raw_voxels_scanner_retrieval_within")
    across = metric(scanner, "raw_voxels_scanner_retrieval_across")
    assert within.low > across.high


@pytest.mark.parametrize("method", ["combat", "longitudinal"])
def test_after_harmonisation_the_scanner_is_at_chance_and_the_score_is_kept(scanner: ScannerEvaluation, method: str):
    before = scanner.harmonised.as_it_is["probe_scanner_balanced_accuracy"]
    after = metric(scanner, f"harmonised_{method}_probe_scanner_balanced_accuracy")
    cost = metric(scanner, f"harmonised_{method}_probe_score_spearman_minus_unharmonised")
    assert isinstance(before, Metric) and before.value > 0.9
    assert after.chance is not None and after.low < after.chance + 0.05
    assert after.value < 0.45 and cost.value > -0.02
    assert metric(scanner, f"harmonised_{method}_share_scanner").value < 0.03


def test_harmonisation_is_fitted_without_the_scores_of_test_people(given: Given, scanner: ScannerEvaluation):
    inputs = given()
    test = inputs.tested
    scans = inputs.embedded.scans.copy()
    scans.loc[test, "score"] = 30.0 - scans.loc[test, "score"]
    turned = evaluate_scanner(inputs._replace(embedded=inputs.embedded._replace(scans=scans)), seed=0)
    name = "harmonised_combat_probe_scanner_balanced_accuracy"
    assert turned.metrics[name] == scanner.metrics[name]


def test_few_scanners_are_said_to_leave_the_interval_too_narrow(scanner: ScannerEvaluation):
    assert any("not other scanners" in note for note in scanner.notes)


def test_what_was_estimated_below_nothing_is_said(scanner: ScannerEvaluation):
    assert any(note.startswith("Estimated below 0 and counted as 0:") for note in scanner.notes)


def test_scanners_that_training_has_not_are_counted(given: Given):
    inputs = given()
    scans = inputs.embedded.scans.copy()
    scans.loc[scans.index[scans["split"] == "test"][:2], "scanner"] = "S9"
    moved = evaluate_scanner(inputs._replace(embedded=inputs.embedded._replace(scans=scans)), seed=0)
    assert "2 test scans are of a scanner that training has not" in moved.notes[-1]


def test_on_one_scanner_nothing_of_it_is_measured_and_the_reason_is_there(given: Given):
    inputs = given()
    scans = inputs.embedded.scans.assign(scanner="S0")
    one = evaluate_scanner(inputs._replace(embedded=inputs.embedded._replace(scans=scans)), seed=0)
    assert "no subject has scans from two" in one.absent["scanner_share_scanner"]
    assert "not of two known scanners or sites" in one.absent["harmonised_combat_probe_score_spearman"]
    assert "scanner_icc" in one.measured


def test_without_test_scans_everything_is_absent(given: Given):
    inputs = given(subjects=12)
    scans = inputs.embedded.scans.assign(split="train")
    nothing = evaluate_scanner(ScannerInputs(inputs.embedded._replace(scans=scans), None), seed=0)
    assert not nothing.measured


def test_embeddings_that_are_not_finite_are_refused(given: Given):
    inputs = given(subjects=12)
    broken = inputs.embedded._replace(trained=np.full_like(inputs.embedded.trained, np.nan))
    with pytest.raises(UserError, match="the embeddings of the trained encoder must be finite"):
        evaluate_scanner(inputs._replace(embedded=broken), seed=0)


def test_every_metric_has_its_words(scanner: ScannerEvaluation):
    assert set(scanner.metrics) <= set(METRICS)
