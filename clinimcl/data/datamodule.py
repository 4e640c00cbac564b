"""What every cohort's data module shares: preparation, what is learned from, loaders."""

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch.utils.data import DataLoader, Dataset

from clinimcl.cohorts.change import ChangeRule, rule_for
from clinimcl.cohorts.cohort import Cohort
from clinimcl.cohorts.splits import require_pairs
from clinimcl.data.batches import PairBatch, ScanBatch, ScoredBatch, collated
from clinimcl.data.sampling import Pair, PairSampler, Sampling, ScanSampler, ScanSampling, Sessions, Turn, fixed_pairs
from clinimcl.data.volumes import Volumes
from clinimcl.errors import UserError
from clinimcl.preparation.engines.engine import Engine
from clinimcl.preparation.pipeline import Pipeline
from clinimcl.preparation.prepare import Prepared, prepare
from clinimcl.preparation.store.store import Store
from clinimcl.storage.cache import Cache

DAYS_A_YEAR = 365.25


@final
@dataclass(frozen=True)
class Loading:
    """How batches reach the model."""

    workers: int
    pin_memory: bool
    place: str  # where the scans lie while a network is trained: disk, memory, or device (the accelerator's memory)
    slices: int | None  # of a volume, from bottom to top, as frames of a clip for 2-D encoders; None: the volume
    evaluation_batch: int  # scans a batch where nothing is learned

    def __post_init__(self) -> None:
        if self.place not in ("disk", "memory", "device"):
            raise ValueError(f"place must be disk, memory or device, got {self.place}")
        if self.place == "device" and (self.workers or self.pin_memory):
            raise ValueError("place=device needs no workers and no pinned memory: set workers=0 pin_memory=false")

    def loader(self, dataset: Dataset, batch: int, sampler: Any) -> DataLoader:
        return DataLoader(
            dataset,
            batch_size=batch,
            sampler=sampler,
            num_workers=self.workers,
            pin_memory=self.pin_memory,
            collate_fn=collated,
        )


@final
class PairDataset(Dataset[PairBatch]):
    """Pairs by the rows of their two scans, a whole batch at once."""

    def __init__(self, volumes: Volumes, table: pd.DataFrame) -> None:
        self._volumes = volumes
        self._subject = torch.from_numpy(table["subject"].factorize()[0])
        self._day = torch.tensor(table["day"].to_numpy())

    def __getitems__(self, pairs: list[Pair]) -> PairBatch:
        anchors, positives = ([pair.anchor for pair in pairs], [pair.positive for pair in pairs])
        anchor, positive = self._volumes.gather(anchors + positives).chunk(2)
        interval = (self._day[positives] - self._day[anchors]) / DAYS_A_YEAR
        return PairBatch(anchor, positive, self._subject[anchors], interval.float())


@final
class ScanDataset(Dataset[ScanBatch]):
    """Scans by their row, a whole batch at once."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes

    def __getitems__(self, rows: list[int]) -> ScanBatch:
        return ScanBatch(self._volumes.gather(rows), torch.tensor(rows))


@final
class ScoredDataset(Dataset[ScoredBatch]):
    """Scans with their score by their row, a whole batch at once."""

    def __init__(self, volumes: Volumes, table: pd.DataFrame, scale: "ScoreScale") -> None:
        self._volumes = volumes
        self._subject = torch.from_numpy(table["subject"].factorize()[0])
        self._score = torch.from_numpy(scale.normalised(table["score"].to_numpy(float)).astype(np.float32))

    def __getitems__(self, rows: list[int]) -> ScoredBatch:
        return ScoredBatch(self._volumes.gather(rows), self._score[rows], self._subject[rows])


class ScoreScale(NamedTuple):
    """Mean and standard deviation of the training scans' scores: losses see scores without a unit."""

    mean: float
    deviation: float

    def normalised(self, score: Float[np.ndarray, " scan"]) -> Float[np.ndarray, " scan"]:
        return (score - self.mean) / self.deviation

    def restored(self, normalised: Float[np.ndarray, " scan"]) -> Float[np.ndarray, " scan"]:
        return normalised * self.deviation + self.mean


