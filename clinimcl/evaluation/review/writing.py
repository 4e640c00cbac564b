"""The review pack as files: one HTML page that needs nothing beside it, and tables for machines."""

from pathlib import Path
from typing import Any

import pandas as pd

from clinimcl.evaluation.report.report import saved
from clinimcl.evaluation.review.context import review_context
from clinimcl.evaluation.review.decision import Decision
from clinimcl.evaluation.review.figures import decision_figure, maps_figure, robustness_figure
from clinimcl.evaluation.review.flow import flow_entry
from clinimcl.evaluation.review.inputs import ReviewInputs
from clinimcl.evaluation.review.measure import Review
from clinimcl.evaluation.review.pictures import Panel, pair_panels, shows_clips
from clinimcl.evaluation.review.record import seeds
from clinimcl.evaluation.review.robustness import Robustness
from clinimcl.evaluation.review.sensitivity import Sensitivity
from clinimcl.evaluation.review.worst import Worst
from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.evaluation.wording import capitalised
from clinimcl.storage.files import write_json, write_text
from clinimcl.templates import filled

FOLDER = "review"  # of a run
PAGE = "review.html"


def write_review(inputs: ReviewInputs, found: Review, folder: Path) -> None:
    """review.html, people.csv, flow.json, checklists.json, review.json, and a CSV of each part that was measured.

    `folder` is made, or replaces what an earlier review left there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables(found).items():
        write_text(table.to_csv(index=False), folder / f"{name}.csv")
    write_json(flow_entry(found.flow), folder / "flow.json")
    answered = {name: [row._asdict() for row in rows] for name, rows in found.checklists.items()}
    write_json(answered, folder / "checklists.json")
    write_json(summary(inputs, found), folder / "review.json")
    panels, why = worst_pictures(inputs, found)
    pictures = saved(figures(inputs, found), folder / "figures")
    clips = any(shows_clips(pair) for pair in panels.values())
    shown = {"pictures": pictures, "panels": panels, "clips": clips, "unpictured": why}
    context = review_context(inputs, found) | shown
    write_text(filled("clinimcl.evaluation.review", "review.html.j2", context), folder / PAGE)


def tables(found: Review) -> dict[str, pd.DataFrame]:
    written = {"people": found.people}
    if isinstance(found.decision, Decision):
        written["decision_curve"] = found.decision.curve
    if isinstance(found.robustness, Robustness):
        written["robustness"] = found.robustness.curves
    if isinstance(found.worst, Worst):
        written["worst"] = found.worst.table
    return written


def figures(inputs: ReviewInputs, found: Review) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    if isinstance(found.decision, Decision):
        drawn["decision"] = decision_figure(found.decision)
    if isinstance(found.robustness, Robustness):
        metric = inputs.metrics.get(found.robustness.metric)
        drawn["robustness"] = robustness_figure(found.robustness, metric.chance if metric else None)
    if isinstance(found.sensitivity, Sensitivity):
        drawn["maps"] = maps_figure(found.sensitivity)
    return drawn


def worst_pictures(inputs: ReviewInputs, found: Review) -> tuple[dict[int, list[Panel]], list[str]]:
    """Rank of a pair that may be shown → its pictures; and why others are not shown, each reason once."""
    drawn: dict[int, list[Panel]] = {}
    reasons: dict[str, None] = {}
    if isinstance(found.worst, Absent):
        return drawn, []
    for rank, (first, second) in enumerate(found.worst.paths, start=1):
        one, other = inputs.picture(first), inputs.picture(second)
        if isinstance(one, Absent):
            reasons[one.reason] = None
        elif isinstance(other, Absent):
            reasons[other.reason] = None
        else:
            drawn[rank] = pair_panels((one, other), found.worst.roles)
    return drawn, [f"{capitalised(reason)}." for reason in reasons]


def summary(inputs: ReviewInputs, found: Review) -> dict[str, Any]:
    """What a machine reads: numbers of each part, or why it is absent."""
    facts = inputs.facts
    parts = {name: getattr(found, name) for name in ("decision", "worst", "robustness", "sensitivity")}
    return {
        "headline": inputs.headline,
        "absent": {name: own.reason for name, own in parts.items() if isinstance(own, Absent)},
        "detectable": [row._asdict() for row in found.detectable],
        "occlusion": occlusion_entry(found),
        "seeds": seeds(facts.settings),
        "versions": facts.versions,
        "machine": facts.machine,
        "costs": facts.costs,
    }


def occlusion_entry(found: Review) -> dict[str, Any]:
    if isinstance(found.sensitivity, Absent):
        return {}
    outcome = found.sensitivity.correlation
    return outcome.entry() if isinstance(outcome, Metric) else {"absent": outcome.reason}
