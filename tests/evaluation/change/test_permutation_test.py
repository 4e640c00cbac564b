from collections.abc import Callable

import numpy as np
import pytest

from clinimcl.evaluation.change.answers import answers_of
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.change.permutation_test import null, permuted_scores
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of
from clinimcl.evaluation.statistics.logistic import fit_and_answer
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome

Given = Callable[..., ChangeInputs]


def measured(inputs: ChangeInputs) -> dict[str, Outcome]:
    answers = answers_of(inputs)
    return null(inputs, answers, clusters_of(answers.earlier, answers.later, seed=0), seed=0)


def refit_on_differences(inputs: ChangeInputs) -> Callable[[np.ndarray], np.ndarray]:
    def moved(pairs):
        return inputs.embeddings[pairs["later"]] - inputs.embeddings[pairs["earlier"]]

    def refit(score):
        change = inputs.rule.change(score[inputs.train["earlier"]], score[inputs.train["later"]])
        return fit_and_answer(moved(inputs.train), change, moved(inputs.test))

    return refit


def test_good_classifier_is_better_than_all_permutations(given: Given):
    inputs = given(subjects=30)
    outcomes = measured(inputs._replace(refit=refit_on_differences(inputs)))
    p, accuracy = outcomes["null_p"], outcomes["null_accuracy"]
    assert isinstance(p, Metric) and isinstance(accuracy, Metric)
    assert p.value == pytest.approx(1 / 21)
    assert accuracy.value < 0.7


def test_classifier_that_answers_the_same_whatever_it_learns_is_not(given: Given):
    inputs = given()
    p = measured(inputs._replace(refit=lambda score: inputs.probabilities))["null_p"]
    assert isinstance(p, Metric)
    assert p[:3] == pytest.approx((1.0, 0.8316, 1.0), abs=1e-4)


def test_subjects_exchange_their_scores_in_order(given: Given):
    inputs = given()
    permuted = permuted_scores(inputs, np.random.default_rng(0))[:36].reshape(12, 3)
    own = inputs.scans["score"].to_numpy()[:36].reshape(12, 3)
    assert sorted(permuted.tolist()) == sorted(own.tolist())
    assert permuted.tolist() != own.tolist()


def test_scores_are_exchanged_within_a_split_and_test_scores_stay(given: Given):
    inputs = given(subjects=30)
    split = np.where(
        np.arange(len(inputs.scans)) < 18, "train", np.where(inputs.scans["split"] == "test", "test", "validation")
    )
    permuted = permuted_scores(inputs._replace(scans=inputs.scans.assign(split=split)), np.random.default_rng(0))
    own = inputs.scans["score"].to_numpy()
    for name in ("train", "validation"):
        assert sorted(permuted[split == name]) == sorted(own[split == name])
        assert not np.array_equal(permuted[split == name], own[split == name])
    assert np.array_equal(permuted[split == "test"], own[split == "test"])


def test_without_a_way_to_train_anew_there_is_no_null(given: Given):
    assert isinstance(measured(given())["null_p"], Absent)
