"""`python -m clinimcl.evaluate run=RUN`: the metrics and the report of a trained run."""

import importlib.metadata
import json
import math
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clinimcl.launching import launch
from clinimcl.settings import EvaluateSettings, TrainSettings


def evaluate_run(settings: TrainSettings, run: Path, datamodule: Any) -> Any:
    """Measure every kept checkpoint of `run` on held-out subjects; write evaluation.json, figures and report.html.

    `datamodule` is set up. Returns what was `Reported`.
    """
    from clinimcl.evaluation.measure import evaluate, write_evaluation
    from clinimcl.evaluation.report import Reported, write_report
    from clinimcl.phantoms import truth

    phantom = truth.read(datamodule.cohort.root)
    embedded = _embedded(settings, run, datamodule, phantom)
    evaluation = evaluate(embedded, seed=settings.seed)
    write_evaluation(evaluation, run)
    record = _record(settings, run, datamodule, embedded, phantom)
    write_report(embedded, evaluation, record, run)
    return Reported(embedded, evaluation, record)


def _embedded(settings: TrainSettings, run: Path, datamodule: Any, phantom: Any) -> Any:
    """What is measured: embeddings at every kept epoch, and the voxels that they are compared with."""
    from clinimcl import experiment
    from clinimcl.evaluation.embedded import Embedded
    from clinimcl.modules import checkpoints, embedding

    rows = embedding.rows_to_embed(datamodule.scans)
    module = experiment.module(settings)
    kept = checkpoints.kept(run / "checkpoints")
    epochs = {}
    for epoch, path in kept.items():
        checkpoints.load(module, path)
        epochs[epoch] = embedding.embed(module, datamodule.scan_dataloader(rows))
    best = checkpoints.epoch_of(run / "checkpoints" / "best.ckpt")
    checkpoints.load(module, kept[best])
    scans = datamodule.scans.loc[rows].reset_index(drop=True)
    test = scans[scans["split"] == "test"]
    return Embedded(
        scans,
        epochs,
        best,
        embedding.voxels(datamodule.store, test) if len(test) else None,
        _realigned(datamodule, test["path"], phantom) if len(test) and phantom else None,
        embedding.validation_losses(module, datamodule.val_dataloader()),
    )


def _record(settings: TrainSettings, run: Path, datamodule: Any, embedded: Any, phantom: Any) -> Any:
    """What else the report tells of the run."""
    from omegaconf import OmegaConf

    from clinimcl import tracking
    from clinimcl.cohorts import visits
    from clinimcl.evaluation.report import RunRecord, counts
    from clinimcl.modules import embedding

    validated = len(embedded.validation_losses)
    return RunRecord(
        title=settings.name,
        curves=_curves(run / "metrics.csv"),
        chances={
            "train/loss": math.log(settings.pretrain["batch"]),
            "validation/loss": math.log(validated),
            "validation/retrieval_top1": 1 / validated,
        },
        counts=counts(datamodule.scans),
        set_aside=datamodule.set_aside[["subject", "path", "reason"]],
        audit=visits.summary(datamodule.audit) if len(datamodule.audit) else {},
        speed=json.loads((run / "speed.json").read_text()),
        configuration=OmegaConf.to_yaml(OmegaConf.create(tracking.shareable(asdict(settings)))),
        phantom_digest=phantom.digest if phantom else "",
        versions=versions(),
        volumes=embedding.mosaic_volumes(datamodule.store, embedded.scans),
    )


def _curves(path: Path) -> Any:
    """What was logged while training, its epochs counted from 1."""
    import pandas as pd

    logged = pd.read_csv(path).drop(columns="validation/selection")
    return logged.assign(epoch=logged["epoch"] + 1)


def _realigned(datamodule: Any, paths: Any, phantom: Any) -> Any:
    from clinimcl.modules import embedding
    from clinimcl.phantoms import truth

    return embedding.flat([truth.realigned(phantom, path, datamodule.pipeline) for path in paths])


def versions() -> dict[str, str]:
    packages = ("clinimcl", "torch", "lightning", "monai", "numpy", "nibabel")
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def evaluate_command(settings: EvaluateSettings) -> None:
    from omegaconf import OmegaConf

    from clinimcl import building, experiment
    from clinimcl.errors import UserError

    run = Path(settings.run)
    if not (run / "config.yaml").is_file():
        raise UserError(f"run={run} must be a run folder, which holds config.yaml and checkpoints/")
    trained = OmegaConf.to_container(OmegaConf.load(run / "config.yaml"))
    if not isinstance(trained, dict):
        raise UserError(f"{run / 'config.yaml'} must hold the settings of a run, got {type(trained).__name__}")
    configuration = {str(name): value for name, value in trained.items()}
    training = building.settings(TrainSettings, configuration)
    datamodule = experiment.datamodule(training)
    datamodule.prepare_data()
    datamodule.setup()
    experiment.check_splits(run, datamodule.scans)
    evaluate_run(training, run, datamodule)
    print(f"report: {run / 'report.html'}")


def main() -> None:
    launch(evaluate_command, EvaluateSettings, "evaluate")


if __name__ == "__main__":
    main()
