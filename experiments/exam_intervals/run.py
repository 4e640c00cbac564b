"""How often do the exam's intervals hold what is true? `python experiments/exam_intervals/run.py [trials]`."""

import sys
from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.evaluation.exam import scores
from clinimcl.evaluation.exam.items import Items
from clinimcl.evaluation.exam.measure import Exam, examine
from clinimcl.evaluation.statistics.metrics import Metric

STRETCH = scores.SHARED


class Condition(NamedTuple):
    subjects: int
    classes: int
    effect: float  # how far the means of two classes are apart, in deviations within them
    splits: int
    stretch: float = STRETCH

    def __str__(self) -> str:
        return f"{self.subjects} of {self.classes} | {self.effect:g} | {self.splits} | {self.stretch:.3g}"


CONDITIONS = [
    Condition(30, 3, 0.0, 10),
    Condition(60, 3, 0.0, 10),
    Condition(40, 2, 0.0, 10),
    Condition(40, 2, 0.0, 1),
    Condition(60, 3, 0.0, 10, stretch=1.0),
    Condition(60, 3, 1.0, 10),
    Condition(60, 3, 2.5, 10),
]


def drawn(condition: Condition, seed: int, *, sexes: bool = False, biased: bool = False) -> Items:
    """Embeddings of noise in 8 dimensions, and the effect in one for each class; none for one sex if biased."""
    rng = np.random.default_rng(seed)
    label = np.arange(condition.subjects) % condition.classes
    vectors = rng.normal(size=(condition.subjects, 8))
    sex = rng.permutation(np.arange(condition.subjects) % 2)
    shown = np.where(biased & (sex == 0), 0.0, condition.effect)
    vectors[:, : condition.classes] += shown[:, None] * np.eye(condition.classes)[label]
    groups = pd.DataFrame({"sex": sex.astype(str)} if sexes else {}, index=range(condition.subjects))
    names = [str(number) for number in range(condition.classes)]
    return Items(np.arange(condition.subjects), label, {"embeddings": vectors}, names, groups)


def coverage(condition: Condition, trials: int) -> dict[str, tuple[float, float]]:
    """Share of intervals that hold the truth, chance or else the mean over trials, and that truth."""
    scores.SHARED = condition.stretch
    exams = [examine(drawn(condition, seed), condition.splits, seed, least=10) for seed in range(trials)]
    scores.SHARED = STRETCH
    return {name: held([exam.metrics[name] for exam in exams], noise=not condition.effect) for name in scores.SCORES}


def held(found: list[Metric], *, noise: bool) -> tuple[float, float]:
    truth = found[0].chance if noise else float(np.mean([one.value for one in found]))
    return float(np.mean([one.low <= truth <= one.high for one in found])), float(truth)


def alarms(condition: Condition, trials: int, *, biased: bool) -> float:
    """Share of trials in which the interval of the fairness of AUROC does not reach 1."""
    seeds = range(trials)
    exams = [examine(drawn(condition, seed, sexes=True, biased=biased), condition.splits, seed, 10) for seed in seeds]
    return float(np.mean([unfair(exam) for exam in exams]))


def unfair(exam: Exam) -> bool:
    return exam.metrics["fairness_auroc"].high < 1


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print("| subjects | effect | splits | stretch | AUROC | held | macro F1 | held |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for condition in CONDITIONS:
        cells = [f"{truth:.3f} | {share:.1%}" for share, truth in coverage(condition, trials).values()]
        print(f"| {condition} | {' | '.join(cells)} |", flush=True)
    told = Condition(180, 3, 2.0, 10)
    for biased in (False, True):
        print(
            f"sex {'biased' if biased else 'alike'}: told unfair in {alarms(told, trials, biased=biased):.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
