"""Is the classifier as often right as it says?"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.change.clusters import Clusters, metric, replicate
from clinimcl.evaluation.change.confusion import UNIT
from clinimcl.evaluation.intervals import TAIL
from clinimcl.evaluation.metrics import Metric, Outcome

BINS = 10  # of equal count
DRAWS = 1000
SHARES = 0.02  # of the error, to which its lower end is sought
CHUNK = 2_000_000  # drawn labels that are held at once


def calibration(
    clusters: Clusters, change: Int[np.ndarray, " answer"], probabilities: Float[np.ndarray, "answer 3"]
) -> tuple[Outcome, pd.DataFrame]:
    """Expected calibration error of the top class over 10 bins of equal count, and the bins.

    Luck alone makes it larger than 0: `chance` is the mean error of a classifier that says the same and is calibrated,
    whose answers are right as often as it says. The lower end is the least error, spread over the bins as was found,
    that a test shows as large as it is in 2.5 %; it is 0 unless that of a calibrated classifier is so in fewer.

    Source: Guo et al. 2017, eq. 3; bins of equal count: Nguyen and O'Connor 2015; labels drawn from the probabilities:
    Vaicenavicius et al. 2019, section 4 (consistency resampling).
    """
    confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == change
    place = bins(confidence)
    member = np.eye(place.max() + 1)[place]
    excess = member * (hit - confidence)[:, None]

    def error(weights: Float[np.ndarray, "stack answer"]) -> Float[np.ndarray, " stack"]:
        return np.abs(weights @ excess).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-12)

    found = metric(replicate(clusters, error), UNIT)
    if isinstance(found, Metric):
        gap = (excess.sum(axis=0) / member.sum(axis=0))[place]
        found = beside_luck(found, lambda share: drawn_errors(gap * share, confidence, member, clusters.seed))
    return found, table(confidence, hit.astype(float), place)


def beside_luck(error: Metric, drawn: Callable[[float], Float[np.ndarray, " draw"]]) -> Metric:
    """`drawn` gives errors of tests of a classifier that errs by a share of what was found, in every bin."""

    def probable(share: float) -> bool:
        return bool(np.quantile(drawn(share), 1 - TAIL) >= error.value)

    lowest, highest = 0.0, 1.0
    while not probable(0.0) and highest - lowest > SHARES:
        middle = (lowest + highest) / 2
        lowest, highest = (lowest, middle) if probable(middle) else (middle, highest)
    return error._replace(low=min(error.low, lowest * error.value), chance=float(drawn(0.0).mean()))


def drawn_errors(
    gap: Float[np.ndarray, " answer"],
    confidence: Float[np.ndarray, " answer"],
    member: Float[np.ndarray, "answer bin"],
    seed: int,
) -> Float[np.ndarray, " draw"]:
    """Calibration errors of answers that are right by `gap` more often than is said; the same luck for each seed."""
    rng, size = np.random.default_rng(seed), max(1, CHUNK // len(gap))
    found = []
    for start in range(0, DRAWS, size):
        hit = rng.random((min(size, DRAWS - start), len(gap))) < confidence + gap
        found.append(np.abs((hit - confidence) @ member).sum(axis=1) / len(gap))
    return np.concatenate(found)


def bins(confidence: Float[np.ndarray, " answer"], most: int = BINS) -> Int[np.ndarray, " answer"]:
    """Equal confidences share a bin, so that there may be fewer than `most`."""
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, most + 1)[1:-1]))
    return np.unique(np.searchsorted(edges, confidence, side="right"), return_inverse=True)[1]


def table(
    confidence: Float[np.ndarray, " answer"], hit: Float[np.ndarray, " answer"], place: Int[np.ndarray, " answer"]
) -> pd.DataFrame:
    """A row a bin: mean confidence, share of right answers, answers."""
    grouped = pd.DataFrame({"confidence": confidence, "right": hit}).groupby(place)
    return grouped.mean().assign(answers=grouped.size()).reset_index(drop=True)
