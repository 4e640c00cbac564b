"""Would acting on the classifier's word do more good than acting on everybody's scans, or on nobody's?"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from clinimcl.evaluation.statistics.cluster_intervals import Clusters, item_mean, metric
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome

THRESHOLDS = np.arange(1, 100) / 100
Event = Bool[np.ndarray, " answer"]
Probability = Float[np.ndarray, " answer"]


class Decision(NamedTuple):
    """Net benefit of treating whoever is said to deteriorate with at least a threshold's probability."""

    curve: pd.DataFrame  # a row a threshold
    prevalence: float  # share of the answers whose true change is deteriorated
    subjects: int
    calibration: str  # a sentence: on whom the probabilities were calibrated, or why they were not


def decision_curve(event: Event, probability: Probability, clusters: Clusters, calibration: str) -> Decision | Absent:
    """Net benefit at thresholds of 1 to 99 %, beside treating all and none, with intervals over subjects.

    Net benefit is TP/n − FP/n · t/(1 − t): a false alarm costs what t, the least probability at which one would act,
    says it costs. To treat none has 0. `low` and `high` are NaN where an interval cannot be had.

    Source: Vickers and Elkin 2006, Medical Decision Making 26:565, eq. 1.
    """
    if event.all() or not event.any():
        which = "every answer" if event.all() else "no answer"
        return Absent(f"{which} of the test is of a scan that deteriorated, so that there is nothing to decide")
    rows = [threshold_row(event, probability, clusters, float(level)) for level in THRESHOLDS]
    return Decision(pd.DataFrame(rows), float(event.mean()), clusters.subjects, calibration)


def threshold_row(event: Event, probability: Probability, clusters: Clusters, threshold: float) -> dict[str, float]:
    odds = threshold / (1 - threshold)
    gain = np.where(event, 1.0, -odds)  # of treating
    treated = gain * (probability >= threshold)
    benefit = metric(item_mean(clusters, treated), (-odds, 1.0))
    beyond_all = metric(item_mean(clusters, treated - gain), (-1.0, odds))
    return {
        "threshold": threshold,
        "net_benefit": float(treated.mean()),
        **ends("", benefit),
        "treat_all": float(gain.mean()),
        "treat_none": 0.0,
        "minus_treat_all": float((treated - gain).mean()),
        **ends("minus_treat_all_", beyond_all),
    }


def ends(prefix: str, outcome: Outcome) -> dict[str, float]:
    low, high = (outcome.low, outcome.high) if isinstance(outcome, Metric) else (np.nan, np.nan)
    return {f"{prefix}low": low, f"{prefix}high": high}


def useful_ranges(curve: pd.DataFrame) -> list[tuple[float, float]]:
    """Ranges of thresholds at which both intervals, beyond treating none and beyond treating all, lie above 0."""
    better = ((curve["low"] > 0) & (curve["minus_treat_all_low"] > 0)).to_numpy()
    edges = np.flatnonzero(np.diff(np.r_[False, better, False].astype(int)))
    threshold = curve["threshold"].to_numpy()
    return [(float(threshold[begin]), float(threshold[end - 1])) for begin, end in edges.reshape(-1, 2)]


def decision_sentences(decision: Decision) -> list[str]:
    ranges = useful_ranges(decision.curve)
    shown = " and ".join(f"{100 * low:.0f} to {100 * high:.0f} %" for low, high in ranges)
    if ranges:
        said = f"It does more good than treating all and than treating none at thresholds of {shown}"
    else:
        said = "At no threshold can it be told to do more good than both treating all and treating none"
    return [
        f"{said} (both 95 % intervals, over {decision.subjects} subjects, one threshold at a time).",
        f"In {100 * decision.prevalence:.0f} % of the answers the person had deteriorated. {decision.calibration}",
    ]
