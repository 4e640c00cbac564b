"""The stages of a training: the encoder is pretrained, then a classifier of health change is trained on it."""

import fcntl
import hashlib
import json
import math
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger, Logger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor, distributed, nn
from torch.utils.data import DataLoader, Dataset

from clinimcl.config.building import build
from clinimcl.config.settings import Node, TrainSettings
from clinimcl.data.batches import collated
from clinimcl.data.change_datasets import EmbeddingPairs, VolumePairs
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.encoders.change_classifier import ChangeClassifier
from clinimcl.encoders.provenance import write_contract
from clinimcl.errors import UserError
from clinimcl.harmonisation.numbers import FILE, write_harmonisation
from clinimcl.harmonisation.of_cohort import HarmonisedCohort, check_harmonisable, harmonise_cohort, harmonised_sentence
from clinimcl.modules import embedding
from clinimcl.modules.health_change import HealthChange, class_weights
from clinimcl.modules.score import ScorePretraining
from clinimcl.runs import components
from clinimcl.runs.folder import fail, finished, logged, set_aside_metrics
from clinimcl.storage.files import write_json, write_text
from clinimcl.training import checkpoint_files, ddp_watchdog, graceful_stop
from clinimcl.training.checkpointing import KeepBest, RememberBest
from clinimcl.training.schedule import one_cycle

AFTER_PRETRAINING = {
    *("run", "sweep", "overrides", "name", "logger", "engine", "most_set_aside", "save_minutes"),
    *("cache", "cache_gib", "mirror"),
    *("change", "classifier", "harmonise"),
    *("review", "faces_consent", "review_scans"),
}


class Watching(NamedTuple):
    """Who hears of a training."""

    loggers: list[Logger]
    callbacks: list[Callback]


class Scored(NamedTuple):
    """What the pretrained encoder says of every scan with a score; rows as in the cohort's table, NaN elsewhere."""

    vectors: Float[np.ndarray, "scan embedding"]
    predicted: Float[np.ndarray, " scan"] | None  # scores in their own unit, by the encoder's own embeddings
    harmonised: HarmonisedCohort | None = None  # what `vectors` went through


def pretrain(
    settings: TrainSettings,
    folder: Path,
    datamodule: LongitudinalDataModule,
    watching: Watching,
) -> None:
    """The pretrained encoder in the run's folder; within a sweep, jobs that differ only in what follows share it."""
    if settings.sweep is None:
        train_encoder(settings, folder, datamodule, watching)
        return
    shared = Path(settings.sweep) / "pretrained" / pretraining_digest(settings)
    shared.mkdir(parents=True, exist_ok=True)
    with (shared / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another job may be training the same encoder: wait for it
        if not finished(shared):
            last = shared / "checkpoints" / "last.ckpt"  # of a job that was ended
            going_on = replace(settings, ckpt_path=str(last)) if last.is_file() else settings
            set_aside_metrics(shared)
            log = CSVLogger(shared, name="", version="")
            train_encoder(going_on, shared, datamodule, Watching([log, *watching.loggers[1:]], watching.callbacks))
            log.save()
            write_json({"status": "done"}, shared / "status.json")
    shutil.copytree(shared / "checkpoints", folder / "checkpoints", copy_function=os.link)
    parts = [pd.read_csv(file) for file in logged(shared)]
    if parts:
        pd.concat(parts).to_csv(folder / "pretraining.csv", index=False)
    if (shared / "weights.txt").is_file():
        shutil.copy(shared / "weights.txt", folder)


def pretraining_digest(settings: TrainSettings) -> str:
    """Of all that decides what the pretrained encoder is."""
    decides = {name: value for name, value in asdict(settings).items() if name not in AFTER_PRETRAINING}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]


def train_encoder(
    settings: TrainSettings,
    folder: Path,
    datamodule: LongitudinalDataModule,
    watching: Watching,
) -> None:
    """Leaves best.ckpt, last.ckpt and those of every `keep_every` epochs; with no epochs, the encoder as it is."""
    module, remark = _learner(settings, datamodule)
    if remark:
        print(remark)
        write_text(remark + "\n", folder / "weights.txt")
    contract, kept = components.contract(settings, datamodule), folder / "checkpoints"
    kept.mkdir(parents=True, exist_ok=True)
    for name in ("best.ckpt", "last.ckpt"):
        write_contract(kept / name, contract)  # before they are there: a run may be killed
    if settings.epochs == 0:
        trainer = components.trainer_with(components.alone(settings.trainer), {"logger": False})
        trainer.strategy.connect(module)
        trainer.save_checkpoint(kept / "best.ckpt", weights_only=True)
    else:
        if settings.ckpt_path is not None:
            take_best(Path(settings.ckpt_path), kept)
        _train_together(settings, folder, module, datamodule, watching)


