"""Years, or days where years would be small decimals, as between scans of a lung."""

import numpy as np
from jaxtyping import Float

from clinimcl.evaluation.contrastive.retrieval import DAYS_PER_YEAR

MONTH = 1 / 12  # of a year


def time_unit(years: Float[np.ndarray, " _"]) -> tuple[str, float]:
    """Its name, and how many of it a year has: days where the median is below a month."""
    known = np.abs(years[np.isfinite(years)])
    short = len(known) > 0 and np.median(known) < MONTH
    return ("days", DAYS_PER_YEAR) if short else ("years", 1.0)
