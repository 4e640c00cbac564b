"""How much of an embedding is the scanner, by objective: `python run.py OUT` trains each once."""

import json
import subprocess
import sys
from pathlib import Path

PHANTOM = ["layout=adni", "subjects=90", "scanners=3", "travelling=45", "spacing=3.0", "seed=0"]
SHARED = [
    *("preparation.grid=32", "preparation.field_of_view=208.0", "encoder.channels=[16,32,64]"),
    *("cohort.split.validation=0.15", "cohort.split.test=0.35", "most_set_aside=0.0"),
]
INFO_NCE = [
    *("experiment=oasis_infonce", "cohort=adni", "cohort.score=MMSE", "epochs=40", "keep_every=40"),
    *("pretrain.batch=32", "pretrain.pairs_per_epoch=128"),
]
LEARNER = [
    *("experiment=adni_learner", "epochs=25", "keep_every=25"),
    *("change.epochs=2", "change.permutation_test=false"),
]
RUNS = {
    "InfoNCE": INFO_NCE,
    "InfoNCE, no augmentation": [*INFO_NCE, "augmentation=none"],
    "score regression": [*LEARNER, "objective=mse"],
    "y-Aware": [*LEARNER, "objective=mse_y_aware", "objective.mse_weight=0.1"],
    "wCL": [*LEARNER, "objective=mse_wcl", "objective.mse_weight=0.1"],
}
BEFORE = {"untrained": "untrained_", "raw voxels": "raw_voxels_"}
SHARES = ["scanner_share_subject", "scanner_share_scanner", "scanner_share_time", "scanner_share_rest"]
KINDS = [*SHARES, "scanner_icc", "scanner_icc_visit", "scanner_retrieval_within", "scanner_retrieval_across"]
HARMONISED = [f"probe_{kind}" for kind in ("scanner_balanced_accuracy", "score_spearman")]
METHODS = ("combat", "longitudinal")


def clinimcl(command: str, *settings: str) -> None:
    subprocess.run([sys.executable, "-m", f"clinimcl.{command}", *settings], check=True)


def train(out: Path, name: str) -> dict[str, dict[str, float]]:
    """The run's evaluation.json, with the probes; what is there already is not trained again."""
    run = out / name.replace(", ", "_").replace(" ", "_")
    place = [f"cohort.root={out / 'phantom'}", f"store={out / 'store'}", f"run={run}", "ckpt_path=last"]
    clinimcl("train", *RUNS[name], *SHARED, *place)
    clinimcl("evaluate", f"run={run}", "probes=true")
    return json.loads((run / "evaluation.json").read_text())


def cell(metrics: dict[str, dict[str, float]], name: str) -> str:
    if name not in metrics:
        return "–"
    metric = metrics[name]
    return f"{metric['value']:.2f} ({metric['low']:.2f} to {metric['high']:.2f})"


def table(heads: list[str], rows: dict[str, list[str]]) -> None:
    print("| " + " | ".join(["", *heads]) + " |\n" + "| --- " * (len(heads) + 1) + "|")
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells) + " |")
    print()


def main(out: Path) -> None:
    clinimcl("phantom", f"out={out / 'phantom'}", *PHANTOM)
    measured = {name: train(out, name) for name in RUNS}
    shares = {name: [cell(metrics, kind) for kind in KINDS] for name, metrics in measured.items()}
    first = measured["InfoNCE"]
    shares |= {name: [cell(first, before + kind) for kind in KINDS] for name, before in BEFORE.items()}
    table([kind.removeprefix("scanner_").replace("_", " ") for kind in KINDS], shares)
    steps = ["as it is", *METHODS, *(f"{method} minus as it is" for method in METHODS)]
    for kind in HARMONISED:
        print(kind.replace("_", " "))
        names = [kind, *(f"harmonised_{method}_{kind}" for method in METHODS)]
        names += [f"harmonised_{method}_{kind}_minus_unharmonised" for method in METHODS]
        table(steps, {name: [cell(metrics, own) for own in names] for name, metrics in measured.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
