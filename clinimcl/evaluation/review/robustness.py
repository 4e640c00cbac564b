"""What is left of the headline when test scans are noisier, blurred, moved, thicker or fewer."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.evaluation.change.answers import answers_of
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.contrastive.retrieval import other_sessions, retrieval_difference, retrieval_metric, retrieve
from clinimcl.evaluation.contrastive.sessions import unit
from clinimcl.evaluation.review.perturbations import Array, Perturbation
from clinimcl.evaluation.statistics.cluster_intervals import Replicates, clusters_of, metric
from clinimcl.evaluation.statistics.confusion import (
    SIGNED,
    UNIT,
    Stack,
    Values,
    accuracy,
    balanced_accuracy,
    confusions,
    present,
    subjects_a_class,
)
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome
from clinimcl.evaluation.wording import capitalised

FEWEST_SUBJECTS = 5  # with a scan that is asked: two who agree by luck have a narrow interval

Vectors = Float[np.ndarray, "scan dimension"]
Changed = Callable[[int, Array], Array]  # number of a scan and its array → another array


class ChangeTest(NamedTuple):
    """Pairs of the scans, and what the classifier says of the embeddings of pairs."""

    inputs: ChangeInputs  # of these scans
    ask: Callable[[Vectors, Vectors], Float[np.ndarray, "pair 3"]]


class RobustnessInputs(NamedTuple):
    """Scans of some test subjects, and the encoder that sees them again."""

    scans: pd.DataFrame
    embed: Callable[[Changed], Vectors]  # of each scan after it was changed
    perturbations: list[Perturbation]
    change: ChangeTest | None  # None: retrieval is measured
    seed: int
    left_out: int  # test subjects beyond the limit


class Robustness(NamedTuple):
    """A row of `curves` is a perturbation at a strength; at strength 0 the scans are as they are."""

    metric: str
    curves: pd.DataFrame
    subjects: int
    left_out: int


class Beside(NamedTuple):
    """What is measured of damaged scans, and what is lost: less what undamaged ones reach, paired by subject."""

    value: Outcome
    difference: Outcome

    @property
    def subjects(self) -> int:
        return self.value.n_subjects if isinstance(self.value, Metric) else 0


def robustness(inputs: RobustnessInputs) -> Robustness | Absent:
    """The later scan of each pair is changed, or the scan that is searched with; the others stay as they are.

    The same random numbers at each strength, so that a curve is one of strength alone.
    """
    clean = inputs.embed(lambda number, array: array)
    beside = beside_change(inputs.change, clean, inputs.seed) if inputs.change else beside_retrieval(inputs, clean)
    if isinstance(beside, Absent):
        return beside
    name, measured = beside
    undamaged = measured(clean)
    subjects = undamaged.subjects
    if subjects < FEWEST_SUBJECTS:
        return Absent(f"{subjects} test subjects are too few: at least {FEWEST_SUBJECTS} are needed")
    rows = [row("none", "", 0.0, undamaged._replace(difference=Absent("it is the same")))]
    for kind, perturbation in enumerate(inputs.perturbations):
        for strength in perturbation.strengths:
            vectors = inputs.embed(changed_by(perturbation, strength, (inputs.seed, kind)))
            rows.append(row(perturbation.name, perturbation.unit, strength, measured(vectors)))
    subjects = int(inputs.scans["subject"].nunique())
    return Robustness(name, pd.DataFrame(rows), subjects, inputs.left_out)


def changed_by(perturbation: Perturbation, strength: float, seed: tuple[int, int]) -> Changed:
    def changed(number: int, array: Array) -> Array:
        generator = np.random.default_rng((*seed, number))
        return perturbation.apply(array.astype(np.float32), strength, generator).astype(np.float16)

    return changed


Measure = tuple[str, Callable[[Vectors], Beside]]  # name of the metric, and how it is measured


def beside_change(test: ChangeTest, clean: Vectors, seed: int) -> Measure | Absent:
    """Balanced accuracy, or accuracy where a class is that of one subject."""
    answers = answers_of(test.inputs)
    clusters = clusters_of(answers.earlier, answers.later, seed)
    classes, agreeing = present(answers.change), subjects_a_class(answers.change, clusters)
    pairs = test.inputs.test

    def balanced(stack: Stack) -> Values:
        return balanced_accuracy(stack, classes)

    def confusion(vectors: Vectors) -> Replicates:
        asked = test.ask(clean[pairs["earlier"].to_numpy()], vectors[pairs["later"].to_numpy()])
        return confusions(clusters, answers.change, answers.mean(asked).argmax(axis=1))

    undamaged = confusion(clean)
    able = isinstance(metric(undamaged.map(balanced), UNIT, agreeing), Metric)
    value, resting = (balanced, agreeing) if able else (accuracy, None)
    outcome = metric(undamaged.map(value), UNIT, resting)
    if isinstance(outcome, Absent):
        return outcome

    def measured(vectors: Vectors) -> Beside:
        damaged = confusion(vectors).map(value)
        lost = damaged.minus(undamaged.map(value))
        return Beside(metric(damaged, UNIT, resting), metric(lost, SIGNED, resting))

    return "balanced_accuracy" if able else "accuracy", measured


def beside_retrieval(inputs: RobustnessInputs, clean: Vectors) -> Measure | Absent:
    positive, gallery = other_sessions(inputs.scans), unit(clean.astype(float)).T

    def queries(vectors: Vectors) -> pd.DataFrame:
        return retrieve(inputs.scans, np.round(unit(vectors.astype(float)) @ gallery, 9), positive)

    undamaged = queries(clean)
    outcome = retrieval_metric(undamaged, "top1")
    if isinstance(outcome, Absent):
        return outcome

    def measured(vectors: Vectors) -> Beside:
        damaged = queries(vectors)
        value = retrieval_metric(damaged, "top1")
        return Beside(value, retrieval_difference(damaged, undamaged))

    return "retrieval_top1", measured


def row(name: str, measure: str, strength: float, beside: Beside) -> dict[str, object]:
    value, difference = cells(beside.value), cells(beside.difference)
    return {
        "perturbation": name,
        "strength": strength,
        "unit": measure,
        **dict(zip(("value", "low", "high"), value, strict=True)),
        **dict(zip(("difference", "difference_low", "difference_high"), difference, strict=True)),
    }


def cells(outcome: Outcome) -> tuple[float, float, float]:
    """NaN where it could not be measured."""
    return (outcome.value, outcome.low, outcome.high) if isinstance(outcome, Metric) else (np.nan,) * 3


def first_losses(curves: pd.DataFrame) -> dict[str, str]:
    """Kind of damage → the least strength at which less is left than of undamaged scans, "" where at none.

    The interval of the difference, of one strength at a time, lies below 0.
    """
    found = {}
    for name, own in curves[curves["perturbation"] != "none"].groupby("perturbation", sort=False):
        lost = own[own["difference_high"] < 0]
        found[str(name)] = f"{lost['strength'].iloc[0]:g} {lost['unit'].iloc[0]}" if len(lost) else ""
    return found


def loss_sentence(curves: pd.DataFrame) -> str:
    losses = first_losses(curves)
    told = [f"{name} of {strength}" for name, strength in losses.items() if strength]
    untold = [name for name, strength in losses.items() if not strength]
    parts = []
    if told:
        parts.append(f"It is lower than with undamaged scans from {', '.join(told)} on")
    if untold:
        parts.append(f"no loss can be told of {', '.join(untold)} at these strengths")
    sentence = "; ".join(parts)
    return f"{capitalised(sentence)} (95\u00a0% intervals, paired by subject, one strength at a time)."
