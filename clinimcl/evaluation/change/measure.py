"""From the classifier's answers to the metrics of health change."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.change.answers import Answers, answer_table, answers_of
from clinimcl.evaluation.change.baselines import Answered, predictions
from clinimcl.evaluation.change.chance_levels import class_shares, levelled, levels_of
from clinimcl.evaluation.change.distance import distance_change
from clinimcl.evaluation.change.inputs import ChangeInputs, check
from clinimcl.evaluation.change.notes import notes
from clinimcl.evaluation.change.permutation_test import null
from clinimcl.evaluation.change.probabilities import probability_metrics
from clinimcl.evaluation.change.regression import Scatter, regression
from clinimcl.evaluation.change.wording import BESIDES
from clinimcl.evaluation.statistics.calibration import calibration
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates, clusters_of, item_mean, metric
from clinimcl.evaluation.statistics.confusion import (
    CLASSES,
    SIGNED,
    UNIT,
    balanced_accuracy,
    class_metrics,
    confusions,
    present,
    subjects_a_class,
)
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome, with_chance


class Row(NamedTuple):
    """A line of the table of comparisons."""

    name: str  # a key of wording.ROWS
    accuracy: Outcome
    balanced_accuracy: Outcome


class ChangeEvaluation(NamedTuple):
    """Everything measured of health change on held-out subjects."""

    metrics: dict[str, Outcome]
    confusion: Int[np.ndarray, "3 3"]  # answers; rows are the truth, columns the answer
    reliability: pd.DataFrame  # a row a bin: confidence, right, answers
    rows: list[Row]  # the classifier first
    scatter: Scatter  # of test pairs: |Δ score| and cosine distance
    regressed: Scatter | None  # of test scans: measured and regressed score
    by_class: pd.DataFrame  # a row a class: training pairs, test answers, answered
    answers: pd.DataFrame  # a row an answer, subjects as numbers
    notes: list[str]  # sentences; the kind of test first

    @property
    def measured(self) -> dict[str, Metric]:
        return {name: outcome for name, outcome in self.metrics.items() if isinstance(outcome, Metric)}

    @property
    def absent(self) -> dict[str, str]:
        return {name: outcome.reason for name, outcome in self.metrics.items() if isinstance(outcome, Absent)}


def evaluate_change(inputs: ChangeInputs, seed: int) -> ChangeEvaluation:
    """The same inputs and seed give the same numbers.

    Raises:
        UserError: there is no test pair, or the classifier's probabilities are not finite.
    """
    check(inputs)
    answers = answers_of(inputs)
    clusters = clusters_of(answers.earlier, answers.later, seed)
    answered = predictions(inputs, answers)
    compared = {
        name: confusions(clusters, answers.change, own) for name, own in answered.items() if not isinstance(own, Absent)
    }
    levels = levels_of(inputs, answers)
    classified = {
        name: levelled(class_metrics(own, answers.change, clusters), levels) for name, own in compared.items()
    }
    rows = [row(name, own, classified) for name, own in answered.items()]
    score, regressed = regression(inputs, seed)
    distance, scatter = distance_change(inputs, answers, seed)
    probabilities = answers.mean(inputs.probabilities)
    error, reliability = calibration(clusters, answers.change, probabilities)
    trained = class_shares(inputs.train["change"].to_numpy(int))
    metrics = {
        **classified["classifier"],
        "calibration_error": error,
        **probability_metrics(clusters, answers.change, probabilities, trained),
        **score,
        **distance,
        "swap_consistency": swap_consistency(inputs, answers, clusters),
        **null(inputs, answers, clusters, seed),
        **row_metrics(rows),
        **differences(answered, compared, (answers, clusters)),
    }
    confusion = compared["classifier"].whole[0].astype(int)
    by_class = counts(inputs, confusion)
    return ChangeEvaluation(
        metrics,
        confusion,
        reliability,
        rows,
        scatter,
        regressed,
        by_class,
        answer_table(inputs, answers),
        notes(inputs, metrics, by_class),
    )


def row(name: str, answered: Answered | Absent, classified: dict[str, dict[str, Outcome]]) -> Row:
    if isinstance(answered, Absent):
        return Row(name, answered, answered)
    return Row(name, classified[name]["accuracy"], classified[name]["balanced_accuracy"])


def row_metrics(rows: list[Row]) -> dict[str, Outcome]:
    """Of the rows beside the classifier."""
    accuracies = {f"{row.name}_accuracy": row.accuracy for row in rows[1:]}
    return accuracies | {f"{row.name}_balanced_accuracy": row.balanced_accuracy for row in rows[1:]}


def differences(
    answered: dict[str, Answered | Absent], compared: dict[str, Replicates], test: tuple[Answers, Clusters]
) -> dict[str, Outcome]:
    """Balanced accuracy of the classifier minus that of each row, paired by subject."""
    answers, clusters = test
    classes, agreeing = present(answers.change), subjects_a_class(answers.change, clusters)
    values = {name: own.map(lambda stack: balanced_accuracy(stack, classes)) for name, own in compared.items()}
    outcomes: dict[str, Outcome] = {}
    for name in BESIDES:
        own, title = answered[name], f"balanced_accuracy_minus_{name}"
        if isinstance(own, Absent):
            outcomes[title] = own
        else:
            difference = metric(values["classifier"].minus(values[name]), SIGNED, agreeing)
            outcomes[title] = with_chance(difference, 0.0)
    return outcomes


def swap_consistency(inputs: ChangeInputs, answers: Answers, clusters: Clusters) -> Outcome:
    """Share of answers that exchange improved and deteriorated when the scans are exchanged."""
    answered = answers.mean(inputs.probabilities).argmax(axis=1)
    mirrored = CLASSES - 1 - answers.mean(inputs.swapped).argmax(axis=1)
    same = (answered == mirrored).astype(float)
    outcome = metric(item_mean(clusters, same), UNIT)
    shares = [np.bincount(own, minlength=CLASSES) / len(own) for own in (answered, mirrored)]
    return with_chance(outcome, float(shares[0] @ shares[1]))


def counts(inputs: ChangeInputs, confusion: Int[np.ndarray, "3 3"]) -> pd.DataFrame:
    trained = np.bincount(inputs.train["change"].to_numpy(int), minlength=CLASSES)
    columns = {"training pairs": trained, "test answers": confusion.sum(axis=1), "answered": confusion.sum(axis=0)}
    return pd.DataFrame(columns, index=list(CHANGES))
