import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from clinimcl.evaluation.exam.linear_probe import Answers
from clinimcl.evaluation.exam.scores import class_mean, f1, judged, one_vs_rest_auroc, replicates


def answers(seed, tested=80, classes=3):
    """With ties: probabilities are tenths."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.arange(tested) % classes)
    return Answers(np.arange(tested), truth, rng.multinomial(10, np.ones(classes) / classes, tested) / 10)


def mean(score, told):
    ones = np.ones((1, len(told.item)))
    return class_mean(score(told, ones), judged(told, ones))[0]


@pytest.mark.parametrize("seed", range(5))
def test_auroc_is_scikit_learn_s_mean_of_one_vs_rest(seed):
    told = answers(seed)
    expected = roc_auc_score(told.truth, told.probability, multi_class="ovr")
    assert mean(one_vs_rest_auroc, told) == pytest.approx(expected, abs=1e-12)


def test_auroc_of_two_classes_is_scikit_learn_s():
    told = answers(0, classes=2)
    expected = roc_auc_score(told.truth, told.probability[:, 1])
    assert mean(one_vs_rest_auroc, told) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_is_scikit_learn_s(seed):
    told = answers(seed)
    expected = f1_score(told.truth, told.answered, average="macro")
    assert mean(f1, told) == pytest.approx(expected, abs=1e-12)


def test_a_class_of_one_item_is_not_judged():
    told = answers(0)
    truth = np.where(told.truth == 2, 0, told.truth)
    truth[0] = 2
    assert judged(told._replace(truth=truth), np.ones((1, 80))).tolist() == [[True, True, False]]


def test_leaving_a_subject_out_is_scoring_the_others():
    told, subject = answers(1), np.arange(80) // 2
    found = replicates(one_vs_rest_auroc, [told], subject, np.ones(80, bool))
    expected = roc_auc_score(told.truth[2:], told.probability[2:], multi_class="ovr")
    assert found.left_out[0] == pytest.approx(expected, abs=1e-12)


def test_with_several_splits_distances_are_the_root_of_two_as_long():
    told, subject, everyone = answers(1), np.arange(80), np.ones(80, bool)
    once, twice = (replicates(f1, [told] * number, subject, everyone) for number in (1, 2))
    assert twice.whole == pytest.approx(once.whole)
    np.testing.assert_allclose(twice.whole - twice.left_out, np.sqrt(2) * (once.whole - once.left_out))


def test_a_group_without_a_class_to_judge_has_no_score():
    inside = np.arange(80) < 1
    assert replicates(f1, [answers(0)], np.arange(80), inside) is None
