"""What the report's template of health change is filled with."""

from typing import Any

from clinimcl.evaluation.change.measure import ChangeEvaluation
from clinimcl.evaluation.change.probabilities import METRICS as PROBABILITIES
from clinimcl.evaluation.change.probability_table import probability_table
from clinimcl.evaluation.change.wording import HEADLINES, METRICS, ROWS
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.wording import cell, interval, label, number


def change_context(evaluation: ChangeEvaluation) -> dict[str, Any]:
    """Everything is text, to be escaped by the template; figures come by their names beside it."""
    measured = evaluation.measured
    endings = ("{}_accuracy", "{}_balanced_accuracy", "balanced_accuracy_minus_{}")
    in_table = {ending.format(row.name) for row in evaluation.rows[1:] for ending in endings} | PROBABILITIES.keys()
    return {
        "notes": evaluation.notes,
        "cards": [(label(name), *cells(measured[name])) for name in HEADLINES if name in measured],
        "metrics": [
            (label(name), METRICS[name][1], name, *cells(measured[name]))
            for name in METRICS
            if name in measured and name not in in_table
        ],
        "absent": reasons(evaluation.absent),
        "rows": table(evaluation),
        "classes": list(evaluation.by_class.index),
        "confusion": list(zip(evaluation.by_class.index, evaluation.confusion.tolist(), strict=True)),
        "by_class": [(str(name), *map(int, row)) for name, row in evaluation.by_class.iterrows()],
        "probabilities": probability_table(evaluation.metrics),
        "reliability": [
            (number(confidence), number(right), int(answers))
            for confidence, right, answers in evaluation.reliability.to_numpy(float).tolist()
        ],
    }


def cells(metric: Metric) -> tuple[str, str, str, str, int, int]:
    """Value, interval, chance, majority, subjects, items."""
    chance, majority = ("" if level is None else number(level) for level in (metric.chance, metric.majority))
    return number(metric.value), interval(metric), chance, majority, metric.n_subjects, metric.n_items


def table(evaluation: ChangeEvaluation) -> list[tuple[str, ...]]:
    """Row, what it is, accuracy and balanced accuracy with intervals, the classifier minus it; chance at the end."""
    lines = []
    for row in evaluation.rows:
        difference = evaluation.metrics.get(f"balanced_accuracy_minus_{row.name}")
        outcomes = (row.accuracy, row.balanced_accuracy, difference)
        lines.append((*ROWS[row.name], *(text for outcome in outcomes for text in cell(outcome))))
    accuracy, balanced = evaluation.metrics["accuracy"], evaluation.metrics["balanced_accuracy"]
    if isinstance(accuracy, Metric) and isinstance(balanced, Metric):
        lines.append(level("majority", "Always the largest class of the test.", accuracy.majority, balanced.majority))
        lines.append(
            level("chance", "Guessing by the shares of the training classes.", accuracy.chance, balanced.chance)
        )
    return lines


def level(name: str, meaning: str, accuracy: float | None, balanced: float | None) -> tuple[str, ...]:
    values = ("–" if value is None else number(value) for value in (accuracy, balanced))
    return (name, meaning, *(text for value in values for text in (value, "")), "–", "")


def reasons(absent: dict[str, str]) -> dict[str, str]:
    """Reason → what it concerns: rows share theirs."""
    grouped: dict[str, list[str]] = {}
    for name, reason in absent.items():
        grouped.setdefault(reason, []).append(label(name))
    return {reason: ", ".join(names) for reason, names in grouped.items()}
