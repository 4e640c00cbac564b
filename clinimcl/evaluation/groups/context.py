"""What the report's template of the groups is filled with."""

from typing import Any

from clinimcl.evaluation.groups.comparison import LEAST, Comparison, Difference, GroupEvaluation, alarming
from clinimcl.evaluation.groups.wording import MEANINGS, few, named, p_text, titled
from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.evaluation.wording import interval, number, span

Cell = tuple[str, str, str, bool]  # gap, its interval, p, whether it is beyond chance
Row = tuple[str, ...]


def group_context(evaluation: GroupEvaluation) -> dict[str, Any]:
    """Everything is text, to be escaped by the template; figures come by their names beside it."""
    by_headline: dict[str, list[Comparison]] = {}
    for own in evaluation.comparisons:
        by_headline.setdefault(own.headline, []).append(own)
    groupings = dict.fromkeys(own.grouping for own in evaluation.comparisons)
    return {
        "notes": evaluation.notes,
        "alarmed": bool(evaluation.alarms),
        "least": LEAST,
        "groupings": list(groupings),
        "gaps": gap_rows(by_headline),
        "headlines": [headline_context(name, own) for name, own in by_headline.items()],
        "bands": {titled(name): ", ".join(own.names) for name, own in evaluation.bands.items()},
    }


def gap_rows(by_headline: dict[str, list[Comparison]]) -> list[tuple[str, list[Cell]]]:
    """No row where nothing was compared."""
    compared = [own for of_one in by_headline.values() for own in of_one]
    if not any(isinstance(own.difference, Difference) for own in compared):
        return []
    return [(named(name), list(map(gap_cell, own))) for name, own in by_headline.items()]


def gap_cell(comparison: Comparison) -> Cell:
    difference = comparison.difference
    if not isinstance(difference, Difference):
        return ("–", "", "", False)
    gap = difference.gap
    p = "not tested" if difference.p_holm is None else f"p {p_text(difference.p_holm)}"
    reach = span(gap.low, gap.high)
    return (number(gap.value), reach, p, alarming(comparison))


def headline_context(headline: str, comparisons: list[Comparison]) -> dict[str, Any]:
    return {
        "title": named(headline),
        "meaning": MEANINGS.get(headline, ""),
        "figure": f"groups_{headline}",
        "alarmed": any(alarming(own) for own in comparisons),
        "rows": [row for own in comparisons for row in group_rows(own)],
        "absent": absent_gaps(comparisons),
    }


def absent_gaps(comparisons: list[Comparison]) -> dict[str, str]:
    """Grouping → why it has no gap."""
    gaps = {titled(own.grouping): own.difference for own in comparisons}
    return {name: own.reason for name, own in gaps.items() if isinstance(own, Absent)}


def group_rows(comparison: Comparison) -> list[Row]:
    """Grouping, group, value with its interval, subjects, items; then those without a value."""
    title = titled(comparison.grouping)
    rows: list[Row] = []
    for name, own in comparison.groups.items():
        counts = (str(own.n_subjects), str(own.n_items))
        if isinstance(own.outcome, Metric):
            rows.append((title, name, number(own.outcome.value), interval(own.outcome), *counts))
        elif own.n_subjects >= LEAST:
            rows.append((title, name, "–", own.outcome.reason, *counts))
    small = few(comparison.groups)
    if small:
        rows.append((title, f"too few to show: {small}", "–", "", "", ""))
    unknown = comparison.unknown
    if unknown.n_items:
        rows.append((title, "unknown", "–", "", str(unknown.n_subjects), str(unknown.n_items)))
    return rows
