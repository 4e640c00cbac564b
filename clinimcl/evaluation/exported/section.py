"""What the report of a run tells of the model that was exported from it."""

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from clinimcl.evaluation.change.context import cells, reasons
from clinimcl.evaluation.change.figures import reliability_figure
from clinimcl.evaluation.change.probabilities import METRICS as PROBABILITIES
from clinimcl.evaluation.change.probability_table import probability_table
from clinimcl.evaluation.entries import ABSENT, EVALUATION, held
from clinimcl.evaluation.exported.metrics import METRICS, PREFIX
from clinimcl.evaluation.report.report import page, saved
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome
from clinimcl.evaluation.wording import capitalised
from clinimcl.storage.files import write_json, write_text

IN_TABLE = {name for name in METRICS if name.startswith("set_coverage_")} | {
    f"{PREFIX}{name}" for name in PROBABILITIES
}
PLACE = re.compile(r"(<!-- exported -->).*?(<!-- /exported -->)", re.DOTALL)


def replace_entries(run: Path, outcomes: dict[str, Outcome]) -> None:
    """In evaluation.json and absent.json of the run, instead of those of an earlier export.

    A run that was not evaluated has no such files, and gets none.
    """
    entries = {name: own.entry() for name, own in outcomes.items() if isinstance(own, Metric)}
    absent = {name: own.reason for name, own in outcomes.items() if isinstance(own, Absent)}
    for path, added in ((run / EVALUATION, entries), (run / ABSENT, absent)):
        if path.is_file():
            write_json(of_run(held(path)) | added, path)


def of_run(entries: dict[str, Any]) -> dict[str, Any]:
    """Without what an export has added."""
    return {name: entry for name, entry in entries.items() if name not in METRICS}


def tell_report(
    run: Path, folder: Path, answered: Path | None, sentence: str, outcomes: dict[str, Outcome], bins: pd.DataFrame
) -> None:
    """In its place in report.html, instead of what an earlier export told; `answered` is the page of a pair.

    A report of an older version has no such place, and is left as it is.
    """
    report = run / "report.html"
    if not report.is_file():
        return
    drawn: dict[str, Figure | None] = {}
    if not bins.empty:
        drawn["exported_reliability"] = reliability_figure(bins, outcomes["exported_calibration_error"])
    context = {
        "sentence": capitalised(sentence),
        "folder": os.path.relpath(folder, run) if folder.is_relative_to(run) else folder.name,
        "page": os.path.relpath(answered, run) if answered else None,
        "rows": [
            (*METRICS[name], *cells(own))
            for name, own in outcomes.items()
            if isinstance(own, Metric) and name not in IN_TABLE
        ],
        "probabilities": probability_table(outcomes, PREFIX, {"set_coverage": "coverage of the 90 % set"}),
        "absent": reasons({name: own.reason for name, own in outcomes.items() if isinstance(own, Absent)}),
        "picture": saved(drawn, run / "figures").get("exported_reliability"),
    }
    section = page("exported.html.j2", context)
    write_text(PLACE.sub(lambda found: found[1] + section + found[2], report.read_text("utf-8")), report)
