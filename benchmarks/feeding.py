"""python benchmarks/feeding.py: shuffled batches of 16 prepared scans, beside MONAI's and TorchIO's ways to serve them.

All serve the same 96³ arrays through a loader, in the same type: ours from the store's files (page cache warm, as in
every epoch but the first), the others from what they cache. Memory is what each adds to a process of its own. Memory
freed is kept by the process, as in training, for all of them alike.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import psutil
import torch
import torchio
from monai.data import CacheDataset, DataLoader, PersistentDataset, ThreadDataLoader
from monai.transforms import Compose, EnsureChannelFirst, EnsureType, LoadImage

from clinimcl import memory
from clinimcl.data.longitudinal import Loading, ScanDataset
from clinimcl.data.volumes import Volumes
from clinimcl.preparation.store import Store

SIDE, BATCH = 96, 16
TYPES = {"float32": (torch.float32, 4.0), "float16": (torch.float16, 1.0)}  # and the ratio that is to be reached
Loader = Iterable[Any]
Serve = Callable[[Path, torch.dtype], Loader]


def main() -> None:
    arguments = _arguments()
    memory.keep_freed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(arguments.folder or name)
        if arguments.folder is None:
            _write(folder, arguments.scans)
        if arguments.only:
            print(_added_memory(SERVERS[arguments.only], folder, TYPES[arguments.type][0]))
            return
        print(f"{arguments.scans} scans of {SIDE}³ in batches of {BATCH}, {os.cpu_count()} cores, load {_load()}")
        for kind in TYPES:
            _compare(folder, kind, arguments.repeats)
        print(f"load average after: {_load()}")


def _compare(folder: Path, kind: str, repeats: int) -> None:
    dtype, goal = TYPES[kind]
    loaders = {name: serve(folder, dtype) for name, serve in SERVERS.items()}
    _check_equal(loaders, dtype)
    rates: dict[str, list[float]] = {name: [] for name in ("memcpy", *loaders)}
    copied = torch.rand(BATCH, 1, SIDE, SIDE, SIDE).to(dtype)
    for turn in range(repeats):
        names = list(loaders) if turn % 2 == 0 else list(reversed(loaders))
        for name in names:
            rates[name].append(_rate(loaders[name]))
        rates["memcpy"].append(_copies(copied, scans=len(_rows(folder))))
    peers = {name: statistics.median(rates[name]) for name in loaders if name != "clinimcl"}
    best = max(peers, key=peers.__getitem__)
    for name, own in rates.items():
        added = "" if name == "memcpy" else f", {_in_own_process(folder, name, kind):.2f} GiB"
        print(f"{kind} {name}: {statistics.median(own):.0f} scans/s ({min(own):.0f} to {max(own):.0f}){added}")
    for other, wanted in ((best, f"goal at least {goal:g}"), ("memcpy", "aim 0.85")):
        ratios = [one / two for one, two in zip(rates["clinimcl"], rates[other], strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"{kind}: clinimcl / {other} {spread}, {wanted}")


def _write(folder: Path, scans: int) -> None:
    """The store, and the same arrays as files that the others read."""
    generator, store, rows = np.random.default_rng(0), Store(folder / "store"), []
    voxels = generator.random((SIDE, SIDE, SIDE)).astype(np.float16)
    for number in range(scans):
        array = np.roll(voxels, number + 1)
        rows.append((f"{number:032x}", store.put(f"{number:032x}", array)))
        nib.save(nib.Nifti1Image(array.astype(np.float32), np.eye(4)), folder / f"{number}.nii")
    pd.DataFrame(rows, columns=["key", "checksum"]).to_csv(folder / "rows.csv", index=False)


def _rows(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "rows.csv")


def _ours(folder: Path, dtype: torch.dtype) -> Loader:
    rows = _rows(folder)
    volumes = Volumes(rows, Store(folder / "store"), None)
    loading = Loading(workers=0, pin_memory=False, place="disk", slices=None, evaluation_batch=BATCH)
    order = torch.utils.data.RandomSampler(range(len(rows)))
    loader = loading.loader(ScanDataset(volumes), BATCH, order)
    return _Mapped(loader, lambda batch: batch.volume.to(dtype))


def _monai(cached: type, **loading: Any) -> Serve:
    def serve(folder: Path, dtype: torch.dtype) -> Loader:
        chain = Compose([LoadImage(image_only=True), EnsureChannelFirst(), EnsureType(dtype=dtype, track_meta=False)])
        files = [folder / f"{number}.nii" for number in range(len(_rows(folder)))]
        if cached is CacheDataset:
            data = CacheDataset(files, chain, num_workers=2, progress=False, copy_cache=False)
        else:
            data = PersistentDataset(files, chain, cache_dir=folder / f"persistent-{dtype}")
        return loading.get("loader", DataLoader)(
            data, batch_size=BATCH, shuffle=True, num_workers=loading.get("workers", 0), **loading.get("more", {})
        )

    return serve


def _torchio(folder: Path, dtype: torch.dtype) -> Loader:
    """Subjects loaded once, as its documentation advises where memory allows it."""
    subjects = []
    for number in range(len(_rows(folder))):
        image = torchio.ScalarImage(folder / f"{number}.nii")
        image.load()
        image.set_data(image.data.to(dtype))
        subjects.append(torchio.Subject(scan=image))
    loader = torchio.SubjectsLoader(torchio.SubjectsDataset(subjects), batch_size=BATCH, shuffle=True)
    return _Mapped(loader, lambda batch: batch["scan"][torchio.DATA])


class _Mapped:
    def __init__(self, loader: Loader, function: Callable[[Any], torch.Tensor]) -> None:
        self._loader, self._function = loader, function

    def __iter__(self) -> Any:
        return map(self._function, self._loader)


PERSISTENT = {"more": {"persistent_workers": True}}
SERVERS: dict[str, Serve] = {
    "clinimcl": _ours,
    "CacheDataset": _monai(CacheDataset),
    "CacheDataset, 2 workers": _monai(CacheDataset, workers=2, **PERSISTENT),
    "CacheDataset, ThreadDataLoader": _monai(CacheDataset, loader=ThreadDataLoader),
    "PersistentDataset": _monai(PersistentDataset),
    "TorchIO": _torchio,
}


def _check_equal(loaders: dict[str, Loader], dtype: torch.dtype) -> None:
    """Each serves every scan once: their sums over an epoch, in any order, are the same."""
    found = {}
    for name, loader in loaders.items():
        batches = list(loader)
        assert all(batch.dtype == dtype and batch.shape[1:] == (1, SIDE, SIDE, SIDE) for batch in batches), name
        corners = torch.cat([torch.as_tensor(batch)[:, 0, 0, 0, :8] for batch in batches]).double()
        found[name] = corners.sort(dim=0).values
    assert all(torch.equal(own, found["clinimcl"]) for own in found.values()), "the servers differ"


def _rate(loader: Loader) -> float:
    """Scans a second of one epoch."""
    start, scans = time.perf_counter(), 0
    for batch in loader:
        scans += len(batch)
    return scans / (time.perf_counter() - start)


def _copies(batch: torch.Tensor, scans: int) -> float:
    into = torch.empty_like(batch)
    start = time.perf_counter()
    for _ in range(scans // BATCH):
        into.copy_(batch)
    return scans // BATCH * BATCH / (time.perf_counter() - start)


def _added_memory(serve: Serve, folder: Path, dtype: torch.dtype) -> float:
    """GiB of this process and its workers above what they had before, after an epoch."""
    process = psutil.Process()
    before = process.memory_full_info().uss
    loader = serve(folder, dtype)
    for _ in loader:
        pass
    return float(process.memory_full_info().uss - before) / 2**30


def _in_own_process(folder: Path, name: str, kind: str) -> float:
    command = [sys.executable, __file__, "--folder", str(folder), "--only", name, "--type", kind]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scans", type=int, default=128)
    parser.add_argument("--folder", help="of scans that were written before")
    parser.add_argument("--only", choices=SERVERS, help="tell what memory this one adds")
    parser.add_argument("--type", choices=TYPES, default="float32")
    return parser.parse_args()


if __name__ == "__main__":
    main()
