"""Simulations of metrics of numbers: regressed scores, rank correlations, distances and their means."""

from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from clinimcl.evaluation.change.regression import compare, errors, measure
from clinimcl.evaluation.contrastive.measure import val_loss
from clinimcl.evaluation.contrastive.retrieval import (
    cosine_similarity,
    other_sessions,
    retrieval_difference,
    retrieval_metric,
    retrieve,
)
from clinimcl.evaluation.contrastive.sessions import Sessions, sessions_of
from clinimcl.evaluation.contrastive.stability import stability
from clinimcl.evaluation.contrastive.time_order import order_tau
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of, replicate
from clinimcl.evaluation.statistics.contrasts import correlation
from clinimcl.evaluation.statistics.metrics import Metric, mean_metric
from clinimcl.evaluation.statistics.rank_correlation import spearman
from clinimcl.evaluation.sweep.means import averaged
from experiments.coverage.design import Estimate, Setting
from experiments.coverage.people import LARGE, Regressed, regressed

DIMENSION = 16
DRIFT = 0.25  # along one axis, a year
PARTIAL = 0.25


def regressions(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """Errors, R² and ρ of a regression, and what it has beyond another."""
    drawn = regressed(rng, setting)
    if np.ptp(drawn.score) == 0:
        return []
    people = clusters_of(drawn.subject, drawn.subject, 0)
    one, other = (errors(drawn.score, own, people) for own in (drawn.one, drawn.other))
    truths = true_regressions(setting.effect)
    estimates = [Estimate(f"score_{name}", measure(name, one[name]), truths[name][0]) for name in one]
    for name in one:
        minus = compare(name, one[name], other[name])
        estimates.append(Estimate(f"score_{name} difference", minus, truths[name][0] - truths[name][1]))
    return estimates


@cache
def true_regressions(effect: str) -> dict[str, tuple[float, float]]:
    drawn = regressed(np.random.default_rng(7), Setting(20 * LARGE, 1, "even", effect))
    one = measures(drawn, drawn.one)
    other = measures(drawn, drawn.other) if effect == "real" else one
    return {name: (one[name], other[name]) for name in one}


def measures(drawn: Regressed, own: np.ndarray) -> dict[str, float]:
    error = own - drawn.score
    return {
        "mae": float(np.abs(error).mean()),
        "r2": float(1 - (error**2).mean() / drawn.score.var()),
        "spearman": float(spearmanr(drawn.score, own).statistic),
    }


def distance_changes(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """Of |Δ score| and the distance of embeddings over pairs, and the same given interval and age."""
    subject, values = pairs(rng, setting)
    people = clusters_of(subject, subject, 0)
    whole, partial = (replicate(people, lambda weights, seen=seen: spearman(seen, weights)) for seen in
                      (values[:2], values))  # fmt: skip
    truths = true_changes(setting.effect)
    return [
        Estimate("distance_change_spearman", correlation(whole), truths[0]),
        Estimate("distance_change_partial", correlation(partial), truths[1]),
    ]


def pairs(rng: np.random.Generator, setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Subject; and |Δ score| in points, distance, years and age of each pair."""
    subject = np.repeat(np.arange(setting.subjects), setting.answers)
    age = rng.normal(72, 8, setting.subjects)[subject]
    years = rng.choice([1.0, 2.0, 3.0, 4.0], len(subject))
    pace = rng.gamma(1.0, 1.0, setting.subjects)[subject]
    change = np.abs(np.rint(pace * years * (0.6 if setting.real else 0.0) + rng.normal(0, 1.5, len(subject))))
    seen = 1.2 if setting.real else 0.0
    distance = np.exp(0.4 * rng.standard_t(5, setting.subjects)[subject] + 0.5 * rng.normal(size=len(subject)))
    return subject, np.stack([change, distance * (1 + seen * pace) * (1 + 0.1 * years), years, age])


@cache
def true_changes(effect: str) -> tuple[float, float]:
    _, values = pairs(np.random.default_rng(8), Setting(10 * LARGE, 1, "even", effect))
    ones = np.ones((1, values.shape[1]))
    return float(spearman(values[:2], ones)[0]), float(spearman(values, ones)[0])


def losses(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """A loss a subject: skewed where the encoder works, the logarithm of their number where not."""
    if setting.real:
        return [Estimate("val_loss", val_loss(rng.gamma(1.0, 0.5, setting.subjects)), 0.5)]
    level = np.log(setting.subjects)
    return [Estimate("val_loss", val_loss(level + 0.3 * rng.normal(size=setting.subjects)), level)]


# Embeddings


def embedded(rng: np.random.Generator, setting: Setting) -> tuple[pd.DataFrame, np.ndarray]:
    """Scans and embeddings: two visits of a subject, or four; people drift along one axis, at different paces."""
    visits = setting.answers + 1
    subject = np.repeat(np.arange(setting.subjects), visits)
    years = np.tile(np.arange(visits, dtype=float), setting.subjects) * rng.uniform(0.7, 1.3, len(subject))
    person = rng.standard_t(5, (setting.subjects, DIMENSION))[subject]
    noise = rng.gamma(3, 1 / 3, setting.subjects)[subject, None] * rng.normal(size=(len(subject), DIMENSION))
    identity = 0.8 if setting.real else 0.0
    vectors = 0.6 + identity * person + 0.5 * noise
    vectors[:, 0] += (DRIFT if setting.real else 0.0) * years * rng.gamma(2, 1, setting.subjects)[subject]
    scans = pd.DataFrame({"subject": subject, "session": np.arange(len(subject)), "day": 365.25 * years})
    return scans, vectors


@cache
def training(effect: str) -> Sessions:
    return sessions_of(*embedded(np.random.default_rng(9), Setting(60, 3, "even", effect)))


def embeddings(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """All that is said of held-out embeddings but retrieval."""
    test = sessions_of(*embedded(rng, setting))
    outcomes = stability(test) | {"order_tau": order_tau(training(setting.effect), test)}
    truths = true_embeddings(setting)
    return [Estimate(name, own, truths.get(name)) for name, own in outcomes.items()]


def true_embeddings(setting: Setting) -> dict[str, float]:
    return true_stability(setting.effect, setting.answers)


@cache
def true_stability(effect: str, answers: int) -> dict[str, float]:
    test = sessions_of(*embedded(np.random.default_rng(10), Setting(LARGE, answers, "even", effect)))
    visits = answers + 1
    vectors = test.vectors.reshape(LARGE, visits, DIMENSION)
    moved = float((1 - (vectors[:, 1:] * vectors[:, :-1]).sum(axis=2)).mean())
    mean = vectors.mean(axis=(0, 1))
    apart = float(1 - mean @ mean)
    return {
        "longitudinal_distance": moved,
        "between_subject_distance": apart,
        "distance_ratio": moved / apart,
        "total_variance": apart,
    }


def retrievals(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """Of the encoder, and beyond that of voxels, which see the same people through more noise."""
    scans, vectors = embedded(rng, setting)
    spread = 1.2 if setting.real else 0.5
    voxels = vectors + spread * rng.normal(size=vectors.shape)
    if not setting.real:
        vectors = vectors + spread * rng.normal(size=vectors.shape)
    positive = other_sessions(scans)
    encoder, raw = (retrieve(scans, cosine_similarity(own), positive) for own in (vectors, voxels))
    return [
        Estimate("retrieval_top1", retrieval_metric(encoder, "top1"), None),
        Estimate("retrieval_map", retrieval_metric(encoder, "average_precision"), None),
        Estimate("retrieval_top1 difference", retrieval_difference(encoder, raw), None if setting.real else 0.0),
    ]


def sweep_means(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """A mean of one value a subject, over two seeds of each of two folds, of which the answers are not kept."""
    if setting.subjects < 8:
        return []
    centre = 0.7 if setting.real else 0.3
    person = rng.beta(3 * centre, 3 * (1 - centre), setting.subjects)
    jobs: dict[tuple[int, int], Metric] = {}
    for seed in (0, 1):
        values = pd.Series(rng.binomial(4 * setting.answers, person) / (4 * setting.answers))
        for fold in (0, 1):
            tested = values[fold::2]
            outcome = mean_metric(tested, len(tested), (0.0, 1.0))
            assert isinstance(outcome, Metric), "each fold has subjects enough"
            jobs[seed, fold] = outcome
    return [Estimate("sweep mean", averaged(jobs), centre)]
