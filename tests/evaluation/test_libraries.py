"""Each metric beside a well-known implementation of it, on inputs with ties and missing classes: docs/metrics.md."""

import itertools
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from scipy import stats
from sklearn.metrics.pairwise import cosine_similarity as cosines
from statsmodels.api import OLS, add_constant
from statsmodels.stats.multitest import multipletests
from torchmetrics.functional.classification import multiclass_calibration_error
from torchmetrics.functional.retrieval import retrieval_average_precision, retrieval_precision

from clinimcl.evaluation.change.regression import errors
from clinimcl.evaluation.contrastive.retrieval import average_precision, cosine_similarity, top1
from clinimcl.evaluation.contrastive.stability import effective_rank, total_variance
from clinimcl.evaluation.contrastive.time_order import tau
from clinimcl.evaluation.probes.scoring import balanced_accuracy
from clinimcl.evaluation.statistics.calibration import calibration
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of
from clinimcl.evaluation.statistics.confusion import class_metrics, confusions
from clinimcl.evaluation.statistics.rank_correlation import auc, spearman
from clinimcl.evaluation.statistics.significance import holm

SEEDS = range(8)
ITEMS = 60
ALL = ([0, 1, 2], [0, 1], [1, 2], [0, 2])  # classes that there are


def answered(seed, classes):
    """Truth of these classes, and answers of any."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.resize(classes, ITEMS))
    return truth, np.where(rng.random(ITEMS) < 0.5, truth, rng.integers(3, size=ITEMS))


def measured(truth, answers):
    subject = np.arange(ITEMS)
    clusters = clusters_of(subject, subject, seed=0)
    outcomes = class_metrics(confusions(clusters, truth, answers), truth, clusters)
    return {name: outcome.value for name, outcome in outcomes.items()}


def tied(seed, variables, levels=6):
    """Numbers of few values, which are whole, so that ties are ties."""
    return np.random.default_rng(seed).integers(levels, size=(variables, ITEMS)).astype(float)


def once(items):
    return np.ones((1, items))


cases = pytest.mark.parametrize(("seed", "classes"), list(itertools.product(SEEDS, ALL)))
seeds = pytest.mark.parametrize("seed", SEEDS)


@cases
def test_accuracy(seed, classes):
    truth, answers = answered(seed, classes)
    assert measured(truth, answers)["accuracy"] == pytest.approx(sk.accuracy_score(truth, answers))


@cases
def test_balanced_accuracy(seed, classes):
    truth, answers = answered(seed, classes)
    with warnings.catch_warnings(action="ignore"):  # of answers that no truth is
        expected = sk.balanced_accuracy_score(truth, answers)
    assert measured(truth, answers)["balanced_accuracy"] == pytest.approx(expected)


@cases
def test_balanced_accuracy_of_probes(seed, classes):
    truth, answers = answered(seed, classes)
    subject = np.arange(ITEMS)
    found = balanced_accuracy(truth, answers, clusters_of(subject, subject, seed=0)).whole[0]
    assert found == pytest.approx(sk.recall_score(truth, answers, average="macro", labels=classes))


@cases
def test_weighted_f1(seed, classes):
    truth, answers = answered(seed, classes)
    assert measured(truth, answers)["weighted_f1"] == pytest.approx(sk.f1_score(truth, answers, average="weighted"))


@cases
def test_macro_f1_over_the_classes_that_there_are(seed, classes):
    truth, answers = answered(seed, classes)
    expected = sk.f1_score(truth, answers, average="macro", labels=classes)
    assert measured(truth, answers)["macro_f1"] == pytest.approx(expected)


def test_macro_f1_differs_where_a_class_is_answered_that_is_not_there():
    truth, answers = answered(0, [0, 1])
    assert 2 in answers
    ours, theirs = measured(truth, answers)["macro_f1"], sk.f1_score(truth, answers, average="macro")
    assert theirs == pytest.approx(ours * 2 / 3)


@cases
def test_quadratic_kappa(seed, classes):
    truth, answers = answered(seed, classes)
    expected = sk.cohen_kappa_score(truth, answers, labels=[0, 1, 2], weights="quadratic")
    assert measured(truth, answers)["quadratic_kappa"] == pytest.approx(expected)


@seeds
def test_spearman_with_ties(seed):
    values = tied(seed, 2)
    assert spearman(values, once(ITEMS))[0] == pytest.approx(stats.spearmanr(*values).statistic)


@seeds
def test_spearman_of_items_that_are_there_several_times(seed):
    values = tied(seed, 2)
    counts = np.random.default_rng(seed).integers(4, size=ITEMS)
    expected = stats.spearmanr(*np.repeat(values, counts, axis=1)).statistic
    assert spearman(values, counts[None].astype(float))[0] == pytest.approx(expected)


@seeds
def test_partial_spearman_is_the_correlation_of_what_is_left_of_ranks(seed):
    values = tied(seed, 4)
    ranks = stats.rankdata(values, axis=1)
    left = [OLS(ranks[number], add_constant(ranks[2:].T)).fit().resid for number in (0, 1)]
    assert spearman(values, once(ITEMS))[0] == pytest.approx(stats.pearsonr(*left).statistic)


@seeds
def test_area_under_the_roc_curve_with_ties_and_weights(seed):
    probability, other = tied(seed, 2) / 6
    truth = (other > 0.4).astype(int)
    weights = np.random.default_rng(seed).integers(3, size=(2, ITEMS)).astype(float)
    expected = [sk.roc_auc_score(truth, probability, sample_weight=own) for own in weights]
    assert auc(probability, truth, weights) == pytest.approx(expected)


@seeds
def test_errors_of_a_regression(seed):
    truth, answers = tied(seed, 2)
    found = errors(truth, answers, clusters_of(np.arange(ITEMS), np.arange(ITEMS), seed=0))
    expected = {
        "mae": sk.mean_absolute_error(truth, answers),
        "r2": sk.r2_score(truth, answers),
        "spearman": stats.spearmanr(truth, answers).statistic,
    }
    assert {name: own.whole[0] for name, own in found.items()} == pytest.approx(expected)


@seeds
def test_kendall_tau_b_with_ties(seed):
    day, position = tied(seed, 2)[:, :8]
    assert tau(day, position) == pytest.approx(stats.kendalltau(day, position, variant="b").statistic)


def test_kendall_tau_differs_where_all_positions_are_one():
    day, position = np.arange(4.0), np.zeros(4)
    assert tau(day, position) == 0.0
    assert np.isnan(stats.kendalltau(day, position).statistic)


@seeds
def test_average_precision_without_ties(seed):
    rng = np.random.default_rng(seed)
    scores, relevant = rng.permutation(30) + 1.0, rng.random(30) < 0.2
    relevant[0] = True
    ours = average_precision(scores, relevant)
    assert ours == pytest.approx(sk.average_precision_score(relevant, scores))
    tensors = torch.tensor(scores), torch.tensor(relevant)
    assert ours == pytest.approx(float(retrieval_average_precision(*tensors)))


@seeds
def test_average_precision_with_ties_is_the_mean_over_their_orders(seed):
    rng = np.random.default_rng(seed)
    scores, relevant = rng.integers(3, size=6).astype(float), rng.permutation(np.arange(6) < 2)
    orders = [order for order in itertools.permutations(range(6)) if (np.diff(scores[list(order)]) <= 0).all()]
    untied = -np.arange(6.0)
    expected = np.mean([sk.average_precision_score(relevant[list(order)], untied) for order in orders])
    assert average_precision(scores, relevant) == pytest.approx(expected)


def test_average_precision_differs_where_all_are_tied():
    relevant = np.arange(10) < 1
    ours, theirs = average_precision(np.zeros(10), relevant), sk.average_precision_score(relevant, np.zeros(10))
    assert ours == pytest.approx(np.mean(1 / np.arange(1, 11)))
    assert theirs == pytest.approx(0.1)


def test_average_precision_differs_of_torchmetrics_where_a_score_is_not_positive():
    scores, relevant = np.array([0.5, 0.2, -0.1, -0.2]), np.array([True, False, True, False])
    assert average_precision(scores, relevant) == pytest.approx((1 + 2 / 3) / 2)
    assert float(retrieval_average_precision(torch.tensor(scores), torch.tensor(relevant))) == 1.0


@seeds
def test_top1_without_ties_is_precision_at_1(seed):
    rng = np.random.default_rng(seed)
    scores, relevant = rng.permutation(20) + 1.0, rng.random(20) < 0.5
    expected = retrieval_precision(torch.tensor(scores), torch.tensor(relevant), top_k=1)
    assert top1(scores, relevant) == float(expected)


@seeds
def test_cosine_similarity(seed):
    vectors = np.random.default_rng(seed).normal(size=(7, 4))
    np.testing.assert_allclose(cosine_similarity(vectors), cosines(vectors), atol=1e-9)


def confident(seed, levels):
    """Probabilities whose largest is one of `levels`, and what is true."""
    rng = np.random.default_rng(seed)
    largest = np.resize(levels, ITEMS)
    order = np.argsort(rng.random((ITEMS, 3)), axis=1)
    others = (1 - largest) / 2
    probabilities = np.take_along_axis(np.stack([largest, others, others], axis=1), order, axis=1)
    return probabilities, rng.integers(3, size=ITEMS)


def both_calibration_errors(probabilities, truth):
    subject = np.arange(ITEMS)
    ours = calibration(clusters_of(subject, subject, seed=0), truth, probabilities)[0].value
    theirs = multiclass_calibration_error(torch.tensor(probabilities), torch.tensor(truth), 3, n_bins=10)
    return ours, float(theirs)


@seeds
def test_calibration_error_where_the_bins_are_the_same(seed):
    ours, theirs = both_calibration_errors(*confident(seed, [0.45, 0.55, 0.65, 0.75, 0.85]))
    assert ours == pytest.approx(theirs)


def test_calibration_error_differs_where_errors_of_one_bin_of_equal_width_cancel():
    levels = 0.7 + 0.09 * np.arange(ITEMS) / ITEMS
    probabilities, _ = confident(0, levels)
    says = probabilities.argmax(axis=1)
    ours, theirs = both_calibration_errors(probabilities, np.where(levels < 0.745, says, (says + 1) % 3))
    assert ours > 0.5 > 0.3 > theirs


@seeds
def test_holm_s_p_values(seed):
    p = np.round(np.random.default_rng(seed).random(9) ** 3, 2)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])


@seeds
def test_effective_rank_is_the_exponential_of_the_entropy_of_singular_values(seed):
    vectors = np.random.default_rng(seed).normal(size=(9, 5))
    expected = np.exp(stats.entropy(np.linalg.svd(vectors, compute_uv=False)))
    assert effective_rank(vectors) == pytest.approx(expected)


@seeds
def test_total_variance_is_the_sum_of_the_unbiased_variances_of_unit_vectors(seed):
    vectors = np.random.default_rng(seed).normal(size=(9, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = total_variance(vectors, np.ones(9)).value
    assert found == pytest.approx(min(vectors.var(axis=0, ddof=1).sum(), 1.0))


def test_the_table_of_the_documents_names_these_tests():
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    there = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    named = set(re.findall(r"`test_(\w+)`", page))
    assert named == there - {"the_table_of_the_documents_names_these_tests"}
