"""The exam as files: exam.json, exam.csv, groups.csv and exam.html."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from clinimcl.evaluation.exam.items import Items, Labelled, Question
from clinimcl.evaluation.exam.measure import OWN, Exam
from clinimcl.evaluation.exam.wording import WHO, label, meaning
from clinimcl.evaluation.metrics import Absent, Metric
from clinimcl.evaluation.wording import interval, number
from clinimcl.files import made_folder, write_json, write_text
from clinimcl.templates import filled

LEVELS = ("chance", "majority")


class Sitting(NamedTuple):
    """Who sat the exam: nothing of it names a subject."""

    asked: Question
    classes: dict[str, int]  # subjects
    subjects: int
    splits: int
    seed: int
    notes: list[str]


def sitting(asked: Question, items: Items, made: dict[str, Labelled], splits: int, seed: int) -> Sitting:
    counts = dict(zip(items.classes, items.subjects_a_class().tolist(), strict=True))
    return Sitting(asked, counts, items.subjects, splits, seed, _notes(asked, items, made))


def write_exam(exam: Exam, sat: Sitting, out: Path) -> None:
    """Every file whole or not at all."""
    made_folder(out, "out")
    write_json(record(exam, sat), out / "exam.json")
    write_text(metric_table(exam).to_csv(index=False), out / "exam.csv")
    write_text(exam.groups.to_csv(index=False), out / "groups.csv")
    write_text(filled("clinimcl.evaluation", "exam.html.j2", context(exam, sat)), out / "exam.html")


def record(exam: Exam, sat: Sitting) -> dict[str, Any]:
    """As exam.json has it."""
    return {
        "column": sat.asked.column,
        "groups": list(sat.asked.groups),
        "classes": sat.classes,
        "subjects": sat.subjects,
        "splits": sat.splits,
        "seed": sat.seed,
        "metrics": {name: own.entry() for name, own in exam.metrics.items() if isinstance(own, Metric)},
        "absent": {name: own.reason for name, own in exam.metrics.items() if isinstance(own, Absent)},
        "notes": [*sat.notes, *exam.notes],
    }


def metric_table(exam: Exam) -> pd.DataFrame:
    rows = [
        {"metric": name, **own._asdict(), "absent": ""}
        if isinstance(own, Metric)
        else {"metric": name, "absent": own.reason}
        for name, own in exam.metrics.items()
    ]
    return pd.DataFrame(rows, columns=["metric", *Metric._fields, "absent"])


def print_exam(exam: Exam) -> None:
    """A table for the terminal."""
    table = Table("", "value", "95 % interval", "chance", "majority", "subjects")
    for name, own in exam.metrics.items():
        if isinstance(own, Metric):
            table.add_row(label(name), number(own.value), interval(own), *_levels(own), str(own.n_subjects))
        else:
            table.add_row(label(name), "–", own.reason)
    Console().print(table)


def context(exam: Exam, sat: Sitting) -> dict[str, Any]:
    """All that the page shows, as text."""
    return {
        "title": f"Exam: {sat.asked.column}",
        "sentence": sentence(exam, sat),
        "classes": sat.classes,
        "rows": [
            (label(name), meaning(name), number(own.value), interval(own), *_levels(own), own.n_subjects, own.n_items)
            for name, own in exam.metrics.items()
            if isinstance(own, Metric)
        ],
        "absent": {label(name): own.reason for name, own in exam.metrics.items() if isinstance(own, Absent)},
        "groups": [_group_cells(row) for row in exam.groups.itertuples(index=False)],
        "notes": [*sat.notes, *exam.notes],
        "splits": sat.splits,
        "seed": sat.seed,
    }


def sentence(exam: Exam, sat: Sitting) -> str:
    """The answer, beside chance."""
    found = exam.metrics["auroc"]
    if isinstance(found, Absent):
        return f"The one-vs-rest AUROC could not be measured: {found.reason}."
    verb = "tells more than chance" if found.low > 0.5 else "cannot be told from chance"
    return (
        f"A linear probe of {sat.asked.column} {verb}: one-vs-rest AUROC {number(found.value)}, 95\u00a0% interval "
        f"{interval(found)} over {found.n_subjects} subjects; chance {number(0.5)}."
    )


def _levels(own: Metric) -> list[str]:
    values = [getattr(own, name) for name in LEVELS]
    return ["–" if value is None else number(value) for value in values]


def _group_cells(row: Any) -> dict[str, Any]:
    measured = not row.absent and not np.isnan(row.value)
    return {
        "metric": label(row.metric) + WHO[row.embeddings],
        "variable": row.variable,
        "group": row.group,
        "subjects": row.subjects,
        "value": number(row.value) if measured else "–",
        "interval": f"{number(row.low)} to {number(row.high)}" if measured else row.absent,
    }


def _notes(asked: Question, items: Items, made: dict[str, Labelled]) -> list[str]:
    notes = [
        f"{own.left_out} scans of {'embeddings' if name == OWN else name} have no {asked.column}, and are left out."
        for name, own in made.items()
        if own.left_out
    ]
    several = int((np.bincount(items.subject) > 1).sum())
    if several:
        notes.append(
            f"{several} subjects have several labels: each is an item a label, the mean of the scans that have it, "
            "and all of a subject's items are in one part of every split."
        )
    for name, own in made.items():
        lost = len(own.scans.drop_duplicates(["subject", asked.column])) - len(items.label)
        if lost:
            notes.append(f"{lost} items of {name} are left out, since the other embeddings lack them.")
    return notes
