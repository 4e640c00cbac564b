"""How a training ends that is told to end (SIGTERM)."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import distributed

TOLD = 128 + signal.SIGTERM  # the exit code of what was told to end


@contextmanager
def ends_when_told() -> Iterator[None]:
    """SIGTERM ends what is done here as Ctrl-C would, but for a training, which saves first: see `EndAsTold`."""
    told = []

    def end(*_: Any) -> None:
        told.append(TOLD)
        sys.exit(TOLD)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
        if told:  # where Python let the exit go unheard, as in a destructor
            sys.exit(TOLD)
    except SystemExit as ended:
        if ended.code == TOLD:
            print("clinimcl: told to end; the same command with run=RUN ckpt_path=last goes on", file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


@final
class EndAsTold(pl.Callback):
    """Where one of the processes that train is told to end, all do after the same step, or batch of a validation.

    Lightning's own handler talks to the others at once, wherever they are, and all may then wait for ever; and it is
    heard after a step only. What Lightning tells the others before each step is asked here after it, once.
    """

    def __init__(self) -> None:
        self._told = False
        self._shared = 0  # batches of a validation that every process has

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None  # type: ignore[method-assign]
        self._before = signal.signal(signal.SIGTERM, self._note)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._ask(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._ask(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        batches = trainer.num_sanity_val_batches if trainer.sanity_checking else trainer.num_val_batches
        own = torch.tensor(sum(batches), device=trainer.strategy.root_device)
        self._shared = int(trainer.strategy.reduce(own, reduce_op="min"))
        self._leave(trainer)

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: int
    ) -> None:
        if batch_idx < self._shared:
            self._leave(trainer)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        trainer._signal_connector.received_sigterm |= self._told
        signal.signal(signal.SIGTERM, self._before)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _note(self, *_: Any) -> None:
        self._told = True

    def _ask(self, trainer: pl.Trainer) -> None:
        if any_process(trainer, self._told):
            trainer._signal_connector.received_sigterm = True  # Lightning ends when it has logged this step

    def _leave(self, trainer: pl.Trainer) -> None:
        if any_process(trainer, self._told):
            raise SIGTERMException


def any_process(trainer: pl.Trainer, own: bool) -> bool:
    """Whether it holds for any of the processes. To ask is to wait for the GPU."""
    if trainer.world_size == 1:
        return own
    answer = torch.tensor(int(own), device=trainer.strategy.root_device)
    distributed.all_reduce(answer, distributed.ReduceOp.MAX)  # Lightning's own would wait for a barrier first
    return bool(answer)
