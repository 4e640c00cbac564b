"""Empirical Bayes of ComBat: a site's effects on all dimensions tell how far those on each are to be believed."""

import numpy as np
from jaxtyping import Float

TOLERANCE = 1e-6
MOST_ROUNDS = 1000
SMALLEST_VARIANCE = 1e-12

Effects = Float[np.ndarray, " dimension"]


def shrink(standardised: Float[np.ndarray, "scan dimension"], shift: Effects) -> tuple[Effects, Effects]:
    """Posterior shift and variance of one site's scans, which have `shift` as their least squares' estimate.

    The normal prior of shifts and the inverse gamma prior of variances have the moments of this site's estimates over
    dimensions. With one dimension, or all alike, nothing is shrunk.

    Source: Johnson, Li and Rabinovic 2007, Biostatistics 8:118, section 3.2 and supplement.
    """
    scans = len(standardised)
    variance = standardised.var(axis=0, ddof=1)
    variance = np.maximum(variance, SMALLEST_VARIANCE)
    if len(shift) < 2 or min(shift.var(), variance.var()) < SMALLEST_VARIANCE:
        return shift, variance
    centre, width = shift.mean(), shift.var(ddof=1)
    mean, square = variance.mean(), variance.var(ddof=1)
    shape = (2 * square + mean**2) / square
    rate = (mean * square + mean**3) / square
    own, spread = shift, variance
    for _ in range(MOST_ROUNDS):
        before = np.r_[own, spread]
        own = (scans * width * shift + spread * centre) / (scans * width + spread)
        squares = ((standardised - own) ** 2).sum(axis=0)
        spread = (rate + squares / 2) / (scans / 2 + shape - 1)
        if np.abs(np.r_[own, spread] - before).max() < TOLERANCE:
            break
    return own, spread
