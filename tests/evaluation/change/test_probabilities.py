import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import logit, softmax
from scipy.stats import binomtest
from scipy.stats import t as student
from sklearn.metrics import brier_score_loss, roc_auc_score

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.change.probabilities import METRICS, probability_metrics
from clinimcl.evaluation.statistics.brier import brier, raised, unbiased
from clinimcl.evaluation.statistics.cluster_intervals import Replicates, clusters_of
from clinimcl.evaluation.statistics.metrics import Absent, Metric

SHARES = np.array([0.2, 0.6, 0.2])


def answers(subjects: int, each: int = 2, sure: float = 1.0, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Subject, change and probabilities of answers that are calibrated where `sure` is 1."""
    rng = np.random.default_rng(seed)
    true = softmax(rng.normal(size=(subjects * each, 3)) * 1.2, axis=1)
    change = (rng.random((len(true), 1)) > true.cumsum(axis=1)).sum(axis=1)
    return np.arange(len(true)) // each, change, softmax(sure * np.log(true), axis=1)


def measured(subject: np.ndarray, change: np.ndarray, said: np.ndarray) -> dict[str, Metric | Absent]:
    return probability_metrics(clusters_of(subject, subject, seed=0), change, said, SHARES)


def parts(subject: np.ndarray, change: np.ndarray, said: np.ndarray) -> dict[str, Metric | Absent]:
    return brier(clusters_of(subject, subject, seed=0), change, said, SHARES)


def value(outcome: Metric | Absent) -> float:
    assert isinstance(outcome, Metric), outcome
    return outcome.value


def test_every_metric_has_words():
    assert list(measured(*answers(30))) == list(METRICS)


def test_brier_score_is_that_of_scikit_learn():
    subject, change, said = answers(30)
    found = value(measured(subject, change, said)["brier_score"])
    assert found == pytest.approx(brier_score_loss(change, said, labels=[0, 1, 2], scale_by_half=False))


def test_brier_score_stands_beside_that_of_the_training_shares():
    subject, change, said = answers(30)
    found = measured(subject, change, said)["brier_score"]
    guessed = brier_score_loss(change, np.tile(SHARES, (60, 1)), labels=[0, 1, 2], scale_by_half=False)
    assert isinstance(found, Metric)
    assert found.chance == pytest.approx(guessed)


@pytest.mark.parametrize("subjects", [40, 57, 100])
@pytest.mark.parametrize("sure", [0.5, 1.0, 3.0])
def test_parts_of_the_brier_score_sum_up(subjects: int, sure: float):
    found = measured(*answers(subjects, sure=sure))
    reliability, resolution, uncertainty, within = (
        value(found[f"brier_{part}"]) for part in ("reliability", "resolution", "uncertainty", "within_bins")
    )
    assert reliability - resolution + uncertainty + within == pytest.approx(value(found["brier_score"]), abs=1e-12)


def test_answers_of_five_probabilities_have_the_parts_of_the_transcribed_equation():
    """Murphy 1973, of each class; equal answers share a bin, so that nothing is within bins."""
    _, change, _ = answers(500, each=1)
    said = softmax(np.random.default_rng(1).normal(size=(5, 3)), axis=1)[np.arange(500) % 5]
    reliability = resolution = 0.0
    for number in range(3):
        for own in np.unique(said[:, number]):
            among = said[:, number] == own
            true = (change[among] == number).mean()
            reliability += among.mean() * (own - true) ** 2
            resolution += among.mean() * (true - (change == number).mean()) ** 2
    found = parts(np.arange(500), change, said)
    assert value(found["brier_reliability"]) == pytest.approx(reliability, abs=0.01)  # less its bias, 5 bins of 500
    assert value(found["brier_resolution"]) == pytest.approx(resolution, abs=0.01)
    assert value(found["brier_within_bins"]) == pytest.approx(0, abs=1e-12)


def test_reliability_of_calibrated_answers_is_0_in_the_mean_and_of_too_sure_ones_is_not():
    found = {
        sure: [value(parts(*answers(40, sure=sure, seed=seed))["brier_reliability"]) for seed in range(60)]
        for sure in (1.0, 3.0)
    }
    assert abs(np.mean(found[1.0])) < 0.006
    assert np.mean(found[3.0]) > 0.06


def test_parts_of_few_subjects_are_absent():
    found = measured(*answers(39))
    assert found["brier_reliability"] == Absent("the parts of the Brier score need 40 subjects, and 39 are tested")
    assert isinstance(found["brier_score"], Metric)


def test_scores_of_few_who_agree_are_no_more_certain_than_the_exact_interval():
    found = parts(
        np.arange(5), np.ones(5, int), np.tile([0.05, 0.9, 0.05], (5, 1)) + 1e-6 * np.arange(15).reshape(5, 3)
    )
    score = found["brier_score"]
    share = binomtest(0, 5).proportion_ci(method="exact").high
    assert score.high == pytest.approx(score.value + share * (2 - score.value))


def test_upper_end_of_a_mean_of_squares_is_that_of_its_root():
    """The ends of a mean of 0.04 lie 0.03 away; its root's 0.03 / (2 × 0.2)."""
    found = raised(Metric(0.03, 0.0, 0.06, n_subjects=40, n_items=40), squares=0.04)
    assert found.high == pytest.approx((0.2 + 0.03 / (2 * 0.2)) ** 2 - 0.01)
    assert found.low == 0.0


def test_resolution_of_one_and_the_same_answer_is_0():
    _, change, _ = answers(40, each=1)
    found = parts(np.arange(40), change, np.tile(SHARES, (40, 1)))["brier_resolution"]
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.high < 0.2


def test_the_jackknife_takes_the_bias_of_the_variance_off():
    values = np.random.default_rng(0).normal(size=12)
    left_out = np.array([np.delete(values, subject).var() for subject in range(12)])
    found = unbiased(Replicates(np.array([values.var()]), left_out, 12))
    assert found.whole[0] == pytest.approx(values.var(ddof=1))


@pytest.mark.parametrize("sure", [0.5, 1.0, 2.0])
def test_slope_and_intercept_are_those_of_statsmodels(sure: float):
    subject, change, said = answers(40, sure=sure)
    found = measured(subject, change, said)
    for number, name in enumerate(CHANGES):
        own, true = logit(said[:, number]), (change == number).astype(float)
        binomial = sm.families.Binomial()
        slope = sm.GLM(true, sm.add_constant(own), family=binomial).fit().params[1]
        intercept = sm.GLM(true, np.ones_like(own), family=binomial, offset=own).fit().params[0]
        assert value(found[f"calibration_slope_{name}"]) == pytest.approx(slope, rel=1e-6)
        assert value(found[f"calibration_intercept_{name}"]) == pytest.approx(intercept, abs=1e-6)


def test_interval_of_the_slope_is_over_subjects():
    """A jackknife that fits without each subject anew, by statsmodels; Student's t of those who share its variance."""
    subject, change, said = answers(30)
    true = (change == 0).astype(float)
    fits = [
        sm.GLM(true[kept], sm.add_constant(logit(said[kept, 0])), family=sm.families.Binomial()).fit().params[1]
        for kept in (subject != left_out for left_out in range(30))
    ]
    found = measured(subject, change, said)["calibration_slope_deteriorated"]
    error = np.sqrt(29 / 30 * ((np.array(fits) - np.mean(fits)) ** 2).sum())
    square = (found.value - np.array(fits)) ** 2
    quantile = student.ppf(0.975, square.sum() ** 2 / (square**2).sum())
    assert (found.high - found.low) / 2 == pytest.approx(quantile * error, rel=1e-4)


def test_classes_that_are_separated_have_no_slope():
    change = np.arange(40) % 3
    found = measured(np.arange(40), change, 0.98 * np.eye(3)[change] + 0.02 / 3)
    slope = found["calibration_slope_stable"]
    assert isinstance(slope, Absent)
    assert "separate its answers from the others" in slope.reason


def test_slopes_and_intercepts_of_few_subjects_are_absent():
    found = measured(*answers(4, each=9))
    for kind in ("slope", "intercept"):
        reason = "a regression needs 5 subjects, and 4 are tested"
        assert found[f"calibration_{kind}_stable"] == Absent(reason)


def test_probabilities_of_0_and_1_have_an_intercept():
    subject, change, _ = answers(40)
    said = np.eye(3)[np.where(np.arange(80) % 4 == 0, 1, change)]
    assert isinstance(measured(subject, change, said)["calibration_intercept_stable"], Metric)


def test_auroc_is_that_of_scikit_learn_with_ties():
    subject, change, said = answers(50)
    said = said.round(1) + 0.01
    found = measured(subject, change, said / said.sum(axis=1, keepdims=True))
    own = said / said.sum(axis=1, keepdims=True)
    assert value(found["auroc"]) == pytest.approx(roc_auc_score(change, own, multi_class="ovr"))
    for number, name in enumerate(CHANGES):
        assert value(found[f"auroc_{name}"]) == pytest.approx(roc_auc_score(change == number, own[:, number]))


def test_auroc_of_answers_that_are_all_right_is_no_more_certain_than_the_rarer_side():
    change = np.r_[np.ones(36, int), np.zeros(4, int)]
    found = measured(np.arange(40), change, 0.9 * np.eye(3)[change] + 0.1 / 3)["auroc_deteriorated"]
    assert isinstance(found, Metric)
    assert found.value == 1
    assert found.low < 0.5


@pytest.mark.parametrize("name", ["auroc_improved", "calibration_slope_improved", "calibration_intercept_improved"])
def test_a_class_that_no_answer_is_has_neither_curve_nor_slope(name: str):
    subject, _, said = answers(30)
    assert measured(subject, np.arange(60) % 2, said)[name] == Absent("no test answer is improved")
    assert isinstance(measured(subject, np.arange(60) % 2, said)["auroc"], Metric)


def test_a_test_of_one_class_has_no_auroc():
    subject, _, said = answers(30)
    assert measured(subject, np.ones(60, int), said)["auroc"] == Absent("every test answer is stable")


def test_intervals_hold_the_truth_of_calibrated_answers():
    held: dict[str, list[bool]] = {}
    truth = {f"calibration_slope_{name}": 1.0 for name in CHANGES}
    truth |= {f"calibration_intercept_{name}": 0.0 for name in CHANGES} | {"brier_reliability": 0.0}
    for seed in range(50):
        found = measured(*answers(40, seed=seed))
        for name in truth:
            own = found[name]
            assert isinstance(own, Metric)
            held.setdefault(name, []).append(own.low <= truth[name] <= own.high)
    assert {name: np.mean(own) >= 0.86 for name, own in held.items()} == dict.fromkeys(truth, True)
