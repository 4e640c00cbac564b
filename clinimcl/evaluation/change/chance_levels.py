"""What an answer without any knowledge reaches, beside which metrics are read."""

import numpy as np
from jaxtyping import Float, Int

from clinimcl.evaluation.change.answers import Answers
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.statistics.confusion import CLASSES
from clinimcl.evaluation.statistics.metrics import Metric, Outcome

Levels = dict[str, tuple[float | None, float]]  # metric: chance, majority


def levels_of(inputs: ChangeInputs, answers: Answers) -> Levels:
    """Chance: guessing by the shares of the training classes. Majority: always the largest class of the test."""
    tested = np.bincount(answers.change, minlength=CLASSES) / len(answers.change)
    trained = class_shares(inputs.train["change"].to_numpy(int))
    classes, largest = int((tested > 0).sum()), float(tested.max())
    constant = 2 * largest / (1 + largest)  # F1 of the one class that is answered
    return {
        "accuracy": (float(tested @ trained), largest),
        "balanced_accuracy": (float(trained[tested > 0].mean()), 1 / classes),
        "weighted_f1": (None, largest * constant),
        "macro_f1": (None, constant / classes),
        "quadratic_kappa": (0.0, 0.0),
    }


def class_shares(change: Int[np.ndarray, " pair"]) -> Float[np.ndarray, "3"]:
    """Of the classes among pairs; the same of each where there are none."""
    counts = np.bincount(change, minlength=CLASSES).astype(float)
    return counts / counts.sum() if counts.sum() else np.full(CLASSES, 1 / CLASSES)


def levelled(outcomes: dict[str, Outcome], levels: Levels) -> dict[str, Outcome]:
    return {
        name: outcome._replace(chance=levels[name][0], majority=levels[name][1])
        if isinstance(outcome, Metric)
        else outcome
        for name, outcome in outcomes.items()
    }
