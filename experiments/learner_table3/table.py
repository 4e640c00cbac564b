"""Markdown of a sweep: `python table.py SWEEP`. Means over seeds with 95 % intervals over subjects, and differences."""

import sys
from pathlib import Path

import pandas as pd

from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.sweep.groups import Cell
from clinimcl.evaluation.sweep.measure import evaluate_sweep

COLUMNS = (
    *("objective", "combine", "validation MSE", "balanced accuracy", "seeds"),
    *("difference of scores", "Spearman of score"),
)


def main(folder: Path) -> None:
    sweep = evaluate_sweep(folder)
    print(f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|")
    for line in sweep.lines:
        seeds = ", ".join(f"{value:.3f}" for value in line.by_seed)
        regressed, rho = line.others["score_difference_balanced_accuracy"], line.others["score_spearman"]
        chosen = f"{validated(folder, line.cell):.3f}"
        row = [*named(line.cell), chosen, told(line.headline), seeds, told(regressed), told(rho)]
        print("| " + " | ".join(row) + " |")
    for name, level in sweep.levels.items():
        print(f"| {name} | | | {told(level)} | | | |")
    print("\n| difference in balanced accuracy | | p | p after Holm |\n| --- | --- | --- | --- |")
    for own in sweep.differences:
        what = f"{' '.join(named(own.one))} minus {' '.join(named(own.other))}{' (primary)' if own.primary else ''}"
        outcome = told(own.outcome) if isinstance(own.outcome, Metric) else own.outcome.reason
        print(f"| {what} | {outcome} | {own.p:.3f} | {own.adjusted:.3f} |")


def validated(folder: Path, cell: Cell) -> float:
    """Mean over seeds of the best validation MSE, in standard deviations of the score."""
    files = [folder / job.folder / "pretraining.csv" for job in cell.jobs.values()]
    return sum(pd.read_csv(file)["validation/mse"].min() for file in files) / len(files)


def named(cell: Cell) -> list[str]:
    return [cell.values["objective"], cell.values["combine"]]


def told(metric: Metric) -> str:
    return f"{metric.value:.3f} ({metric.low:.3f}–{metric.high:.3f})"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
