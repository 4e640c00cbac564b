"""What every cohort's data module shares: preparation, pairs of one subject, loaders."""

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset

from clinimcl.cohorts.cohort import Cohort
from clinimcl.cohorts.splits import require_pairs
from clinimcl.data.batches import PairBatch, ScanBatch, Volume
from clinimcl.data.sampling import Pair, PairSampler, Sampling, Sessions, fixed_pairs
from clinimcl.preparation.engine import Engine
from clinimcl.preparation.pipeline import Pipeline
from clinimcl.preparation.prepare import Prepared, prepare
from clinimcl.preparation.store import Store

DAYS_A_YEAR = 365.25


@final
@dataclass(frozen=True)
class Loading:
    """How batches reach the model."""

    workers: int
    pin_memory: bool
    evaluation_batch: int  # scans a batch where nothing is learned


@final
class PairDataset(Dataset[PairBatch]):
    """Pairs by the rows of their two scans."""

    def __init__(self, scans: pd.DataFrame, store: Store) -> None:
        self._volumes = ScanDataset(scans, store)
        self._subject = torch.from_numpy(scans["subject"].factorize()[0])
        self._day = scans["day"].to_numpy()

    def __getitem__(self, pair: Pair) -> PairBatch:
        anchor, positive = pair
        return PairBatch(
            anchor=self._volumes.volume(anchor),
            positive=self._volumes.volume(positive),
            subject=self._subject[anchor],
            interval=torch.tensor((self._day[positive] - self._day[anchor]) / DAYS_A_YEAR, dtype=torch.float32),
        )


@final
class ScanDataset(Dataset[ScanBatch]):
    """Scans by their row."""

    def __init__(self, scans: pd.DataFrame, store: Store) -> None:
        self._arrays = list(zip(scans["key"], scans["checksum"], strict=True))
        self._store = store

    def __getitem__(self, row: int) -> ScanBatch:
        return ScanBatch(self.volume(row), torch.tensor(row))

    def volume(self, row: int) -> Volume:
        return torch.from_numpy(np.array(self._store.get(*self._arrays[row])))[None]


class LongitudinalDataModule(pl.LightningDataModule, ABC):
    """`prepare_data` prepares, `setup` reads the store's table; the subclasses only say whose cohort it is."""

    def __init__(
        self,
        cohort: Cohort,
        pipeline: Pipeline,
        store: Store,
        engine: Engine,
        most_set_aside: float,
        pretrain: Sampling,
        loading: Loading,
    ) -> None:
        super().__init__()
        self.cohort = cohort
        self.pipeline = pipeline
        self.store = store
        self._engine = engine
        self._most_set_aside = most_set_aside
        self._pretrain = pretrain
        self._loading = loading
        self.prepared: Prepared | None = None

    def prepare_data(self) -> None:
        """Prepare what is not there yet.

        Raises:
            UserError: the cohort cannot be read, too many scans cannot be used, or splits share subjects or files.
        """
        if self.prepared is not None:
            return
        scans, self.audit = self.cohort.table()
        self.prepared = prepare(scans, self.pipeline, self.store, self._engine, most_set_aside=self._most_set_aside)
        self.store.write_audit(self.audit)

    def setup(self, stage: str | None = None) -> None:
        """
        Raises:
            UserError: no training or no validation subject has two sessions.
        """
        table = self.store.table() if self.prepared is None else self.prepared.scans
        self.set_aside = table[table["reason"] != ""]
        self.scans = table[table["reason"] == ""].reset_index(drop=True)
        for split in ("train", "validation"):
            require_pairs(self.scans[self.scans["split"] == split], split)
        self._sampler: PairSampler | None = None

    def sessions(self, split: str) -> Sessions:
        """The sessions of a split's subjects, as rows of `scans`."""
        return Sessions(self.scans[self.scans["split"] == split])

    def train_dataloader(self) -> DataLoader[PairBatch]:
        # Workers draw as soon as the loader is made, before Lightning calls set_epoch. After a resume, only `processed`
        # counts the epoch at whose end the checkpoint was written.
        epoch = self.trainer.fit_loop.epoch_progress.current.processed if self.trainer else 0  # type: ignore[attr-defined]
        self._sampler = PairSampler(self.sessions("train"), self._pretrain, epoch)
        return self._loader(PairDataset(self.scans, self.store), self._pretrain.batch, self._sampler)

    def val_dataloader(self) -> DataLoader[PairBatch]:
        pairs = fixed_pairs(self.sessions("validation"), self._pretrain.seed)
        return self._loader(PairDataset(self.scans, self.store), self._loading.evaluation_batch, pairs)

    def scan_dataloader(self, rows: Sequence[int]) -> DataLoader[ScanBatch]:
        """The scans of these rows of `scans`, in order."""
        return self._loader(ScanDataset(self.scans, self.store), self._loading.evaluation_batch, rows)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self._sampler.epoch if self._sampler else 0, "seed": self._pretrain.seed}

    def _loader(self, dataset: Dataset, batch: int, sampler: Any) -> DataLoader:
        return DataLoader(
            dataset,
            batch_size=batch,
            sampler=sampler,
            num_workers=self._loading.workers,
            pin_memory=self._loading.pin_memory,
        )
