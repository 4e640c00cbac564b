"""From a replicated difference to a p-value, and from many to those that remain."""

import numpy as np
from jaxtyping import Float
from scipy.stats import norm, t

from clinimcl.evaluation.change.clusters import Replicates, jackknife_error
from clinimcl.evaluation.intervals import RESAMPLES, correction, normal_place


def p_value(difference: Replicates) -> float:
    """Two-sided: the level at which the interval of the difference just reaches 0.

    Of the BCa interval, and no smaller than 2 in the number of resamples and one; below 30 subjects Student's t of the
    jackknife. Where all subjects differ alike, the sign test. 1 where the difference hangs on one subject alone.

    Source: Efron and Tibshirani 1993, section 15.4; sign test: Dixon and Mood 1946.
    """
    value, left_out = float(difference.whole[0]), difference.left_out
    if value == 0 or not np.isfinite([value, *left_out]).all():
        return 1.0
    if np.ptp(left_out) < 1e-9:
        return min(1.0, 2.0 ** (1 - len(left_out)))
    resampled = difference.resampled[np.isfinite(difference.resampled)]
    if len(resampled) < RESAMPLES / 2:
        return float(2 * t.sf(abs(value) / jackknife_error(left_out), len(left_out) - 1))
    return bca_p_value(value, resampled, left_out)


def bca_p_value(
    value: float, resampled: Float[np.ndarray, " resample"], left_out: Float[np.ndarray, " subject"]
) -> float:
    z0, acceleration = correction(value, resampled, left_out)
    moved = normal_place(0.0, resampled) - z0
    deviate = moved / max(1 + acceleration * moved, 1e-3) - z0
    return max(float(2 * norm.sf(abs(deviate))), 2 / (len(resampled) + 1))


def holm(p: Float[np.ndarray, " comparison"]) -> Float[np.ndarray, " comparison"]:
    """p-values that can be held against one level, however many comparisons there are.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
