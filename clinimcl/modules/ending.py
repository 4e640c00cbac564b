"""How several processes that train together end together."""

import signal
from typing import Any, final

import lightning.pytorch as pl

ASKED = 10  # to ask is to wait for the GPU


@final
class EndTogether(pl.Callback):
    """Where one of several processes is told to end (SIGTERM), all of them do after the same step.

    Lightning's own handler talks to the others at once, wherever they are, and all may then wait for ever.
    """

    def __init__(self) -> None:
        self._told = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.world_size > 1:
            signal.signal(signal.SIGTERM, self._note)  # until Lightning restores those from before the training

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if any_process(trainer, self._told, batch_idx):
            trainer._signal_connector.received_sigterm = True  # each ends when it has logged this step

    def _note(self, *_: Any) -> None:
        self._told = True


def any_process(trainer: pl.Trainer, own: bool, step: int) -> bool:
    """Whether it holds for any of the processes; they ask each other at every `ASKED`th step of an epoch."""
    if trainer.world_size == 1:
        return own
    return step % ASKED == 0 and trainer.strategy.reduce_boolean_decision(own, all=False)
