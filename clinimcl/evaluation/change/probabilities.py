"""What the classifier's probabilities are worth, beyond its likeliest answer."""

import numpy as np
from jaxtyping import Float, Int

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.statistics.brier import brier
from clinimcl.evaluation.statistics.cluster_intervals import Clusters
from clinimcl.evaluation.statistics.discrimination import discrimination
from clinimcl.evaluation.statistics.metrics import Outcome
from clinimcl.evaluation.statistics.recalibration import recalibration

SLOPE = "Of a logistic regression of this class on its logit. 1: calibrated; below 1: too sure."
INTERCEPT = "In log odds, at a slope of 1. 0: calibrated; below 0: said too often."

# name: label, what it means
METRICS = {
    "brier_score": (
        "Brier score",
        "Mean squared error of the three probabilities, 0 to 2; chance always says the shares of training. Lower is "
        "better.",
    ),
    "brier_reliability": (
        "Brier score: reliability",
        "Its part from saying more or less than is true, over bins of equal count; without bias, so that it may be "
        "below 0. 0: calibrated.",
    ),
    "brier_resolution": (
        "Brier score: resolution",
        "Its part, subtracted, from telling answers apart. 0: all the same.",
    ),
    "brier_uncertainty": (
        "Brier score: uncertainty",
        "Its part that is of the test alone: how mixed its classes are.",
    ),
    "brier_within_bins": (
        "Brier score: within bins",
        "What bins hide. Reliability − resolution + uncertainty + this is the score.",
    ),
    **{
        key: words
        for name in CHANGES
        for key, words in (
            (f"calibration_slope_{name}", (f"Calibration slope, {name}", SLOPE)),
            (f"calibration_intercept_{name}", (f"Calibration intercept, {name}", INTERCEPT)),
        )
    },
    "auroc": (
        "AUROC, one against the others",
        "Mean over the classes of the test. 0.5: chance; 1: all told apart.",
    ),
    **{
        f"auroc_{name}": (
            f"AUROC, {name}",
            "How often an answer of this class has a higher probability of it than another answer. 0.5: chance.",
        )
        for name in CHANGES
    },
}


def probability_metrics(
    clusters: Clusters,
    change: Int[np.ndarray, " answer"],
    probabilities: Float[np.ndarray, "answer 3"],
    shares: Float[np.ndarray, "3"],
) -> dict[str, Outcome]:
    """All of METRICS; `shares` are those of the training classes."""
    return {
        **brier(clusters, change, probabilities, shares),
        **recalibration(clusters, change, probabilities),
        **discrimination(clusters, change, probabilities),
    }
