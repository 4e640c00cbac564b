"""An exported model on people who neither trained nor calibrated it."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from clinimcl.evaluation.change.calibration import calibration
from clinimcl.evaluation.change.clusters import Clusters, clusters_of, metric, ratio, replicate
from clinimcl.evaluation.change.confusion import UNIT, class_metrics, confusions
from clinimcl.evaluation.change.levels import levelled
from clinimcl.evaluation.metrics import Absent, Outcome

# name: label, what it means
METRICS = {
    "exported_accuracy": (
        "Accuracy of the exported model",
        "Share of its likeliest answers that are right. Beside it: always the largest class.",
    ),
    "exported_balanced_accuracy": (
        "Balanced accuracy of the exported model",
        "Mean over the classes of the share that is answered right.",
    ),
    "exported_calibration_error": (
        "Calibration error of the exported model",
        "Of the calibrated probabilities: mean distance of what is said from what is right.",
    ),
    "set_coverage": ("Coverage of the 90 % set", "Share of true answers that are in it. 0.9 is wanted."),
    "set_size": ("Size of the 90 % set", "Answers in it, 1 to 3. Smaller says more."),
    "flagged_as_unfamiliar": (
        "Refused as out of distribution",
        "Share of test scans, all of which are of the cohort. 0 is wanted.",
    ),
    "flagged_of_one_person": ("Flagged as two people, of one person", "Share of pairs of one person. 0.05 is meant."),
    "flagged_of_two_people": ("Flagged as two people, of two people", "Share of pairs of two people. 1 is wanted."),
}


class Answered(NamedTuple):
    """One person's test pairs; a pair's subject is counted from 0."""

    subject: Int[np.ndarray, " pair"]
    change: Int[np.ndarray, " pair"]
    probabilities: Float[np.ndarray, "pair 3"]
    within: Bool[np.ndarray, "pair 3"] | None  # the 90 % set; None where there is none


class Judged(NamedTuple):
    """Items of the test that were flagged or not, and the one or two people of each."""

    one: Int[np.ndarray, " item"]
    other: Int[np.ndarray, " item"]
    flagged: Bool[np.ndarray, " item"]


def evaluate_answers(answered: Answered, seed: int) -> tuple[dict[str, Outcome], pd.DataFrame]:
    """Error of the calibrated probabilities, coverage and size of the sets; and the bins of the reliability curve."""
    names = ("exported_calibration_error", "set_coverage", "set_size")
    if not len(answered.change):
        return dict.fromkeys(
            ("exported_accuracy", "exported_balanced_accuracy", *names),
            Absent("no test subject has two visits with a score"),
        ), pd.DataFrame()
    clusters = clusters_of(answered.subject, answered.subject, seed)
    error, reliability = calibration(clusters, answered.change, answered.probabilities)
    whole = confusions(clusters, answered.change, answered.probabilities.argmax(axis=1))
    classes = class_metrics(whole, answered.change, clusters)
    shares = np.bincount(answered.change, minlength=3) / len(answered.change)
    right = {f"exported_{name}": classes[name] for name in ("accuracy", "balanced_accuracy")}
    levels = (float(shares.max()), 1 / int((shares > 0).sum()))  # of always the largest class
    outcomes = levelled(right, {name: (None, level) for name, level in zip(right, levels, strict=True)})
    outcomes[names[0]] = error
    if answered.within is None:
        return outcomes | dict.fromkeys(
            names[1:], Absent("too few validation subjects for a set of answers")
        ), reliability
    held = answered.within[np.arange(len(answered.change)), answered.change].astype(float)
    outcomes[names[1]] = share(clusters, held)
    outcomes[names[2]] = share(clusters, answered.within.sum(axis=1).astype(float), (1.0, 3.0))
    return outcomes, reliability


def evaluate_flags(judged: Judged, seed: int, why_absent: str) -> Outcome:
    """The share of items that are flagged."""
    if not len(judged.flagged):
        return Absent(why_absent)
    _, ends = np.unique(np.stack([judged.one, judged.other]), return_inverse=True)
    one, other = ends.reshape(2, -1)
    return share(clusters_of(one, other, seed), judged.flagged.astype(float))


def share(clusters: Clusters, values: Float[np.ndarray, " item"], bounds: tuple[float, float] = UNIT) -> Outcome:
    """Mean over items, its interval over people."""
    return metric(replicate(clusters, lambda weights: ratio(weights @ values, weights.sum(axis=1))), bounds)
