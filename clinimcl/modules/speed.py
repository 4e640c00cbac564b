"""How fast a run was and how much memory it took."""

import resource
import time
from typing import Any, final

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.profilers import PassThroughProfiler, Profiler

from clinimcl.data.batches import PairBatch, ScoredBatch

WARM_UP = 3  # steps that are not counted


@final
class _Fetching(Profiler):
    """Seconds that the training has asked its loader for batches. Other actions are not timed."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = self._began = 0.0

    def start(self, action_name: str) -> None:
        if action_name.endswith(".train_dataloader_next"):
            self._began = time.perf_counter()

    def stop(self, action_name: str) -> None:
        if action_name.endswith(".train_dataloader_next"):
            self.seconds += time.perf_counter() - self._began


@final
class SpeedMeter(pl.Callback):
    """Seconds from the end of one step to the end of the next, and how many of them it waited for its batch."""

    def __init__(self) -> None:
        self._fetching = _Fetching()
        self._seconds: list[float] = []
        self._waited: list[float] = []
        self._scans = 0
        self._last: float | None = None
        self._fetched = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if isinstance(trainer.profiler, PassThroughProfiler):  # type: ignore[attr-defined]
            trainer.profiler = self._fetching  # type: ignore[attr-defined]

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
            self._waited.append(self._fetching.seconds - self._fetched)
        self._last, self._fetched = now, self._fetching.seconds
        self._scans = len(batch.subject) * (2 if isinstance(batch, PairBatch) else 1) * trainer.world_size

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._last = None

    def measured(self) -> dict[str, float]:
        """Median step, its rate, the share of all steps that was a wait, and the peak memory of this process.

        Empty before the fourth step.
        """
        counted = self._seconds[WARM_UP:]
        if not counted:
            return {}
        step, share = float(np.median(counted)), sum(self._waited[WARM_UP:]) / sum(counted)
        peak = {"peak memory (GiB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}
        if torch.cuda.is_available():
            peak["peak GPU memory (GiB)"] = torch.cuda.max_memory_allocated() / 2**30
        waiting = {"waiting for data (% of a step)": 100 * share}
        return {"seconds a step": step, "scans a second": self._scans / step, **waiting, **peak}

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value:.3g}" for name, value in self.measured().items())
