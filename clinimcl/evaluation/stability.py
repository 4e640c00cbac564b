"""How far a subject's embeddings move, beside how far subjects are apart."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.intervals import Interval, exact_interval
from clinimcl.evaluation.metrics import Absent, Metric, Outcome, mean_metric, statistic_metric
from clinimcl.evaluation.sessions import Sessions

RANK_RESAMPLES = 200  # a standard error needs fewer than a percentile, and each takes an eigendecomposition


def stability(sessions: Sessions, rng: np.random.Generator) -> dict[str, Outcome]:
    """Cosine distances of consecutive sessions and of different subjects, their ratio, variance and rank."""
    moved = longitudinal_distances(sessions)
    subject = sessions.table["subject"].factorize()[0]
    apart = subject_distances(sessions.vectors, subject)
    own = moved.reindex(sessions.table["subject"].unique()).to_numpy(float)
    pairs = int(sessions.table.groupby("subject")["session"].size().loc[moved.index].sum() - len(moved))

    def ratio(drawn: Int[np.ndarray, " draw"]) -> float:
        known = own[drawn][np.isfinite(own[drawn])]
        between = between_subjects(apart, drawn)
        return float(known.mean() / between) if len(known) and between > 0 else np.nan

    everyone = (len(apart), len(subject))
    variance = variance_statistic(sessions.vectors, subject)
    outcomes = {
        "longitudinal_distance": mean_metric(moved, pairs, (0.0, 2.0), rng),
        "between_subject_distance": statistic_metric(
            lambda drawn: between_subjects(apart, drawn), everyone, (0.0, 2.0), rng
        ),
        "effective_rank": rank_metric(sessions.vectors, subject, rng),
        "total_variance": statistic_metric(variance, everyone, (0.0, 1.0), rng),
    }
    if len(moved) < 2 or not np.isfinite(ratio(np.arange(len(apart)))):
        reason = "fewer than 2 subjects have consecutive sessions, or no two subjects are apart"
        return outcomes | {"distance_ratio": Absent(reason)}
    outcome = statistic_metric(ratio, (len(apart), pairs), (0.0, 2.0), rng)
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


def subject_distances(
    vectors: Float[np.ndarray, "session dimension"], subject: Int[np.ndarray, " session"]
) -> Float[np.ndarray, "subject subject"]:
    """Mean cosine distance of the sessions of two subjects; 0 on the diagonal."""
    member = np.eye(subject.max() + 1)[subject]
    centre = member.T @ vectors / member.sum(axis=0)[:, None]
    distance = np.maximum(1 - centre @ centre.T, 0)
    np.fill_diagonal(distance, 0)
    return distance


def between_subjects(distance: Float[np.ndarray, "subject subject"], drawn: Int[np.ndarray, " draw"]) -> float:
    """Mean over pairs of different subjects; a subject drawn twice makes no pair with itself."""
    weight = np.bincount(drawn, minlength=len(distance)).astype(float)
    pairs = weight.sum() ** 2 - (weight**2).sum()
    return float(weight @ distance @ weight / pairs) if pairs else np.nan


def variance_statistic(
    vectors: Float[np.ndarray, "session dimension"], subject: Int[np.ndarray, " session"]
) -> Callable[[Int[np.ndarray, " draw"]], float]:
    """Total variance of unit-length embeddings, 1 − |mean|²: 0 when all are one point, 1 when they cancel."""
    size = np.bincount(subject)
    sums = np.zeros((len(size), vectors.shape[1]))
    np.add.at(sums, subject, vectors)

    def total_variance(drawn: Int[np.ndarray, " draw"]) -> float:
        weight = np.bincount(drawn, minlength=len(size))
        mean = weight @ sums / (weight @ size)
        return max(float(1 - mean @ mean), 0.0)

    return total_variance


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


def rank_metric(
    vectors: Float[np.ndarray, "session dimension"],
    subject: Int[np.ndarray, " session"],
    rng: np.random.Generator,
) -> Outcome:
    """Effective rank of this many sessions, with value ± 1.96 bootstrap standard errors.

    Subjects drawn twice add no direction, so resamples have a lower rank than the sample: their percentiles,
    BCa's too, would lie below the value. Their spread is right, and is put around the value. Grows with the
    number of sessions: compare epochs and encoders on the same scans.
    """
    rows = [np.flatnonzero(subject == number) for number in range(subject.max() + 1)]
    if len(rows) < 3:
        return Absent(f"effective rank needs at least 3 subjects, and there are {len(rows)}")
    value = effective_rank(vectors)
    resampled = []
    for _ in range(RANK_RESAMPLES):
        drawn = rng.integers(len(rows), size=len(rows))
        resampled.append(effective_rank(vectors[np.concatenate([rows[number] for number in drawn])]))
    margin = 1.96 * float(np.std(resampled))
    bounds = (1.0, float(min(vectors.shape)))
    interval = Interval(value, max(value - margin, bounds[0]), min(value + margin, bounds[1]))
    if margin < 1e-9:
        interval = exact_interval(value, len(rows), bounds)
    return Metric(*interval, n_subjects=len(rows), n_items=len(vectors))
