"""The evaluation of health change as files of a run folder."""

from pathlib import Path

import pandas as pd

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.change.measure import ChangeEvaluation
from clinimcl.evaluation.measure import Evaluation
from clinimcl.files import write_json, write_text


def write_change(change: ChangeEvaluation, folder: Path, beside: Evaluation | None = None) -> None:
    """evaluation.json and absent.json, with the metrics of the contrastive part where the run has one; tables beside.

    confusion.csv: rows are the truth; reliability.csv: a row a bin; answers.csv: a row an answer, its subjects as
    numbers; notes.txt: a sentence a line.
    """
    measured, absent = (beside.metrics, beside.absent) if beside else ({}, {})
    entries = {name: metric.entry() for name, metric in (measured | change.measured).items()}
    write_json(entries, folder / "evaluation.json")
    write_json({**absent, **change.absent}, folder / "absent.json")
    confusion = pd.DataFrame(change.confusion, index=pd.Index(CHANGES, name="truth"), columns=list(CHANGES))
    write_text(confusion.to_csv(), folder / "confusion.csv")
    write_text(change.reliability.to_csv(index=False), folder / "reliability.csv")
    write_text(change.answers.to_csv(index=False), folder / "answers.csv")
    write_text("\n".join(change.notes) + "\n", folder / "notes.txt")
