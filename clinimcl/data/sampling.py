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

    batch: int  # pairs a step, over all processes, each of another subject
    pairs_per_epoch: int  # rounded down to whole batches
    subject_share: float  # of the subjects that an epoch draws from; successive epochs take the next ones
    seed: int
    chunk: int | None = None  # pairs that are in the networks at a time; None: the batch

    def __post_init__(self) -> None:
        if self.batch < 2 or not 0 < self.subject_share <= 1:
            raise ValueError(
                f"batch must be at least 2 and subject_share above 0 and at most 1, got {self.batch} and "
                f"{self.subject_share}"
            )
        if self.chunk is not None and not 1 <= self.chunk <= self.batch:
            raise ValueError(f"chunk must be from 1 to batch={self.batch} pairs, or null, got {self.chunk}")


@final
@dataclass(frozen=True)
class ScanSampling:
    """How an epoch of score pretraining is drawn: every scored training scan once, in a new order."""

    batch: int  # scans a step, over all processes
    seed: int

    def __post_init__(self) -> None:
        if self.batch < 2:
            raise ValueError(f"batch must be at least 2, got {self.batch}")


@final
class Sessions:
    """The index labels of a scan table by subject and session; subjects without a second session are left out.

    Held as a few arrays: a million scans take megabytes, not lists of lists.
    """

    def __init__(self, scans: pd.DataFrame) -> None:
        subject, session = (scans[name].factorize(sort=True)[0] for name in ("subject", "session"))
        order = np.lexsort((session, subject))
        subject, session = subject[order], session[order]
        begins = np.ones(len(scans), bool)
        begins[1:] = (subject[1:] != subject[:-1]) | (session[1:] != session[:-1])
        _, first, count = np.unique(subject[begins], return_index=True, return_counts=True)
        self._labels = scans.index.to_numpy()[order]
        self._bounds = np.append(np.flatnonzero(begins), len(scans))  # of each session among the labels
        self._first, self._count = first[count > 1], count[count > 1]  # session of each subject, and number of them

    def __len__(self) -> int:
        """The subjects that have two sessions."""
        return len(self._first)

    def draw(self, subject: int, generator: np.random.Generator) -> Pair:
        """Two sessions at random in random order, and one run of each."""
        chosen = self._first[subject] + generator.choice(self._count[subject], size=2, replace=False)
        anchor, positive = (self._labels[self._bounds[place] : self._bounds[place + 1]] for place in chosen)
        return Pair(int(generator.choice(anchor)), int(generator.choice(positive)))


class Turn(NamedTuple):
    """Where a training stands, and which part of each step is this process's."""

    epoch: int = 0
    steps: int = 0  # of this epoch that are done
    rank: int = 0
    processes: int = 1


@final
class PairSampler(Sampler[Pair]):
    """An epoch's pairs in order: those of a step, over all processes, are of different subjects.

    Each step's pairs follow from (seed, epoch, step) alone, so that a continued epoch draws none of those before.

    Raises:
        UserError: an epoch's share of the subjects cannot fill a step.
    """

    def __init__(self, sessions: Sessions, sampling: Sampling, turn: Turn) -> None:
        self._sessions = sessions
        self._sampling = sampling
        self._turn = turn
        self.own = own_part(sampling.batch, turn.processes)
        self.epoch = turn.epoch
        share = len(self._share(0))
        if share < sampling.batch or sampling.pairs_per_epoch < sampling.batch:
            raise UserError(
                f"pretrain.batch={sampling.batch} pairs must be of different subjects, but an epoch draws "
                f"from {share} subjects with two sessions and has pretrain.pairs_per_epoch={sampling.pairs_per_epoch}: "
                "lower pretrain.batch, or raise pretrain.subject_share or pretrain.pairs_per_epoch"
            )

    def __len__(self) -> int:
        return self._sampling.pairs_per_epoch // self._sampling.batch * self.own

    def __iter__(self) -> Iterator[Pair]:
        order, batch = self._order(), self._sampling.batch
        for step in range(_done(self._turn, self.epoch), len(self) // self.own):
            generator = np.random.default_rng((self._sampling.seed, self.epoch, 1 + step))
            subjects = order[step * batch :][:batch].tolist()
            pairs = [self._sessions.draw(subject, generator) for subject in subjects]
            yield from pairs[self._turn.rank * self.own :][: self.own]

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def _order(self) -> np.ndarray:
        """Subjects: one pass over the share after another, each begun with those that the open step does not have."""
        generator = np.random.default_rng((self._sampling.seed, self.epoch))
        share, batch = self._share(self.epoch), self._sampling.batch
        wanted = self._sampling.pairs_per_epoch // batch * batch
        turns: list[np.ndarray] = []
        while len(share) * len(turns) < wanted:
            turn, open_step = generator.permutation(share), len(share) * len(turns) % batch
            had = np.isin(turn, turns[-1][-open_step:] if open_step else [])
            turns.append(np.concatenate([turn[~had], turn[had]]))
        return np.concatenate(turns)

    def _share(self, epoch: int) -> np.ndarray:
        """The subjects of this epoch: a window that goes round and round through one mixed order of all of them."""
        subjects = len(self._sessions)
        share = round(self._sampling.subject_share * subjects)
        order = np.random.default_rng((self._sampling.seed, 1)).permutation(subjects)
        return order[(epoch * share + np.arange(share)) % max(1, subjects)]


@final
class ScanSampler(Sampler[int]):
    """An epoch's scans in their order, whole steps only: what is left over has its turn in another epoch.

    Raises:
        UserError: there are fewer scans than a step holds.
    """

    def __init__(self, rows: np.ndarray, sampling: ScanSampling, turn: Turn) -> None:
        self._rows = rows
        self._sampling = sampling
        self._turn = turn
        self.own = own_part(sampling.batch, turn.processes)
        self.epoch = turn.epoch
        if len(rows) < sampling.batch:
            raise UserError(
                f"pretrain.batch={sampling.batch} scans must be different ones, but only {len(rows)} training scans "
                "have a score: lower pretrain.batch"
            )

    def __len__(self) -> int:
        return len(self._rows) // self._sampling.batch * self.own

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng((self._sampling.seed, self.epoch)).permutation(self._rows)
        steps = order[: len(self) * self._turn.processes].reshape(-1, self._turn.processes, self.own)
        return iter(steps[_done(self._turn, self.epoch) :, self._turn.rank].ravel().tolist())

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch


def _done(turn: Turn, epoch: int) -> int:
    """Steps of an epoch that need no drawing: only of the one in which the training was taken up."""
    return turn.steps if epoch == turn.epoch else 0


def own_part(batch: int, processes: int) -> int:
    """Of a step's batch, what each process has.

    Raises:
        UserError: the processes cannot share it equally.
    """
    if batch % processes:
        raise UserError(
            f"pretrain.batch={batch} must be shared equally by {processes} processes (trainer.devices × "
            f"trainer.num_nodes): set pretrain.batch={batch // processes * processes or processes}, or other devices"
        )
    return batch // processes


def fixed_pairs(sessions: Sessions, seed: int) -> list[Pair]:
    """One pair a subject, always the same: for validation."""
    generator = np.random.default_rng((seed, 2))
    return [sessions.draw(subject, generator) for subject in range(len(sessions))]
