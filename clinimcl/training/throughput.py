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
EPOCH, FETCH = "run_training_epoch", ".train_dataloader_next"  # what Lightning calls them


@final
class _Fetching(Profiler):
    """Seconds that the training has waited for its loader, whose workers start anew with each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self._began: float | None = None

    def start(self, action_name: str) -> None:
        if action_name == EPOCH or (action_name.endswith(FETCH) and self._began is None):
            self._began = time.perf_counter()

    def stop(self, action_name: str) -> None:
        if action_name.endswith(FETCH) and self._began is not None:
            self.seconds += time.perf_counter() - self._began
            self._began = None


@final
class SpeedMeter(pl.Callback):
    """How long steps take, and how much of that they wait for their batch.

    A step lasts from the end of the one before, or from where an epoch begins or a validation within it ends. The wait
    is measured as it happens: it is what the same steps would save on tensors that are there already, the pair that
    benchmarks/epoch.py compares. On a GPU, which may still compute meanwhile, it is the most that they would save; the
    copy to it is not counted, for it is not waited for, or, from memory that is not pinned, along with the step before.
    """

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

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin()  # amid an epoch

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: PairBatch | ScoredBatch,
        batch_idx: int,
    ) -> None:
        if self._last is not None:
            self._seconds.append(time.perf_counter() - self._last)
            self._waited.append(self._fetching.seconds - self._fetched)
        self._begin()
        self._scans = len(batch.subject) * (2 if isinstance(batch, PairBatch) else 1) * trainer.world_size

    def _begin(self) -> None:
        self._last, self._fetched = time.perf_counter(), self._fetching.seconds

    def measured(self) -> dict[str, float]:
        """Median step, its rate, the share of all steps that was a wait, and the peak memory of this process.

        Empty before the fourth step. Of a wait nothing is told where the trainer has a profiler of its own.
        """
        counted = self._seconds[WARM_UP:]
        if not counted:
            return {}
        step, share = float(np.median(counted)), sum(self._waited[WARM_UP:]) / sum(counted)
        peak = {"peak memory (GiB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}
        if torch.cuda.is_available():
            peak["peak GPU memory (GiB)"] = torch.cuda.max_memory_allocated() / 2**30
        waiting = {"waiting for data (% of a step)": 100 * share} if self._fetching.seconds else {}
        return {"seconds a step": step, "scans a second": self._scans / step, **waiting, **peak}

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value:.3g}" for name, value in self.measured().items())
