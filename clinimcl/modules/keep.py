"""Checkpoints kept for evaluation."""

from pathlib import Path
from typing import final

import lightning.pytorch as pl


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
