"""Checkpoints that a run keeps."""

import math
import shutil
import time
from pathlib import Path
from typing import Any, final

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint
from lightning.pytorch.loops.progress import _BatchProgress
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

from clinimcl.encoders.provenance import contract_path
from clinimcl.training.graceful_stop import any_process

ASKED = 10  # steps from one question to the next, where several processes must agree that it is time to save


@final
class KeepBest(ModelCheckpoint):
    """The best checkpoint by a logged value. Of its state it leaves the value in checkpoints, and no path."""

    def __init__(self, folder: Path, name: str, monitor: str) -> None:
        super().__init__(folder, name, monitor=monitor, mode="max", enable_version_counter=False)
        self._file = folder / f"{name}.ckpt"

    def state_dict(self) -> dict[str, Any]:
        return {} if self.best_model_score is None else {"highest": float(self.best_model_score)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """A continued run judges its epochs beside the best one before, if that one's file is here."""
        if self._file.is_file():
            self.best_model_path = self.kth_best_model_path = str(self._file)
            self.best_model_score = self.kth_value = torch.tensor(state_dict["highest"])
            self.best_k_models = {str(self._file): self.best_model_score}


@final
class RememberBest(pl.Callback):
    """What `KeepBest` writes, in memory: `state` is that of the first epoch with the highest logged value."""

    def __init__(self, monitor: str) -> None:
        self._monitor = monitor
        self._highest = -math.inf
        self.state: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        value = float(trainer.callback_metrics[self._monitor])
        if not trainer.sanity_checking and (value > self._highest or not self.state):
            self._highest = value
            self.state = {name: tensor.clone() for name, tensor in pl_module.state_dict().items()}


@final
class KeepEvery(Checkpoint):
    """Saves `last.ckpt` every epoch, and `epoch-<number>.ckpt` every `epochs` epochs, counted from 1.

    The contract of `last.ckpt`, where it has one, is theirs, too.
    Listed after `KeepBest`, it saves what is judged already: who goes on from there knows how good the best epoch is.
    Within an epoch `last.ckpt` is saved after `minutes` without one (of several processes up to `ASKED` steps later, as
    to ask is to wait), and when the process is told to end (SIGTERM).
    Lightning's own `save_last` only follows when something else is saved, so that its last is an earlier best.
    """

    def __init__(self, folder: Path, epochs: int, minutes: float = math.inf) -> None:
        self._last = folder / "last.ckpt"
        self._epochs = epochs
        self._minutes = minutes
        self._saved = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._saved = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        asked = trainer.world_size == 1 or batch_idx % ASKED == 0
        late = asked and any_process(trainer, time.monotonic() - self._saved > 60 * self._minutes)
        if late and not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._save(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        done = trainer.current_epoch + 1
        self._save(trainer)
        if done % self._epochs == 0:
            epoch = self._last.with_name(f"epoch-{done:03d}.ckpt")
            if trainer.is_global_zero and contract_path(self._last).is_file():
                shutil.copy(contract_path(self._last), contract_path(epoch))
            trainer.save_checkpoint(epoch)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Between two steps of an epoch, or in its validation, which is then begun anew when the training goes on."""
        loop = trainer.fit_loop.epoch_loop
        amid = trainer.training and not loop.batch_progress.is_last_batch
        if isinstance(exception, SIGTERMException) and (amid or trainer.validating):
            if trainer.validating:
                _begin_anew(loop.val_loop.batch_progress)
            self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self._last)
        self._saved = time.monotonic()


def _begin_anew(validation: _BatchProgress) -> None:
    """As where its first batch was begun: of one cut short later, Lightning would leave out the batches before."""
    validation.reset()
    validation.increment_ready()
    validation.increment_started()


@final
class ChanceOfStep(pl.Callback):
    """What is drawn in a step, as by dropout, follows from (seed, step, rank) alone: a continued run draws the same."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.fit_loop.total_batch_idx
        torch.manual_seed(hash((self._seed, step, trainer.global_rank)) & (2**63 - 1))
