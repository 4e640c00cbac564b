"""Which two scans make a pair, and which pairs make a batch. All of it follows from (seed, epoch)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import pandas as pd
from torch.utils.data import Sampler

from clinimcl.errors import UserError


class Pair(NamedTuple):
    """Rows of two scans of one subject, from two of its sessions."""

    anchor: int
    positive: int


@final
@dataclass(frozen=True)
class Sampling:
    """How an epoch of contrastive pretraining is drawn."""

    batch: int  # pairs a step, each of another subject
    pairs_per_epoch: int  # rounded down to whole batches
    subject_share: float  # of the subjects that an epoch draws from; successive epochs take the next ones
    seed: int

    def __post_init__(self) -> None:
        if self.batch < 2 or not 0 < self.subject_share <= 1:
            raise ValueError(
                f"batch must be at least 2 and subject_share above 0 and at most 1, got {self.batch} and "
                f"{self.subject_share}"
            )


@final
@dataclass(frozen=True)
class ScanSampling:
    """How an epoch of score pretraining is drawn: every scored training scan once, in a new order."""

    batch: int  # scans a step
    seed: int

    def __post_init__(self) -> None:
        if self.batch < 2:
            raise ValueError(f"batch must be at least 2, got {self.batch}")


class Sessions:
    """The index labels of a scan table by subject and session; subjects without a second session are left out."""

    def __init__(self, scans: pd.DataFrame) -> None:
        by_subject = [
            [rows.index.to_numpy() for _, rows in own.groupby("session", sort=True)]
            for _, own in scans.groupby("subject", sort=True)
        ]
        self.subjects = [sessions for sessions in by_subject if len(sessions) > 1]

    def draw(self, subject: int, generator: np.random.Generator) -> Pair:
        """Two sessions at random in random order, and one run of each."""
        sessions = self.subjects[subject]
        first, second = generator.choice(len(sessions), size=2, replace=False)
        return Pair(int(generator.choice(sessions[first])), int(generator.choice(sessions[second])))


@final
class PairSampler(Sampler[Pair]):
    """An epoch's pairs in order: every `batch` of them in a row are of different subjects.

    Raises:
        UserError: an epoch's share of the subjects cannot fill a batch.
    """

    def __init__(self, sessions: Sessions, sampling: Sampling, epoch: int) -> None:
        self._sessions = sessions
        self._sampling = sampling
        self.epoch = epoch
        share = len(self._share(0))
        if share < sampling.batch or sampling.pairs_per_epoch < sampling.batch:
            raise UserError(
                f"pretrain.batch={sampling.batch} pairs must be of different subjects, but an epoch draws from {share} "
                f"subjects with two sessions and has pretrain.pairs_per_epoch={sampling.pairs_per_epoch}: "
                "lower pretrain.batch, or raise pretrain.subject_share or pretrain.pairs_per_epoch"
            )

    def __len__(self) -> int:
        return self._sampling.pairs_per_epoch // self._sampling.batch * self._sampling.batch

    def __iter__(self) -> Iterator[Pair]:
        generator = np.random.default_rng((self._sampling.seed, self.epoch))
        share = self._share(self.epoch)
        waiting: list[int] = []
        for _ in range(len(self) // self._sampling.batch):
            batch = waiting[: self._sampling.batch]
            while len(batch) < self._sampling.batch:  # a new pass over the share, those of this batch last
                turn = [int(subject) for subject in generator.permutation(share)]
                waiting = batch + [s for s in turn if s not in batch] + [s for s in turn if s in batch]
                batch = waiting[: self._sampling.batch]
            waiting = waiting[self._sampling.batch :]
            yield from (self._sessions.draw(subject, generator) for subject in batch)

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def _share(self, epoch: int) -> np.ndarray:
        """The subjects of this epoch: a window that goes round and round through one mixed order of all of them."""
        subjects = len(self._sessions.subjects)
        share = round(self._sampling.subject_share * subjects)
        order = np.random.default_rng((self._sampling.seed, 1)).permutation(subjects)
        return order[(epoch * share + np.arange(share)) % max(1, subjects)]


@final
class ScanSampler(Sampler[int]):
    """An epoch's scans in their order, whole batches only: what is left over has its turn in another epoch.

    Raises:
        UserError: there are fewer scans than a batch holds.
    """

    def __init__(self, rows: np.ndarray, sampling: ScanSampling, epoch: int) -> None:
        self._rows = rows
        self._sampling = sampling
        self.epoch = epoch
        if len(rows) < sampling.batch:
            raise UserError(
                f"pretrain.batch={sampling.batch} scans, but only {len(rows)} training scans have a score: lower "
                "pretrain.batch"
            )

    def __len__(self) -> int:
        return len(self._rows) // self._sampling.batch * self._sampling.batch

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng((self._sampling.seed, self.epoch)).permutation(self._rows)
        return iter(order[: len(self)].tolist())

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch


def fixed_pairs(sessions: Sessions, seed: int) -> list[Pair]:
    """One pair a subject, always the same: for validation."""
    generator = np.random.default_rng((seed, 2))
    return [sessions.draw(subject, generator) for subject in range(len(sessions.subjects))]
