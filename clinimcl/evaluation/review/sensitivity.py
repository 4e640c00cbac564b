"""Does the occlusion map tell what was learned, or would a network that has learned nothing draw the same?"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import spearmanr

from clinimcl.evaluation.statistics.intervals import REALS
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome, mean_metric
from clinimcl.evaluation.wording import capitalised, interval, number
from clinimcl.inference.rendering import CELLS, Effect, cell_effects

ALIKE = 0.5  # rank correlation above which the map tells little of what was learned
LARGEST = 1 - 1e-9  # correlation whose Fisher transform is taken
FEWEST_SUBJECTS = 5  # by whom a map is judged: two that agree by luck have a narrow interval
FEWEST_CELLS = 5  # with an effect, for a rank correlation
Map = Float[np.ndarray, "i j k"]
Array = Float[np.ndarray, "a b c"]


class Occluded(NamedTuple):
    """A pair of prepared scans, and what each network says of pairs like it for the answer that was given."""

    earlier: Array
    later: Array
    trained: Effect
    random: Effect


class Sensitivity(NamedTuple):
    correlation: Outcome  # of both maps, mean over subjects
    maps: list[tuple[Map, Map]]  # of the trained network and of that with random weights, a pair a subject
    each: list[float]  # correlation of each pair, NaN where it is not defined
    what: str  # of whose occlusion the maps tell


def sensitivity(pairs: list[Callable[[], Occluded]], what: str) -> Sensitivity | Absent:
    """Rank correlation of how much each cell matters to the trained network and to one with random weights.

    Of sizes, since a network without training has no reason to agree in sign. A pair a subject; cells that are empty in
    both scans do not count.

    Source: Adebayo et al. 2018, Sanity Checks for Saliency Maps, section 3 (model parameter randomisation test, rank
    correlation of absolute values).
    """
    if not pairs:
        return Absent("no test subject has two scans to hide parts of")
    maps = [maps_of(pair()) for pair in pairs]
    each = [correlation(trained, random) for trained, random in maps]
    return Sensitivity(mean_correlation(each), maps, each, what)


def mean_correlation(each: list[float]) -> Outcome:
    """Of those that are defined, a subject each, with Student's interval of their Fisher transforms.

    Source: Silver and Dunlap 1987, Journal of Applied Psychology 72:146.
    """
    defined = np.array([value for value in each if np.isfinite(value)])
    if len(defined) < FEWEST_SUBJECTS:
        return Absent(f"it takes at least {FEWEST_SUBJECTS} subjects whose maps can be compared, got {len(defined)}")
    transformed = pd.Series(np.arctanh(np.clip(defined, -LARGEST, LARGEST)), dtype=float)
    outcome = mean_metric(transformed, len(defined), REALS)
    if isinstance(outcome, Absent):
        return outcome
    value, low, high = np.tanh(outcome[:3]).tolist()
    return outcome._replace(value=value, low=low, high=high)


def maps_of(pair: Occluded) -> tuple[Map, Map]:
    cells = CELLS["clip" if pair.earlier.shape[0] < pair.earlier.shape[1] else "volume"]
    trained, random = (
        cell_effects(pair.earlier, pair.later, cells, support) for support in (pair.trained, pair.random)
    )
    return trained, random


def correlation(trained: Map, random: Map) -> float:
    """NaN where fewer than five cells have an effect, or all have the same."""
    seen = (trained != 0) | (random != 0)
    sizes = [np.abs(own[seen]) for own in (trained, random)]
    if seen.sum() < FEWEST_CELLS or min(np.ptp(own) for own in sizes) == 0:
        return np.nan
    return float(spearmanr(*sizes).statistic)


def sensitivity_sentence(found: Sensitivity) -> str:
    outcome = found.correlation
    if isinstance(outcome, Absent):
        return f"Whether the map tells what was learned cannot be said: {outcome.reason}."
    beside = (
        f"the map of the trained network and that of the same network with random weights have a rank correlation of "
        f"{number(outcome.value)} (95\u00a0% interval {interval(outcome)}, {outcome.n_subjects} subjects)."
    )
    return f"{capitalised(beside)} {judged(outcome)}"


def judged(outcome: Metric) -> str:
    if outcome.low > ALIKE:
        return "It stays much the same without training: it says nothing about what was learned."
    if outcome.high < ALIKE:
        return "It changes with training: it may say something about what was learned."
    return "Whether it changes with training cannot be told: do not read it as an explanation."
