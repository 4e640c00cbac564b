"""The groups of evaluation.json as rows of a model card, which is Markdown."""

from typing import Any, NamedTuple

from clinimcl.evaluation.groups.comparison import LEAST
from clinimcl.evaluation.groups.wording import named, p_text, titled
from clinimcl.evaluation.wording import number

Row = tuple[str, ...]


class GroupLines(NamedTuple):
    """All of it is text in which nothing ends a cell."""

    notes: list[str]
    rows: list[Row]  # headline, grouping, group, value, low, high, subjects
    gaps: list[Row]  # headline, grouping, worst, best, gap, low, high, p
    least: int


def group_lines(entries: dict[str, Any]) -> GroupLines:
    """`entries` are as `writing.group_entries` made them; empty where a run has none."""
    rows: list[Row] = []
    gaps: list[Row] = []
    for headline, by in entries.get("headlines", {}).items():
        for grouping, own in by.items():
            titles = (named(headline), titled(grouping))
            rows += [cells(*titles, *value_row(name, one)) for name, one in shown(own)]
            gaps += [cells(*titles, *gap_row(own["gap"]))] if "value" in own["gap"] else []
    notes = [one_line(note) for note in entries.get("notes", [])]
    return GroupLines(notes, rows, gaps, entries.get("least_subjects", LEAST))


def shown(comparison: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Groups that have a value."""
    return [(name, own) for name, own in comparison["groups"].items() if "value" in own]


def value_row(name: str, own: dict[str, Any]) -> Row:
    ends = (number(own[key]) for key in ("value", "low", "high"))
    return (name, *ends, str(own["n_subjects"]))


def gap_row(gap: dict[str, Any]) -> Row:
    ends = (number(gap[key]) for key in ("value", "low", "high"))
    p = p_text(gap["p_holm"]) if "p_holm" in gap else "not tested"
    return (gap["worst"], gap["best"], *ends, p)


def cells(*texts: str) -> Row:
    return tuple(one_line(text).replace("|", "\\|") for text in texts)


def one_line(text: str) -> str:
    """Names come from a cohort's table, and may hold anything."""
    return " ".join(text.split()).replace("<", "&lt;")
