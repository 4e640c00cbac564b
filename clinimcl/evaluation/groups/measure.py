"""Every headline in every group, and what the groups' differences are worth."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from clinimcl.evaluation.change.tables import correlations
from clinimcl.evaluation.groups.comparison import (
    LEAST,
    Comparison,
    Difference,
    Group,
    GroupEvaluation,
)
from clinimcl.evaluation.groups.effects import effects, items_of
from clinimcl.evaluation.groups.gaps import Square, gap
from clinimcl.evaluation.groups.groupings import Bands, bands_of, labels_of
from clinimcl.evaluation.groups.headlines import Headline, Values, measure
from clinimcl.evaluation.groups.permutation import p_value
from clinimcl.evaluation.groups.wording import notes
from clinimcl.evaluation.metrics import Absent, Metric
from clinimcl.evaluation.sweep.significance import holm

Rows = Bool[np.ndarray, " item"]


def evaluate_groups(
    headlines: Sequence[Headline], scans: pd.DataFrame, groupings: Sequence[str], seed: int
) -> GroupEvaluation:
    """Compare the groups; the same inputs and seed give the same numbers.

    `scans` is the cohort's scan table, whose training subjects say where bands end.
    """
    bands = bands_of(scans[scans["split"] == "train"], groupings)
    found = [compare(own, name, bands, seed) for name in groupings for own in headlines]
    comparisons = with_holm(found)
    return GroupEvaluation(comparisons, bands, notes(comparisons, scans, groupings, bands))


def compare(headline: Headline, grouping: str, bands: dict[str, Bands], seed: int) -> Comparison:
    labels = labels_of(headline, grouping, bands)
    if isinstance(labels, Absent):
        nobody = Group(0, 0, labels)
        return Comparison(headline.name, grouping, headline.aim, {}, nobody, labels)
    names = bands[grouping].names if grouping in bands else sorted(set(labels.dropna()))
    label = pd.Categorical(labels, categories=names).codes.astype(int)  # -1: not known
    groups = {name: grouped(headline.values, label == place) for place, name in enumerate(names)}
    groups = {name: own for name, own in groups.items() if own.n_items}
    unknown = counted(headline.values, label < 0, "their group is not known")
    difference = differ(headline, grouping, groups, label, names, seed)
    why = "" if isinstance(difference, Absent) else untested(headline, grouping)
    return Comparison(headline.name, grouping, headline.aim, groups, unknown, difference, why)


def grouped(values: Values, rows: Rows) -> Group:
    group = counted(values, rows, f"fewer than {LEAST} subjects are not shown")
    if group.n_subjects < LEAST:
        return group
    return group._replace(outcome=measure(values.where(rows), values.classes))


def counted(values: Values, rows: Rows, reason: str) -> Group:
    """Without a value, for that reason."""
    return Group(values.where(rows).subjects, int(rows.sum()), Absent(reason))


def untested(headline: Headline, grouping: str) -> str:
    """Why it is not asked whether these groups differ by chance; empty where it is."""
    if headline.values.of_two_people:
        return "its items are of two people, who may be of two groups"
    if grouping == headline.judged_by:
        return "the label by which the answers are judged makes these groups"
    return ""


def differ(
    headline: Headline,
    grouping: str,
    groups: dict[str, Group],
    label: Int[np.ndarray, " item"],
    names: list[str],
    seed: int,
) -> Difference | Absent:
    """Of the groups that have a value."""
    outcomes = {name: own.outcome for name, own in groups.items()}
    shown = {name: own for name, own in outcomes.items() if isinstance(own, Metric)}
    if len(shown) < 2:
        return Absent(too_few(groups, len(shown)))
    place = np.full(len(names) + 1, -1)  # among those shown; the last is that of the unknown
    place[[names.index(name) for name in shown]] = np.arange(len(shown))
    rows = place[label] >= 0
    values, compared = headline.values.where(rows), place[label][rows]
    p = None
    if not untested(headline, grouping):
        p = p_value(items_of(values), compared, len(shown), seed)
    worst, best = extremes(headline.aim, [metric.value for metric in shown.values()])
    most = values.bounds[1] - values.bounds[0]
    found = gap(list(shown.values()), alike(values, compared, len(shown)), most, p)
    ends = list(shown)[worst], list(shown)[best]
    return Difference(*ends, found, values.subjects, len(compared), p)


def alike(values: Values, label: Int[np.ndarray, " item"], groups: int) -> Square:
    """Correlations of the groups' values, through the subjects that they share."""
    if values.of_two_people:
        return np.eye(groups)
    return correlations(effects(items_of(values), label[None], groups).pull[0])


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
