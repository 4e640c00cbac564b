"""Is the classifier as often right as it says?"""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.change.clusters import Clusters, metric, replicate
from clinimcl.evaluation.change.confusion import UNIT
from clinimcl.evaluation.metrics import Outcome

BINS = 10  # of equal count


def calibration(
    clusters: Clusters, change: Int[np.ndarray, " answer"], probabilities: Float[np.ndarray, "answer 3"]
) -> tuple[Outcome, pd.DataFrame]:
    """Expected calibration error of the top class over 10 bins of equal count, and the bins.

    Its interval is Student's t of the jackknife at any number of subjects: resamples have a larger error than the
    test itself, which the bootstrap would take for a bias of the value. Luck alone makes it larger than 0.

    Source: Guo et al. 2017, eq. 3; bins of equal count: Nguyen and O'Connor 2015.
    """
    confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == change
    place = bins(confidence)
    member = np.eye(place.max() + 1)[place]
    excess = member * (hit - confidence)[:, None]

    def error(weights: Float[np.ndarray, "stack answer"]) -> Float[np.ndarray, " stack"]:
        return np.abs(weights @ excess).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-12)

    replicates = replicate(clusters, error)
    return metric(replicates, UNIT), table(confidence, hit.astype(float), place)


def bins(confidence: Float[np.ndarray, " answer"]) -> Int[np.ndarray, " answer"]:
    """Equal confidences share a bin, so that there may be fewer than 10."""
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.unique(np.searchsorted(edges, confidence, side="right"), return_inverse=True)[1]


def table(
    confidence: Float[np.ndarray, " answer"], hit: Float[np.ndarray, " answer"], place: Int[np.ndarray, " answer"]
) -> pd.DataFrame:
    """A row a bin: mean confidence, share of right answers, answers."""
    grouped = pd.DataFrame({"confidence": confidence, "right": hit}).groupby(place)
    return grouped.mean().assign(answers=grouped.size()).reset_index(drop=True)