def take_part(settings: TrainSettings, folder: Path, datamodule: LongitudinalDataModule) -> None:
    """What each process but the first does of `train_encoder`: it trains, and leaves nothing."""
    module, _ = _learner(settings, datamodule)
    if settings.epochs:
        silent = CSVLogger(folder, name="", version="")
        _train_together(settings, folder, module, datamodule, Watching([silent], []))


def _learner(settings: TrainSettings, datamodule: LongitudinalDataModule) -> tuple[components.Pretraining, str]:
    """The module with its pretrained weights, and what is to be said of them."""
    pl.seed_everything(settings.seed, verbose=False)
    module = components.module(settings)
    return module, components.take_weights(settings, module, datamodule.scans)


def _train_together(
    settings: TrainSettings,
    folder: Path,
    module: components.Pretraining,
    datamodule: LongitudinalDataModule,
    watching: Watching,
) -> None:
    """In one process or in several, which part when the training is over."""
    trainer = components.trainer(settings, folder, *watching)
    own = {"datamodule": datamodule, "ckpt_path": settings.ckpt_path, "weights_only": True}
    if trainer.world_size == 1:
        _fit(trainer, module, **own)
        return
    sys.argv.append(f"run={folder}")  # the command of the processes that Lightning starts
    with ddp_watchdog.kept(trainer, partial(fail, folder) if trainer.is_global_zero else lambda _: None):
        _fit(trainer, module, **own)
        distributed.destroy_process_group()
    datamodule.trainer = None  # its loaders are whole again


def take_best(continued: Path, kept: Path) -> None:
    """The best epoch of a training that is continued in another folder may remain the best, if it came before."""
    best = continued.with_name("best.ckpt")
    if best.parent != kept:
        with suppress(UserError):  # there is none, or it is damaged
            if checkpoint_files.read(best)["global_step"] <= checkpoint_files.read(continued)["global_step"]:
                shutil.copy(best, kept / "best.ckpt")


def check_pairs(settings: TrainSettings, datamodule: LongitudinalDataModule) -> None:
    """What stands in the way of health change is told before the encoder is trained.

    Raises:
        UserError: a split without pairs, or a class that the threshold leaves empty.
    """
    if settings.change is not None:
        pairs, rule = build(settings.change["pairs"], "change.pairs"), datamodule.rule
        for split in ("train", "validation"):
            pairs.learned(datamodule.scans, split, rule)
        pairs.tested(datamodule.scans, rule)
    if settings.harmonise is not None:
        check_harmonisable(settings.harmonise, datamodule.scans[datamodule.scans["score"].notna()])


def classify(
    settings: TrainSettings, folder: Path, datamodule: LongitudinalDataModule, loggers: list[Logger]
) -> Scored:
    """Leaves change.ckpt, the classifier that was best on the validation subjects' pairs; what it was trained on."""
    assert settings.change is not None
    pl.seed_everything(settings.seed, verbose=False)
    module, change = pretrained(settings, folder), settings.change
    pairs, rule = build(change["pairs"], "change.pairs"), datamodule.rule
    learned = {split: pairs.learned(datamodule.scans, split, rule) for split in ("train", "validation")}
    scored = embed_scored(settings, module, datamodule)
    if settings.harmonise is not None and scored.harmonised is not None:
        remark = harmonised_sentence(settings.harmonise, scored.harmonised)
        print(remark)
        write_text(remark + "\n", folder / "harmonised.txt")
        write_harmonisation(scored.harmonised.fitted, folder / "checkpoints" / FILE)
    learner = change_learner(settings, module, scored, learned["train"])
    data = {split: _dataset(change, datamodule, scored, own) for split, own in learned.items()}
    best = KeepBest(folder / "checkpoints", "change", "change/selection")
    trainer = _trainer(settings, {"logger": loggers, "callbacks": [best], "default_root_dir": folder})
    _fit(
        trainer,
        learner,
        train_dataloaders=_loader(data["train"], change["batch"], settings.seed),
        val_dataloaders=_loader(data["validation"], change["batch"]),
    )
    write_contract(folder / "checkpoints" / "change.ckpt", components.contract(settings, datamodule))
    return scored


def pretrained(settings: TrainSettings, folder: Path) -> components.Pretraining:
    module = components.module(settings)
    checkpoint_files.load(module, folder / "checkpoints" / "best.ckpt")
    return module


@torch.inference_mode()
def embed_scored(settings: TrainSettings, module: components.Pretraining, datamodule: LongitudinalDataModule) -> Scored:
    """The same at training and at evaluation: what harmonises is fitted anew on the same training scans."""
    rows = datamodule.scans.index[datamodule.scans["score"].notna()].to_numpy()
    found = embedding.embed(module, datamodule.scan_dataloader(rows.tolist()))
    vectors = np.full((len(datamodule.scans), found.shape[1]), np.nan, np.float32)
    vectors[rows] = found
    predicted = None
    if isinstance(module, ScorePretraining):
        normalised = module.predicted(torch.from_numpy(vectors)).numpy().astype(float)
        predicted = datamodule.scale.restored(normalised)
    if settings.harmonise is None:
        return Scored(vectors, predicted)
    harmonised = harmonise_cohort(settings.harmonise, vectors, datamodule.scans)
    return Scored(harmonised.vectors, predicted, harmonised)


