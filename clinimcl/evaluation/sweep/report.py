"""The report of a sweep: sweep.html, sweep.csv and figures, from nothing but its folder."""

import fcntl
from pathlib import Path
from typing import Any

import pandas as pd

from clinimcl.evaluation.change import wording as change
from clinimcl.evaluation.report.report import page, saved
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.sweep.differences import Difference
from clinimcl.evaluation.sweep.factors import PAIRS, shown
from clinimcl.evaluation.sweep.figures import sweep_figures
from clinimcl.evaluation.sweep.jobs import Job
from clinimcl.evaluation.sweep.measure import CHANGE, Line, Sweep, evaluate_sweep
from clinimcl.evaluation.sweep.wording import cell_label, kinds, method, notes, p_text, plural, shown_factors, versus
from clinimcl.evaluation.wording import HEADLINES, cell, interval, label, number
from clinimcl.storage.files import write_text

COLUMNS = {
    CHANGE: ("accuracy", "weighted_f1", "score_difference_balanced_accuracy", "score_spearman"),
    "retrieval_top1": ("retrieval_map", "retrieval_top1_minus_raw_voxels", "order_tau"),
}
FURTHER = ("macro_f1", "quadratic_kappa", "calibration_error", "swap_consistency")
COLUMN_NAMES = {name for columns in COLUMNS.values() for name in columns}
IN_CSV = tuple(
    dict.fromkeys(
        (*change.HEADLINES, "weighted_f1", "score_difference_balanced_accuracy", "oracle_balanced_accuracy", *HEADLINES)
    )
)


def write_sweep(folder: Path) -> None:
    """Writes sweep.html, sweep.csv and figures/sweep_*.png into the folder of a sweep; each whole or not at all.

    Jobs that end together wait for each other, so that the last report knows of all of them.
    """
    with (folder / ".sweep.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep = evaluate_sweep(folder)
        write_text(job_table(sweep.jobs.done).to_csv(index=False), folder / "sweep.csv")
        pictures = saved(sweep_figures(sweep), folder / "figures")
        write_text(page("sweep.html.j2", context(sweep, folder) | {"pictures": pictures}), folder / "sweep.html")


def job_table(jobs: list[Job]) -> pd.DataFrame:
    """A row a job: its folder, the overrides that differ between jobs, whose pairs were tested, what settings may be
    chosen by, and main metrics with their intervals.
    """
    rows = []
    for job in jobs:
        row: dict[str, str | float] = {"job": job.folder}
        row |= {name: shown(job.overrides.get(name, "")) for name in differing(jobs)}
        row |= {PAIRS: change.pairs_of(job.kind)} if job.kind else {}
        row |= job.validation
        for name in IN_CSV:
            if name in job.metrics:
                metric = job.metrics[name]
                row |= {name: metric.value, f"{name}_low": metric.low, f"{name}_high": metric.high}
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["job"])


def differing(jobs: list[Job]) -> list[str]:
    names = dict.fromkeys(name for job in jobs for name in job.overrides)
    return sorted(name for name in names if len({job.overrides.get(name) for job in jobs}) > 1)


def context(sweep: Sweep, folder: Path) -> dict[str, Any]:
    """What the template is filled with; everything is text."""
    factors = shown_factors(sweep)
    columns = [name for name in COLUMNS[sweep.headline] if any(name in line.others for line in sweep.lines)]
    further = [name for name in FURTHER if any(name in line.others for line in sweep.lines)]
    return {
        "experiment": folder.parent.parent.name,
        "title": f"Sweep {folder.name}",
        "notes": notes(sweep),
        "tested": " ".join(kinds(sweep)),
        "method": method(sweep),
        "varied": {name: ", ".join(values(sweep.jobs.done, name)) for name in differing(sweep.jobs.done)},
        "factors": factors or ["jobs"],
        "headline": label(sweep.headline),
        "validated": any(line.validation is not None for line in sweep.lines),
        "columns": [label(name) for name in columns],
        "lines": [line_cells(line, factors, columns) for line in sweep.lines],
        "levels": level_rows(sweep, columns),
        "further_columns": [label(name) for name in further],
        "further": [further_cells(line, factors, further) for line in sweep.lines],
        "differences": [difference_cells(own, factors) for own in sweep.differences],
        "jobs": job_rows(sweep),
        "job_columns": [*differing(sweep.jobs.done), *([PAIRS] if kinds(sweep) else [])],
    }


def values(jobs: list[Job], name: str) -> list[str]:
    """In the order in which they are first met."""
    return list(dict.fromkeys(shown(job.overrides.get(name, "not given")) for job in jobs))


def line_cells(line: Line, factors: list[str], columns: list[str]) -> dict[str, Any]:
    metric, seeds = line.headline, line.by_seed
    return {
        "factors": [line.cell.values[name] or "–" for name in factors] or ["all"],
        "validation": "–" if line.validation is None else number(line.validation),
        "headline": (number(metric.value), interval(metric)),
        "range": f"{number(min(seeds))} to {number(max(seeds))}" if len(seeds) > 1 else "–",
        "counts": counts(line),
        "others": [cell(line.others.get(name)) for name in columns],
    }


def counts(line: Line) -> str:
    folds = len(line.cell.folds)
    numbers = [plural(len(line.by_seed), "seed"), plural(folds, "fold") if folds > 1 else ""]
    return ", ".join(text for text in (*numbers, plural(line.headline.n_subjects, "subject")) if text)


def level_rows(sweep: Sweep, columns: list[str]) -> list[tuple[str, str, str, list[str]]]:
    """Name, headline, its interval, other columns; means over the rows above."""
    rows = [
        (label(name).removeprefix("Balanced accuracy of: "), *cell(own), [""] * len(columns))
        for name, own in sweep.levels.items()
    ]
    for name in ("chance", "majority"):
        told_by = [level(sweep.lines, column, name) for column in (sweep.headline, *columns)]
        if any(told_by):
            rows.append((name, told_by[0] or "–", "", [text or "–" for text in told_by[1:]]))
    return rows


def level(lines: list[Line], column: str, name: str) -> str:
    """Mean over the rows of the chance or the majority of a column."""
    metrics = [line.others.get(column) if column in COLUMN_NAMES else line.headline for line in lines]
    known = [value for own in metrics if own is not None and (value := getattr(own, name)) is not None]
    return number(sum(known) / len(known)) if known else ""


def further_cells(line: Line, factors: list[str], names: list[str]) -> tuple[str, list[tuple[str, str]]]:
    return cell_label(line.cell, factors), [cell(line.others.get(name)) for name in names]


def difference_cells(difference: Difference, factors: list[str]) -> dict[str, Any]:
    outcome = difference.outcome
    measured = outcome if isinstance(outcome, Metric) else None
    return {
        "what": versus(difference, factors),
        "factor": difference.factor,
        "primary": difference.primary,
        "difference": cell(measured),
        "p": p_text(difference.p),
        "holm": "–" if difference.primary else p_text(difference.adjusted),
        "seeds": difference.seeds,
        "subjects": measured.n_subjects if measured else "–",
    }


def job_rows(sweep: Sweep) -> list[tuple[str, list[str], str, str]]:
    """Folder, what differs, whose pairs were tested, the headline and its interval."""
    names, paired, rows = differing(sweep.jobs.done), bool(kinds(sweep)), []
    for job in sweep.jobs.done:
        told = [shown(job.overrides.get(name, "–")) for name in names]
        told += [change.pairs_of(job.kind) or "–"] if paired else []
        rows.append((job.folder, told, *cell(job.metrics.get(sweep.headline))))
    return rows
