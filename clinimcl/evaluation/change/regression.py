"""How well the score itself is regressed, scan by scan."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from clinimcl.cohorts.decimals import rounding
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates, clusters_of, metric, ratio, replicate
from clinimcl.evaluation.statistics.confusion import SIGNED
from clinimcl.evaluation.statistics.contrasts import correlation, correlation_difference, difference
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome
from clinimcl.evaluation.statistics.rank_correlation import spearman

BOUNDS = {"mae": (0.0, np.inf), "r2": (-np.inf, 1.0), "spearman": SIGNED}
ROUNDING = 1e-12  # of a sum of squares
NAMES = tuple(f"score_{name}" for name in BOUNDS)


class Scatter(NamedTuple):
    x: Float[np.ndarray, " point"]
    y: Float[np.ndarray, " point"]


def regression(inputs: ChangeInputs, seed: int) -> tuple[dict[str, Outcome], Scatter | None]:
    """Of the test scans that have a score; measured (x) against regressed (y).

    The error is in units of the score; beside it stands that of answering the median of the training scans.
    """
    if inputs.predicted is None:
        return dict.fromkeys(NAMES, Absent("the encoder was not trained to regress a score")), None
    score = inputs.scans["score"].to_numpy(float)
    rows = scored(inputs, "test")
    if not rows.any():
        return dict.fromkeys(NAMES, Absent("no test scan has a score")), None
    measured, regressed = score[rows], inputs.predicted[rows].astype(float)
    subject = inputs.scans.loc[rows, "subject"].factorize()[0]
    found = errors(measured, regressed, clusters_of(subject, subject, seed))
    outcomes = {f"score_{name}": measure(name, own) for name, own in found.items()}
    return with_chances(outcomes, measured, score[scored(inputs, "train")]), Scatter(measured, regressed)


def measure(name: str, replicates: Replicates) -> Outcome:
    """`name` is a key of BOUNDS."""
    return correlation(replicates) if name == "spearman" else metric(replicates, BOUNDS[name])


def compare(name: str, one: Replicates, other: Replicates) -> Outcome:
    """One minus the other, paired by subject."""
    return correlation_difference(one, other) if name == "spearman" else difference(one, other, BOUNDS[name])


def errors(
    measured: Float[np.ndarray, " item"], regressed: Float[np.ndarray, " item"], clusters: Clusters
) -> dict[str, Replicates]:
    """Mean absolute error, R² around the mean of each resample, Spearman's ρ."""
    error, around = regressed - measured, measured - measured.mean()
    around[np.abs(around) <= rounding(np.abs(measured).max())] = 0  # a constant score has no variance
    terms = np.stack([np.abs(error), error**2, around, np.ones(len(measured)), around**2], axis=1)
    sums = replicate(clusters, lambda weights: weights @ terms)
    both = np.stack([measured, regressed])
    return {
        "mae": sums.map(lambda stack: ratio(stack[:, 0], stack[:, 3])),
        "r2": sums.map(determination),
        "spearman": replicate(clusters, lambda weights: spearman(both, weights)),
    }


def scored(inputs: ChangeInputs, split: str) -> Bool[np.ndarray, " scan"]:
    return ((inputs.scans["split"] == split) & inputs.scans["score"].notna()).to_numpy(bool)


def determination(sums: Float[np.ndarray, "stack 5"]) -> Float[np.ndarray, " stack"]:
    """R²: 1 less squared error over squares around the mean of each resample; NaN where its score does not vary.

    What is left by rounding is told by the size of the squares, whatever the unit of the score.
    """
    around = sums[:, 4] - ratio(sums[:, 2] ** 2, sums[:, 3])
    return 1 - ratio(sums[:, 1], np.where(around > ROUNDING * sums[:, 4], around, 0.0))


def with_chances(
    outcomes: dict[str, Outcome], measured: Float[np.ndarray, " scan"], training: Float[np.ndarray, " train"]
) -> dict[str, Outcome]:
    chances = {"score_r2": 0.0, "score_spearman": 0.0}
    if len(training):
        chances["score_mae"] = float(np.abs(measured - np.median(training)).mean())
    return {
        name: outcome._replace(chance=chances.get(name)) if isinstance(outcome, Metric) else outcome
        for name, outcome in outcomes.items()
    }
