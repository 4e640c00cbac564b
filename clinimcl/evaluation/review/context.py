"""What the template of the review pack is filled with. Everything is text, which the template escapes."""

from typing import Any

import numpy as np
import pandas as pd

from clinimcl.cohorts.schema import SPLITS
from clinimcl.evaluation.review.checklists import OPEN, PARTLY, RUN, Answer, tally
from clinimcl.evaluation.review.decision import decision_sentences
from clinimcl.evaluation.review.detectable import FORMULA, Detectable
from clinimcl.evaluation.review.diagram import COLUMN, LINE, PADDING, WIDTH, diagram
from clinimcl.evaluation.review.inputs import ReviewInputs
from clinimcl.evaluation.review.measure import Review
from clinimcl.evaluation.review.people import people_rows
from clinimcl.evaluation.review.record import cost_note, cost_rows, seeds
from clinimcl.evaluation.review.robustness import Robustness, loss_sentence
from clinimcl.evaluation.review.sensitivity import sensitivity_sentence
from clinimcl.evaluation.review.worst import Worst
from clinimcl.evaluation.statistics.metrics import Absent
from clinimcl.evaluation.wording import GENERATED, capitalised, label, number, span

STATES = {RUN: "the run", PARTLY: "the run; open: the author", OPEN: "open: the author"}


def review_context(inputs: ReviewInputs, found: Review) -> dict[str, Any]:
    """All but the pictures."""
    return {
        "title": inputs.facts.title,
        "generated": GENERATED if inputs.facts.generated else "",
        "remarks": inputs.facts.remarks,
        "diagram": diagram(found.flow),
        "drawn": {"width": WIDTH, "column": COLUMN, "line": LINE, "padding": PADDING},
        "people": people_rows(found.people),
        "splits": splits_in(found),
        "decision": part(found.decision, decision_sentences),
        "worst": part(found.worst, worst_context),
        "headline": label(inputs.headline),
        "detectable": [detectable_row(row) for row in found.detectable],
        "formula": FORMULA,
        "robustness": part(found.robustness, robustness_context),
        "meanings": meanings(inputs),
        "sensitivity": part(found.sensitivity, lambda own: [own.what, sensitivity_sentence(own)]),
        "checklists": {name: checklist_context(own) for name, own in found.checklists.items()},
        "seeds": seeds(inputs.facts.settings),
        "versions": inputs.facts.versions,
        "machine": inputs.facts.machine,
        "costs": cost_rows(inputs.facts),
        "cost_note": cost_note(inputs.facts),
    }


def part(found: Any, shown: Any) -> dict[str, Any]:
    """What is shown of a part, or why it is not there."""
    if isinstance(found, Absent):
        return {"absent": f"{capitalised(found.reason)}.", "shown": None}
    return {"absent": "", "shown": shown(found)}


def splits_in(found: Review) -> list[tuple[str, int]]:
    """Columns of the table of people, with their subjects."""
    counted = [(split, found.flow.splits[split].subjects) for split in SPLITS]
    return [*counted, ("all", found.flow.usable.subjects)]


def detectable_row(row: Detectable) -> tuple[str, str, str, str, int]:
    between = "two models" if row.correlation is not None else "the two rows that were measured"
    correlation = "" if row.correlation is None else f"{row.correlation:g}"
    return label(row.name), between, correlation, number(row.difference), row.subjects


def worst_context(worst: Worst) -> dict[str, Any]:
    columns = [name for name in worst.table if worst.table[name].notna().any()]
    same = bool((worst.table["subject"] == worst.table["other"]).all())
    columns = [name for name in columns if not (name == "other" and same)]
    return {
        "columns": [str(name).replace("_", " ") for name in columns],
        "rows": [[cell(value) for value in row] for row in worst.table[columns].to_numpy(object).tolist()],
        "wrong": worst.wrong,
        "asked": worst.asked,
        "sentence": worst.sentence,
        "order": worst.order,
    }


def cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return number(float(value)) if np.isfinite(value) else "–"
    return str(value)


def robustness_context(found: Robustness) -> dict[str, Any]:
    return {
        "metric": label(found.metric),
        "subjects": found.subjects,
        "left_out": found.left_out,
        "damaged": "the scan that is searched with"
        if found.metric == "retrieval_top1"
        else "the later scan of each pair",
        "losses": loss_sentence(found.curves),
        "rows": [robustness_row(row) for _, row in found.curves.iterrows()],
    }


def robustness_row(row: pd.Series) -> tuple[str, ...]:
    strength = "" if row["perturbation"] == "none" else f"{row['strength']:g} {row['unit']}"
    cells = [*ranged(row["value"], row["low"], row["high"])]
    cells += ranged(row["difference"], row["difference_low"], row["difference_high"])
    return str(row["perturbation"]), strength, *cells


def ranged(value: float, low: float, high: float) -> tuple[str, str]:
    return (number(value), span(low, high)) if np.isfinite(value) else ("–", "")


def meanings(inputs: ReviewInputs) -> dict[str, str]:
    if isinstance(inputs.robustness, Absent):
        return {}
    return {own.name: own.meaning for own in inputs.robustness.perturbations}


def checklist_context(answered: list[Answer]) -> dict[str, Any]:
    return {
        "tally": tally(answered),
        "rows": [(row.number, row.asks, row.state, STATES[row.state], row.answer, row.author) for row in answered],
    }
