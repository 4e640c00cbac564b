"""Do the intervals of gaps hold, and is equality rejected too often? By simulation.

`python -m experiments.groups.intervals` prints the table of README.md.
"""

import sys
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.evaluation.groups.comparison import Difference
from clinimcl.evaluation.groups.headlines import Headline
from clinimcl.evaluation.groups.measure import compare
from clinimcl.evaluation.groups.sources import POSITIVE, plain
from clinimcl.evaluation.statistics.confusion import UNIT
from clinimcl.evaluation.statistics.intervals import REALS

DRAWS = 100
FRESH = 4000  # the seed: those below chose the rule of the low end, or tested an earlier one


class Case(NamedTuple):
    kind: str  # shares, errors, signed errors, two classes
    groups: int
    least: int  # subjects of a group
    gap: float  # true, in deviations of a subject (of a share: in units of 0.2)
    crossed: bool  # each subject has items in several groups


def cases() -> list[Case]:
    kinds = ("share", "error", "signed", "classes")
    apart = product(kinds, (2, 4), (10, 30), (0.0, 1.0), (False,))
    crossed = product(("share", "signed"), (3,), (30,), (0.0, 1.0), (True,))
    return [Case(*own) for own in (*apart, *crossed)]


def simulated(case: Case, rng: np.random.Generator) -> tuple[Headline, float]:
    """Three items a subject, and the true gap. The first group is odd, and twice as large."""
    sizes = np.full(case.groups, case.least)
    sizes[0] *= 2
    home = np.repeat(np.arange(case.groups), sizes)
    subject = np.repeat(np.arange(len(home)), 3)
    group = home[subject]
    if case.crossed:
        away = rng.random(len(group)) < 0.5
        group = np.where(away, rng.integers(case.groups, size=len(group)), group)
    odd = case.gap * (group == 0)
    trait = rng.normal(size=len(home))[subject]
    value, bounds, of_class, gap = drawn(case, trait, odd, rng)
    scans = pd.DataFrame({"subject": subject.astype(str), "site": [f"s{own}" for own in group]})
    headline = plain("simulated", "high", bounds, value, scans)
    return headline._replace(values=headline.values._replace(of_class=of_class)), gap


def drawn(
    case: Case,
    trait: Float[np.ndarray, " item"],
    odd: Float[np.ndarray, " item"],
    rng: np.random.Generator,
) -> tuple[np.ndarray, tuple[float, float], np.ndarray, float]:
    """Values, their bounds and classes, and the true gap. Items of a subject are alike."""
    nought = np.zeros(len(odd), dtype=int)
    if case.kind in ("share", "classes"):
        subject_share = np.clip(0.85 + 0.1 * np.sign(trait) - 0.2 * odd, 0, 1)
        value = (rng.random(len(odd)) < subject_share).astype(float)
        rare = nought if case.kind == "share" else (rng.random(len(odd)) < 0.25).astype(int)
        return value, UNIT, rare, 0.2 * case.gap
    value = trait + rng.normal(size=len(odd))
    if case.kind == "signed":
        return value + odd, REALS, nought, case.gap
    size = np.abs(value) * (1 + 0.5 * odd)
    return size, POSITIVE, nought, 0.5 * case.gap * 2 / np.sqrt(np.pi)


def row(case: Case, draws: int, seed: int = FRESH) -> dict[str, object]:
    """How often the interval holds the true gap, and how often equality is rejected."""
    rng = np.random.default_rng(seed)
    held = rejected = unlike = measured = 0
    for draw in range(draws):
        headline, gap = simulated(case, rng)
        found = compare(headline, "site", {}, draw).difference
        if isinstance(found, Difference) and found.p is not None:
            measured += 1
            held += found.gap.low - 1e-9 <= gap <= found.gap.high + 1e-9
            rejected += found.p <= 0.05
            unlike += (found.p <= 0.05) != (found.gap.low > 0)
    shares = {"holds": held / max(measured, 1), "p ≤ 0.05": rejected / max(measured, 1)}
    return {**case._asdict(), "measured": measured, **shares, "p unlike interval": unlike}


def main() -> None:
    draws = 20 if "quick" in sys.argv[1:] else DRAWS
    rows = [row(case, draws) for case in cases()]
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
