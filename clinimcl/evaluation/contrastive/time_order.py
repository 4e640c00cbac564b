"""Do a subject's sessions lie in time order along the main axis of change?"""

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import kendalltau

from clinimcl.evaluation.contrastive.sessions import Sessions, repeated
from clinimcl.evaluation.statistics.metrics import Absent, Outcome, mean_metric, with_chance


def axis_of_change(sessions: Sessions) -> Float[np.ndarray, " dimension"] | None:
    """Unit direction in which embeddings of a subject vary most with time, pointing forward in time.

    Each subject gives its slope of embedding on day, weighted by how well its days determine it (the square
    root of the sum of squares of its days); the axis is the mean of these. Pose and noise differ between
    sessions but not with time, so they cancel out, which they do not in the slopes' first principal
    component. But for the weights this is the first component of partial least squares of embedding on day.
    None where no subject has two sessions on different days.
    """
    slopes = []
    days = sessions.table["day"].to_numpy(float)
    for rows in sessions.table.groupby("subject", sort=False).indices.values():
        day = days[rows] - days[rows].mean()
        spread = np.sqrt((day**2).sum())
        if spread > 0:
            slopes.append(day @ sessions.vectors[rows] / spread)
    total = np.sum(slopes, axis=0) if slopes else np.zeros(1)
    length = np.linalg.norm(total)
    return total / length if length > 0 else None


def order_tau(train: Sessions, test: Sessions) -> Outcome:
    """Mean over test subjects of Kendall's τ-b of day and position; the axis is the training subjects'.

    All subjects with at least 2 sessions on different days count: with 2, τ is −1 or 1, and chance is 0 for
    any number of sessions.
    """
    taus = subject_taus(train, test)
    if isinstance(taus, Absent):
        return taus
    outcome = mean_metric(taus, len(repeated(test).table), (-1.0, 1.0))
    return with_chance(outcome, 0.0)


def subject_taus(train: Sessions, test: Sessions) -> "pd.Series[float] | Absent":
    """Kendall's τ-b of each test subject with sessions on different days, by subject."""
    axis = axis_of_change(train)
    if axis is None:
        return Absent("no training subject that was embedded has sessions on two different days")
    test = repeated(test)
    position = np.round(test.vectors @ axis, 12)
    days = test.table["day"].to_numpy(float)
    taus = {}
    for subject, rows in test.table.groupby("subject", sort=False).indices.items():
        if np.ptp(days[rows]) > 0:
            taus[subject] = tau(days[rows], position[rows])
    return pd.Series(taus, dtype=float)


def tau(day: Float[np.ndarray, " session"], position: Float[np.ndarray, " session"]) -> float:
    """Kendall's τ-b; 0 where all positions are the same."""
    return 0.0 if np.ptp(position) == 0 else float(kendalltau(day, position).statistic)
