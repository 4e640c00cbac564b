"""What the report tells of a run beside its metrics: settings, curves, counts, pictures."""

import json
import math
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.cohorts import visits
from clinimcl.config.settings import TrainSettings
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.report.report import RunRecord, counts
from clinimcl.evaluation.review.record import package_versions
from clinimcl.modules import embedding
from clinimcl.phantoms.truth import Truth
from clinimcl.preparation import alignment
from clinimcl.preparation.pipeline import VolumePipeline
from clinimcl.preparation.prepare import remark_counts
from clinimcl.runs.encoder_on_cohort import Shown
from clinimcl.runs.folder import logged, yaml_of
from clinimcl.tracking.loggers import shareable


def record_of(
    settings: TrainSettings,
    run: Path,
    datamodule: Shown | LongitudinalDataModule,
    embedded: Embedded,
    phantom: Truth | None,
) -> RunRecord:
    """What else the report tells of the run."""

    return RunRecord(
        title=settings.name,
        curves=curves_of(run),
        chances=_chances(settings, embedded.validation_losses),
        remarks=_remarks(run),
        counts=counts(datamodule.scans),
        cohort_remarks=list(datamodule.remarks),
        scan_remarks=remark_counts(datamodule.scans),
        set_aside=datamodule.set_aside[["subject", "path", "reason"]],
        audit=visits.summary(datamodule.audit) if len(datamodule.audit) else {},
        speed=json.loads((run / "speed.json").read_text()),
        configuration=yaml_of(shareable(asdict(settings))),
        phantom_digest=phantom.digest if phantom else "",
        versions=package_versions(),
        volumes=_pictured(datamodule, embedded, phantom),
    )


def _remarks(run: Path) -> list[str]:
    """What must be read with the results: of pretrained weights, of harmonised embeddings."""
    files = [run / name for name in ("weights.txt", "harmonised.txt")]
    return [line for file in files if file.is_file() for line in file.read_text().splitlines()]


def _pictured(
    datamodule: Shown | LongitudinalDataModule, embedded: Embedded, phantom: Truth | None
) -> dict[int, Float[np.ndarray, "x y z"]]:
    """Prepared scans for the mosaics; of heads that are neither generated nor masked, without their faces."""
    volumes = embedding.mosaic_volumes(datamodule.store, embedded.scans)
    pipeline = datamodule.pipeline
    if phantom or datamodule.cohort.mask is not None or not isinstance(pipeline, VolumePipeline):
        return volumes
    step, shown = pipeline.extent / pipeline.grid, {}
    for row, volume in volumes.items():
        with suppress(RuntimeError):  # of SimpleITK, which finds no pose: that scan is not shown
            shown[row] = alignment.without_face(volume, (step, step, step))
    return shown


def _chances(settings: TrainSettings, validation_losses: Float[np.ndarray, " subject"] | None) -> dict[str, float]:
    """Chance level of each logged metric."""
    change = {"change/train_loss": math.log(3), "change/validation_loss": math.log(3)}
    change |= {"change/validation_balanced_accuracy": 1 / 3, "validation/mse": 1.0}
    if validation_losses is None:
        return change
    validated = len(validation_losses)
    return change | {
        "train/loss": math.log(settings.pretrain["batch"]),
        "validation/loss": math.log(validated),
        "validation/retrieval_top1": 1 / validated,
    }


def curves_of(run: Path) -> pd.DataFrame:
    """What was logged while training, its epochs counted from 1."""

    table = pd.concat([pd.read_csv(file) for file in logged(run)] or [pd.DataFrame()])
    courses = [name for name in table if not str(name).startswith("test/") and not str(name).endswith("/selection")]
    table = table.reindex(columns=list(dict.fromkeys(["epoch", "step", *courses])))  # nothing, if none was trained
    return table.assign(epoch=table["epoch"] + 1)
