"""The exam as files: exam.json, exam.csv, groups.csv and exam.html."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from clinimcl.evaluation.exam.items import Items, Labelled, Question
from clinimcl.evaluation.exam.measure import Exam
from clinimcl.evaluation.exam.wording import WHO, label, meaning
from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.evaluation.wording import interval, number, span
from clinimcl.storage.files import made_folder, write_json, write_text
from clinimcl.templates import filled

LEVELS = ("chance", "majority")


class ExamSummary(NamedTuple):
    """What was examined; nothing of it names a subject."""

    question: Question
    classes: dict[str, int]  # subjects
    subjects: int
    splits: int
    seed: int
    notes: list[str]


def summary_of(question: Question, items: Items, by_source: dict[str, Labelled], splits: int, seed: int) -> ExamSummary:
    counts = dict(zip(items.classes, items.subjects_a_class().tolist(), strict=True))
    return ExamSummary(question, counts, items.subjects, splits, seed, _notes(question, items, by_source))


def write_exam(exam: Exam, summary: ExamSummary, out: Path) -> None:
    """Every file whole or not at all."""
    made_folder(out, "out")
    write_json(record(exam, summary), out / "exam.json")
    write_text(metric_table(exam).to_csv(index=False), out / "exam.csv")
    write_text(exam.groups.to_csv(index=False), out / "groups.csv")
    write_text(filled("clinimcl.evaluation", "exam.html.j2", context(exam, summary)), out / "exam.html")


def record(exam: Exam, summary: ExamSummary) -> dict[str, Any]:
    """As exam.json has it."""
    return {
        "column": summary.question.column,
        "groups": list(summary.question.groups),
        "classes": summary.classes,
        "subjects": summary.subjects,
        "splits": summary.splits,
        "seed": summary.seed,
        "metrics": {name: outcome.entry() for name, outcome in exam.metrics.items() if isinstance(outcome, Metric)},
        "absent": {name: outcome.reason for name, outcome in exam.metrics.items() if isinstance(outcome, Absent)},
        "notes": [*summary.notes, *exam.notes],
    }


def metric_table(exam: Exam) -> pd.DataFrame:
    rows = [
        {"metric": name, **outcome._asdict(), "absent": ""}
        if isinstance(outcome, Metric)
        else {"metric": name, "absent": outcome.reason}
        for name, outcome in exam.metrics.items()
    ]
    return pd.DataFrame(rows, columns=["metric", *Metric._fields, "absent"])


def print_exam(exam: Exam) -> None:
    """A table for the terminal."""
    table = Table("", "value", "95 % interval", "chance", "majority", "subjects")
    for name, outcome in exam.metrics.items():
        if isinstance(outcome, Metric):
            table.add_row(
                label(name), number(outcome.value), interval(outcome), *_levels(outcome), str(outcome.n_subjects)
            )
        else:
            table.add_row(label(name), "–", outcome.reason)
    Console().print(table)


def context(exam: Exam, summary: ExamSummary) -> dict[str, Any]:
    """All that the page shows, as text."""
    return {
        "title": f"Exam: {summary.question.column}",
        "sentence": sentence(exam, summary),
        "classes": summary.classes,
        "rows": [
            (
                label(name),
                meaning(name),
                number(outcome.value),
                interval(outcome),
                *_levels(outcome),
                outcome.n_subjects,
                outcome.n_items,
            )
            for name, outcome in exam.metrics.items()
            if isinstance(outcome, Metric)
        ],
        "absent": {
            label(name): outcome.reason for name, outcome in exam.metrics.items() if isinstance(outcome, Absent)
        },
        "groups": [_group_cells(row) for row in exam.groups.itertuples(index=False)],
        "notes": [*summary.notes, *exam.notes],
        "splits": summary.splits,
        "seed": summary.seed,
    }


def sentence(exam: Exam, summary: ExamSummary) -> str:
    """The answer, beside chance."""
    auroc = exam.metrics["auroc"]
    if isinstance(auroc, Absent):
        return f"The one-vs-rest AUROC could not be measured: {auroc.reason}."
    verb = "tells more than chance" if auroc.low > 0.5 else "cannot be told from chance"
    return (
        f"A linear probe of {summary.question.column} {verb}: one-vs-rest AUROC {number(auroc.value)}, "
        f"95\u00a0% interval {interval(auroc)} over {auroc.n_subjects} subjects; chance {number(0.5)}."
    )


def _levels(outcome: Metric) -> list[str]:
    values = [getattr(outcome, name) for name in LEVELS]
    return ["–" if value is None else number(value) for value in values]


def _group_cells(row: Any) -> dict[str, Any]:
    measured = not row.absent and not np.isnan(row.value)
    return {
        "metric": label(row.metric) + WHO[row.embeddings],
        "variable": row.variable,
        "group": row.group,
        "subjects": row.subjects,
        "value": number(row.value) if measured else "–",
        "interval": span(row.low, row.high) if measured else row.absent,
    }


def _notes(question: Question, items: Items, by_source: dict[str, Labelled]) -> list[str]:
    notes = [
        f"{labelled.left_out} scans of {name} have no {question.column}, and are left out."
        for name, labelled in by_source.items()
        if labelled.left_out
    ]
    several = int((np.bincount(items.subject) > 1).sum())
    if several:
        notes.append(
            f"{several} subjects have several labels: each is an item a label, the mean of the scans that have it, "
            "and all of a subject's items are in one part of every split."
        )
    for name, labelled in by_source.items():
        lost = len(labelled.scans.drop_duplicates(["subject", question.column])) - len(items.label)
        if lost:
            notes.append(f"{lost} items of {name} are left out, since the other embeddings lack them.")
    return notes
