"""Markdown of the sweep: `python table.py SWEEP`. A row an encoder and objective, a column a way to answer."""

import sys
from pathlib import Path

import pandas as pd

ENCODERS, OBJECTIVES = ("tsm_resnet18", "vit", "swin"), ("mse", "mse_cl", "mse_wcl")
WAYS = [
    (combine, size) for combine in ("difference", "concatenation", "antisymmetric") for size in ("mlp", "mlp_large")
]


def main(sweep: Path) -> None:
    jobs = (
        pd.read_csv(sweep / "sweep.csv")
        .set_index(["encoder", "objective", "classifier.combine", "classifier"])
        .sort_index()
    )
    heads = ["encoder", "objective", "validation MSE", "Spearman", "difference of scores"]
    heads += [f"{combine}, {size}" for combine, size in WAYS]
    print("| " + " | ".join(heads) + " |\n" + "| --- " * len(heads) + "|")
    for encoder in ENCODERS:
        for objective in OBJECTIVES:
            own = jobs.loc[encoder, objective]
            first = own.iloc[0]
            shared = [first["validation_mse"], first["score_spearman"], first["score_difference_balanced_accuracy"]]
            cells = [f"{own.loc[way, 'balanced_accuracy']:.3f}" for way in WAYS]
            print(f"| {encoder} | {objective} | " + " | ".join([f"{value:.3f}" for value in shared] + cells) + " |")
    chosen = jobs.sort_values("validation_balanced_accuracy", kind="stable").iloc[-1]
    interval = f"{chosen['balanced_accuracy_low']:.3f}–{chosen['balanced_accuracy_high']:.3f}"
    print(f"\nchosen on validation: {', '.join(chosen.name)}: {chosen['balanced_accuracy']:.3f} ({interval})")
    widths = jobs["balanced_accuracy_high"] - jobs["balanced_accuracy_low"]
    print(f"median width of the intervals: {widths.median():.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
