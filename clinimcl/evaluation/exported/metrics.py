"""An exported model on people who neither trained nor calibrated it."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.change import probabilities
from clinimcl.evaluation.change.chance_levels import levelled
from clinimcl.evaluation.statistics.calibration import calibration
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, clusters_of, item_mean, metric
from clinimcl.evaluation.statistics.confusion import UNIT, class_metrics, confusions
from clinimcl.evaluation.statistics.metrics import Absent, Outcome

PREFIX = "exported_"
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
    **{f"{PREFIX}{name}": (f"{label}, exported", meaning) for name, (label, meaning) in probabilities.METRICS.items()},
    "set_coverage": ("Coverage of the 90 % set", "Share of true answers that are in it. 0.9 is wanted."),
    **{
        f"set_coverage_{name}": (
            f"Coverage of the 90 % set, {name}",
            "The same of the pairs that are so in truth. The set is meant for all together, not for each class.",
        )
        for name in CHANGES
    },
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
    shares: Float[np.ndarray, "3"]  # of the classes, among training subjects' pairs


class Judged(NamedTuple):
    """Items of the test that were flagged or not, and the one or two people of each."""

    one: Int[np.ndarray, " item"]
    other: Int[np.ndarray, " item"]
    flagged: Bool[np.ndarray, " item"]


def evaluate_answers(answered: Answered, seed: int) -> tuple[dict[str, Outcome], pd.DataFrame]:
    """Error of the calibrated probabilities, coverage and size of the sets; and the bins of the reliability curve."""
    if not len(answered.change):
        of_answers = [name for name in METRICS if name.startswith((PREFIX, "set_"))]
        return dict.fromkeys(of_answers, Absent("no test subject has two visits with a score")), pd.DataFrame()
    clusters = clusters_of(answered.subject, answered.subject, seed)
    error, reliability = calibration(clusters, answered.change, answered.probabilities)
    whole = confusions(clusters, answered.change, answered.probabilities.argmax(axis=1))
    classes = class_metrics(whole, answered.change, clusters)
    shares = np.bincount(answered.change, minlength=3) / len(answered.change)
    right = {f"exported_{name}": classes[name] for name in ("accuracy", "balanced_accuracy")}
    levels = (float(shares.max()), 1 / int((shares > 0).sum()))  # of always the largest class
    outcomes = levelled(right, {name: (None, level) for name, level in zip(right, levels, strict=True)})
    outcomes["exported_calibration_error"] = error
    said = probabilities.probability_metrics(clusters, answered.change, answered.probabilities, answered.shares)
    outcomes |= {f"{PREFIX}{name}": own for name, own in said.items()}
    return outcomes | set_outcomes(answered, clusters), reliability


def set_outcomes(answered: Answered, clusters: Clusters) -> dict[str, Outcome]:
    """How often the set holds the truth, of all pairs and of those of each class, and how large it is."""
    if answered.within is None:
        names = [name for name in METRICS if name.startswith("set_")]
        return dict.fromkeys(names, Absent("too few validation subjects for a set of answers"))
    held = answered.within[np.arange(len(answered.change)), answered.change].astype(float)
    outcomes: dict[str, Outcome] = {"set_coverage": share(clusters, held)}
    for number, name in enumerate(CHANGES):
        outcomes[f"set_coverage_{name}"] = share_among(answered.subject, held, answered.change == number, name)
    return outcomes | {"set_size": share(clusters, answered.within.sum(axis=1).astype(float), (1.0, 3.0))}


def share_among(
    subject: Int[np.ndarray, " pair"],
    held: Float[np.ndarray, " pair"],
    among: Bool[np.ndarray, " pair"],
    name: str,
) -> Outcome:
    """Of the pairs of a class; its interval is over the subjects who have one."""
    if not among.any():
        return Absent(f"no test pair is {name}")
    own = np.unique(subject[among], return_inverse=True)[1]
    return share(clusters_of(own, own, seed=0), held[among])


def evaluate_flags(judged: Judged, seed: int, why_absent: str) -> Outcome:
    """The share of items that are flagged."""
    if not len(judged.flagged):
        return Absent(why_absent)
    _, ends = np.unique(np.stack([judged.one, judged.other]), return_inverse=True)
    one, other = ends.reshape(2, -1)
    return share(clusters_of(one, other, seed), judged.flagged.astype(float))


def share(clusters: Clusters, values: Float[np.ndarray, " item"], bounds: tuple[float, float] = UNIT) -> Outcome:
    """Mean over items, its interval over people."""
    return metric(item_mean(clusters, values), bounds)
