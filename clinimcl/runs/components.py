"""The objects of one experiment, from its settings."""

import logging
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pandas as pd
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, RichProgressBar
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from clinimcl.cohorts import splits
from clinimcl.config.building import build, complete
from clinimcl.config.settings import Node, TrainSettings
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.data.sampling import own_part
from clinimcl.encoders.change_classifier import ChangeClassifier
from clinimcl.encoders.pretrained import load_weights
from clinimcl.encoders.provenance import Contract, check_new, made, read_contract
from clinimcl.errors import UserError
from clinimcl.losses.score_objective import ScoreObjective
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.score import ScorePretraining
from clinimcl.runs import stores
from clinimcl.training import hardware, slurm_tasks
from clinimcl.training.bf16_check import KeepNumbersRight
from clinimcl.training.checkpoint_files import CheckpointFiles
from clinimcl.training.checkpointing import ChanceOfStep, KeepBest, KeepEvery
from clinimcl.training.compilation import CompileNetworks, Step
from clinimcl.training.graceful_stop import EndAsTold

Pretraining = ContrastivePretraining | ScorePretraining


def hush() -> None:
    """Keep Lightning's hints and its own deprecations away from the user, who can do nothing about them."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for hint in (
        ".*LeafSpec.*",
        ".*your dataloader is not resumable.*",  # our samplers are
        "Experiment logs directory.*",
        ".*`srun` command is available.*",  # one process trains where one was started
        ".*does not have many workers.*",
        ".*no `val_dataloader`.*",
        "Checkpoint directory.*",
        "The number of training batches.*",  # of an epoch may be below log_every_n_steps
    ):
        warnings.filterwarnings("ignore", message=hint)


def datamodule(settings: TrainSettings) -> LongitudinalDataModule:
    cohort = build(settings.cohort, "cohort")
    pipeline = build(settings.preparation, "preparation")
    parts = {
        "cohort": cohort,
        "pipeline": pipeline,
        "store": stores.store(settings, cohort, pipeline, settings.store),
        "cache": stores.cache(settings),
        "engine": build(settings.engine, "engine"),
        "most_set_aside": settings.most_set_aside,
        "pretrain": build(settings.pretrain, "pretrain"),
        "loading": build(settings.loading, "loading"),
    }
    return complete(settings.datamodule, "datamodule", parts)


def module(settings: TrainSettings) -> Pretraining:
    encoder = build(settings.encoder, "encoder")
    step(settings).lay_out(encoder)
    projector = settings.projector and complete(settings.projector, "projector", {"embedding": encoder.embedding})
    make, objective = build(settings.module, "module"), build(settings.objective, "objective")
    if isinstance(objective, ScoreObjective) != (make.func is ScorePretraining):
        raise UserError(
            f"objective {type(objective).__name__} does not go with pretraining by {make.func.__name__}: "
            "pretraining=score takes mse, mse_cl and the like, pretraining=contrastive takes info_nce"
        )
    parts = {
        "encoder": encoder,
        "projector": projector,
        "objective": objective,
        "augmentation": build(settings.augmentation, "augmentation"),
        "optimizer": build(settings.optimizer, "optimizer"),
        "schedule": build(settings.schedule, "schedule"),
        "seed": settings.seed,
    }
    return complete(settings.module, "module", parts)


def step(settings: TrainSettings) -> Step:
    return build(settings.step, "step")


def trainer(settings: TrainSettings, folder: Path, loggers: list[Logger], watching: list[Callback]) -> pl.Trainer:
    """Keeps the best checkpoint on validation subjects, the last one, and one every `keep_every` epochs."""
    checkpoints = folder / "checkpoints"
    best = KeepBest(checkpoints, "best", "validation/selection")
    kept = KeepEvery(checkpoints, settings.keep_every, settings.save_minutes)
    chance = ChanceOfStep(settings.seed)
    callbacks = [best, kept, chance, *watching, LearningRateMonitor("step"), RichProgressBar()]
    callbacks += [CompileNetworks()] if step(settings).compile else []
    trial = {"num_sanity_val_steps": 0} if settings.ckpt_path else {}  # a run that goes on has validated before
    parts = {"logger": loggers, "callbacks": callbacks, "default_root_dir": folder}
    return trainer_with(settings.trainer | trial, parts)


def helps(settings: TrainSettings) -> bool:
    """Whether this is not the first of several processes that train together.

    Raises:
        UserError: SLURM started several processes, each of which would do the same training.
    """
    trainer = trainer_with(settings.trainer, {"logger": False})
    slurm_tasks.check_not_copied(trainer)
    return trainer.global_rank > 0


def trainer_with(node: Node, parts: dict[str, Any]) -> pl.Trainer:
    """
    Raises:
        UserError: this machine cannot, or Lightning refuses the settings.
    """
    hardware.check(node)
    try:
        parts = parts | {"callbacks": [KeepNumbersRight(), *parts.get("callbacks", []), EndAsTold()]}
        plugins = [CheckpointFiles(), *slurm_tasks.environments(node)]
        trainer: pl.Trainer = build(node, "trainer")(plugins=plugins, **parts)
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise UserError(f"trainer: {error}") from error
    slurm_tasks.check_started(trainer)
    return trainer


def alone(node: Node) -> Node:
    """The settings of the same trainer in one process."""
    return node | {"devices": 1, "num_nodes": 1, "strategy": "auto"}


def classifier(settings: TrainSettings, embedding: int) -> ChangeClassifier:
    """For embeddings of that width."""
    return complete(settings.classifier, "classifier", {"embedding": embedding})


def check(settings: TrainSettings) -> None:
    """What is wrong with the networks, the compiler, the machine or the pairs is told before any work.

    Raises:
        UserError: in a sentence.
    """
    module(settings)
    step(settings).check()
    processes = trainer_with(settings.trainer, {"logger": False}).world_size
    own, chunk = own_part(settings.pretrain["batch"], processes), settings.pretrain.get("chunk")
    if processes > 1 and isinstance(chunk, int) and chunk > own:
        raise UserError(f"pretrain.chunk={chunk} must be at most the {own} pairs of each of {processes} processes")
    if processes > 1 and settings.sweep is not None:
        raise UserError(
            f"a job of a sweep trains in one process, got {processes} (trainer.devices × trainer.num_nodes): set "
            "trainer.devices=1, or start the jobs one by one"
        )
    if settings.change is not None:
        classifier(settings, embedding=1)
        build(settings.change["pairs"], "change.pairs")


def take_weights(settings: TrainSettings, module: Pretraining, scans: pd.DataFrame) -> str:
    """Put `weights` into the encoder; what came of it, and of those who trained what it starts from, in words.

    Raises:
        UserError: they do not fit, or test subjects are among those who trained them, or may be.
    """
    start = _start(settings)
    if start is None:
        return ""
    loaded = load_weights(module.encoder, start)
    tested = scans.loc[scans["split"] == "test", "subject"].unique().tolist()
    known = check_new(start, tested, settings.allow_overlap, must_tell=loaded.ours)
    warning = f"{known} test subjects are among those who trained them: the results hold for known people."
    if settings.ckpt_path is not None:
        return f"Continued from weights: {warning}" if known else ""
    return f"Pretrained {loaded.sentence}." + (f" {warning}" if known else "")


def contract(settings: TrainSettings, datamodule: LongitudinalDataModule) -> Contract:
    """What this run's encoder expects and, in salted hashes, whose scans trained it and what it started from."""
    trained = datamodule.scans.loc[datamodule.scans["split"] == "train", "subject"]
    sides = "x".join(str(side) for side in datamodule.volumes.gather([0]).shape[2:])
    start = _start(settings)
    cohort = settings.cohort["_target_"].rsplit(".", 1)[-1]
    return made(sides, cohort, trained, earlier=read_contract(start) if start else None)


def _start(settings: TrainSettings) -> Path | None:
    start = settings.ckpt_path or settings.weights
    return Path(start) if start else None


def check_splits(run: Path, scans: pd.DataFrame) -> None:
    """No subject may have changed sides since `run` was trained.

    Raises:
        UserError: with their number.
    """
    if (run / "splits.json").is_file():
        splits.check_unmoved(scans, splits.read_sides(run / "splits.json"))
