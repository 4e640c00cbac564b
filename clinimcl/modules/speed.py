"""How fast a run was and how much memory it took."""

import resource
import time
from typing import Any, final

import lightning.pytorch as pl
import numpy as np
import torch

from clinimcl.data.batches import PairBatch, ScoredBatch

WARM_UP = 3  # steps that are not counted


@final
class SpeedMeter(pl.Callback):
    """Seconds from the end of one step to the end of the next, waiting for data included."""

    def __init__(self) -> None:
        self._seconds: list[float] = []
        self._scans = 0
        self._last: float | None = None

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: PairBatch | ScoredBatch,
        batch_idx: int,
    ) -> None:
        now = time.perf_counter()
        if self._last is not None:
            self._seconds.append(now - self._last)
        self._last = now
        self._scans = len(batch.subject) * (2 if isinstance(batch, PairBatch) else 1)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._last = None

    def measured(self) -> dict[str, float]:
        """Median step, its rate, and the peak memory of this process; empty before the fourth step."""
        counted = self._seconds[WARM_UP:]
        if not counted:
            return {}
        step = float(np.median(counted))
        peak = {"peak memory (GiB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}
        if torch.cuda.is_available():
            peak["peak GPU memory (GiB)"] = torch.cuda.max_memory_allocated() / 2**30
        return {"seconds a step": step, "scans a second": self._scans / step, **peak}
