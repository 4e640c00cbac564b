"""The objects of one experiment, from its configuration."""

import logging
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import Logger

from clinimcl.building import build
from clinimcl.data.longitudinal import LongitudinalDataModule
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.keep import KeepEvery
from clinimcl.preparation.store import Store
from clinimcl.prepare import store_folder


def hush() -> None:
    """Keep Lightning's hints and its own deprecations away from the user, who can do nothing about them."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for hint in (".*LeafSpec.*", "Experiment logs directory.*", ".*does not have many workers.*"):
        warnings.filterwarnings("ignore", message=hint)


def datamodule(configuration: dict[str, Any]) -> LongitudinalDataModule:
    cohort = build(configuration["cohort"], "cohort")
    pipeline = build(configuration["preparation"], "preparation")
    return build(configuration["datamodule"], "datamodule")(
        cohort=cohort,
        pipeline=pipeline,
        store=Store(store_folder(configuration["store"], cohort, pipeline)),
        engine=build(configuration["engine"], "engine"),
        most_set_aside=configuration["most_set_aside"],
        pretrain=build(configuration["pretrain"], "pretrain"),
        loading=build(configuration["loading"], "loading"),
    )


def module(configuration: dict[str, Any]) -> ContrastivePretraining:
    parts = ("encoder", "projector", "objective", "augmentation", "optimizer", "schedule")
    return ContrastivePretraining(
        **{part: build(configuration[part], part) for part in parts}, seed=configuration["seed"]
    )


def trainer(configuration: dict[str, Any], folder: Path, loggers: list[Logger], speed: Callback) -> pl.Trainer:
    """Keeps the best checkpoint by validation retrieval, the last one, and one every `keep_every` epochs."""
    checkpoints = folder / "checkpoints"
    best = ModelCheckpoint(
        checkpoints,
        "best",
        monitor="validation/selection",
        mode="max",
        save_last=True,
        enable_version_counter=False,
    )
    kept = KeepEvery(checkpoints, configuration["keep_every"])
    callbacks = [best, kept, speed, LearningRateMonitor("step"), RichProgressBar()]
    return build(configuration["trainer"], "trainer")(logger=loggers, callbacks=callbacks, default_root_dir=folder)
