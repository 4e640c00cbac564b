from collections.abc import Callable

import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.change.measure import ChangeEvaluation, evaluate_change
from clinimcl.evaluation.change.wording import METRICS
from clinimcl.evaluation.statistics.metrics import Metric

Given = Callable[..., ChangeInputs]


@pytest.fixture(scope="module")
def perfect(given: Given) -> ChangeEvaluation:
    return evaluate_change(given(), seed=0)


@pytest.fixture(scope="module")
def constant(given: Given) -> ChangeEvaluation:
    inputs = given()
    always = np.tile([0.1, 0.8, 0.1], (len(inputs.test), 1))
    return evaluate_change(inputs._replace(probabilities=always, swapped=always), seed=0)


def test_perfect_classifier_is_perfect(perfect: ChangeEvaluation):
    for name in ("accuracy", "balanced_accuracy", "weighted_f1", "macro_f1", "quadratic_kappa", "swap_consistency"):
        metric = perfect.metrics[name]
        assert isinstance(metric, Metric)
        assert metric.value == 1.0
        assert metric.low < 1.0


def test_every_metric_has_a_label_and_a_proper_interval(perfect: ChangeEvaluation):
    assert perfect.metrics.keys() == METRICS.keys()
    for metric in perfect.measured.values():
        assert metric.low <= metric.value <= metric.high
        assert metric.low < metric.high


def test_constant_classifier_is_at_chance_and_called_collapsed(constant: ChangeEvaluation):
    own, accuracy = constant.metrics["balanced_accuracy"], constant.metrics["accuracy"]
    assert isinstance(own, Metric) and isinstance(accuracy, Metric)
    assert own.value == pytest.approx(1 / 3) == own.chance == own.majority
    assert own.low < own.high
    assert constant.metrics["quadratic_kappa"].value == 0.0
    assert any("collapsed: it answers stable for 100%" in note for note in constant.notes)


def test_majority_is_what_the_constant_classifier_reaches(constant: ChangeEvaluation):
    for name in ("accuracy", "weighted_f1", "macro_f1"):
        metric = constant.metrics[name]
        tested = constant.by_class["test answers"]
        if tested["stable"] == tested.max():
            assert metric.value == pytest.approx(metric.majority)


def test_random_classifier_cannot_be_told_from_chance(given: Given):
    inputs = given(subjects=40)
    random = np.random.default_rng(1).dirichlet(np.ones(3), size=len(inputs.test))
    own = evaluate_change(inputs._replace(probabilities=random), seed=0).metrics["balanced_accuracy"]
    assert isinstance(own, Metric)
    assert own.low < 1 / 3 < own.high


def test_difference_from_the_oracle_holds_zero_and_from_pixels_does_not(given: Given):
    metrics = evaluate_change(given(subjects=18), seed=0).metrics  # of 3 subjects a class nothing could be said
    assert metrics["balanced_accuracy_minus_pooled_pixels"].low > 0
    assert metrics["balanced_accuracy_minus_oracle"].low <= 0


def test_score_and_distance_are_measured(perfect: ChangeEvaluation):
    assert perfect.metrics["score_spearman"].value > 0.9
    assert perfect.metrics["score_r2"].value > 0.9
    assert perfect.metrics["score_mae"].high < perfect.metrics["score_mae"].chance
    assert perfect.metrics["distance_change_spearman"].low > 0


def test_pairs_of_two_people_are_said_to_be_so(given: Given):
    evaluation = evaluate_change(given(kind="inter-subject"), seed=0)
    assert evaluation.notes[0].startswith("Tested on held-out pairs of two different people")
    assert any("both people of a pair are left out" in note for note in evaluation.notes)


def test_people_seen_once_are_why_two_are_compared(given: Given):
    inputs = given(kind="inter-subject")
    once = inputs._replace(scans=inputs.scans.assign(session="M0"))
    assert "because no test subject has two sessions" in evaluate_change(once, seed=0).notes[0]


def test_zone_contrast_is_not_called_health_change(given: Given):
    evaluation = evaluate_change(given()._replace(kind="zone contrast"), seed=0)
    assert "which is not health change" in evaluation.notes[0]


def test_what_is_measured_of_the_encoder_before_it_was_trained_on_is_said_to_be(
    given: Given, perfect: ChangeEvaluation
):
    tuned = evaluate_change(given()._replace(tuned=True), seed=0)
    (note,) = set(tuned.notes) - set(perfect.notes)
    assert "rows of one scan, the regressed scores and the distances of embeddings are those of the encoder be" in note


def test_absent_class_is_said_and_left_out(given: Given):
    inputs = given()
    kept = (inputs.test["change"] != 0).to_numpy()
    shown = inputs._replace(
        test=inputs.test[kept], probabilities=inputs.probabilities[kept], swapped=inputs.swapped[kept]
    )
    evaluation = evaluate_change(shown, seed=0)
    shares = np.bincount(inputs.train["change"], minlength=3) / len(inputs.train)
    assert evaluation.metrics["balanced_accuracy"].chance == pytest.approx(shares[1:].mean())
    assert evaluation.metrics["balanced_accuracy"].majority == 0.5
    assert any("No test answer is deteriorated" in note for note in evaluation.notes)


def test_nothing_known_but_pairs_still_gives_an_evaluation(given: Given):
    inputs = given()._replace(predicted=None, truth=None)
    bare = inputs._replace(scans=inputs.scans.assign(age=np.nan, sex=None, site=None), train=inputs.train[:0])
    evaluation = evaluate_change(bare, seed=0)
    assert evaluation.absent["covariates_accuracy"] == "there are no training pairs to learn from"
    assert "balanced_accuracy" in evaluation.measured


def test_test_without_pairs_is_refused(given: Given):
    inputs = given()
    empty = inputs._replace(test=inputs.test[:0], probabilities=np.zeros((0, 3)), swapped=np.zeros((0, 3)))
    with pytest.raises(UserError, match="at least one pair"):
        evaluate_change(empty, seed=0)


def test_diverged_classifier_is_refused(given: Given):
    inputs = given()
    with pytest.raises(UserError, match="must be finite"):
        evaluate_change(inputs._replace(probabilities=np.full((len(inputs.test), 3), np.nan)), seed=0)


def test_same_seed_gives_the_same_numbers(given: Given, perfect: ChangeEvaluation):
    assert evaluate_change(given(), seed=0).metrics == perfect.metrics


def test_brain_volume_is_measured_where_a_table_has_it(given: Given):
    inputs = given()
    assert inputs.truth is not None
    scans = inputs.scans.assign(nWBV=0.6 + inputs.truth / 100)
    evaluation = evaluate_change(inputs._replace(scans=scans), seed=0)
    assert evaluation.measured["brain_volume_balanced_accuracy"].value > 0.9
    assert "balanced_accuracy_minus_brain_volume" in evaluation.measured
    assert any("the best is difference of brain volume" in note for note in evaluation.notes)
