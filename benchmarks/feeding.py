"""python benchmarks/feeding.py: shuffled batches of 16 prepared scans, beside MONAI's and TorchIO's ways to serve them.

All serve the same 96³ arrays through a loader, in the same type: ours from the store's files (page cache warm, as in
every epoch but the first) or held in memory, of float16 or packed in uint8, the others from what they cache. Held from
shards, ours lie in the page cache, which all processes share. Memory is what ours and CacheDataset each add to a
process for itself alone, without files that it maps. Memory freed is kept by the process, as in training, for all of
them alike. With `--device cuda` every batch ends on the GPU, from pinned memory, and both sides may hold the scans
there, as MONAI's guide to fast training does; memory is then that of the host and that of the GPU. Training takes
float16 from ours, and converts it on the device: the last line is what that is worth beside the others' default type.
"""

import argparse
import gc
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import psutil
import timing
import torch
import torchio
from monai.data import CacheDataset, DataLoader, PersistentDataset, ThreadDataLoader
from monai.transforms import Compose, EnsureChannelFirst, EnsureType, LoadImage

from clinimcl import memory
from clinimcl.data.datamodule import Loading, ScanDataset
from clinimcl.data.volumes import Volumes
from clinimcl.preparation.store.store import Store
from clinimcl.preparation.store.uint8 import unpacked

SIDE, BATCH = 96, 16
TYPES = {"float32": (torch.float32, 4.0), "float16": (torch.float16, 1.0)}  # and the ratio that is to be reached
Loader = Iterable[Any]
Serve = Callable[[Path, torch.dtype, torch.device], Loader]


def main() -> None:
    arguments = _arguments()
    memory.keep_freed()
    device = timing.device(arguments.device)
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), arguments.scans)
        cores = f"{os.cpu_count()} cores"
        print(f"{arguments.scans} scans of {SIDE}³ in batches of {BATCH} to {device}, {cores}, {timing.load()}")
        rates = {kind: _compare(Path(folder), kind, arguments.repeats, device) for kind in TYPES}
        as_trained = timing.spread(timing.ratios(rates["float16"]["clinimcl"], rates["float32"]["CacheDataset"]))
        print(f"as in training: clinimcl, which serves float16 / CacheDataset in its default float32: {as_trained}")
        print(f"{timing.load()} after")


