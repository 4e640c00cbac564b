"""Simulations of metrics of classes: health change, exported models, probes, sweeps."""

from functools import cache

import numpy as np
import pandas as pd

from clinimcl.evaluation.exported.metrics import share
from clinimcl.evaluation.probes import scoring
from clinimcl.evaluation.statistics import confusion
from clinimcl.evaluation.statistics.calibration import calibration
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates, clusters_of, metric
from clinimcl.evaluation.statistics.confusion import SIGNED, UNIT, class_metrics, confusions, present, subjects_a_class
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.statistics.significance import p_value
from clinimcl.evaluation.sweep.differences import class_mean
from clinimcl.evaluation.sweep.groups import pool
from experiments.coverage.design import SHARES, Estimate, Setting
from experiments.coverage.people import LARGE, Classified, classified, softmax, unknowing

COVERED = 0.9  # of the probability that a set of answers holds
PROBED = (1.0, 0.0)  # a probe sees two classes, which the last two of three make


def clusters(subject: np.ndarray) -> Clusters:
    return clusters_of(subject, subject, 0)


def answered(rng: np.random.Generator, setting: Setting, drawn: Classified) -> np.ndarray:
    """Probabilities of the classifier whose level is measured."""
    return drawn.one if setting.real else unknowing(rng, drawn)


# Health change


