"""What the report's template of the scanner's part is filled with."""

from typing import Any

from clinimcl.evaluation.scanner.measure import ScannerEvaluation
from clinimcl.evaluation.scanner.wording import (
    HARMONISED,
    KINDS,
    METHODS,
    NAMES,
    REPRESENTATIONS,
    harmonised_name,
    share_name,
)
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.wording import cell, label

Cell = tuple[str, str]


def scanner_context(evaluation: ScannerEvaluation) -> dict[str, Any]:
    """Everything is text, to be escaped by the template; the figure comes by its name beside it."""
    return {
        "notes": evaluation.notes,
        "columns": [NAMES[name] for name in REPRESENTATIONS],
        "rows": [row for kind in KINDS if (row := kind_row(evaluation, kind))],
        "steps": [HARMONISED[kind][0] for kind in HARMONISED],
        "harmonised": harmonised_rows(evaluation),
        "absent": absent_reasons(evaluation.absent),
    }


def kind_row(evaluation: ScannerEvaluation, kind: str) -> tuple[str, str, list[Cell], str] | None:
    """Label, meaning, a cell a representation, and subjects; None where none was measured."""
    outcomes = [evaluation.metrics[share_name(name, kind)] for name in REPRESENTATIONS]
    subjects = [one.n_subjects for one in outcomes if isinstance(one, Metric)]
    if not subjects:
        return None
    return *KINDS[kind], [cell(one) for one in outcomes], str(max(subjects))


def harmonised_rows(evaluation: ScannerEvaluation) -> list[tuple[str, list[Cell]]]:
    """The embedding as it is, then every method; nothing where nothing was harmonised."""
    if not evaluation.harmonised.factor:
        return []
    before = evaluation.harmonised.as_it_is | {
        kind: evaluation.metrics[share_name("trained", kind)] for kind in ("share_scanner", "share_subject")
    }
    rows = [("as it is", [cell(before[kind]) for kind in HARMONISED])]
    for method, name in METHODS.items():
        own = [evaluation.metrics[harmonised_name(method, kind)] for kind in HARMONISED]
        rows.append((name, [cell(one) for one in own]))
    return rows


def absent_reasons(absent: dict[str, str]) -> list[tuple[str, str]]:
    """A reason once, with the first metric that has it and the number of others."""
    reasons: dict[str, list[str]] = {}
    for name, reason in absent.items():
        reasons.setdefault(reason, []).append(label(name))
    return [
        (names[0] + (f" and {len(names) - 1} others" if len(names) > 1 else ""), reason)
        for reason, names in reasons.items()
    ]
