"""The tables of a report that say what probabilities are worth."""

from typing import Any

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.statistics.metrics import Metric, Outcome
from clinimcl.evaluation.wording import cell, number

PARTS = {
    "score": "score",
    "reliability": "reliability",
    "resolution": "resolution",
    "uncertainty": "uncertainty",
    "within_bins": "within bins",
}
COLUMNS = {"auroc": "AUROC", "calibration_slope": "slope", "calibration_intercept": "intercept"}


def probability_table(
    outcomes: dict[str, Outcome], prefix: str = "", more: dict[str, str] | None = None
) -> dict[str, Any]:
    """Parts of the Brier score, and a row a class; `more` are further columns, metrics of a class by their stem."""
    stems = {f"{prefix}{stem}": name for stem, name in COLUMNS.items()} | (more or {})
    score = outcomes.get(f"{prefix}brier_score")
    chance = score.chance if isinstance(score, Metric) else None
    return {
        "chance": "–" if chance is None else number(chance),
        "parts": [(name, *cell(outcomes.get(f"{prefix}brier_{part}"))) for part, name in PARTS.items()],
        "columns": list(stems.values()),
        "classes": [
            *((name, [cell_of(outcomes.get(f"{stem}_{name}")) for stem in stems]) for name in CHANGES),
            ("all", [cell_of(outcomes.get(stem)) for stem in stems]),  # the mean AUROC, the coverage of all pairs
        ],
    }


def cell_of(outcome: Outcome | None) -> tuple[str, str, int]:
    """Value, interval and subjects."""
    return *cell(outcome), outcome.n_subjects if isinstance(outcome, Metric) else 0
