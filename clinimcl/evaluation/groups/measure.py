"""Every headline in every group, and what the groups' differences are worth."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from clinimcl.evaluation.groups.comparison import LEAST, Comparison, Difference, Group, GroupEvaluation
from clinimcl.evaluation.groups.effects import effects, items_of
from clinimcl.evaluation.groups.gaps import Gap, gap, least_gap
from clinimcl.evaluation.groups.groupings import Bands, bands_of, labels_of
from clinimcl.evaluation.groups.headlines import Headline, Values, measure
from clinimcl.evaluation.groups.permutation import DRAWS, ONE_IN, Equality, equality_test
from clinimcl.evaluation.groups.wording import notes
from clinimcl.evaluation.statistics.class_tables import correlations
from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.evaluation.statistics.significance import holm

Rows = Bool[np.ndarray, " item"]
Labels = Int[np.ndarray, " item"]


def evaluate_groups(
    headlines: Sequence[Headline], scans: pd.DataFrame, groupings: Sequence[str], seed: int
) -> GroupEvaluation:
    """Compare the groups; the same inputs and seed give the same numbers.

    `scans` is the cohort's scan table, whose training subjects say where bands end.
    """
    bands = bands_of(scans[scans["split"] == "train"], groupings)
    draws = max(DRAWS, 2 * ONE_IN * len(groupings) * len(headlines))  # or Holm could never alarm
    pairs = product(groupings, headlines)
    found = [compare(own, name, bands, seed, draws) for name, own in pairs]
    comparisons = with_holm(found)
    return GroupEvaluation(comparisons, bands, notes(comparisons, scans, groupings, bands))


def compare(headline: Headline, grouping: str, bands: dict[str, Bands], seed: int, draws: int = DRAWS) -> Comparison:
    """`draws`: labellings for the test, where there are too many to try all."""
    labels = labels_of(headline, grouping, bands)
    if isinstance(labels, Absent):
        nobody = Group(0, 0, labels)
        return Comparison(headline.name, grouping, headline.aim, {}, nobody, labels)
    names = bands[grouping].names if grouping in bands else sorted(set(labels.dropna()))
    label = pd.Categorical(labels, categories=names).codes.astype(int)  # -1: not known
    groups = {name: grouped(headline.values, label == place) for place, name in enumerate(names)}
    groups = {name: own for name, own in groups.items() if own.n_items}
    unknown = counted(headline.values, label < 0, "their group is not known")
    test = partial(tested, headline, grouping, seed=seed, draws=draws)
    difference = differ(headline.values, headline.aim, groups, label, names, test)
    return Comparison(headline.name, grouping, headline.aim, groups, unknown, difference)


def grouped(values: Values, rows: Rows) -> Group:
    group = counted(values, rows, f"fewer than {LEAST} subjects are not shown")
    if group.n_subjects < LEAST:
        return group
    return group._replace(outcome=measure(values.where(rows), values.classes))


def counted(values: Values, rows: Rows, reason: str) -> Group:
    """Without a value, for that reason."""
    return Group(values.where(rows).subjects, int(rows.sum()), Absent(reason))


def tested(
    headline: Headline, grouping: str, values: Values, label: Labels, seed: int, draws: int
) -> Equality | Absent:
    """Whether the groups of some of its values differ by chance."""
    why = untested(headline, grouping)
    if why:
        return Absent(why)
    return equality_test(items_of(values), label, int(label.max()) + 1, seed, draws)


def untested(headline: Headline, grouping: str) -> str:
    """Why it is not asked whether these groups differ by chance; empty where it is."""
    if headline.values.of_two_people:
        return "its items are of two people, who may be of two groups"
    if grouping == headline.judged_by:
        return "the label by which the answers are judged makes these groups"
    return ""


def differ(
    values: Values,
    aim: str,
    groups: dict[str, Group],
    label: Labels,
    names: list[str],
    test: Callable[[Values, Labels], Equality | Absent],
) -> Difference | Absent:
    """Of the groups that have a value."""
    outcomes = {name: own.outcome for name, own in groups.items()}
    shown = {name: own for name, own in outcomes.items() if isinstance(own, Metric)}
    if len(shown) < 2:
        return Absent(too_few(groups, len(shown)))
    place = np.full(len(names) + 1, -1)  # among those shown; the last is that of the unknown
    place[[names.index(name) for name in shown]] = np.arange(len(shown))
    rows = place[label] >= 0
    values, compared = values.where(rows), place[label][rows]
    outcome = test(values, compared)
    worst, best = extremes(aim, [metric.value for metric in shown.values()])
    found = gap_of(list(shown.values()), values, compared, outcome)
    ends = list(shown)[worst], list(shown)[best]
    counts = values.subjects, len(compared)
    if isinstance(outcome, Absent):
        return Difference(*ends, found, *counts, None, outcome.reason)
    return Difference(*ends, found, *counts, outcome.p)


def gap_of(metrics: list[Metric], values: Values, label: Labels, outcome: Equality | Absent) -> Gap:
    """Groups vary together through the subjects that they share."""
    most = values.bounds[1] - values.bounds[0]
    if values.of_two_people:
        return gap(metrics, np.eye(len(metrics)), most, None)
    apart = effects(items_of(values), label[None], len(metrics))
    least = None if isinstance(outcome, Absent) else least_gap(apart, outcome)
    return gap(metrics, correlations(apart.pull[0]), most, least)


def too_few(groups: dict[str, Group], shown: int) -> str:
    if not groups:
        return "no item's group is known"
    if len(groups) == 1:
        return "all items whose group is known are of one"
    return f"{shown} of {len(groups)} groups have a value, and a gap needs 2"


def extremes(aim: str, values: list[float]) -> tuple[int, int]:
    """Places of the worst and the best; of a signed error the end further from 0 is worst."""
    lowest, highest = int(np.argmin(values)), int(np.argmax(values))
    high_is_bad = aim == "low" or (aim == "zero" and values[highest] >= -values[lowest])
    return (highest, lowest) if high_is_bad else (lowest, highest)


def with_holm(comparisons: list[Comparison]) -> list[Comparison]:
    """Every p-value corrected for all of them: groupings times headlines."""
    raw = [own.difference.p for own in comparisons if isinstance(own.difference, Difference)]
    adjusted = iter(holm(np.array([p for p in raw if p is not None])).tolist())
    found = []
    for own in comparisons:
        difference = own.difference
        if isinstance(difference, Difference) and difference.p is not None:
            difference = difference._replace(p_holm=next(adjusted))
        found.append(own._replace(difference=difference))
    return found
