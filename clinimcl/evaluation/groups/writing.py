"""The groups in evaluation.json."""

from pathlib import Path
from typing import Any

from clinimcl.evaluation.entries import EVALUATION, add
from clinimcl.evaluation.groups.comparison import LEAST, Comparison, Difference, Group, GroupEvaluation
from clinimcl.evaluation.statistics.metrics import Metric

KEY = "groups"  # beside the metrics

Table = tuple[list[str], list[list[Any]]]


def write_groups(groups: GroupEvaluation, folder: Path) -> None:
    """Adds to evaluation.json."""
    add(folder / EVALUATION, {KEY: group_entries(groups)})


def group_entries(groups: GroupEvaluation) -> dict[str, Any]:
    """headline → grouping → what it found; beside it the bands' edges and the sentences."""
    headlines: dict[str, dict[str, Any]] = {}
    for own in groups.comparisons:
        headlines.setdefault(own.headline, {})[own.grouping] = comparison_entry(own)
    return {
        "least_subjects": LEAST,
        "bands": {name: list(own.edges) for name, own in groups.bands.items()},
        "notes": groups.notes,
        "headlines": headlines,
    }


def comparison_entry(comparison: Comparison) -> dict[str, Any]:
    """Groups with a value, those without one by their size, and the gap or why there is none."""
    groups, few, lonely = {}, {}, 0
    for name, own in comparison.groups.items():
        if own.n_subjects >= LEAST:
            absent = {} if isinstance(own.outcome, Metric) else {"absent": own.outcome.reason}
            value = own.outcome.entry() if isinstance(own.outcome, Metric) else absent
            counts = {"n_subjects": own.n_subjects, "n_items": own.n_items}
            groups[name] = counts | value
        elif own.n_subjects > 1:
            few[name] = own.n_subjects
        else:
            lonely += 1
    unknown = comparison.unknown
    return {
        "groups": groups,
        "too_few": few,
        "of_one": lonely,
        "unknown": {"n_subjects": unknown.n_subjects, "n_items": unknown.n_items},
        "gap": gap_entry(comparison),
    }


def gap_entry(comparison: Comparison) -> dict[str, Any]:
    """p and p_holm are left out, with the reason, where they are not asked for."""
    difference = comparison.difference
    if not isinstance(difference, Difference):
        return {"absent": difference.reason}
    entry = {
        **difference.gap._asdict(),
        "worst": difference.worst,
        "best": difference.best,
        "n_subjects": difference.n_subjects,
        "n_items": difference.n_items,
    }
    if difference.p is None:
        return entry | {"untested": difference.untested}
    return entry | {"p": difference.p, "p_holm": difference.p_holm}


def without_groups(entries: dict[str, Any]) -> dict[str, Any]:
    """The metrics alone."""
    return {name: entry for name, entry in entries.items() if name != KEY}


def value_table(groups: GroupEvaluation) -> Table:
    """Columns and a row a headline and group, for a dashboard; small groups have no row."""
    columns = ["headline", "grouping", "group", "value", "low", "high", "subjects", "items"]
    rows = [
        [own.headline, own.grouping, name, *ends_of(group), group.n_subjects, group.n_items]
        for own in groups.comparisons
        for name, group in own.groups.items()
        if group.n_subjects >= LEAST
    ]
    return columns, rows


def ends_of(group: Group) -> tuple[float | None, ...]:
    """Value and interval."""
    own = group.outcome
    return (own.value, own.low, own.high) if isinstance(own, Metric) else (None, None, None)


def gap_table(groups: GroupEvaluation) -> Table:
    """Columns and a row a gap, for a dashboard."""
    columns = ["headline", "grouping", "worst", "best", "gap", "low", "high", "p_holm", "subjects"]
    rows = [
        [
            *(own.headline, own.grouping, own.difference.worst, own.difference.best),
            *own.difference.gap,
            *(own.difference.p_holm, own.difference.n_subjects),
        ]
        for own in groups.comparisons
        if isinstance(own.difference, Difference)
    ]
    return columns, rows