class LongitudinalDataModule(pl.LightningDataModule, ABC):
    """`prepare_data` prepares, `setup` reads the store's table; the subclasses only say whose cohort it is."""

    def __init__(
        self,
        cohort: Cohort,
        pipeline: Pipeline,
        store: Store,
        engine: Engine,
        most_set_aside: float,
        pretrain: Sampling | ScanSampling,
        loading: Loading,
        cache: Cache | None = None,
    ) -> None:
        super().__init__()
        self.cohort = cohort
        self.pipeline = pipeline
        self.store = store
        self._engine = engine
        self._most_set_aside = most_set_aside
        self._pretrain = pretrain
        self._loading = loading
        self._cache = cache
        self.prepared: Prepared | None = None

    def prepare_data(self) -> None:
        """Prepare what is not there yet.

        Raises:
            UserError: the cohort cannot be read, too many scans cannot be used, or splits share subjects or files.
        """
        if self.prepared is not None:
            return
        scans, self.audit, self.remarks = self.cohort.table()
        most, cache = self._most_set_aside, self._cache
        self.prepared = prepare(scans, self.pipeline, self.store, self._engine, most_set_aside=most, cache=cache)
        self.store.write_audit(self.audit)

    def setup(self, stage: str | None = None) -> None:
        """
        Raises:
            UserError: no training or no validation subject has what is to be learned from: two sessions, or a score.
        """
        table = self.store.table() if self.prepared is None else self.prepared.scans
        self.set_aside = table[table["reason"] != ""]
        self.scans = table[table["reason"] == ""].reset_index(drop=True)
        self.volumes = Volumes(self.scans, self.store, self._loading.slices)
        for split in ("train", "validation"):
            if isinstance(self._pretrain, Sampling):
                require_pairs(self.scans[self.scans["split"] == split], split)
            if isinstance(self._pretrain, ScanSampling) and not len(self.scored(split)):
                raise UserError(f"no {split} scan has a score to learn from: check cohort.score and cohort.split")
        if isinstance(self._pretrain, ScanSampling) and not self.scale.deviation > 0:
            raise UserError(
                f"all {len(self.scored('train'))} training scans have the same score, {self.scale.mean:g}, from which "
                "nothing can be learned: check cohort.score"
            )

    def sessions(self, split: str) -> Sessions:
        """The sessions of a split's subjects, as rows of `scans`."""
        return Sessions(self.scans.loc[self.scans["split"] == split, ["subject", "session"]])

    def scored(self, split: str) -> np.ndarray:
        """Rows of `scans` that have a score."""
        return self.scans.index[(self.scans["split"] == split) & self.scans["score"].notna()].to_numpy()

    @property
    def scale(self) -> ScoreScale:
        training = self.scans.loc[self.scored("train"), "score"]
        return ScoreScale(float(training.mean()), float(training.std()))

    @property
    def rule(self) -> ChangeRule:
        return rule_for(self.scans, self.cohort.change_threshold, self.cohort.change_bins)

    def train_dataloader(self) -> DataLoader:
        if self._loading.place != "disk":
            accelerator = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
            self.volumes.hold(accelerator if self._loading.place == "device" else torch.device("cpu"))
        turn = self._turn()
        if isinstance(self._pretrain, ScanSampling):
            scans = ScanSampler(self.scored("train"), self._pretrain, turn)
            scored = ScoredDataset(self.volumes, self.scans, self.scale)
            return self._loading.loader(scored, scans.own, scans)
        pairs = PairSampler(self.sessions("train"), self._pretrain, turn)
        return self._loading.loader(PairDataset(self.volumes, self.scans), pairs.own, pairs)

    def _turn(self) -> Turn:
        """Where the training stands when its loader is made: workers draw before Lightning tells the epoch."""
        if self.trainer is None:
            return Turn()
        loop = self.trainer.fit_loop
        epochs: Any = loop.epoch_progress.current
        steps: Any = loop.epoch_loop.batch_progress.current
        amid = epochs.started > epochs.processed  # the checkpoint was written in the middle of an epoch
        part = (self.trainer.global_rank, self.trainer.world_size)
        return Turn(epochs.processed, steps.processed if amid else 0, *part)

    def val_dataloader(self) -> DataLoader:
        batch = self._loading.evaluation_batch
        if isinstance(self._pretrain, ScanSampling):
            dataset = ScoredDataset(self.volumes, self.scans, self.scale)
            return self._loading.loader(dataset, batch, self._own(self.scored("validation").tolist()))
        pairs = fixed_pairs(self.sessions("validation"), self._pretrain.seed)
        return self._loading.loader(PairDataset(self.volumes, self.scans), batch, self._own(pairs))

    def _own(self, items: list[Any]) -> list[Any]:
        """Of what is validated, this process's part.

        Raises:
            UserError: some process would have none.
        """
        turn = self._turn()
        if len(items) < turn.processes:
            raise UserError(
                f"{turn.processes} processes (trainer.devices × trainer.num_nodes) cannot share {len(items)} pairs or "
                "scans of validation: raise cohort.split.validation, or take fewer devices"
            )
        return items[turn.rank :: turn.processes]

    def scan_dataloader(self, rows: Sequence[int]) -> DataLoader[ScanBatch]:
        """The scans of these rows of `scans`, in order."""
        return self._loading.loader(ScanDataset(self.volumes), self._loading.evaluation_batch, rows)
