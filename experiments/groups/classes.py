"""Is equality of balanced accuracy rejected too often where groups differ in their classes?

`python -m experiments.groups.classes` prints the third table of README.md.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.evaluation.groups.effects import items_of
from clinimcl.evaluation.groups.headlines import Values
from clinimcl.evaluation.groups.permutation import equality_test
from clinimcl.evaluation.statistics.confusion import UNIT
from clinimcl.evaluation.statistics.metrics import Absent

DRAWS = 100
FRESH = 4000  # the seed: those below chose the blocks


class Mix(NamedTuple):
    """Two groups; the first is answered worse by `gap` in every class."""

    subjects: int
    items: int  # of a subject
    classes: int
    constant: bool  # all items of a subject are of one class
    crossed: bool  # each item has a group of its own
    hard: float  # share of the last class in the first group, of the first class in the second
    gap: float


MIXES = [
    Mix(60, 1, 2, True, False, 0.85, 0.0),
    Mix(60, 4, 2, True, False, 0.85, 0.0),
    Mix(60, 3, 3, False, False, 0.60, 0.0),
    Mix(60, 3, 3, False, False, 0.33, 0.25),
    Mix(100, 3, 10, True, False, 0.1, 0.25),
    Mix(100, 3, 10, False, False, 0.1, 0.25),
    Mix(80, 3, 3, False, True, 0.33, 0.25),
]


def simulated(mix: Mix, rng: np.random.Generator) -> tuple[Values, np.ndarray]:
    """Whether each item is right, and its group. The last class is the hardest."""
    subject = np.repeat(np.arange(mix.subjects), mix.items)
    home = rng.permutation(np.arange(mix.subjects) % 2)
    crossed = rng.integers(2, size=len(subject))
    group = crossed if mix.crossed else home[subject]
    share = np.full(mix.classes, (1 - mix.hard) / (mix.classes - 1))
    share[-1] = mix.hard
    drawn = rng.choice(mix.classes, size=len(subject), p=share)
    of_class = drawn[subject * mix.items] if mix.constant else drawn
    of_class = np.where(group == 0, of_class, mix.classes - 1 - of_class)
    recall = np.linspace(0.95, 0.6, mix.classes)[of_class] - mix.gap * (group == 0)
    right = (rng.random(len(subject)) < recall).astype(float)
    return Values(right, of_class, subject, subject, UNIT), group


def row(mix: Mix, draws: int = DRAWS, seed: int = FRESH) -> dict[str, object]:
    """How often equality is rejected, and how often too little is left to exchange."""
    rng = np.random.default_rng(seed)
    p, untested = [], 0
    for draw in range(draws):
        values, group = simulated(mix, rng)
        found = equality_test(items_of(values), group, 2, draw)
        untested += isinstance(found, Absent)
        p.append(1.0 if isinstance(found, Absent) else found.p)
    shares = {f"p ≤ {level}": float(np.mean(np.array(p) <= level)) for level in (0.05, 0.01, 0.001)}
    return {**mix._asdict(), **shares, "untested": untested}


def main() -> None:
    rows = [row(mix) for mix in MIXES]
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