def change_learner(
    settings: TrainSettings, module: components.Pretraining, scored: Scored, pairs: pd.DataFrame
) -> HealthChange:
    """Untrained; its classifier knows the scale of the training scans' embeddings."""
    assert settings.change is not None
    change = settings.change
    classifier = components.classifier(settings, scored.vectors.shape[1])
    rows = np.unique(pairs[["earlier", "later"]].to_numpy())
    classifier.fit_scale(torch.from_numpy(scored.vectors[rows]))
    steps = change["epochs"] * math.ceil(len(pairs) / change["batch"])
    weights = class_weights(torch.tensor(pairs["change"].to_list()), change["balanced"])
    return _health_change(change, module, classifier, weights, steps)


def trained_change(settings: TrainSettings, folder: Path, module: components.Pretraining, width: int) -> HealthChange:
    """That of `change.ckpt`, for embeddings of that width."""
    assert settings.change is not None
    learner = _health_change(settings.change, module, components.classifier(settings, width), torch.ones(3), steps=1)
    checkpoint_files.load(learner, folder / "checkpoints" / "change.ckpt")
    return learner


def _health_change(
    change: Node, module: components.Pretraining, classifier: ChangeClassifier, weights: Tensor, steps: int
) -> HealthChange:
    return HealthChange(
        nn.Identity() if change["frozen"] else module.encoder,
        classifier,
        lambda parameters: torch.optim.AdamW(parameters, lr=change["lr"]),
        lambda optimizer, total_steps: one_cycle(optimizer, steps, warm_up=0.25),
        weights,
    )


@torch.inference_mode()
def probabilities(
    settings: TrainSettings,
    learner: HealthChange,
    datamodule: LongitudinalDataModule,
    scored: Scored,
    pairs: pd.DataFrame,
) -> Float[np.ndarray, "pair 3"]:
    """In the pairs' order."""
    assert settings.change is not None
    loader = _loader(_dataset(settings.change, datamodule, scored, pairs), settings.change["batch"])
    learner.eval()
    logits = torch.cat([learner(batch.earlier, batch.later).float() for batch in loader])
    return logits.softmax(dim=1).numpy().astype(float)


def retrained(
    settings: TrainSettings,
    module: components.Pretraining,
    scored: Scored,
    learned: dict[str, pd.DataFrame],
) -> HealthChange:
    """As `classify` would on these pairs and the frozen embeddings, with nothing logged and no file left."""
    assert settings.change is not None
    torch.manual_seed(settings.seed)  # every time the same start: what differs is the labels
    learner, best = change_learner(settings, module, scored, learned["train"]), RememberBest("change/selection")
    data = {split: EmbeddingPairs(scored.vectors, own) for split, own in learned.items()}
    batch = settings.change["batch"]
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    _fit(
        _trainer(settings, {**quiet, "callbacks": [best]}),
        learner,
        train_dataloaders=_loader(data["train"], batch, settings.seed),
        val_dataloaders=_loader(data["validation"], batch),
    )
    learner.load_state_dict(best.state)
    return learner


def _trainer(settings: TrainSettings, parts: dict[str, Any]) -> pl.Trainer:
    assert settings.change is not None
    node = components.alone(settings.trainer) | {"max_epochs": settings.change["epochs"]}
    return components.trainer_with(node, parts)


def _dataset(change: Node, datamodule: LongitudinalDataModule, scored: Scored, pairs: pd.DataFrame) -> Dataset:
    if change["frozen"]:
        return EmbeddingPairs(scored.vectors, pairs)
    return VolumePairs(datamodule.volumes, pairs)


def _loader(data: Dataset, batch: int, shuffled_by: int | None = None) -> DataLoader:
    """In order, or in the order that a seed gives."""
    if shuffled_by is None:
        return DataLoader(data, batch_size=batch, collate_fn=collated)
    order = torch.Generator().manual_seed(shuffled_by)
    return DataLoader(data, batch_size=batch, collate_fn=collated, shuffle=True, generator=order)


def _fit(trainer: pl.Trainer, module: pl.LightningModule, **data: Any) -> None:
    try:
        trainer.fit(module, **data)
        if trainer.received_sigterm:  # after the last step
            raise SIGTERMException
    except SIGTERMException:
        sys.exit(
            graceful_stop.TOLD if trainer.is_global_zero else 0
        )  # Lightning's own is always 0, as if the run were done
    except SystemExit as ended:
        if trainer.interrupted and ended.code == 1:
            raise KeyboardInterrupt from None  # Lightning's own would exit with 1, as if something were wrong
        raise
