"""What the report of a run tells of the model that was exported from it."""

import os
import re
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from clinimcl.evaluation.change.context import cells
from clinimcl.evaluation.change.figures import reliability_figure
from clinimcl.evaluation.exported import METRICS
from clinimcl.evaluation.metrics import Absent, Metric, Outcome
from clinimcl.evaluation.report import page, saved
from clinimcl.files import write_text

PLACE = re.compile(r"(<!-- exported -->).*?(<!-- /exported -->)", re.DOTALL)


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
        "sentence": sentence[:1].upper() + sentence[1:],
        "folder": os.path.relpath(folder, run) if folder.is_relative_to(run) else folder.name,
        "page": os.path.relpath(answered, run) if answered else None,
        "rows": [(*METRICS[name], *cells(own)) for name, own in outcomes.items() if isinstance(own, Metric)],
        "absent": {METRICS[name][0]: own.reason for name, own in outcomes.items() if isinstance(own, Absent)},
        "picture": saved(drawn, run / "figures").get("exported_reliability"),
    }
    section = page("exported.html.j2", context)
    write_text(PLACE.sub(lambda found: found[1] + section + found[2], report.read_text("utf-8")), report)
