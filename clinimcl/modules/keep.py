"""Checkpoints that a run keeps."""

import math
from pathlib import Path
from typing import Any, final

import lightning.pytorch as pl
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor


@final
class KeepBest(ModelCheckpoint):
    """The best checkpoint by a logged value. It leaves no state in checkpoints, which would hold paths."""

    def __init__(self, folder: Path, name: str, monitor: str) -> None:
        super().__init__(folder, name, monitor=monitor, mode="max", enable_version_counter=False)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """A continued run judges its own epochs."""


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
class KeepEvery(pl.Callback):
    """Saves `last.ckpt` every epoch, and `epoch-<number>.ckpt` every `epochs` epochs, counted from 1.

    Lightning's own `save_last` only follows when something else is saved, so that its last is an earlier best.
    """

    def __init__(self, folder: Path, epochs: int) -> None:
        self._folder = folder
        self._epochs = epochs

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        done = trainer.current_epoch + 1
        trainer.save_checkpoint(self._folder / "last.ckpt")
        if done % self._epochs == 0:
            trainer.save_checkpoint(self._folder / f"epoch-{done:03d}.ckpt")
