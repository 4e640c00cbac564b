"""How far a subject's embeddings move, beside how far subjects are apart."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.contrastive.sessions import Sessions
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome, mean_metric, statistic_metric

MOST_LEFT_OUT = 50  # parts into which subjects fall, each left out in turn: each takes an eigendecomposition
DISTANCES = (0.0, 2.0)


class Jackknifed(NamedTuple):
    """A statistic of all subjects, and of all but some, in turn."""

    value: float
    left_out: Float[np.ndarray, " part"]


def stability(sessions: Sessions) -> dict[str, Outcome]:
    """Cosine distances of consecutive sessions and of different subjects, their ratio, variance and rank."""
    moved = longitudinal_distances(sessions)
    subject = sessions.table["subject"].factorize()[0]
    sums, size = subject_sums(sessions.vectors, subject)
    subjects, items = len(size), len(subject)
    own = moved.reindex(sessions.table["subject"].unique()).to_numpy(float)
    pairs = int(sessions.table.groupby("subject")["session"].size().loc[moved.index].sum() - len(moved))
    between = apart(sums / size[:, None], np.ones(subjects))
    ratio = moved_over_apart(own, between)
    outcomes = {
        "longitudinal_distance": mean_metric(moved, pairs, DISTANCES),
        "between_subject_distance": statistic_metric(*between, (subjects, items), DISTANCES),
        "effective_rank": rank_metric(sessions.vectors, subject),
        "total_variance": statistic_metric(*total_variance(sums, size), (subjects, items), (0.0, 1.0)),
    }
    if len(moved) < 2 or not np.isfinite(ratio.value):
        reason = "fewer than 2 subjects have consecutive sessions, or no two subjects are apart"
        return outcomes | {"distance_ratio": Absent(reason)}
    outcome = statistic_metric(*ratio, (subjects, pairs), (0.0, np.inf))
    if isinstance(outcome, Metric):
        outcome = outcome._replace(chance=1.0)
    return outcomes | {"distance_ratio": outcome}


def longitudinal_distances(sessions: Sessions) -> "pd.Series[float]":
    """Mean cosine distance of consecutive sessions, by subject; subjects with one session are left out."""
    subject = sessions.table["subject"].to_numpy()
    consecutive = subject[1:] == subject[:-1]
    distance = 1 - (sessions.vectors[1:] * sessions.vectors[:-1]).sum(axis=1)
    distance = np.maximum(distance, 0)
    return pd.Series(distance[consecutive]).groupby(subject[1:][consecutive], sort=False).mean()


def subject_sums(
    vectors: Float[np.ndarray, "session dimension"], subject: Int[np.ndarray, " session"]
) -> tuple[Float[np.ndarray, "subject dimension"], Float[np.ndarray, " subject"]]:
    """Sum of each subject's embeddings, and their number."""
    size = np.bincount(subject).astype(float)
    sums = np.zeros((len(size), vectors.shape[1]))
    np.add.at(sums, subject, vectors)
    return sums, size


def apart(sums: Float[np.ndarray, "subject dimension"], size: Float[np.ndarray, " subject"]) -> Jackknifed:
    """Mean cosine distance over pairs of sessions of different subjects; left out is each subject in turn.

    With `sums` the means of subjects and `size` ones, pairs of subjects weigh the same, else those of sessions.
    """
    whole, square = sums.sum(axis=0), (sums**2).sum(axis=1)
    rest, others = whole - sums, size.sum() - size
    alike = np.r_[whole @ whole - square.sum(), (rest**2).sum(axis=1) - (square.sum() - square)]
    weight = np.r_[size.sum() ** 2 - (size**2).sum(), others**2 - ((size**2).sum() - size**2)]
    cosine = np.divide(alike, weight, out=np.full(len(weight), np.nan), where=weight > 0)
    distance = np.maximum(1 - cosine, 0)
    return Jackknifed(float(distance[0]), distance[1:])


def total_variance(sums: Float[np.ndarray, "subject dimension"], size: Float[np.ndarray, " subject"]) -> Jackknifed:
    """Of unit-length embeddings, 1 − |mean|²: 0 when all are one point, 1 when they cancel.

    Estimated without bias, from pairs of sessions of different subjects: the squared length of a mean of n subjects is
    too long by the variance of that mean. Where all subjects have as many sessions it is their mean distance.

    Source: Hoeffding 1948, A class of statistics with asymptotically normal distribution (U-statistics).
    """
    value, left_out = apart(sums, size)
    return Jackknifed(min(value, 1.0), np.minimum(left_out, 1.0))


def moved_over_apart(own: Float[np.ndarray, " subject"], between: Jackknifed) -> Jackknifed:
    """Mean distance of a subject's consecutive sessions, NaN where there are none, over that of different subjects."""
    known = np.isfinite(own)
    moved = np.where(known, own, 0.0)
    sums = np.r_[moved.sum(), moved.sum() - moved]
    counts = np.r_[known.sum(), known.sum() - known] * np.r_[between.value, between.left_out]
    ratio = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return Jackknifed(float(ratio[0]), ratio[1:])


def effective_rank(vectors: Float[np.ndarray, "session dimension"]) -> float:
    """exp of the entropy of the normalised singular values of unit-length embeddings, which are not centred.

    From 1, all embeddings on one line through the origin, as after collapse, to min(session, dimension).

    Source: Roy and Vetterli 2007, definition 1.
    """
    gram = vectors @ vectors.T if len(vectors) < vectors.shape[1] else vectors.T @ vectors
    singular = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0))
    if not singular.any():
        return 1.0
    share = singular / singular.sum()
    share = share[share > 1e-7]
    return float(np.exp(-(share * np.log(share)).sum()))


def rank_metric(vectors: Float[np.ndarray, "session dimension"], subject: Int[np.ndarray, " session"]) -> Outcome:
    """Effective rank of this many sessions: what is estimated is the mean over tests of as many subjects.

    It grows with the number of sessions: compare epochs and encoders on the same scans. Above 50 subjects, each
    fiftieth of them is left out together. Student's t has a degree of freedom less, since the trend with the number
    of sessions is estimated, too.
    """
    subjects = int(subject.max()) + 1
    parts = np.arange(subjects) % min(subjects, MOST_LEFT_OUT)
    left_out = [effective_rank(vectors[parts[subject] != part]) for part in range(int(parts.max()) + 1)]
    bounds = (1.0, float(min(vectors.shape)))
    counts, freedom = (subjects, len(vectors)), max(len(left_out) - 2.0, 1.0)
    return statistic_metric(effective_rank(vectors), np.array(left_out), counts, bounds, freedom)
