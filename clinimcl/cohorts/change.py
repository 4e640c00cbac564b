"""How two scores become a health change: the one rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.cohorts.decimals import rounding
from clinimcl.errors import UserError

CHANGES = ("deteriorated", "stable", "improved")  # class 0, 1, 2; exchanging the scans turns c into 2 - c

# Reliable change of the MMSE is 2 to 4 points: Hensel et al. 2007, J Neurol Neurosurg Psychiatry 78:1298.
# The CDR has steps of 0.5 and 1, each of them another stage: Morris 1993, Neurology 43:2412.
THRESHOLDS = {"MMSE": 3.0, "CDR": 0.5, "CDRTOT": 0.5}
BINS = {"SF": (180.0, 275.0, 430.0)}  # LEARNER, section 2.1


@dataclass(frozen=True)
class ChangeRule:
    """A change of at least `threshold`, or, where it is None, the crossing of one of `bins`."""

    higher_is: str  # "better" or "worse"
    threshold: float | None
    bins: Sequence[float]

    def change(
        self, earlier: Float[np.ndarray, " pair"], later: Float[np.ndarray, " pair"]
    ) -> Int[np.ndarray, " pair"]:
        """0 deteriorated, 1 stable, 2 improved. A score that equals an edge lies above it.

        Scores, thresholds and edges are decimals, which float64 holds only to about 16 digits: what differs by no more
        than their rounding is equal, so that 0.3 to 0.6 is a change of 0.3 although 0.6 - 0.3 is less in binary.
        """
        sign = 1 if self.higher_is == "better" else -1
        slack = self._rounding(earlier, later)
        if self.threshold is None:
            step = self._edges_below(later, slack) - self._edges_below(earlier, slack)
        else:
            difference = later - earlier
            step = np.where(np.abs(difference) >= self.threshold - slack, np.sign(difference), 0)
        return 1 + sign * np.sign(step).astype(int)

    def _rounding(
        self, earlier: Float[np.ndarray, " pair"], later: Float[np.ndarray, " pair"]
    ) -> Float[np.ndarray, " pair"]:
        """Of the numbers that each pair is compared by."""
        edge = max(map(abs, self.bins)) if self.threshold is None else self.threshold
        return rounding(earlier, later, float(edge))

    def _edges_below(
        self, score: Float[np.ndarray, " pair"], slack: Float[np.ndarray, " pair"]
    ) -> Int[np.ndarray, " pair"]:
        return (score[:, None] >= np.asarray(self.bins) - slack[:, None]).sum(axis=1)

    @property
    def sentence(self) -> str:
        """The rule in words."""
        healthier = f"higher is {self.higher_is}"
        if self.threshold is None:
            edges = ", ".join(f"{edge:g}" for edge in self.bins)
            return f"A change is the crossing of one of the edges {edges} ({healthier})."
        return f"A change is a difference of at least {self.threshold:g} ({healthier})."


def rule_for(scans: pd.DataFrame, threshold: float | None, bins: Sequence[float] | None) -> ChangeRule:
    """The wanted rule; by default the known one of the score, or half the standard deviation of training subjects.

    Raises:
        UserError: both are given, one is out of range, or the scans have no score.
    """
    scored = scans[scans["score"].notna()]
    if scored.empty:
        raise UserError("health change needs a score: name one by cohort.score=...")
    name, higher_is = str(scored["score_name"].iloc[0]), str(scored["higher_is"].iloc[0])
    if threshold is not None and bins is not None:
        raise UserError("cohort.change_threshold and cohort.change_bins are two rules: give one of them")
    if threshold is not None and threshold <= 0:
        raise UserError(f"cohort.change_threshold must be above 0, got {threshold:g}")
    if bins is not None and (len(bins) == 0 or list(bins) != sorted(set(bins))):
        raise UserError(f"cohort.change_bins must be rising edges such as [180,275,430], got {list(bins)}")
    if bins is None and threshold is None and name.upper() in BINS:
        bins = BINS[name.upper()]
    if bins is not None:
        return ChangeRule(higher_is, None, tuple(float(edge) for edge in bins))
    if threshold is None:
        threshold = THRESHOLDS.get(name.upper()) or _half_deviation(scored)
    return ChangeRule(higher_is, float(threshold), ())


def _half_deviation(scored: pd.DataFrame) -> float:
    training = scored.loc[scored["split"] == "train", "score"]
    if training.nunique() < 2:  # a deviation of equal decimals is not always 0
        raise UserError("every training scan has the same score, so that no change can be told: choose another score")
    return float(training.std()) / 2
