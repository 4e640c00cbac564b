"""What a simulation is: people are drawn, a metric is measured, and its interval holds the truth or not."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from clinimcl.evaluation.statistics.metrics import Outcome

SUBJECTS = (3, 5, 8, 12, 20, 40, 100, 300)
ANSWERS = (1, 3)
SHARES = {"even": (1 / 3, 1 / 3, 1 / 3), "rare": (0.10, 0.86, 0.04)}
EFFECTS = ("none", "real")


class Setting(NamedTuple):
    """Who is tested, and whether there is anything to find."""

    subjects: int
    answers: int  # a subject
    shares: str  # of the classes: a key of SHARES
    effect: str  # one of EFFECTS

    @property
    def real(self) -> bool:
        return self.effect == "real"


class Estimate(NamedTuple):
    """A metric of one test, beside what it should be."""

    metric: str
    outcome: Outcome
    truth: float | None  # None: the mean of the values of all trials, an expectation at this number of subjects
    p: float | None = None  # of no difference


class Simulation(NamedTuple):
    """`draw` tests people once. Simulations without classes have the same people whatever the shares are."""

    name: str
    draw: Callable[[np.random.Generator, Setting], list[Estimate]]
    classes: bool
    compares: bool = False  # two things, of which there is a p-value


def settings(simulation: Simulation) -> Iterator[Setting]:
    shares = tuple(SHARES) if simulation.classes else ("even",)
    for values in product(SUBJECTS, ANSWERS, shares, EFFECTS):
        yield Setting(*values)
