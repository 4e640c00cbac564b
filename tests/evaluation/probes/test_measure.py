from collections.abc import Callable

import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.evaluation.probes.measure import ProbeEvaluation, evaluate_probes
from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.evaluation.wording import METRICS

Given = Callable[..., ProbeInputs]


@pytest.fixture(scope="module")
def probes(given: Given) -> ProbeEvaluation:
    return evaluate_probes(given(), seed=0)


def metric(probes: ProbeEvaluation, name: str) -> Metric:
    found = probes.metrics[name]
    assert isinstance(found, Metric), found
    return found


def test_a_diagnosis_that_the_embedding_knows_is_read_off(probes: ProbeEvaluation):
    assert metric(probes, "probe_diagnosis_auc").value > 0.98
    assert metric(probes, "probe_diagnosis_balanced_accuracy").value > 0.95


def test_score_and_age_that_the_embedding_knows_are_read_off(probes: ProbeEvaluation):
    assert metric(probes, "probe_score_spearman").value > 0.8
    assert metric(probes, "probe_age_r2").value > 0.8
    age = metric(probes, "probe_age_mae")
    assert age.chance is not None and age.high < age.chance


@pytest.mark.parametrize(
    "name", ["diagnosis_auc", "diagnosis_balanced_accuracy", "score_spearman", "sex_balanced_accuracy"]
)
def test_the_interval_of_noise_holds_chance(probes: ProbeEvaluation, name: str):
    noise = metric(probes, f"untrained_probe_{name}")
    assert noise.chance is not None and noise.low < noise.chance < noise.high


def test_trained_minus_untrained_is_their_difference(probes: ProbeEvaluation):
    own, other = (metric(probes, f"{kind}probe_diagnosis_auc").value for kind in ("", "untrained_"))
    minus = metric(probes, "probe_diagnosis_auc_minus_untrained")
    assert minus.value == pytest.approx(own - other)
    assert minus.low > 0


def test_a_subject_is_one_item_for_each_class_and_a_session_one_for_a_number(probes: ProbeEvaluation):
    sex, age = metric(probes, "probe_sex_balanced_accuracy"), metric(probes, "probe_age_mae")
    assert (sex.n_subjects, sex.n_items, age.n_subjects, age.n_items) == (40, 40, 40, 80)


def test_more_scans_of_the_same_subjects_do_not_narrow_the_interval_of_noise(given: Given):
    narrow, wide = (
        metric(evaluate_probes(given(sessions=sessions), seed=0), "untrained_probe_age_spearman") for sessions in (8, 1)
    )
    assert narrow.high - narrow.low > 0.8 * (wide.high - wide.low)


def test_a_confound_of_one_level_or_unknown_is_absent_with_the_reason(probes: ProbeEvaluation):
    assert "have 1 values of site in common" in probes.absent["probe_site_balanced_accuracy"]
    assert "no training scan has a known scanner" in probes.absent["untrained_probe_scanner_balanced_accuracy"]


def test_labels_that_no_training_subject_has_are_left_out_and_counted(given: Given):
    inputs = given()
    site = np.where(inputs.scans["subject"].str.endswith("8"), "C", inputs.scans["sex"])
    site[(site == "C") & (inputs.scans["split"] == "train").to_numpy()] = "F"
    probes = evaluate_probes(inputs._replace(scans=inputs.scans.assign(site=site)), seed=0)
    assert metric(probes, "probe_site_balanced_accuracy").n_subjects == 30
    assert "20 test scans whose site no training subject has are left out." in probes.notes


def test_a_score_without_a_known_edge_is_no_diagnosis(given: Given):
    inputs = given()
    probes = evaluate_probes(inputs._replace(scans=inputs.scans.assign(score_name="SF")), seed=0)
    assert probes.absent["probe_diagnosis_auc"] == "no value of SF is taken for a diagnosis"
    assert "probe_score_mae" in probes.measured


def test_a_cohort_without_scores_is_probed_for_what_it_has(given: Given):
    inputs = given()
    probes = evaluate_probes(inputs._replace(scans=inputs.scans.assign(score=np.nan, score_name="")), seed=0)
    assert "probe_age_mae" in probes.measured and probes.curve.empty
    assert isinstance(probes.metrics["probe_score_mae"], Absent)


def test_a_cohort_without_training_subjects_is_probed_for_nothing(given: Given):
    inputs = given()
    probes = evaluate_probes(inputs._replace(scans=inputs.scans.assign(split="test")), seed=0)
    assert not probes.measured
    assert probes.absent["probe_age_mae"] == "no training scan has a known age"


def test_the_same_seed_gives_the_same_numbers(given: Given):
    one, other = (evaluate_probes(given(subjects=20), seed=3) for _ in range(2))
    assert one.metrics == other.metrics
    assert one.curve.equals(other.curve)


def test_embeddings_that_are_not_finite_are_refused(given: Given):
    inputs = given(subjects=10)
    with pytest.raises(UserError, match="the embeddings of the trained encoder must be finite"):
        evaluate_probes(inputs._replace(trained=np.full_like(inputs.trained, np.nan)), seed=0)


def test_every_metric_has_its_words(probes: ProbeEvaluation):
    assert set(probes.metrics) <= set(METRICS)
