"""Simulations of what the probabilities of health change are worth, and of the sets that they make."""

from functools import cache

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logit

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.change.probabilities import probability_metrics
from clinimcl.evaluation.exported.metrics import share_among
from clinimcl.evaluation.statistics.brier import A_BIN, balanced, binned_parts
from clinimcl.evaluation.statistics.calibration import BINS
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates, clusters_of
from clinimcl.evaluation.statistics.confusion import CLASSES
from clinimcl.evaluation.statistics.rank_correlation import auc
from clinimcl.evaluation.statistics.recalibration import CERTAIN, fitted
from experiments.coverage.answering import clusters, share_values
from experiments.coverage.design import SHARES, Estimate, Setting
from experiments.coverage.people import LARGE, classified, softmax

RARER = 1.4  # of the logarithms of shares: as rare as they are, although people differ
TOO_SURE = 1.5  # power of the classifier's probabilities


def probabilities(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """The Brier score and its parts, slopes and intercepts, and areas under ROC curves."""
    subject, change, said = said_and_true(rng, setting)
    shares = np.array(SHARES[setting.shares])
    outcomes = probability_metrics(clusters(subject), change, said, shares)
    count = min(BINS, setting.subjects // A_BIN)
    tested = tuple(np.unique(change).tolist())
    truths = true_probabilities(setting.shares, setting.effect, count, tested)
    return [Estimate(name, own, truths[name]) for name, own in outcomes.items()]


def said_and_true(
    rng: np.random.Generator, setting: Setting
) -> tuple[Int[np.ndarray, " answer"], Int[np.ndarray, " answer"], Float[np.ndarray, "answer 3"]]:
    """Without an effect answers are right as often as is said; with one a classifier is too sure."""
    if setting.real:
        drawn = classified(rng, setting)
        return drawn.subject, drawn.change, softmax(TOO_SURE * np.log(drawn.one))
    subject = np.repeat(np.arange(setting.subjects), setting.answers)
    person = 0.8 * rng.normal(size=(setting.subjects, CLASSES))[subject]
    logits = RARER * np.log(SHARES[setting.shares]) + person
    said = softmax(logits + 0.8 * rng.normal(size=logits.shape))
    change = (said.cumsum(axis=1) > rng.random((len(said), 1))).argmax(axis=1)
    return subject, change, said


@cache
def true_probabilities(shares: str, effect: str, count: int, tested: tuple[int, ...]) -> dict[str, float]:
    """`count` bins; the mean area is over the tested classes."""
    population = true_values(shares, effect)
    areas = [population[f"auroc_{CHANGES[number]}"] for number in tested]
    return population | true_parts(shares, effect, max(count, 1)) | {"auroc": float(np.mean(areas))}


@cache
def drawn_population(shares: str, effect: str) -> tuple[Int[np.ndarray, " answer"], Float[np.ndarray, "answer 3"]]:
    rng = np.random.default_rng(11)
    _, change, said = said_and_true(rng, Setting(5 * LARGE, 1, shares, effect))
    return change, said


@cache
def true_values(shares: str, effect: str) -> dict[str, float]:
    """Of each class: slope, intercept and area."""
    change, said = drawn_population(shares, effect)
    ones, values = np.ones((1, len(change))), {}
    for number, name in enumerate(CHANGES):
        true, own = change == number, said[:, number]
        odds = logit(np.clip(own, CERTAIN, 1 - CERTAIN))
        both = np.stack([odds, np.ones_like(odds)], axis=1)
        slope = fitted(both, np.zeros_like(odds), true.astype(float))
        intercept = fitted(both[:, 1:], odds, true.astype(float))
        values[f"calibration_slope_{name}"] = float(slope(ones)[0])
        values[f"calibration_intercept_{name}"] = float(intercept(ones)[0])
        values[f"auroc_{name}"] = float(auc(own, true.astype(int), ones, slack=0.0)[0])
    return values


@cache
def true_parts(shares: str, effect: str, count: int) -> dict[str, float]:
    """Of so many bins, whose edges are those of all people."""
    change, said = drawn_population(shares, effect)
    truth = np.eye(CLASSES)[change]
    score = ((said - truth) ** 2).sum(axis=1).mean()
    whole = Replicates(np.array([score]), np.array([score]), len(change))
    raw = binned_parts(a_single(len(change)), said, truth, count)
    parts = balanced(raw._replace(left_out=raw.whole), whole).whole[0]
    names = ("reliability", "resolution", "uncertainty", "within_bins")
    values = dict(zip((f"brier_{name}" for name in names), parts.tolist(), strict=True))
    return {"brier_score": float(score)} | values


def a_single(answers: int) -> Clusters:
    """All answers as those of one subject: nobody is left out of a population."""
    nobody = np.zeros(answers, dtype=int)
    return clusters_of(nobody, nobody, 0)


def set_coverages(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """How often the set of answers holds the truth, of the answers of each class."""
    drawn = classified(rng, setting)
    held = share_values(rng, setting, drawn)["set_coverage"]
    truths = true_coverages(setting.shares, setting.effect)
    return [
        Estimate(f"set_coverage_{name}", share_among(drawn.subject, held, drawn.change == number, name), truth)
        for number, (name, truth) in enumerate(zip(CHANGES, truths, strict=True))
    ]


@cache
def true_coverages(shares: str, effect: str) -> tuple[float, ...]:
    rng, setting = np.random.default_rng(12), Setting(5 * LARGE, 3, shares, effect)
    drawn = classified(rng, setting)
    held = share_values(rng, setting, drawn)["set_coverage"]
    return tuple(float(held[drawn.change == number].mean()) for number in range(CLASSES))
