"""From the jobs of a sweep to what they say together."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.evaluation.change.wording import WITHOUT_REPRESENTATION
from clinimcl.evaluation.statistics.calibration import calibration
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of, metric
from clinimcl.evaluation.statistics.confusion import (
    SIGNED,
    UNIT,
    accuracy,
    macro_f1,
    macro_metric,
    present,
    quadratic_kappa,
    weighted_f1,
)
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.sweep.differences import Difference, class_mean, differences
from clinimcl.evaluation.sweep.groups import Cell, Pooled, cells_of, people, pool
from clinimcl.evaluation.sweep.jobs import Job, Jobs, read_jobs
from clinimcl.evaluation.sweep.means import Unit, averaged, mean, over_seeds

CHANGE, CONTRASTIVE = "balanced_accuracy", "retrieval_top1"
LEVELS = {
    CHANGE: tuple(f"{name}_balanced_accuracy" for name in (*WITHOUT_REPRESENTATION, "oracle")),
    CONTRASTIVE: ("raw_voxels_retrieval_top1", "realigned_voxels_retrieval_top1"),
}
BESIDE = {
    CHANGE: ("score_difference_balanced_accuracy", "score_spearman", "swap_consistency"),
    CONTRASTIVE: ("retrieval_map", "retrieval_top1_minus_raw_voxels", "order_tau"),
}


class Line(NamedTuple):
    """A cell of the sweep with what it reaches."""

    cell: Cell
    headline: Metric
    by_seed: list[float]  # the headline of each seed
    others: dict[str, Metric]  # other metrics, means over seeds
    validation: float | None  # the headline on validation subjects, mean over jobs


class Sweep(NamedTuple):
    """Everything that is told of a sweep."""

    jobs: Jobs
    headline: str  # name of the metric, CHANGE or CONTRASTIVE
    lines: list[Line]
    differences: list[Difference]
    levels: dict[str, Metric]  # what needs no representation reaches, and the oracle
    left_out: int  # jobs that repeat another, or tested other people
    unmeasured: int  # jobs without the headline

    @property
    def cells(self) -> list[Cell]:
        return [line.cell for line in self.lines]


def evaluate_sweep(folder: Path) -> Sweep:
    jobs = read_jobs(folder)
    headline = CHANGE if any(job.answers is not None for job in jobs.done) else CONTRASTIVE
    cells, left_out = cells_of([job for job in jobs.done if is_measured(job, headline)])
    lines = [line for cell in cells if (line := line_of(cell, headline)) is not None]
    cells = [line.cell for line in lines]
    return Sweep(
        jobs,
        headline,
        lines,
        differences(cells) if headline == CHANGE else [],
        levels_of(cells, LEVELS[headline]),
        left_out,
        len(jobs.done) - left_out - sum(len(cell.jobs) for cell in cells),
    )


def is_measured(job: Job, headline: str) -> bool:
    if headline == CONTRASTIVE:
        return headline in job.metrics
    return job.answers is not None and job.answers["subject"].nunique() > 1


def line_of(cell: Cell, headline: str) -> Line | None:
    """None where the answers of all its jobs together have no interval, as with a class of a single subject."""
    return change_line(cell) if headline == CHANGE else plain_line(cell)


def change_line(cell: Cell) -> Line | None:
    """Measured anew from the answers of all its jobs."""
    pooled = pool(cell.answers)
    headline = metric(pooled.averaged(class_mean), UNIT, pooled.agreeing)
    if not isinstance(headline, Metric):
        return None
    others = class_metrics(pooled) | {"calibration_error": calibrated(cell)} | beside(cell, CHANGE)
    own = levelled(cell, {CHANGE: headline} | others)
    largest = float(np.mean([np.bincount(change).max() / len(change) for change in pooled.changes]))
    own["accuracy"] = own["accuracy"]._replace(majority=largest)
    return Line(cell, own.pop(CHANGE), pooled.by_seed(class_mean), own, validated(cell, CHANGE))


def plain_line(cell: Cell) -> Line:
    """Averaged from the metrics of its jobs, whose answers are not kept."""
    own = metrics_of(cell, CONTRASTIVE)
    by_seed = [averaged({unit: own[unit] for unit in own if unit[0] == seed}).value for seed in cell.seeds]
    return Line(cell, averaged(own), by_seed, beside(cell, CONTRASTIVE), validated(cell, CONTRASTIVE))


def validated(cell: Cell, headline: str) -> float | None:
    return mean(job.validation.get(f"validation_{headline}") for job in cell.jobs.values())


def class_metrics(pooled: Pooled) -> dict[str, Metric]:
    """Besides balanced accuracy."""
    values = {
        "accuracy": (pooled.averaged(lambda stack, _: accuracy(stack)), UNIT),
        "weighted_f1": (pooled.averaged(lambda stack, _: weighted_f1(stack)), UNIT),
        "quadratic_kappa": (pooled.averaged(lambda stack, _: quadratic_kappa(stack)), SIGNED),
    }
    outcomes = {
        name: metric(own, bounds, None if name == "accuracy" else pooled.agreeing)
        for name, (own, bounds) in values.items()
    }
    macro = pooled.averaged(lambda stack, change: macro_f1(stack, present(change)))
    outcomes["macro_f1"] = macro_metric(macro, pooled.agreeing)
    return {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Metric)}


def calibrated(cell: Cell) -> Metric:
    """Of all folds of a seed together, then the mean over seeds."""
    return averaged({(seed, -1): seed_calibration(cell, seed) for seed in cell.seeds})


def seed_calibration(cell: Cell, seed: int) -> Metric:
    answers = {unit: own for unit, own in cell.answers.items() if unit[0] == seed}
    table = pd.concat([own.assign(fold=fold) for (_, fold), own in answers.items()], ignore_index=True)
    ends = people(table)
    clusters = clusters_of(ends[0], ends[1], seed)
    error, _ = calibration(clusters, table["change"].to_numpy(int), table[["p0", "p1", "p2"]].to_numpy(float))
    assert isinstance(error, Metric), "every job has at least two subjects"
    return error


def beside(cell: Cell, headline: str) -> dict[str, Metric]:
    """What cannot be measured anew from answers alone."""
    found = {name: metrics_of(cell, name) for name in BESIDE[headline]}
    return {name: averaged(own) for name, own in found.items() if own}


def metrics_of(cell: Cell, name: str) -> dict[Unit, Metric]:
    return {unit: job.metrics[name] for unit, job in cell.jobs.items() if name in job.metrics}


def levelled(cell: Cell, metrics: dict[str, Metric]) -> dict[str, Metric]:
    """With the chance and the majority that the jobs have."""
    told = {name: averaged(own) for name in metrics if (own := metrics_of(cell, name))}
    return {
        name: own._replace(chance=told[name].chance, majority=told[name].majority) if name in told else own
        for name, own in metrics.items()
    }


def levels_of(cells: list[Cell], names: tuple[str, ...]) -> dict[str, Metric]:
    """Means over the cells."""
    found = {name: [averaged(own) for cell in cells if (own := metrics_of(cell, name))] for name in names}
    return {name: over_seeds(own) for name, own in found.items() if own}
