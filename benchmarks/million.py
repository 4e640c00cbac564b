"""python benchmarks/million.py: how a synthetic index of a million scans opens, and how fast its first batch comes.

The index is the store's table, half a million subjects of two sessions each. In a process of its own: read it, check
that splits share neither subject nor file, arrange the sessions, draw the epoch's first batch and read its arrays.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SUBJECTS, BATCH = 500_000, 8
GOALS = "goal at most 10 s and 1 GB, aim 3 s and 0.3 GB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=SUBJECTS, help="of two scans each")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--open", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open:
        _open(Path(arguments.open))
        return
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), arguments.subjects)
        _open(Path(folder), first=True)  # writes the arrays of the first batch, which follow from the seed
        for _ in range(arguments.repeats):
            command = [sys.executable, __file__, "--open", folder]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    print(GOALS)


def _write(folder: Path, subjects: int) -> None:
    from clinimcl.preparation.store import Store

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


def _open(folder: Path, first: bool = False) -> None:
    from clinimcl.cohorts import splits
    from clinimcl.data.sampling import PairSampler, Sampling, Sessions, Turn
    from clinimcl.data.volumes import Volumes
    from clinimcl.preparation.store import Store

    before, begun = _peak_gib(), time.perf_counter()
    store = Store(folder)
    scans = store.table()
    read = time.perf_counter()
    splits.check(scans)
    checked = time.perf_counter()
    sampling = Sampling(batch=BATCH, pairs_per_epoch=len(scans) // 3, subject_share=1.0, seed=0)
    sampler = PairSampler(Sessions(scans[scans["split"] == "train"]), sampling, Turn())
    drawing = iter(sampler)
    rows = [row for _ in range(BATCH) for row in next(drawing)]
    drawn = time.perf_counter()
    if first:
        _store_arrays(folder, store, scans, rows)
        return
    Volumes(scans, store, None).gather(rows)
    end = time.perf_counter()
    added = _peak_gib() - before
    print(
        f"{len(scans)} scans in {end - begun:.2f} s and {added:.2f} GiB: table {read - begun:.2f}, splits "
        f"{checked - read:.2f}, sessions and first pairs {drawn - checked:.2f}, first batch {end - drawn:.2f}"
    )


def _peak_gib() -> float:
    """Of this process since it began: `ru_maxrss` would count what the parent had, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


def _store_arrays(folder: Path, store: object, scans: pd.DataFrame, rows: list[int]) -> None:
    from clinimcl.preparation.store import Store

    assert isinstance(store, Store)
    voxels = np.random.default_rng(0).random((96, 96, 96)).astype(np.float16)
    for row in rows:
        scans.loc[row, "checksum"] = store.put(scans["key"][row], np.roll(voxels, row))
    store.write_table(scans)


if __name__ == "__main__":
    main()