def _compare(folder: Path, kind: str, repeats: int, device: torch.device) -> dict[str, list[float]]:
    """Scans a second of each, turn by turn."""
    dtype, goal = TYPES[kind]
    loaders = {name: serve(folder, dtype, device) for name, serve in _servers(device).items()}
    _check_equal(loaders, dtype, device)
    scans = len(_rows(folder))
    runs = [partial(_epoch, loader) for loader in loaders.values()] + [_copies(dtype, device, scans // BATCH)]
    seconds = timing.in_turns(runs, repeats, device)
    rates = {name: [scans / each for each in own] for name, own in zip([*loaders, "memcpy"], seconds, strict=True)}
    for name, own in rates.items():
        compared = name.startswith("clinimcl") or name in ("CacheDataset", "CacheDataset, held on the device")
        added = f", {_in_own_process(folder, name, kind, device)}" if compared else ""
        print(f"{kind} {name}: {timing.spread(own, '.0f')} scans/s{added}")
    ours, others = _sides(loaders)
    best = max(others, key=lambda name: statistics.median(rates[name]))
    for name, other, wanted in [
        *((own, best, f"goal at least {goal:g}") for own in ours),
        *((own, "memcpy", "aim 0.85") for own in ours),
        ("memcpy", best, "what could be reached"),
    ]:
        print(f"{kind}: {name} / {other} {timing.spread(timing.ratios(rates[name], rates[other]))}, {wanted}")
    return rates


def _sides(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Ours, and the others."""
    found: tuple[list[str], list[str]] = ([], [])
    for name in names:
        found[not name.startswith("clinimcl")].append(name)
    return found


def _write(folder: Path, scans: int) -> None:
    """The store, and the same arrays as files that the others read."""
    store: dict[str, Store] = {kind: Store(folder / kind) for kind in ("float16", "uint8")}
    rows: dict[str, list[tuple[str, str]]] = {kind: [] for kind in store}
    steps = np.random.default_rng(0).integers(256, size=(SIDE, SIDE, SIDE), dtype=np.uint8)  # as both types have them
    for number in range(scans):
        packed = np.roll(steps, number + 1)
        for kind, array in {"float16": unpacked(packed), "uint8": packed}.items():
            rows[kind].append((f"{number:032x}", store[kind].put(f"{number:032x}", array)))
        nib.save(nib.Nifti1Image(unpacked(packed).astype(np.float32), np.eye(4)), folder / f"{number}.nii")
    rows["shards"], store["shards"] = rows["float16"], Store(folder / "shards")
    shutil.copytree(folder / "float16", folder / "shards")
    store["shards"].join(rows["shards"], scans)
    for kind, own in rows.items():
        pd.DataFrame(own, columns=["key", "checksum"]).to_csv(folder / f"{kind}.csv", index=False)


def _rows(folder: Path, kind: str = "float16") -> pd.DataFrame:
    return pd.read_csv(folder / f"{kind}.csv")


def _ours(place: str = "disk", kind: str = "float16") -> Serve:
    """`kind` is the store's."""

    def serve(folder: Path, dtype: torch.dtype, device: torch.device) -> Loader:
        rows = _rows(folder, kind)
        volumes = Volumes(rows, Store(folder / kind), None)
        if place != "disk":
            volumes.hold(device if place == "device" else timing.CPU)
        pinned = device.type == "cuda" and place != "device"
        loading = Loading(workers=0, pin_memory=pinned, place=place, slices=None, evaluation_batch=BATCH)
        order = torch.utils.data.RandomSampler(range(len(rows)))
        loader = loading.loader(ScanDataset(volumes), BATCH, order)
        return _Mapped(loader, lambda batch: batch.volume.to(device, non_blocking=True).to(dtype))

    return serve


def _monai(cached: type, *, held: bool = False, loader: type = DataLoader, **loading: Any) -> Serve:
    """`held`: what it caches lies on the device."""

    def serve(folder: Path, dtype: torch.dtype, device: torch.device) -> Loader:
        to_tensor = EnsureType(dtype=dtype, track_meta=False, device=device if held else None)
        chain = Compose([LoadImage(image_only=True), EnsureChannelFirst(), to_tensor])
        files = [folder / f"{number}.nii" for number in range(len(_rows(folder)))]
        if cached is CacheDataset:
            data = CacheDataset(files, chain, num_workers=0 if held else 2, progress=False, copy_cache=False)
        else:
            data = PersistentDataset(files, chain, cache_dir=folder / f"persistent-{dtype}")
        pinned = device.type == "cuda" and not held
        served = loader(data, batch_size=BATCH, shuffle=True, pin_memory=pinned, **{"num_workers": 0} | loading)
        return _Mapped(served, lambda batch: batch.to(device, non_blocking=True))

    return serve


def _torchio(folder: Path, dtype: torch.dtype, device: torch.device) -> Loader:
    """Subjects loaded once, as its documentation advises where memory allows it."""
    subjects = []
    for number in range(len(_rows(folder))):
        image = torchio.ScalarImage(folder / f"{number}.nii")
        image.load()
        image.set_data(image.data.to(dtype))
        subjects.append(torchio.Subject(scan=image))
    data = torchio.SubjectsDataset(subjects)
    loader = torchio.SubjectsLoader(data, batch_size=BATCH, shuffle=True, pin_memory=device.type == "cuda")
    return _Mapped(loader, lambda batch: batch["scan"][torchio.DATA].to(device, non_blocking=True))


class _Mapped:
    def __init__(self, loader: Loader, function: Callable[[Any], torch.Tensor]) -> None:
        self._loader, self._function = loader, function

    def __iter__(self) -> Any:
        return map(self._function, self._loader)


def _servers(device: torch.device) -> dict[str, Serve]:
    held = {
        "clinimcl, held on the device": _ours("device"),
        "CacheDataset, held on the device": _monai(CacheDataset, held=True, loader=ThreadDataLoader),
    }
    return {
        "clinimcl": _ours(),
        "clinimcl, held in memory": _ours("memory"),
        "clinimcl, shards held in memory": _ours("memory", "shards"),
        "clinimcl, uint8": _ours(kind="uint8"),
        "clinimcl, uint8, held in memory": _ours("memory", "uint8"),
        "CacheDataset": _monai(CacheDataset),
        "CacheDataset, 2 workers": _monai(CacheDataset, num_workers=2, persistent_workers=True),
        "CacheDataset, ThreadDataLoader": _monai(CacheDataset, loader=ThreadDataLoader),
        "PersistentDataset": _monai(PersistentDataset),
        "TorchIO": _torchio,
    } | (held if device.type == "cuda" else {})


def _check_equal(loaders: dict[str, Loader], dtype: torch.dtype, device: torch.device) -> None:
    """Each serves every scan once: their corners over an epoch, sorted, are the same."""
    found = {}
    for name, loader in loaders.items():
        batches = list(loader)
        assert all(batch.dtype == dtype and batch.shape[1:] == (1, SIDE, SIDE, SIDE) for batch in batches), name
        assert all(batch.device.type == device.type for batch in batches), name
        corners = torch.cat([torch.as_tensor(batch)[:, 0, 0, 0, :8] for batch in batches]).double().cpu()
        found[name] = corners.sort(dim=0).values
    assert all(torch.equal(own, found["clinimcl"]) for own in found.values()), "the servers differ"


def _epoch(loader: Loader) -> None:
    for _ in loader:
        pass


def _copies(dtype: torch.dtype, device: torch.device, batches: int) -> Callable[[], None]:
    """The bytes of an epoch, copied to the device from memory that is there."""
    batch = torch.rand(BATCH, 1, SIDE, SIDE, SIDE).to(dtype)
    batch, into = batch.pin_memory() if device.type == "cuda" else batch, torch.empty_like(batch, device=device)

    def copy() -> None:
        for _ in range(batches):
            into.copy_(batch, non_blocking=True)

    return copy


def _in_own_process(folder: Path, name: str, kind: str, device: torch.device) -> str:
    """Forked from a process that has imported what takes time, and done nothing."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["clinimcl.data.datamodule", "monai.data", "monai.transforms", "torchio"])
    with ProcessPoolExecutor(1, context) as pool:
        return pool.submit(_added_memory, folder, name, kind, device).result()


def _added_memory(folder: Path, name: str, kind: str, device: torch.device) -> str:
    """GiB of this process above what it had before, after an epoch, and what the GPU had at most."""
    memory.keep_freed()
    gc.collect()  # which writes to what is shared since the fork
    before = _own_bytes()
    loader = _servers(device)[name](folder, TYPES[kind][0], device)
    _epoch(loader)
    host = f"{(_own_bytes() - before) / 2**30:.2f} GiB"
    if device.type == "cpu":
        return host
    return f"{host} and {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB of the GPU"


def _own_bytes() -> int:
    """Memory of this process that is no other's, and no file's."""
    areas = psutil.Process().memory_maps()
    return sum(area.private_clean + area.private_dirty for area in areas if not area.path.startswith("/"))


def _arguments() -> argparse.Namespace:
    parser = timing.on_devices(timing.options(__doc__))
    parser.add_argument("--scans", type=int, default=96)
    return parser.parse_args()


if __name__ == "__main__":
    main()
