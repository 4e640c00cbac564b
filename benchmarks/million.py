"""python benchmarks/million.py: how a synthetic index of a million scans opens, and how fast its first batch comes.

The index is the store's table, half a million subjects of two sessions each. In a process of its own, as training does
it: read it, check that splits share neither subject nor file, leave out what was set aside, arrange the sessions, draw
the epoch's first batch and read its arrays. Memory is what that adds at most to a process with its imports.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import timing

from clinimcl.cohorts import splits
from clinimcl.data.sampling import PairSampler, Sampling, Sessions, Turn
from clinimcl.data.volumes import Volumes
from clinimcl.preparation.store.store import Store

SUBJECTS, BATCH = 500_000, 8
GOALS = "goal at most 10 s and 1 GB, aim 3 s and 0.3 GB"


class Opened(NamedTuple):
    """Seconds of each part; GiB at most above what the process had."""

    table: float
    splits: float
    pairs: float
    batch: float
    gib: float


def main() -> None:
    arguments = _arguments()
    if arguments.open:
        print(*_open(Path(arguments.open)))
        return
    print(f"{2 * arguments.subjects} scans, {timing.load()}")
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), arguments.subjects)
        _open(Path(folder), first=True)  # writes the arrays of the first batch, which follow from the seed
        opened = [_in_own_process(folder) for _ in range(arguments.repeats)]
    total = [sum(each) - each.gib for each in opened]
    print(f"{timing.spread(total)} s and {timing.spread([each.gib for each in opened])} GiB, {GOALS}")
    for part in ("table", "splits", "pairs", "batch"):
        print(f"  {part} {timing.spread([getattr(each, part) for each in opened])} s")
    print(f"{timing.load()} after")


def _in_own_process(folder: str) -> Opened:
    told = subprocess.run([sys.executable, __file__, "--open", folder], check=True, capture_output=True, text=True)
    return Opened(*map(float, told.stdout.split()))


def _write(folder: Path, subjects: int) -> None:
    number = np.repeat(np.arange(subjects), 2)
    subject = pd.Series(number).map("OAS{:07d}".format)
    row = pd.Series(np.arange(2 * subjects))
    table = pd.DataFrame(
        {
            "subject": subject,
            "session": pd.Series(np.tile(["d0000", "d0400"], subjects)),
            "day": np.tile([0.0, 400.0], subjects),
            "path": "/data/" + subject + row.map("/{:07d}_T1w.nii.gz".format),
            "modality": "T1w",
            "score": np.random.default_rng(0).normal(size=2 * subjects),
            "site": (number % 40).astype(str),
            "split": np.array(["train", "train", "train", "train", "validation", "test"])[number % 6],
            "fingerprint": row.map("7340032-{:010d}".format),
            "pipeline": "0123456789abcdef",
            "content": row.map("{:032x}".format),
            "key": row.map("{:032x}".format),
            "checksum": row.map("{:016x}".format),
            "reason": "",
        }
    )
    Store(folder).write_table(table)


def _open(folder: Path, first: bool = False) -> Opened:
    before, times = _peak_gib(), [time.perf_counter()]
    store = Store(folder)
    table = store.table()
    times.append(time.perf_counter())
    splits.check(table)
    times.append(time.perf_counter())
    scans = table[table["reason"] == ""].reset_index(drop=True)
    sampling = Sampling(batch=BATCH, pairs_per_epoch=len(scans) // 3, subject_share=1.0, seed=0)
    sessions = Sessions(scans.loc[scans["split"] == "train", ["subject", "session"]])
    drawing = iter(PairSampler(sessions, sampling, Turn()))
    rows = [row for _ in range(BATCH) for row in next(drawing)]
    times.append(time.perf_counter())
    if first:
        _store_arrays(store, scans, rows)
    Volumes(scans, store, None).gather(rows)
    times.append(time.perf_counter())
    return Opened(*np.diff(times).tolist(), _peak_gib() - before)


def _peak_gib() -> float:
    """Of this process since it began: `ru_maxrss` would count what the parent had, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


def _store_arrays(store: Store, scans: pd.DataFrame, rows: list[int]) -> None:
    voxels = np.random.default_rng(0).random((96, 96, 96)).astype(np.float16)
    for row in rows:
        scans.loc[row, "checksum"] = store.put(scans["key"][row], np.roll(voxels, row))
    store.write_table(scans)


def _arguments() -> argparse.Namespace:
    parser = timing.options(__doc__)
    parser.add_argument("--subjects", type=int, default=SUBJECTS, help="of two scans each")
    parser.add_argument("--open", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
