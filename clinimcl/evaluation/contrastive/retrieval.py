"""Is the scan most like this one another scan of the same subject?"""

from itertools import pairwise

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from clinimcl.cohorts.decimals import rounding
from clinimcl.evaluation.statistics.metrics import Absent, Outcome, mean_metric, with_chance

DAYS_PER_YEAR = 365.25
GAPS = (0.0, 1.0, 2.0, 4.0, 8.0, np.inf)  # years


def cosine_similarity(vectors: Float[np.ndarray, "scan dimension"]) -> Float[np.ndarray, "scan scan"]:
    """Rounded to 9 decimals, so that equal embeddings are ties and not a matter of the last bit."""
    gram = (vectors @ vectors.T).astype(float)
    length = np.sqrt(np.diag(gram))
    length = np.where(length > 0, length, 1)
    return np.round(gram / length[:, None] / length, 9)


def other_sessions(scans: pd.DataFrame) -> Bool[np.ndarray, "scan scan"]:
    """Positives of each scan: its subject's scans of other sessions. A second run would be too easy."""
    return same(scans["subject"]) & ~same(scans["session"])


def other_scanners(scans: pd.DataFrame) -> Bool[np.ndarray, "scan scan"]:
    """Positives that were taken on another scanner, where both scanners are known."""
    known = scans["scanner"].notna().to_numpy()
    return other_sessions(scans) & ~same(scans["scanner"]) & known & known[:, None]


def gap_positives(scans: pd.DataFrame) -> dict[str, Bool[np.ndarray, "scan scan"]]:
    """Positives by their distance in time, shortest first; gaps that no pair has are left out."""
    days = scans["day"].to_numpy(float)
    years = np.abs(days - days[:, None]) / DAYS_PER_YEAR
    years += rounding(np.abs(days).max(initial=0.0)) / DAYS_PER_YEAR  # days may be ages, whose decimals are rounded
    bins = {}
    for low, high in pairwise(GAPS):
        label = f"{low:g}–{high:g} years" if np.isfinite(high) else f"over {low:g} years"
        bins[label] = other_sessions(scans) & (low <= years) & (years < high)
    return {label: positive for label, positive in bins.items() if positive.any()}


def same(column: pd.Series) -> Bool[np.ndarray, "scan scan"]:
    codes = column.factorize()[0]
    return codes == codes[:, None]


def retrieve(
    scans: pd.DataFrame,
    similarity: Float[np.ndarray, "scan scan"],
    positive: Bool[np.ndarray, "scan scan"],
) -> pd.DataFrame:
    """One row per query, a scan with a positive: subject, top1, average_precision, and their chance.

    The gallery of a query: its positives, and every scan of other subjects. Ties are broken by averaging over
    all orders of the tied scans, so an encoder that maps everything to one point scores chance, exactly.
    """
    gallery = positive | ~same(scans["subject"])
    rows = []
    for query in np.flatnonzero(positive.any(axis=1)):
        relevant = positive[query, gallery[query]]
        scores = similarity[query, gallery[query]]
        level = np.zeros_like(scores)
        rows.append(
            (
                scans["subject"].iloc[query],
                *(top1(scores, relevant), average_precision(scores, relevant)),
                *(top1(level, relevant), average_precision(level, relevant)),
            )
        )
    names = ["subject", "top1", "average_precision", "chance_top1", "chance_average_precision"]
    return pd.DataFrame(rows, columns=names)


def top1(scores: Float[np.ndarray, " gallery"], relevant: Bool[np.ndarray, " gallery"]) -> float:
    """Probability that the nearest is relevant; 0 or 1 without ties."""
    return float(relevant[scores == scores.max()].mean())


def average_precision(scores: Float[np.ndarray, " gallery"], relevant: Bool[np.ndarray, " gallery"]) -> float:
    """Expected over random orders of ties; all tied gives the expectation of a random ranking.

    Source: McSherry and Najork 2008, section 3.4.
    """
    _, group = np.unique(-scores, return_inverse=True)
    size = np.bincount(group)
    hits = np.bincount(group, weights=relevant)
    before, hits_before = np.cumsum(size) - size, np.cumsum(hits) - hits
    group = np.sort(group)
    rank = np.arange(1, len(scores) + 1)
    within = rank - before[group] - 1
    share = hits[group] / size[group]
    expected_hits = hits_before[group] + 1 + within * (hits[group] - 1) / np.maximum(size[group] - 1, 1)
    return float((share * expected_hits / rank).sum() / relevant.sum())


def retrieval_metric(queries: pd.DataFrame, column: str) -> Outcome:
    """`column` is top1 or average_precision. Query subjects are resampled, the gallery is fixed."""
    if queries.empty:
        return Absent("no subject has scans of two sessions to search for")
    if (queries["chance_top1"] == 1).any():
        return Absent("there is no scan of another subject to be mistaken for")
    subjects = queries.groupby("subject", sort=False)[[column, f"chance_{column}"]].mean()
    outcome = mean_metric(subjects[column], len(queries), (0.0, 1.0))
    if isinstance(outcome, Absent):
        return outcome
    return outcome._replace(chance=float(subjects[f"chance_{column}"].mean()))


def retrieval_difference(queries: pd.DataFrame, others: pd.DataFrame) -> Outcome:
    """Top-1 of `queries` minus that of `others`, paired by subject; chance is no difference."""
    if queries.empty or others.empty:
        return Absent("no subject has scans of two sessions to search for")
    means = [rows.groupby("subject", sort=False)["top1"].mean() for rows in (queries, others)]
    outcome = mean_metric(means[0] - means[1], len(queries), (-1.0, 1.0))
    return with_chance(outcome, 0.0)
