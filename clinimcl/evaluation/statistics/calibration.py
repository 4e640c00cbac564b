"""Is the classifier as often right as it says?"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.special import ndtri

from clinimcl.evaluation.statistics.cluster_intervals import Clusters, metric, replicate
from clinimcl.evaluation.statistics.confusion import UNIT
from clinimcl.evaluation.statistics.intervals import SMALLEST_DEVIATION, TAIL
from clinimcl.evaluation.statistics.metrics import Metric, Outcome

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
    that a test shows as large as it is in 2.5 %; it is 0 unless that of a calibrated classifier is so in fewer. Answers
    of one subject are drawn as alike as they are, or the luck of 40 people would be taken for that of 120 answers.

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
        alike = likeness_of_hits(clusters, confidence, hit)
        luck = Luck(clusters.one, float(np.sin(np.pi / 2 * alike)), clusters.seed)
        found = beside_luck(found, lambda share: drawn_errors(confidence + gap * share, confidence, member, luck))
    return found, table(confidence, hit.astype(float), place)


class Luck(NamedTuple):
    """What makes answers right or wrong, beside their probability."""

    subject: Int[np.ndarray, " answer"]  # of the earlier scan
    latent: float  # correlation of the normal variables of a subject's answers, those of which are right that are low
    seed: int


def likeness_of_hits(
    clusters: Clusters, confidence: Float[np.ndarray, " answer"], hit: Bool[np.ndarray, " answer"]
) -> float:
    """Correlation of what is right in the answers of a subject, at least 0.

    The sine of 90° of it is that of normal variables which are cut at their median to give it.

    Source: moments of a pair, Prentice 1988, section 3; the sine: Sheppard 1899.
    """
    excess, deviation = hit - confidence, np.sqrt(confidence * (1 - confidence))
    excess = excess - excess.mean()
    together, most = (
        float((np.bincount(clusters.one, values) ** 2).sum() - (values**2).sum()) for values in (excess, deviation)
    )
    return float(np.clip(together / most, 0, 1)) if most > SMALLEST_DEVIATION else 0.0


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
    right: Float[np.ndarray, " answer"],
    confidence: Float[np.ndarray, " answer"],
    member: Float[np.ndarray, "answer bin"],
    luck: Luck,
) -> Float[np.ndarray, " draw"]:
    """Calibration errors of answers that are right as often as `right`; the same luck for each seed."""
    rng, size = np.random.default_rng(luck.seed), max(1, CHUNK // len(right))
    edge, found = ndtri(np.clip(right, 0, 1)), []
    for start in range(0, DRAWS, size):
        draws = min(size, DRAWS - start)
        own = rng.standard_normal((draws, len(right)))
        if luck.latent > 0:
            shared = rng.standard_normal((draws, luck.subject.max() + 1))[:, luck.subject]
            own = np.sqrt(1 - luck.latent) * own + np.sqrt(luck.latent) * shared
        hit = own < edge
        found.append(np.abs((hit - confidence) @ member).sum(axis=1) / len(right))
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
