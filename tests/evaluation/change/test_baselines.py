from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.change.answers import answers_of
from clinimcl.evaluation.change.baselines import covariates, filled, predictions
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.statistics.logistic import fit_and_answer
from clinimcl.evaluation.statistics.metrics import Absent

Given = Callable[..., ChangeInputs]


def test_regressed_and_true_scores_know_the_change(given: Given):
    inputs = given()
    answers = answers_of(inputs)
    rows = predictions(inputs, answers)
    for name in ("classifier", "score_difference", "oracle"):
        assert (rows[name] == answers.change).mean() > 0.9


def test_one_scan_or_noise_does_not_know_the_change(given: Given):
    inputs = given(subjects=30)
    answers = answers_of(inputs)
    rows = predictions(inputs, answers)
    right = {name: (own == answers.change).mean() for name, own in rows.items()}
    for name in ("pooled_pixels", "earlier_only", "earlier_score", "covariates"):
        assert right[name] < 0.5
    assert right["later_only"] < right["score_difference"] - 0.1  # who fell far is low


def test_rows_that_are_not_to_be_had_say_why(given: Given):
    inputs = given()._replace(truth=None, predicted=None)
    rows = predictions(inputs, answers_of(inputs))
    assert rows["oracle"] == Absent("only a generated cohort knows scores without noise")
    assert isinstance(rows["score_difference"], Absent)


def test_test_pairs_teach_nothing(given: Given):
    inputs = given()
    other = inputs._replace(test=inputs.test.assign(change=1))
    own, changed = (predictions(each, answers_of(inputs)) for each in (inputs, other))
    for name in own:
        assert np.array_equal(own[name], changed[name])


def test_unknown_site_sex_and_age_are_borne(given: Given):
    inputs = given()
    scans = inputs.scans.assign(age=np.nan, sex=None, site=np.where(inputs.scans["split"] == "test", "new", None))
    seen = covariates(inputs._replace(scans=scans), np.array([0, 36]), np.array([1, 37]))
    # age, years, sex of both, and site of both: unknown or new
    assert seen.tolist() == [[0, 1, 1, 1, 1, 0, 1, 0], [0, 1, 1, 1, 0, 1, 0, 1]]


def test_class_that_no_training_pair_has_is_never_answered():
    rng = np.random.default_rng(0)
    change = rng.integers(2, size=50) * 2
    answered = fit_and_answer(rng.normal(size=(50, 4)), change, rng.normal(size=(9, 4)))
    assert (answered[:, 1] == 0).all()
    assert np.allclose(answered.sum(axis=1), 1)


def test_one_known_class_is_always_answered():
    assert fit_and_answer(np.zeros((3, 2)), np.array([2, 2, 2]), np.zeros((1, 2))).tolist() == [[0, 0, 1]]


def test_many_features_are_reduced():
    rng = np.random.default_rng(0)
    change = rng.integers(3, size=90)
    train = rng.normal(size=(90, 200)) + 3 * np.eye(3)[change] @ rng.normal(size=(3, 200))
    assert (fit_and_answer(train, change, train).argmax(axis=1) == change).all()


def with_volumes(inputs: ChangeInputs, known: float = 1.0) -> ChangeInputs:
    """A brain that follows the true score, as text; of this share of scans."""
    truth = inputs.truth
    assert truth is not None
    text = pd.Series(np.round(0.6 + truth / 100, 3).astype(str))
    unknown = np.random.default_rng(0).random(len(text)) >= known
    return inputs._replace(scans=inputs.scans.assign(nWBV=text.mask(unknown), eTIV="1500"))


def test_the_difference_of_brain_volume_knows_a_change_that_shrinks_the_brain(given: Given):
    inputs = with_volumes(given())
    answers = answers_of(inputs)
    rows = predictions(inputs, answers)
    assert (rows["brain_volume"] == answers.change).mean() > 0.9


def test_scans_without_a_volume_are_borne(given: Given):
    inputs = with_volumes(given(), known=0.8)
    answers = answers_of(inputs)
    assert 0.5 < (predictions(inputs, answers)["brain_volume"] == answers.change).mean() < 0.95


@pytest.mark.parametrize("column", [{}, {"eTIV": "1500"}, {"nWBV": None}, {"nWBV": "n/a"}])
def test_without_nwbv_there_is_no_row_of_it(given: Given, column):
    inputs = given()
    rows = predictions(inputs._replace(scans=inputs.scans.assign(**column)), answers_of(inputs))
    assert str(rows["brain_volume"].reason).startswith("no table of the cohort gives nWBV")


def test_an_unknown_difference_is_the_mean_of_the_training_pairs():
    train, test = filled(np.array([[1.0], [3.0], [np.nan]]), np.array([[np.nan], [5.0]]))
    assert train.tolist() == [[1], [3], [2]]
    assert test.tolist() == [[2], [5]]
