"""python -m experiments.coverage.measure [TRIALS] [SEED] [NAME ...]: how often 95 % intervals hold the truth.

Writes coverage.csv, a row a metric and setting, and the tables of README.md beside this file. With names of SIMULATIONS
only these run, and the rows of other metrics stay.
"""

import sys
import zlib
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.evaluation.statistics.metrics import Metric
from experiments.coverage import answering, numbers, probabilities, report, scanners
from experiments.coverage.design import Estimate, Setting, Simulation, settings

TRIALS, SEED, WORKERS = 500, 2026, 2
FOLDER = Path(__file__).parent
SIMULATIONS = (
    Simulation("class_levels", answering.class_levels, True),
    Simulation("class_differences", answering.class_differences, True, compares=True),
    Simulation("shares", answering.shares, True),
    Simulation("two_people", answering.two_people, False),
    Simulation("calibration_error", answering.calibration_error, True),
    Simulation("probabilities", probabilities.probabilities, True),
    Simulation("set_coverages", probabilities.set_coverages, True),
    Simulation("probes", answering.probes, True),
    Simulation("sweeps", answering.sweeps, True, compares=True),
    Simulation("regressions", numbers.regressions, False),
    Simulation("distance_changes", numbers.distance_changes, False),
    Simulation("losses", numbers.losses, False),
    Simulation("embeddings", numbers.embeddings, False),
    Simulation("retrievals", numbers.retrievals, False),
    Simulation("sweep_means", numbers.sweep_means, False),
    Simulation("variance_shares", scanners.variance_shares, False),
)
COLUMNS = [
    "metric",
    "subjects",
    "answers",
    "shares",
    "effect",
    "trials",
    "given",
    "coverage",
    "below",
    "above",
    "width",
    "value",
    "truth",
    "found_5",
    "found_1",
    "absent",
]


class Task(NamedTuple):
    simulation: Simulation
    setting: Setting
    trials: int
    seed: int


def main() -> None:
    trials, seed = (*map(int, sys.argv[1:3]), *(TRIALS, SEED)[len(sys.argv) - 1 :])
    names = sys.argv[3:]
    table = measured(tasks_of(named(names), trials, seed), WORKERS)
    path = FOLDER / "coverage.csv"
    if names:
        table = replaced(pd.read_csv(path), table)
    table.to_csv(path, index=False, float_format="%.4f")
    report.write(table, FOLDER / "README.md")
    print(report.outside(table))


def named(names: list[str]) -> tuple[Simulation, ...]:
    """The simulations of these names; all of them without any."""
    known = {own.name: own for own in SIMULATIONS}
    unknown = sorted(set(names) - set(known))
    if unknown:
        sys.exit(f"no simulation is called {', '.join(unknown)}: expected some of {', '.join(known)}")
    return tuple(known[name] for name in names) if names else SIMULATIONS


def replaced(before: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The rows before, of other metrics than the new ones, and then these."""
    kept = before[~before["metric"].isin(table["metric"])]
    return pd.concat([kept, table], ignore_index=True)


def tasks_of(simulations: tuple[Simulation, ...], trials: int, seed: int) -> list[Task]:
    """The longest first."""
    tasks = [
        Task(simulation, setting, trials_of(simulation, setting, trials), seed)
        for simulation in simulations
        for setting in settings(simulation)
    ]
    return sorted(tasks, key=lambda task: -task.setting.subjects)


def trials_of(simulation: Simulation, setting: Setting, trials: int) -> int:
    """Twice as many where a p-value must be seldom small; else, above 25 subjects, fewer, since each takes longer."""
    if simulation.compares and not setting.real:
        return 2 * trials
    return int(trials * min(1.0, np.sqrt(25 / setting.subjects)))


def measured(tasks: list[Task], workers: int = 1) -> pd.DataFrame:
    if workers == 1:
        found = [simulate(task) for task in tasks]
    else:
        with ProcessPoolExecutor(workers) as pool:
            found = list(pool.map(simulate, tasks))
    return pd.concat([table for table in found if len(table)], ignore_index=True)


def simulate(task: Task) -> pd.DataFrame:
    """Settings have their own draws, whichever others there are."""
    key = zlib.crc32(repr((task.simulation.name, *task.setting)).encode())
    rng = np.random.default_rng([task.seed, key])
    drawn: dict[str, list[Estimate]] = defaultdict(list)
    for _ in range(task.trials):
        for estimate in task.simulation.draw(rng, task.setting):
            drawn[estimate.metric].append(estimate)
    return pd.DataFrame([row(name, own, task) for name, own in drawn.items()], columns=COLUMNS)


def row(name: str, estimates: list[Estimate], task: Task) -> tuple[object, ...]:
    found = [own for own in estimates if isinstance(own.outcome, Metric)]
    reasons = [own.outcome.reason for own in estimates if not isinstance(own.outcome, Metric)]
    why = max(set(reasons), key=reasons.count) if reasons else ""
    start = (name, *task.setting, task.trials, len(found) / task.trials)
    if not found:
        return (*start, *[np.nan] * 8, why)
    value, low, high = np.array([own.outcome[:3] for own in found]).T
    truth = np.array([value.mean() if own.truth is None else own.truth for own in found])
    below, above = high < truth - 1e-12, low > truth + 1e-12
    p = np.array([np.nan if own.p is None else own.p for own in estimates], dtype=float)
    found_5, found_1 = (np.mean(p <= level) if np.isfinite(p).any() else np.nan for level in (0.05, 0.01))
    numbers = (1 - (below | above).mean(), below.mean(), above.mean(), (high - low).mean(), value.mean(), truth.mean())
    return (*start, *numbers, found_5, found_1, why)


if __name__ == "__main__":
    main()
