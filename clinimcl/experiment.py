"""The objects of one experiment, from its settings."""

import json
import logging
import warnings
from pathlib import Path

import lightning.pytorch as pl
import pandas as pd
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, RichProgressBar
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from clinimcl.building import build
from clinimcl.cohorts import splits
from clinimcl.data.longitudinal import LongitudinalDataModule
from clinimcl.errors import UserError
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.keep import KeepBest, KeepEvery
from clinimcl.preparation.store import Store
from clinimcl.prepare import store_folder
from clinimcl.settings import TrainSettings


def hush() -> None:
    """Keep Lightning's hints and its own deprecations away from the user, who can do nothing about them."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for hint in (".*LeafSpec.*", "Experiment logs directory.*", ".*does not have many workers.*"):
        warnings.filterwarnings("ignore", message=hint)


def datamodule(settings: TrainSettings) -> LongitudinalDataModule:
    cohort = build(settings.cohort, "cohort")
    pipeline = build(settings.preparation, "preparation")
    return build(settings.datamodule, "datamodule")(
        cohort=cohort,
        pipeline=pipeline,
        store=Store(store_folder(settings.store, cohort, pipeline)),
        engine=build(settings.engine, "engine"),
        most_set_aside=settings.most_set_aside,
        pretrain=build(settings.pretrain, "pretrain"),
        loading=build(settings.loading, "loading"),
    )


def module(settings: TrainSettings) -> ContrastivePretraining:
    parts = ("encoder", "projector", "objective", "augmentation", "optimizer", "schedule")
    return ContrastivePretraining(**{part: build(getattr(settings, part), part) for part in parts}, seed=settings.seed)


def trainer(settings: TrainSettings, folder: Path, loggers: list[Logger], speed: Callback) -> pl.Trainer:
    """Keeps the best checkpoint by validation retrieval, the last one, and one every `keep_every` epochs."""
    checkpoints = folder / "checkpoints"
    best = KeepBest(checkpoints, "validation/selection")
    kept = KeepEvery(checkpoints, settings.keep_every)
    callbacks = [best, kept, speed, LearningRateMonitor("step"), RichProgressBar()]
    try:
        return build(settings.trainer, "trainer")(logger=loggers, callbacks=callbacks, default_root_dir=folder)
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise UserError(f"trainer: {error}") from error


def check_splits(run: Path, scans: pd.DataFrame) -> None:
    """No subject may have changed sides since `run` was trained.

    Raises:
        UserError: with their number.
    """
    if (run / "splits.json").is_file():
        splits.check_unmoved(splits.sides(scans), json.loads((run / "splits.json").read_text()))
