"""What the training modules share: their optimizer, and chance that follows from (seed, step)."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.trainer.connectors.data_connector import _parse_num_batches
from lightning.pytorch.trainer.states import RunningStage
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

MakeOptimizer = Callable[[Iterator[nn.Parameter]], Optimizer]
MakeSchedule = Callable[..., LRScheduler]


def optimization(module: pl.LightningModule, optimizer: MakeOptimizer, schedule: MakeSchedule | None) -> Any:
    """What Lightning's `configure_optimizers` returns; the schedule moves at every step.

    A fused optimizer would undo the scaling of float16 itself, after gradients are clipped, which Lightning refuses in
    bf16, too, where nothing is scaled: it is treated like any other.
    """
    made = optimizer(module.parameters())
    made._step_supports_amp_scaling = False  # type: ignore[attr-defined]
    if schedule is None:
        return made
    steps = schedule(made, total_steps=_steps(module.trainer))
    return {"optimizer": made, "lr_scheduler": {"scheduler": steps, "interval": "step"}}


def _steps(trainer: pl.Trainer) -> int:
    """Of the whole training, as `trainer.estimated_stepping_batches` has them.

    That one would leave the training the loader by which it counts, which was made before a continued training knows
    where it stands.
    """
    loader = trainer.fit_loop._data_source.dataloader()
    batches = _parse_num_batches(RunningStage.TRAINING, len(loader), trainer.limit_train_batches)
    steps = math.ceil(batches / trainer.accumulate_grad_batches) * max(trainer.max_epochs or 0, 1)
    return steps if trainer.max_steps == -1 else min(steps, trainer.max_steps)


def generator_of_step(module: pl.LightningModule, seed: int, chunk: int = 0) -> torch.Generator:
    """Chance follows from (seed, step, rank, chunk) alone, so that a resumed run draws the same.

    The first chunk's chance is that of a step without chunks.
    """
    chance = (seed, module.global_step, module.global_rank)
    generator = torch.Generator(module.device)
    return generator.manual_seed(hash(chance if chunk == 0 else (*chance, chunk)) & (2**63 - 1))
