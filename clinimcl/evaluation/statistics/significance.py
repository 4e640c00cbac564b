"""From a replicated difference to a p-value, and from many to those that remain."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from clinimcl.evaluation.statistics import class_tables
from clinimcl.evaluation.statistics.cluster_intervals import Replicates, spread
from clinimcl.evaluation.statistics.intervals import REALS, Interval

TAILS = (1e-12, 0.499999)  # among which the level is sought


def p_value(difference: Replicates) -> float:
    """Two-sided: the level at which the interval of the difference just reaches 0.

    No smaller than the share of exchanges of a subject's two answers that make as large a difference: subjects whose
    answers do not differ say nothing, and 2 who differ give 0.5. 1 where it hangs on one subject alone. Where all
    subjects differ by the same number, which nothing bounds, it is that of the sign test.

    Source: Efron and Tibshirani 1993, section 15.4.
    """
    value, by_class = float(difference.whole[0]), bool(difference.tables)
    lonely = by_class and class_tables.loneliest(difference.tables) < 2
    if value == 0 or lonely or not np.isfinite([value, *difference.left_out]).all():
        return 1.0
    interval_at = spread(difference, REALS, 1 if by_class else None)
    own = 1.0
    if interval_at is not None:
        endless = not np.isfinite(interval_at(max(TAILS))).all()
        own = 2 * 0.5 ** len(difference.left_out) if endless else reaching_zero(interval_at, positive=value > 0)
    return max(own, class_tables.exchange_p(difference.tables)) if class_tables.exchangeable(difference.tables) else own


def reaching_zero(interval_at: Callable[[float], Interval], positive: bool) -> float:
    """Twice what the end on the side of 0 leaves out when it lies on 0."""

    def beyond(log_tail: float) -> float:
        interval = interval_at(float(np.exp(log_tail)))
        return interval.low if positive else -interval.high

    least, most = np.log(TAILS)
    if beyond(least) >= 0:
        return 2 * TAILS[0]
    return 1.0 if beyond(most) <= 0 else float(2 * np.exp(brentq(beyond, least, most, rtol=1e-6)))


def holm(p: Float[np.ndarray, " comparison"]) -> Float[np.ndarray, " comparison"]:
    """p-values that can be held against one level, however many comparisons there are.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
