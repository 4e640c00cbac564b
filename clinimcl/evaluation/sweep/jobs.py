"""The finished jobs of a sweep, read from its folder."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from clinimcl.cohorts.splits import read_sides
from clinimcl.config.renamed import with_new_names
from clinimcl.evaluation.groups.writing import without_groups
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.sweep.factors import Settings, settings_of

NOT_JOBS = ("pretrained", "figures")
# By what settings may be chosen: its column in metrics.csv, and the one whose highest value says which epoch is kept
VALIDATION = {
    "validation_balanced_accuracy": ("change/validation_balanced_accuracy", "change/selection"),
    "validation_retrieval_top1": ("validation/retrieval_top1", "validation/selection"),
    "validation_mse": ("validation/mse", "validation/selection"),
}
COLUMNS = ("subject", "other", "change", "answered", "p0", "p1", "p2")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C, where it was built, is ten times as fast


class Job(NamedTuple):
    """A run that is done."""

    folder: str  # its name
    settings: Settings
    overrides: dict[str, str]  # key → value, as they were typed
    metrics: dict[str, Metric]
    validation: dict[str, float]  # those of VALIDATION that were logged
    answers: pd.DataFrame | None  # COLUMNS, a row an answer; None where no change is classified
    kind: str  # of its test, a sentence
    tested: str  # digest of who was tested; "" where it is not known
    asked: str  # digest of whom the answers are of and what is true; "" where there are none


class Jobs(NamedTuple):
    """Every job of a sweep: those that are done, and how many are not."""

    done: list[Job]
    failed: int
    unfinished: int
    unreadable: int  # said to be done


def read_jobs(folder: Path) -> Jobs:
    """In the order of their folders' names."""
    done: list[Job] = []
    counted = {"failed": 0, "unfinished": 0, "unreadable": 0}
    for own in job_folders(folder):
        status = status_of(own)
        if status != "done":
            counted["failed" if status == "failed" else "unfinished"] += 1
            continue
        try:
            done.append(read_job(own))
        except Exception:  # whatever is wrong with one job, the others are shown
            counted["unreadable"] += 1
    return Jobs(done, **counted)


def job_folders(folder: Path) -> Iterator[Path]:
    for own in sorted(folder.iterdir()):
        if own.name not in NOT_JOBS and not own.name.startswith(".") and (own / "config.yaml").is_file():
            yield own


def status_of(folder: Path) -> str:
    try:
        return str(json.loads((folder / "status.json").read_text())["status"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


def read_job(folder: Path) -> Job:
    """Raises whatever is wrong with it."""
    config = with_new_names(yaml.load((folder / "config.yaml").read_text(encoding="utf-8"), Loader))
    entries = json.loads((folder / "evaluation.json").read_text())
    answers, notes, sides = (folder / name for name in ("answers.csv", "notes.txt", "splits.json"))
    change = config["change"] is not None
    table = read_answers(answers) if change else None
    return Job(
        folder.name,
        settings_of(config),
        dict(split_override(text) for text in overrides(folder, config)),
        {name: Metric(**entry) for name, entry in without_groups(entries).items()},
        validation(folder),
        table,
        notes.read_text(encoding="utf-8").splitlines()[0] if change and notes.is_file() else "",
        digest("\n".join(read_sides(sides).tested)) if sides.is_file() else "",
        "" if table is None else digest(table[["subject", "other", "change"]].to_csv()),
    )


def validation(folder: Path) -> dict[str, float]:
    """Of the epoch that was kept. An encoder that jobs share has a file of its own."""
    files = (folder / name for name in ("metrics.csv", "pretraining.csv"))
    found = {}
    for curves in [pd.read_csv(file) for file in files if file.is_file()]:
        for name, (column, chosen_by) in VALIDATION.items():
            logged = curves.reindex(columns=[column, chosen_by]).dropna()
            if len(logged):
                found[name] = float(logged[column].iloc[logged[chosen_by].argmax()])
    return found


def overrides(folder: Path, config: dict[str, Any]) -> list[str]:
    """Of their own file, or of the settings."""
    path = folder / "overrides.yaml"
    return (yaml.load(path.read_text(encoding="utf-8"), Loader) if path.is_file() else config.get("overrides")) or []


def split_override(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key.lstrip("+~"), value


def read_answers(path: Path) -> pd.DataFrame:
    answers = pd.read_csv(path)[list(COLUMNS)]
    classes = answers[["change", "answered"]].to_numpy()
    if answers.isna().to_numpy().any() or not set(classes.ravel()) <= {0, 1, 2}:
        raise ValueError("answers.csv must hold classes 0 to 2 and no empty cells")
    return answers.astype(dict.fromkeys(COLUMNS[:4], int) | dict.fromkeys(COLUMNS[4:], float))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
