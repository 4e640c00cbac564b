"""Calibration slope and intercept: what a logistic regression would make of the probabilities."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit, logit

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates, replicate
from clinimcl.evaluation.statistics.intervals import REALS
from clinimcl.evaluation.statistics.metrics import Absent, Outcome
from clinimcl.evaluation.statistics.sharing import metric_of_few

FEWEST = 5  # subjects: of 3 with a rare class intervals missed the intercept in 9 to 19 %
CERTAIN = 1e-6  # a probability nearer to 0 or 1 counts as this: its logit would have no end
STEPS, AGAIN = 50, 10  # at most, of Newton's method, from nothing and from the fit to all answers
LONGEST = 2.0  # step, so that it does not leap over the likeliest
FLAT = 1e-4  # last step of a fit that has come to its end; what is left is about its square
STEEPEST = 50.0  # a slope or intercept beyond which the classes are separated


def recalibration(
    clusters: Clusters,
    change: Int[np.ndarray, " answer"],
    probabilities: Float[np.ndarray, "answer 3"],
) -> dict[str, Outcome]:
    """Of each class against the others: the slope, and the intercept at a slope of 1 (calibration
    in the large).

    A slope below 1 is of probabilities that are too extreme, an intercept below 0 of ones that are
    too high; those of a calibrated classifier are 1 and 0. Neither is there where the truth is
    separated by what is said, nor below 5 subjects.

    Source: Cox 1958; Van Calster et al. 2019, Calibration: the Achilles heel of predictive
    analytics, as TRIPOD+AI (Collins et al. 2024) wants it; one class against the others as for two:
    Van Hoorde et al. 2014, section 2.
    """
    outcomes: dict[str, Outcome] = {}
    for number, name in enumerate(CHANGES):
        said = logit(np.clip(probabilities[:, number], CERTAIN, 1 - CERTAIN))
        outcomes |= class_outcomes(clusters, said, (change == number).astype(float), name)
    return outcomes


def class_outcomes(
    clusters: Clusters,
    said: Float[np.ndarray, " answer"],
    true: Float[np.ndarray, " answer"],
    name: str,
) -> dict[str, Outcome]:
    names = f"calibration_slope_{name}", f"calibration_intercept_{name}"
    if clusters.subjects < FEWEST:
        reason = f"a regression needs {FEWEST} subjects, and {clusters.subjects} are tested"
        return dict.fromkeys(names, Absent(reason))
    if true.min() == true.max():
        return dict.fromkeys(names, Absent(f"{'every' if true.all() else 'no'} test answer is {name}"))
    offset = np.zeros_like(said)
    slope = fitted(np.stack([said, np.ones_like(said)], axis=1), offset, true)
    intercept = fitted(np.ones((len(said), 1)), said, true)
    return {
        key: coefficient_outcome(replicate(clusters, fit)) for key, fit in zip(names, (slope, intercept), strict=True)
    }


def coefficient_outcome(coefficient: Replicates) -> Outcome:
    if not np.isfinite(coefficient.whole).all():
        return Absent(
            "the probabilities of the class separate its answers from the others, to which no regression fits"
        )
    return metric_of_few(coefficient, REALS)


def fitted(
    features: Float[np.ndarray, "answer feature"],
    offset: Float[np.ndarray, " answer"],
    true: Float[np.ndarray, " answer"],
) -> Callable[[Float[np.ndarray, "stack answer"]], Float[np.ndarray, " stack"]]:
    """The first coefficient of a logistic regression, of a stack of weights; NaN where it has no end."""
    everyone = np.ones((1, len(true)))
    start = newton(np.zeros((1, features.shape[1])), everyone, (features, offset, true), STEPS)

    def coefficient(weights: Float[np.ndarray, "stack answer"]) -> Float[np.ndarray, " stack"]:
        found = newton(np.repeat(start, len(weights), axis=0), weights, (features, offset, true), AGAIN)
        return found[:, 0]

    return coefficient


def newton(
    start: Float[np.ndarray, "stack feature"],
    weights: Float[np.ndarray, "stack answer"],
    data: tuple[
        Float[np.ndarray, "answer feature"],
        Float[np.ndarray, " answer"],
        Float[np.ndarray, " answer"],
    ],
    steps: int,
) -> Float[np.ndarray, "stack feature"]:
    """Maximum likelihood from `start`; `data` are the features, the offset, and the truth."""
    features, offset, true = data
    squares = (features[:, :, None] * features[:, None, :]).reshape(len(true), -1)
    found, ridge = start, 1e-12 * np.eye(features.shape[1])
    for _ in range(steps):
        said = expit(offset + found @ features.T)
        gradient = (weights * (true - said)) @ features
        curvature = ((weights * said * (1 - said)) @ squares).reshape(-1, *ridge.shape) + ridge
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        found = found + np.clip(step, -LONGEST, LONGEST)
        flat = np.abs(step).max(axis=1) < FLAT
        if flat.all():
            break
    ended = flat & (np.abs(found).max(axis=1) < STEEPEST)
    return np.where(ended[:, None], found, np.nan)
