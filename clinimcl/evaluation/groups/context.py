"""What the report's template of the groups is filled with."""

from typing import Any

from clinimcl.evaluation.groups.comparison import LEAST, Comparison, Difference, GroupEvaluation
from clinimcl.evaluation.groups.wording import MEANINGS, few, named, p_text, titled
from clinimcl.evaluation.metrics import Absent, Metric
from clinimcl.evaluation.wording import interval, number


def group_context(evaluation: GroupEvaluation) -> dict[str, Any]:
    """Everything is text, to be escaped by the template; figures come by their names beside it."""
    headlines = dict.fromkeys(own.headline for own in evaluation.comparisons)
    return {
        "notes": evaluation.notes,
        "alarmed": bool(evaluation.alarms),
        "least": LEAST,
        "gaps": [gap_row(own) for own in evaluation.comparisons if is_compared(own)],
        "headlines": [headline_context(evaluation, name) for name in headlines],
        "bands": {titled(name): ", ".join(own.names) for name, own in evaluation.bands.items()},
    }


def is_compared(comparison: Comparison) -> bool:
    return isinstance(comparison.difference, Difference)


def gap_row(comparison: Comparison) -> tuple[str, ...]:
    """Headline, grouping, worst and best with their values, the gap with its interval, p."""
    difference = comparison.difference
    assert isinstance(difference, Difference)
    ends = [text for name in (difference.worst, difference.best) for text in (name, value_of(comparison, name))]
    gap = difference.gap
    reach = f"{number(gap.low)} to {number(gap.high)}"
    p = p_text(difference.p_holm) if difference.p is not None else "not tested"
    grouping = titled(comparison.grouping)
    return (named(comparison.headline), grouping, *ends, number(gap.value), reach, p)


def value_of(comparison: Comparison, name: str) -> str:
    outcome = comparison.groups[name].outcome
    return number(outcome.value) if isinstance(outcome, Metric) else "–"


def headline_context(evaluation: GroupEvaluation, headline: str) -> dict[str, Any]:
    own = [one for one in evaluation.comparisons if one.headline == headline]
    return {
        "title": named(headline),
        "meaning": MEANINGS.get(headline, ""),
        "figure": f"groups_{headline}",
        "rows": [row for one in own for row in group_rows(one)],
        "absent": {titled(one.grouping): one.difference.reason for one in own if isinstance(one.difference, Absent)},
    }


def group_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Grouping, group, value with its interval, subjects, items; then those without a value."""
    title = titled(comparison.grouping)
    rows: list[tuple[str, ...]] = []
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
