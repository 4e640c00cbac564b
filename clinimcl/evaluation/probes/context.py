"""What the report's template of the probes is filled with."""

from typing import Any

from clinimcl.evaluation.probes.measure import ProbeEvaluation, titles
from clinimcl.evaluation.probes.wording import PROBES, meaning, named
from clinimcl.evaluation.wording import cell, number, span


def probe_context(evaluation: ProbeEvaluation) -> dict[str, Any]:
    """Everything is text, to be escaped by the template; figures come by their names beside it."""
    shares: list[Any] = list(evaluation.curve.itertuples(index=False))
    absent = {name: evaluation.absent.get(titles(name, kinds[0])[0]) for name, kinds in PROBES.items()}
    return {
        "notes": evaluation.notes,
        "rows": [row for name, kinds in PROBES.items() for kind in kinds for row in line(evaluation, name, kind)],
        "absent": {name: reason for name, reason in absent.items() if reason},
        "curve": [
            (
                named(row.probe, row.metric),
                row.encoder,
                f"{row.share:.0%}",
                row.subjects,
                number(row.value),
                span(row.low, row.high),
            )
            for row in shares
        ],
    }


def line(evaluation: ProbeEvaluation, name: str, kind: str) -> list[tuple[str | int, ...]]:
    """Label, meaning, the trained and the untrained encoder and their difference, chance, subjects, items."""
    found = [evaluation.measured.get(title) for title in titles(name, kind)]
    own = found[0]
    if own is None:
        return []
    chance = "–" if own.chance is None else number(own.chance)
    cells = [text for metric in found for text in cell(metric)]
    return [(named(name, kind), meaning(name, kind), *cells, chance, own.n_subjects, own.n_items)]