def class_levels(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    drawn = classified(rng, setting)
    given = answered(rng, setting, drawn).argmax(axis=1)
    people = clusters(drawn.subject)
    outcomes = class_metrics(confusions(people, drawn.change, given), drawn.change, people)
    truths = true_levels(true_confusion(setting.shares, setting.effect), drawn.change)
    return [Estimate(name, own, truths[name]) for name, own in outcomes.items()]


def true_levels(whole: np.ndarray, change: np.ndarray) -> dict[str, float]:
    """F1 and kappa depend on how common classes are: what is estimated is theirs at the class shares of this test."""
    counts = np.bincount(change, minlength=3)
    there, stack = counts > 0, whole / whole.sum(axis=2, keepdims=True) * counts[:, None]
    values = {
        "accuracy": confusion.accuracy(whole),
        "balanced_accuracy": confusion.balanced_accuracy(stack, there),
        "weighted_f1": confusion.weighted_f1(stack),
        "macro_f1": confusion.macro_f1(stack, there),
        "quadratic_kappa": confusion.quadratic_kappa(stack),
    }
    return {name: float(value[0]) for name, value in values.items()}


@cache
def true_confusion(shares: str, effect: str) -> np.ndarray:
    rng, setting = np.random.default_rng(1), Setting(LARGE, 10, shares, effect)
    drawn = classified(rng, setting)
    given = answered(rng, setting, drawn).argmax(axis=1)
    return np.bincount(3 * drawn.change + given, minlength=9).reshape(1, 3, 3).astype(float)


def class_differences(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """Balanced accuracy of one classifier less that of another."""
    drawn = classified(rng, setting)
    people, classes = clusters(drawn.subject), present(drawn.change)
    one, other = (balanced(people, drawn.change, own) for own in (drawn.one, drawn.other))
    difference = one.minus(other)
    outcome = metric(difference, SIGNED, subjects_a_class(drawn.change, people))
    truth = true_difference(setting.shares, setting.effect, tuple(classes.tolist()))
    return [Estimate("balanced_accuracy difference", outcome, truth, p_value(difference))]


def balanced(people: Clusters, change: np.ndarray, probabilities: np.ndarray) -> Replicates:
    classes = present(change)
    table = confusions(people, change, probabilities.argmax(axis=1))
    return table.map(lambda stack: confusion.balanced_accuracy(stack, classes))


@cache
def true_difference(shares: str, effect: str, classes: tuple[bool, ...]) -> float:
    if effect == "none":
        return 0.0
    drawn = classified(np.random.default_rng(2), Setting(LARGE, 10, shares, effect))
    right = [own.argmax(axis=1) == drawn.change for own in (drawn.one, drawn.other)]
    recalls = [[own[drawn.change == one].mean() for one in np.flatnonzero(classes)] for own in right]
    return float(np.mean(recalls[0]) - np.mean(recalls[1]))


# Shares of answers


def shares(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """Of an exported model: coverage and size of sets; exchanged scans; answers on permuted scores; flagged scans."""
    drawn = classified(rng, setting)
    people, truths = clusters(drawn.subject), true_shares(setting.shares, setting.effect)
    values = share_values(rng, setting, drawn)
    bounds = {"set_size": (1.0, 3.0)}
    return [
        Estimate(name, share(people, own, bounds.get(name, (0.0, 1.0))), truths[name]) for name, own in values.items()
    ]


def share_values(rng: np.random.Generator, setting: Setting, drawn: Classified) -> dict[str, np.ndarray]:
    said = answered(rng, setting, drawn)
    ordered = -np.sort(-said, axis=1)
    size = 1 + (ordered.cumsum(axis=1) < COVERED).sum(axis=1).clip(max=2)
    rank = (said > said[np.arange(len(said)), drawn.change][:, None]).sum(axis=1)
    odd = 0.03 if setting.real else 0.0
    return {
        "set_coverage": (rank < size).astype(float),
        "set_size": size.astype(float),
        "swap_consistency": (said.argmax(axis=1) == drawn.other.argmax(axis=1)).astype(float),
        "null_accuracy": permuted(rng, drawn),
        "flagged": (rng.random(len(said)) < odd * (1 + drawn.subject % 3)).astype(float),
    }


def permuted(rng: np.random.Generator, drawn: Classified) -> np.ndarray:
    """Share of 20 classifiers without knowledge that are right."""
    tilt = np.log([0.2, 0.6, 0.2]) + rng.normal(size=(drawn.subject.max() + 1, 3))[drawn.subject]
    guess = softmax(tilt)[np.arange(len(drawn.change)), drawn.change]
    return rng.binomial(20, guess) / 20


@cache
def true_shares(shares: str, effect: str) -> dict[str, float]:
    rng, setting = np.random.default_rng(3), Setting(3 * LARGE, 3, shares, effect)
    drawn = classified(rng, setting)
    return {name: float(own.mean()) for name, own in share_values(rng, setting, drawn).items()}


def two_people(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """The share of pairs of two people that is flagged: each person is in the pairs with some others."""
    one = np.repeat(np.arange(setting.subjects), setting.answers)
    other = (one + 1 + np.tile(np.arange(setting.answers), setting.subjects)) % setting.subjects
    kept = one != other
    likeness = rng.normal(size=setting.subjects)
    centre = 0.4 if setting.real else 2.5
    apart = rng.normal(size=len(one)) + centre + 0.7 * (likeness[one] + likeness[other])
    people = clusters_of(one[kept], other[kept], 0)
    return [Estimate("flagged_of_two_people", share(people, (apart[kept] > 0).astype(float)), None)]


# Calibration


def calibration_error(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """Without an effect answers are right as often as is said."""
    subject, change, said = said_and_true(rng, setting)
    error, _ = calibration(clusters(subject), change, said)
    return [Estimate("calibration_error", error, true_error(setting.shares, setting.effect))]


def said_and_true(rng: np.random.Generator, setting: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    subject = np.repeat(np.arange(setting.subjects), setting.answers)
    logits = 0.5 * np.log(SHARES[setting.shares]) + 0.8 * rng.normal(size=(setting.subjects, 3))[subject]
    said = softmax(logits + 0.8 * rng.normal(size=logits.shape))
    change = (said.cumsum(axis=1) > rng.random((len(said), 1))).argmax(axis=1)
    sharper = said**2.5 if setting.real else said
    return subject, change, sharper / sharper.sum(axis=1, keepdims=True)


@cache
def true_error(shares: str, effect: str) -> float:
    if effect == "none":
        return 0.0
    _, change, said = said_and_true(np.random.default_rng(4), Setting(3 * LARGE, 1, shares, effect))
    confidence, right = said.max(axis=1), said.argmax(axis=1) == change
    parts = np.array_split(np.argsort(confidence), 10)
    return float(np.mean([abs(right[part].mean() - confidence[part].mean()) for part in parts]))


# Probes of two classes


def probes(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    subject, truth, said = probed(rng, setting)
    if len(np.unique(truth)) < 2:
        return []
    people, sizes = clusters(subject), class_sizes(subject, truth)
    one, other = (scores(people, truth, own) for own in said)
    truths = true_probes(setting.shares, setting.effect)
    estimates = []
    for name in one:
        difference = metric(one[name].minus(other[name]), SIGNED, sizes)
        estimates.append(Estimate(f"probe_{name}", metric(one[name], UNIT, sizes), truths[name][0]))
        minus = truths[name][0] - truths[name][1]
        estimates.append(Estimate(f"probe_{name} difference", difference, minus))
    return estimates


def probed(rng: np.random.Generator, setting: Setting) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Whoever is ill has one label a visit; an effect is that one of two encoders sees illness better."""
    subject = np.repeat(np.arange(setting.subjects), setting.answers)
    ill = 0.5 if setting.shares == "even" else 0.14
    truth = (rng.random(setting.subjects) < ill).astype(int)[subject]
    person = rng.standard_t(5, setting.subjects)[subject]
    seen = (1.8, 0.9) if setting.real else (0.8, 0.8)
    spread = 1 + 0.5 * truth
    logits = [strength * (2 * truth - 1) / 2 + spread * (0.6 * person + 0.6 * rng.normal(size=len(truth)))
              for strength in seen]  # fmt: skip
    return subject, truth, [1 / (1 + np.exp(-own)) for own in logits]


def scores(people: Clusters, truth: np.ndarray, probability: np.ndarray) -> dict[str, Replicates]:
    return {
        "balanced_accuracy": scoring.balanced_accuracy(truth, (probability > 0.5).astype(int), people),
        "auc": scoring.area(probability, truth, people),
    }


def class_sizes(subject: np.ndarray, truth: np.ndarray) -> int:
    sizes = [len(np.unique(subject[truth == one])) for one in np.unique(truth)]
    return max(1, int(len(sizes) / sum(1 / size for size in sizes)))


@cache
def true_probes(shares: str, effect: str) -> dict[str, tuple[float, float]]:
    _, truth, said = probed(np.random.default_rng(5), Setting(3 * LARGE, 1, shares, effect))
    ones = np.ones((1, len(truth)))
    right = [(own > 0.5) == truth for own in said]
    recalls = [float(np.mean([own[truth == one].mean() for one in (0, 1)])) for own in right]
    areas = [float(scoring.auc(own, truth, ones)[0]) for own in said]
    return {"balanced_accuracy": (recalls[0], recalls[1]), "auc": (areas[0], areas[1])}


# Sweeps


def sweeps(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """Mean over two seeds of two cells, and their difference."""
    drawn = classified(rng, setting)
    cells = [pool({(seed, -1): table(rng, drawn, own) for seed in (0, 1)}) for own in (drawn.one, drawn.other)]
    means = [cell.averaged(class_mean) for cell in cells]
    difference = means[0].minus(means[1])
    minus = metric(difference, SIGNED, cells[0].agreeing)
    level = metric(means[0], (0.0, 1.0), cells[0].agreeing)
    classes = tuple(present(drawn.change).tolist())
    truths = true_sweep(setting.shares, setting.effect, classes)
    return [
        Estimate("sweep balanced_accuracy", level, truths[0]),
        Estimate("sweep difference", minus, truths[0] - truths[1] if setting.real else 0.0, p_value(difference)),
    ]


def reseeded(rng: np.random.Generator, said: np.ndarray) -> np.ndarray:
    """What another seed answers of the same scans."""
    return (np.log(said) + 0.7 * rng.normal(size=said.shape)).argmax(axis=1)


def table(rng: np.random.Generator, drawn: Classified, said: np.ndarray) -> pd.DataFrame:
    columns = {"subject": drawn.subject, "other": drawn.subject, "change": drawn.change}
    return pd.DataFrame(columns | {"answered": reseeded(rng, said)})


@cache
def true_sweep(shares: str, effect: str, classes: tuple[bool, ...]) -> tuple[float, float]:
    rng = np.random.default_rng(6)
    drawn = classified(rng, Setting(LARGE, 10, shares, effect))
    right = [reseeded(rng, own) == drawn.change for own in (drawn.one, drawn.other)]
    recalls = [[own[drawn.change == one].mean() for one in np.flatnonzero(classes)] for own in right]
    return float(np.mean(recalls[0])), float(np.mean(recalls[1]))


def is_measured(estimate: Estimate) -> bool:
    return isinstance(estimate.outcome, Metric)
