"""python -m experiments.coverage.measure [FOLDER] [TRIALS] [SEED]: how often intervals hold the truth.

Writes coverage.csv, a row a metric and setting, and prints what lies outside of the bar.
"""

import sys
import time
import zlib
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.evaluation.metrics import Metric
from experiments.coverage import answering, numbers
from experiments.coverage.design import Estimate, Setting, Simulation, settings

TRIALS, SEED, WORKERS = 1000, 0, 2
SIMULATIONS = (
    Simulation("class_levels", answering.class_levels, True, 12),
    Simulation("class_differences", answering.class_differences, True, 60),
    Simulation("shares", answering.shares, True, 10),
    Simulation("two_people", answering.two_people, False, 3),
    Simulation("calibration_error", answering.calibration_error, True, 30),
    Simulation("probes", answering.probes, True, 20),
    Simulation("sweeps", answering.sweeps, True, 80),
    Simulation("regressions", numbers.regressions, False, 60),
    Simulation("distance_changes", numbers.distance_changes, False, 60),
    Simulation("losses", numbers.losses, False, 1),
    Simulation("embeddings", numbers.embeddings, False, 100),
    Simulation("retrievals", numbers.retrievals, False, 500),
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
    simulation: int
    setting: Setting
    trials: int
    seed: int


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    trials, seed = (int(text) for text in (*sys.argv[2:4], TRIALS, SEED)[:2]) if len(sys.argv) > 3 else (TRIALS, SEED)
    only = sys.argv[4].split(",") if len(sys.argv) > 4 else None
    table = measured(trials, seed, only)
    table.to_csv(folder / "coverage.csv", index=False, float_format="%.4f")


def measured(trials: int, seed: int, only: list[str] | None = None, workers: int = WORKERS) -> pd.DataFrame:
    tasks = [
        Task(number, setting, trials, seed)
        for number, own in enumerate(SIMULATIONS)
        for setting in settings(own)
        if only is None or own.name in only
    ]
    tasks.sort(key=lambda task: -task.setting.subjects)
    if workers == 1:
        return pd.concat([simulate(task) for task in tasks], ignore_index=True)
    with ProcessPoolExecutor(workers) as pool:
        return pd.concat(pool.map(simulate, tasks), ignore_index=True)


def simulate(task: Task) -> pd.DataFrame:
    simulation = SIMULATIONS[task.simulation]
    key = zlib.crc32(repr((simulation.name, *task.setting)).encode())
    rng = np.random.default_rng([task.seed, key])
    drawn: dict[str, list[Estimate]] = defaultdict(list)
    start = time.perf_counter()
    for _ in range(task.trials):
        for estimate in simulation.draw(rng, task.setting):
            drawn[estimate.metric].append(estimate)
    took = (time.perf_counter() - start) / task.trials * 1000
    if task.setting.subjects >= 100:
        print(simulation.name, *task.setting, f"{took:.1f} ms", flush=True)
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
