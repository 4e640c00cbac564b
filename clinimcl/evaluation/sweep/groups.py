"""Jobs that differ only by seed and fold make a cell: folds are pooled, seeds averaged."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.change.wording import pairs_of
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates, clusters_of, tabulate
from clinimcl.evaluation.statistics.confusion import CLASSES, Stack, Values, subjects_a_class
from clinimcl.evaluation.sweep.factors import PAIRS, place, values_of
from clinimcl.evaluation.sweep.jobs import Job
from clinimcl.evaluation.sweep.means import Unit

SEED = 0  # of what is drawn by chance


class Cell(NamedTuple):
    """Jobs with the same settings."""

    values: dict[str, str]  # by factor
    jobs: dict[Unit, Job]

    @property
    def seeds(self) -> list[int]:
        return sorted({seed for seed, _ in self.jobs})

    @property
    def folds(self) -> list[int]:
        return sorted({fold for _, fold in self.jobs})

    @property
    def answers(self) -> dict[Unit, pd.DataFrame]:
        return {unit: job.answers for unit, job in self.jobs.items() if job.answers is not None}


def cells_of(jobs: list[Job]) -> tuple[list[Cell], int]:
    """In the order in which they are read; and the jobs left out, which repeat another or tested other people."""
    grouped: dict[tuple[str, ...], Cell] = {}
    for job, told in zip(jobs, values_of([job.settings for job in jobs]), strict=True):
        values = told | {PAIRS: pairs_of(job.kind)}
        cell = grouped.setdefault(tuple(values.values()), Cell(values, {}))
        cell.jobs.setdefault((job.settings.seed, job.settings.fold), job)
    cells = [agreeing(cell) for cell in grouped.values()]
    left_out = len(jobs) - sum(len(cell.jobs) for cell in cells)
    return sorted(cells, key=lambda cell: [place(*value) for value in cell.values.items()]), left_out


def agreeing(cell: Cell) -> Cell:
    """Seeds are averaged over the same people: of each fold, the jobs that tested those whom most of them tested."""
    kept: dict[Unit, Job] = {}
    for fold in cell.folds:
        own = {unit: job for unit, job in cell.jobs.items() if unit[1] == fold}
        commonest = Counter(job.tested for job in own.values()).most_common(1)[0][0]
        kept |= {unit: job for unit, job in own.items() if job.tested == commonest}
    return cell._replace(jobs=dict(sorted(kept.items())))


class Pooled(NamedTuple):
    """Confusion matrices of some seeds of a cell, each over all folds, replicated over the subjects of all."""

    confusions: Replicates  # stack seed 3 3
    changes: list[Int[np.ndarray, " answer"]]  # of each seed
    agreeing: int  # subjects on whom a class mean rests

    def averaged(self, statistic: Callable[[Stack, Int[np.ndarray, " answer"]], Values]) -> Replicates:
        """The mean over seeds of a statistic of a stack of confusion matrices and of the true classes."""

        def mean(stack: Float[np.ndarray, "stack seed 3 3"]) -> Values:
            own = [statistic(stack[:, place], change) for place, change in enumerate(self.changes)]
            return np.mean(own, axis=0)

        return self.confusions.map(mean)

    def by_seed(self, statistic: Callable[[Stack, Int[np.ndarray, " answer"]], Values]) -> list[float]:
        whole = self.confusions.whole[0]
        return [float(statistic(whole[place : place + 1], change)[0]) for place, change in enumerate(self.changes)]


def pool(answers: dict[Unit, pd.DataFrame]) -> Pooled:
    """Subjects of two folds are two people."""
    seeds = sorted({seed for seed, _ in answers})
    table = pd.concat(
        [own.assign(seed=seeds.index(seed), fold=fold) for (seed, fold), own in answers.items()], ignore_index=True
    )
    ends = people(table)
    of_seed, change = table["seed"].to_numpy(int), table["change"].to_numpy(int)
    clusters = clusters_of(ends[0], ends[1], SEED)
    confusions = replicated(clusters, CLASSES * CLASSES * of_seed + CLASSES * change + table["answered"].to_numpy(int))
    items = len(table) // len(seeds)
    changes = [change[of_seed == place] for place in range(len(seeds))]
    return Pooled(confusions._replace(items=items), changes, subjects_a_class(change, clusters))


def people(table: pd.DataFrame) -> Int[np.ndarray, "2 answer"]:
    """Of both scans of each answer, counted from 0 over all folds."""
    fold = table["fold"].to_numpy(int) + 1
    numbers = table[["subject", "other"]].to_numpy(int).T
    return np.unique(fold * (numbers.max() + 1) + numbers, return_inverse=True)[1].reshape(2, -1)


def replicated(clusters: Clusters, cell: Int[np.ndarray, " item"]) -> Replicates:
    """Counts of (seed, truth, answer). Items of the same people weigh the same, so that they are summed first."""
    ends, group = np.unique([clusters.one, clusters.other], axis=1, return_inverse=True)
    seeds = int(cell.max()) // CLASSES**2 + 1
    counts = np.zeros((ends.shape[1], seeds * CLASSES**2))
    np.add.at(counts, (group.ravel(), cell), 1)
    grouped = clusters._replace(one=ends[0], other=ends[1])
    return tabulate(grouped, counts, (seeds, CLASSES, CLASSES))
