"""python benchmarks/resume.py: how long a run that goes on waits for its first batch, wherever in an epoch it stopped.

A generated cohort is prepared and trained for an epoch of 200 steps (8 pairs of 32³, encoder `cnn3d`), which leaves
checkpoints in the middle, before the last step, and at the end of the epoch. Each is then taken up again as `train`
does it: from `trainer.fit` (checkpoint verified and loaded, sessions arranged, workers started) to the first training
batch that reaches the module; Lightning's two batches of validation, which it would try again at an epoch's end, are
left out. The batch must be the one that the uninterrupted run had at that step. Memory is kept between steps, as in
training.
"""

import argparse
import logging
import statistics
import tempfile
import time
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import nibabel as nib
import numpy as np
import pandas as pd
import timing
import torch

from clinimcl import memory
from clinimcl.cohorts.splits import Splitting
from clinimcl.cohorts.table import Table
from clinimcl.data.batches import PairBatch
from clinimcl.data.datamodule import Loading
from clinimcl.data.datamodules import TableDataModule
from clinimcl.data.sampling import Sampling
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.projector import Projector
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.preparation.engines.engine import Local
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.store.store import Store
from clinimcl.training import checkpoint_files
from clinimcl.training.checkpointing import ChanceOfStep
from clinimcl.training.schedule import one_cycle

SIDE, BATCH = 32, 8
WORKERS = (0, 2)


class Bench(NamedTuple):
    folder: Path
    steps: int  # an epoch
    device: torch.device

    def stops(self) -> dict[str, int]:
        """Steps that are done where a run stops."""
        return {"middle": self.steps // 2, "before the last step": self.steps - 1, "end": self.steps}

    def checkpoint(self, stop: str) -> Path:
        return self.folder / f"{stop}.ckpt"


class Arrived(Exception):
    """The batch is there; the run may end."""


class Watch(pl.Callback):
    """Remembers the batches before some steps and when they came, saves there, and ends the run before the last one."""

    def __init__(self, bench: Bench, last: int) -> None:
        self._bench, self._last = bench, last
        self.batches: dict[int, PairBatch] = {}
        self.came = 0.0

    def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: PairBatch, batch_idx: int) -> None:
        if trainer.global_step in self._bench.stops().values():
            self.came = time.perf_counter()
            self.batches[trainer.global_step] = batch
        if trainer.global_step == self._last:
            raise Arrived

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._save(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        for stop, step in self._bench.stops().items():
            if step == trainer.global_step:
                trainer.save_checkpoint(self._bench.checkpoint(stop))


def main() -> None:
    arguments = _arguments()
    memory.keep_freed()
    _hush()
    device = timing.device(arguments.device)
    print(f"{arguments.subjects} subjects, an epoch of {arguments.steps} steps on {device}, {timing.load()} before")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), arguments.steps, device)
        _write(bench.folder, arguments.subjects)
        whole = _watched(bench, workers=0, last=arguments.steps, checkpoint=None)[1].batches
        for workers in WORKERS:
            _report(f"{workers} workers", _in_turns(bench, workers, whole, arguments.repeats))
        read = timing.in_turns([partial(checkpoint_files.read, bench.checkpoint("middle"))], arguments.repeats)[0]
        print(f"of it, the checkpoint is verified and read in {timing.spread(read, '.3f')} s")
    print(f"{timing.load()} after")


def _in_turns(bench: Bench, workers: int, whole: dict[int, PairBatch], repeats: int) -> dict[str, list[float]]:
    """Seconds to the first batch, turn by turn; a first turn is not counted."""
    waits: dict[str, list[float]] = {stop: [] for stop in bench.stops()}
    for turn in range(repeats + 1):
        for stop, step in list(bench.stops().items())[:: 1 if turn % 2 else -1]:
            seconds, watch = _watched(bench, workers, step, bench.checkpoint(stop))
            assert all(map(torch.equal, watch.batches[step], whole[step])), "another batch than without a stop"
            waits[stop].append(seconds)
    return {stop: own[1:] for stop, own in waits.items()}


def _report(what: str, waits: dict[str, list[float]]) -> None:
    for stop, own in waits.items():
        print(f"{what}, {stop}: first batch after {timing.spread(own, '.3f')} s")
    for stop in ("before the last step", "end"):
        ratio = timing.spread(timing.ratios(waits[stop], waits["middle"]))
        print(f"{what}: {stop} / middle {ratio}, goal 0.9 to 1.1; aim {statistics.median(waits[stop]):.2f} of 0.5 s")


def _watched(bench: Bench, workers: int, last: int, checkpoint: Path | None) -> tuple[float, Watch]:
    """Seconds from `fit` to the batch before step `last`; the data are prepared before, as in `train`."""
    data, module, watch = _data(bench, workers), _module(), Watch(bench, last)
    data.prepare_data()
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="gpu" if bench.device.type == "cuda" else "cpu",
        devices=1,
        callbacks=[ChanceOfStep(0), watch],
        plugins=[checkpoint_files.CheckpointFiles()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    start = time.perf_counter()
    with suppress(Arrived):
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    return watch.came - start, watch


def _data(bench: Bench, workers: int) -> TableDataModule:
    unset: dict[str, Any] = dict.fromkeys(("score", "higher_is", "mask", "spacing", "fold"))
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    pinned = bench.device.type == "cuda"
    return TableDataModule(
        cohort=Table(root=str(bench.folder), modality="T1w", split=split, **unset),
        pipeline=FieldOfView(grid=SIDE, spacing=None, field_of_view=192.0, percentile=99.5, align="none"),
        store=Store(bench.folder / "store"),
        engine=Local(None),
        most_set_aside=0.0,
        pretrain=Sampling(batch=BATCH, pairs_per_epoch=BATCH * bench.steps, subject_share=1.0, seed=0),
        loading=Loading(workers=workers, pin_memory=pinned, place="disk", slices=None, evaluation_batch=32),
    )


def _module() -> ContrastivePretraining:
    torch.manual_seed(0)
    return ContrastivePretraining(
        encoder=CNN3d(SIDE, channels=[16, 32, 64, 128, 128], groups=8, embedding=256),
        projector=Projector(embedding=256, hidden=256, projection=128),
        objective=InfoNCE(temperature=0.1, symmetric=True),
        augmentation=None,
        optimizer=partial(torch.optim.AdamW, lr=5e-4),
        schedule=partial(one_cycle, warm_up=0.25),
        seed=0,
    )


def _write(folder: Path, subjects: int) -> None:
    """Two sessions a subject, of noise that any file may hold."""
    rows, generator = [], np.random.default_rng(0)
    for subject in range(subjects):
        for session in range(2):
            name = f"{subject}_{session}.nii"
            voxels = generator.random((SIDE,) * 3, dtype=np.float32)
            nib.save(nib.Nifti1Image(voxels, np.diag([6, 6, 6, 1])), folder / name)
            rows.append((f"s{subject}", 400 * session, name))
    pd.DataFrame(rows, columns=["subject", "day", "path"]).to_csv(folder / "scans.csv", index=False)


def _hush() -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")


def _arguments() -> argparse.Namespace:
    parser = timing.on_devices(timing.options(__doc__))
    parser.set_defaults(repeats=9)  # of parts of a second
    parser.add_argument("--subjects", type=int, default=200, help="of two sessions each")
    parser.add_argument("--steps", type=int, default=200, help="of an epoch")
    return parser.parse_args()


if __name__ == "__main__":
    main()
