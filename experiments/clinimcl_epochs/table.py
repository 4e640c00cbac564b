"""Markdown table of `epochs.csv` over several runs of one experiment: `python table.py RUN [RUN ...]`.

One run: value and 95 % interval over subjects. Several (seeds): mean of the values, smallest and largest.
"""

import sys
from pathlib import Path

import pandas as pd

METRICS = [
    "retrieval_top1",
    "order_tau",
    "longitudinal_distance",
    "between_subject_distance",
    "total_variance",
    "effective_rank",
]


def main(runs: list[str]) -> None:
    tables = [pd.read_csv(Path(run) / "epochs.csv") for run in runs]
    epochs = sorted(set.intersection(*(set(table["epoch"]) for table in tables)))
    print("| epoch | " + " | ".join(METRICS) + " |")
    print("| --- " * (len(METRICS) + 1) + "|")
    for epoch in epochs:
        print(f"| {epoch} | " + " | ".join(cell(tables, epoch, metric) for metric in METRICS) + " |")


def cell(tables: list[pd.DataFrame], epoch: int, metric: str) -> str:
    rows = pd.concat(table[(table["epoch"] == epoch) & (table["metric"] == metric)] for table in tables)
    if len(tables) == 1:
        return f"{rows['value'].item():.3f} ({rows['low'].item():.3f}–{rows['high'].item():.3f})"
    return f"{rows['value'].mean():.3f} ({rows['value'].min():.3f}–{rows['value'].max():.3f})"


if __name__ == "__main__":
    main(sys.argv[1:])
