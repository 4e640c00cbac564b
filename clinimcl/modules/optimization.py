"""What the training modules share: their optimizer, and chance that follows from (seed, step)."""

from collections.abc import Callable, Iterator
from typing import Any

import lightning.pytorch as pl
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

MakeOptimizer = Callable[[Iterator[nn.Parameter]], Optimizer]
MakeSchedule = Callable[..., LRScheduler]


def optimization(module: pl.LightningModule, optimizer: MakeOptimizer, schedule: MakeSchedule | None) -> Any:
    """What Lightning's `configure_optimizers` returns; the schedule moves at every step."""
    made = optimizer(module.parameters())
    if schedule is None:
        return made
    steps = schedule(made, total_steps=int(module.trainer.estimated_stepping_batches))
    return {"optimizer": made, "lr_scheduler": {"scheduler": steps, "interval": "step"}}


def generator_of_step(module: pl.LightningModule, seed: int) -> torch.Generator:
    """Chance follows from (seed, step, rank) alone, so that a resumed run draws the same."""
    generator = torch.Generator(module.device)
    return generator.manual_seed(hash((seed, module.global_step, module.global_rank)) & (2**63 - 1))
