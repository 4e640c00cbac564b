"""The evaluation of health change as files of a run folder."""

from pathlib import Path

import pandas as pd

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.change.measure import ChangeEvaluation
from clinimcl.evaluation.entries import add_entries
from clinimcl.storage.files import write_text


def write_change(change: ChangeEvaluation, folder: Path) -> None:
    """Adds to evaluation.json and absent.json; tables beside.

    confusion.csv: rows are the truth; reliability.csv: a row a bin; answers.csv: a row an answer, its subjects as
    numbers; notes.txt: a sentence a line.
    """
    add_entries(folder, change.measured, change.absent)
    confusion = pd.DataFrame(change.confusion, index=pd.Index(CHANGES, name="truth"), columns=list(CHANGES))
    write_text(confusion.to_csv(), folder / "confusion.csv")
    write_text(change.reliability.to_csv(index=False), folder / "reliability.csv")
    write_text(change.answers.to_csv(index=False), folder / "answers.csv")
    write_text("\n".join(change.notes) + "\n", folder / "notes.txt")
