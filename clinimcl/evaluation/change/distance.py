"""Does the distance of two embeddings grow with the change of the score? Figure 1 of LEARNER, measured."""

import numpy as np
from jaxtyping import Float, Int

from clinimcl.cohorts.decimals import merge_ties, rounding
from clinimcl.evaluation.change.answers import Answers, places
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.change.regression import Scatter
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of, replicate
from clinimcl.evaluation.statistics.contrasts import correlation
from clinimcl.evaluation.statistics.metrics import Metric, Outcome
from clinimcl.evaluation.statistics.rank_correlation import spearman

DAYS_PER_YEAR = 365.25


def distance_change(inputs: ChangeInputs, answers: Answers, seed: int) -> tuple[dict[str, Outcome], Scatter]:
    """Spearman of |Δ score| (x) and cosine distance (y) over test pairs, and the same given interval and age.

    Source: LEARNER, figure 1.
    """
    earlier, later = places(inputs)
    score = inputs.scans["score"].to_numpy(float)
    apart = cosine_distance(inputs.embeddings[earlier], inputs.embeddings[later])
    seen = Scatter(differences(score[earlier], score[later]), apart)
    clusters = clusters_of(answers.earlier[answers.of_pair], answers.later[answers.of_pair], seed)
    slack = rounding(inputs.scans["day"].abs().max()) / DAYS_PER_YEAR
    interval = merge_ties(np.abs(years(inputs, earlier, later)), float(slack))
    given = np.stack([*seen, interval, age(inputs, earlier)])
    outcomes = {
        "distance_change_spearman": correlation(replicate(clusters, lambda weights: spearman(given[:2], weights))),
        "distance_change_partial": correlation(replicate(clusters, lambda weights: spearman(given, weights))),
    }
    zero = {name: outcome._replace(chance=0.0) for name, outcome in outcomes.items() if isinstance(outcome, Metric)}
    return outcomes | zero, seen


def differences(one: Float[np.ndarray, " pair"], other: Float[np.ndarray, " pair"]) -> Float[np.ndarray, " pair"]:
    """Absolute ones; those that are equal in decimals, as 0.2 to 0.5 and 0.4 to 0.7, are equal in every bit."""
    slack = rounding(np.r_[one, other]).max()
    return merge_ties(np.abs(other - one), float(slack))


def cosine_distance(
    one: Float[np.ndarray, "pair dimension"], other: Float[np.ndarray, "pair dimension"]
) -> Float[np.ndarray, " pair"]:
    one, other = one.astype(float), other.astype(float)
    length = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.maximum(1 - (one * other).sum(axis=1) / np.maximum(length, 1e-12), 0)


def years(
    inputs: ChangeInputs, earlier: Int[np.ndarray, " pair"], later: Int[np.ndarray, " pair"]
) -> Float[np.ndarray, " pair"]:
    """From the earlier to the later scan. Days of two people share no origin: between them it is that of their ages."""
    subject, day = inputs.scans["subject"].to_numpy(), inputs.scans["day"].to_numpy(float)
    aged = inputs.scans["age"].to_numpy(float)
    between = np.nan_to_num(aged[later] - aged[earlier])
    return np.where(subject[earlier] == subject[later], (day[later] - day[earlier]) / DAYS_PER_YEAR, between)


def age(inputs: ChangeInputs, rows: Int[np.ndarray, " pair"]) -> Float[np.ndarray, " pair"]:
    """Where it is not known, the mean of the known ages of training scans."""
    ages = inputs.scans["age"].to_numpy(float)
    known = ages[(inputs.scans["split"] == "train").to_numpy() & np.isfinite(ages)]
    return np.where(np.isfinite(ages), ages, known.mean() if len(known) else 0.0)[rows]
