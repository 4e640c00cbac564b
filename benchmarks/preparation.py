"""python benchmarks/preparation.py: a `.nii.gz` of 176 × 256 × 256 to a cube of 96³, beside MONAI's chain.

Ours ends in the store, synchronised with the disk; the others end in memory. All read from a warm page cache, on one
thread; then all cores, a process each. The scan is a generated head with Rician noise, int16, stored from right to left
and gzipped at level 6, as converters do it. Its voxels are 1.2 × 1 × 1 mm, as in much of ADNI, then 1 mm, as in most of
OASIS-3, where MONAI's resampling to 1 mm has nothing to do. Nobody can be faster than reading and a verified gunzip,
measured beside. Memory that is freed stays with the process (`clinimcl.memory`), for all alike.
"""

import argparse
import gzip
import os
import tempfile
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import nibabel as nib
import numpy as np
import timing
import torch
from isal import isal_zlib
from monai import transforms
from nilearn.datasets import load_mni152_template
from scipy import ndimage
from threadpoolctl import threadpool_limits

from clinimcl import memory
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.prepare import Source, prepare_scan
from clinimcl.preparation.store.store import Record, Store

SHAPE, GRID, SIDE, PERCENTILE = (176, 256, 256), 96, 224.0, 99.5
SPACINGS = ((1.2, 1.0, 1.0), (1.0, 1.0, 1.0))  # mm
WHITE_MATTER, NOISE = 350, 0.03
FLOOR, AIM = 12, 20
BYTES = 2 * int(np.prod(SHAPE)) + 352  # of the file, inflated
PIPELINE = FieldOfView(grid=GRID, spacing=None, field_of_view=SIDE, percentile=PERCENTILE, align="none")
Way = Callable[[Path], object]
Seconds = dict[str, list[float]]  # of one scan, turn by turn


def main() -> None:
    arguments = _arguments()
    _begin()
    print(f"{' × '.join(map(str, SHAPE))} int16 to {GRID}³, {timing.load()}")
    with tempfile.TemporaryDirectory() as name:
        paths = [write_scan(Path(name), spacing) for spacing in SPACINGS]
        for path in paths:
            _compare(path)
            print(f"\n{path.name}, {BYTES / path.stat().st_size:.2f} times smaller than inflated, one core")
            _report(_one_core(path, arguments.repeats))
        print(f"\n{paths[0].name}, {os.cpu_count()} cores together")
        _report(_all_cores(paths[0], arguments.scans, arguments.repeats))
    print(f"\n{timing.load()}")


def by_clinimcl(path: Path) -> tuple[Store, Record]:
    """As into a store in use; each process has its own."""
    store = Store(path.parent / f"store of {os.getpid()}")
    for array in store.folder.glob("*/*.npy"):
        array.unlink()
    return store, prepare_scan(PIPELINE, store, None, Source(str(path), "", ""))[0]


def by_monai(path: Path) -> np.ndarray:
    return _chain()(path)[0].numpy()


def by_scipy(path: Path) -> np.ndarray:
    """MONAI's steps, with nibabel and scipy."""
    image = nib.as_closest_canonical(nib.load(path))
    voxels = np.ascontiguousarray(image.dataobj, np.float32)  # or scipy takes three times as long
    voxels = ndimage.zoom(voxels, nib.affines.voxel_sizes(image.affine), order=1)
    voxels = (voxels - voxels.min()) / (voxels.max() - voxels.min())
    voxels = voxels[_box(voxels > 0)]
    voxels = (voxels - voxels.mean()) / voxels.std()
    return ndimage.zoom(voxels, [GRID / size for size in voxels.shape], order=1)


def read(path: Path) -> bytes:
    return path.read_bytes()


def read_and_gunzip(path: Path) -> bytes:
    return isal_zlib.decompress(path.read_bytes(), 31, BYTES)


def read_and_gunzip_by_zlib(path: Path) -> bytes:
    return zlib.decompress(path.read_bytes(), 31, BYTES)


def read_and_gunzip_by_libdeflate(path: Path) -> bytes:
    import deflate

    return deflate.gzip_decompress(path.read_bytes(), BYTES)


@cache
def _chain() -> transforms.Compose:
    return transforms.Compose(
        [
            transforms.LoadImage(ensure_channel_first=True),
            transforms.Orientation("RAS", labels=None),
            transforms.Spacing(1.0, mode="bilinear"),
            transforms.ScaleIntensity(),
            transforms.CropForeground(),
            transforms.NormalizeIntensity(),
            transforms.Resize((GRID,) * 3),
        ]
    )


def write_scan(folder: Path, spacing: tuple[float, float, float], seed: int = 0) -> Path:
    path = folder / f"{' × '.join(f'{mm:g}' for mm in spacing)} mm{f', {seed}' if seed else ''}.nii.gz"
    affine = np.diag([-spacing[0], *spacing[1:], 1.0])
    path.write_bytes(gzip.compress(nib.Nifti1Image(_head(spacing, seed)[::-1], affine).to_bytes(), 6))
    return path


def _head(spacing: tuple[float, float, float], seed: int) -> np.ndarray:
    """Brain, skull and scalp in air, and a lump in the left temple that tells left from right; axes RAS."""
    brain = np.pad(np.asarray(load_mni152_template(resolution=2).dataobj, np.float32), 12)
    inside = brain > 0.1 * brain.max()
    depth = 2 * ndimage.distance_transform_edt(~inside)  # mm from the brain
    head = np.where(inside, brain / brain.max(), np.where((depth > 7) & (depth < 13), 1.0, 0.0))
    left, middle, height = np.flatnonzero(head.any(axis=(1, 2)))[0], head.shape[1] // 2, head.shape[2] // 2
    head[left : left + 12, middle : middle + 12, height : height + 12] = 2
    scale = np.array(spacing) / 2
    offset = (np.array(head.shape) - scale * SHAPE) / 2
    signal = ndimage.affine_transform(head.astype(np.float32), scale, offset, output_shape=SHAPE, order=1)
    error = np.random.default_rng(seed).standard_normal((2, *SHAPE), np.float32) * np.float32(NOISE)
    return np.rint(np.hypot(signal + error[0], error[1]) * WHITE_MATTER).astype(np.int16)


def _compare(path: Path) -> None:
    """Ours is what its definition gives in float64; the others, which crop otherwise, show the head turned alike."""
    store, record = by_clinimcl(path)
    ours, exact = store.get(record.key, record.checksum), _reference(path)
    step = np.spacing(np.maximum(ours, np.float16(1 / 64))).astype(float)
    assert (np.abs(ours - exact) <= step).all()
    print(f"\n{path.name}: within {np.abs(ours - exact).max():.1e} of float64", end="")
    for way in (by_monai, by_scipy):
        cube = way(path)
        assert cube.shape == ours.shape
        alike = {turn: _correlation(ours, np.flip(cube, turn)) for turn in _flips()}
        assert alike[()] > 0.8 and max(alike, key=alike.__getitem__) == (), alike
        print(f", correlation with {way.__name__} {alike[()]:.3f}", end="")
    print()


def _reference(path: Path) -> np.ndarray:
    """Step after step, in float64."""
    image = nib.as_closest_canonical(nib.load(path))
    voxels, spacing = np.asarray(image.dataobj, np.float64), nib.affines.voxel_sizes(image.affine)
    low, high = np.percentile(voxels, 0.5), np.percentile(voxels[voxels > voxels.mean()], PERCENTILE)
    scaled = np.clip((voxels - low) / (high - low), 0, 1)
    head = scaled > 0.5 * scaled[scaled > scaled.mean()].mean()
    area = head.sum(axis=(0, 1))
    crown = np.flatnonzero(area > 0.05 * area.max())[-1]
    head[:, :, : max(0, crown - round(170 / spacing[2]))] = False
    head[:, :, crown + 1 :] = False
    centre = np.array(ndimage.center_of_mass(np.where(head, scaled, 0))) * spacing
    for size, mm, place in zip(SHAPE, spacing, centre, strict=True):
        targets = place + (np.arange(GRID) - (GRID - 1) / 2) * SIDE / GRID
        triangle = np.maximum(0, 1 - np.abs(targets[:, None] - np.arange(-500, size + 500) * mm) / max(SIDE / GRID, mm))
        weights = (triangle / triangle.sum(axis=1, keepdims=True))[:, 500:-500]
        scaled = np.tensordot(scaled, weights, axes=(0, 1))
    return scaled


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(_cropped(one).ravel(), _cropped(other).ravel())[0, 1])


def _cropped(cube: np.ndarray) -> np.ndarray:
    """The head's box, on 48³."""
    voxels = ndimage.gaussian_filter(cube.astype(np.float32) - float(cube.min()), 1.0)
    head = voxels[_box(voxels > 0.5 * voxels[voxels > voxels.mean()].mean())]
    return ndimage.zoom(head, [48 / size for size in head.shape], order=1)


def _box(mask: np.ndarray) -> tuple[slice, ...]:
    return ndimage.find_objects(mask.astype(np.uint8))[0]


def _flips() -> list[tuple[int, ...]]:
    return [tuple(np.flatnonzero(turned).tolist()) for turned in product((False, True), repeat=3)]


def _one_core(path: Path, repeats: int) -> Seconds:
    ways: list[Way] = [by_clinimcl, by_monai, read, read_and_gunzip, read_and_gunzip_by_zlib]
    try:
        read_and_gunzip_by_libdeflate(path)
        ways.append(read_and_gunzip_by_libdeflate)
    except ModuleNotFoundError:
        print("deflate is not installed: libdeflate is left out")
    return _named(ways, timing.in_turns([partial(way, path) for way in ways], repeats))


def _all_cores(path: Path, scans: int, repeats: int) -> Seconds:
    cores = os.cpu_count() or 1
    ways: list[Way] = [by_clinimcl, by_monai, read_and_gunzip]
    with ProcessPoolExecutor(cores, get_context("spawn"), _begin) as pool:

        def run(way: Way) -> None:
            list(pool.map(_discarding, [way] * scans, [path] * scans))

        return _named(ways, timing.in_turns([partial(run, way) for way in ways], repeats), scans)


def _discarding(way: Way, path: Path) -> None:
    way(path)


def _begin() -> None:
    """One thread a process."""
    memory.keep_freed()
    threadpool_limits(1)
    torch.set_num_threads(1)


def _named(ways: list[Way], seconds: list[list[float]], scans: int = 1) -> Seconds:
    return {way.__name__: [each / scans for each in own] for way, own in zip(ways, seconds, strict=True)}


def _report(seconds: Seconds) -> None:
    for name, own in seconds.items():
        print(f"  {name}: {timing.spread([1000 * each for each in own], '.1f')} ms a scan")
    ours, limit = seconds["by_clinimcl"], seconds["read_and_gunzip"]
    reached, possible = (timing.spread(timing.ratios(seconds["by_monai"], own), ".1f") for own in (ours, limit))
    print(f"  by_monai / by_clinimcl: {reached}, floor {FLOOR}, aim {AIM}")
    print(f"  by_monai / read_and_gunzip, what could be reached: {possible}")
    print(f"  by_clinimcl / read_and_gunzip: {timing.spread(timing.ratios(ours, limit))}")


def _arguments() -> argparse.Namespace:
    parser = timing.options(__doc__)
    parser.add_argument("--scans", type=int, default=2 * (os.cpu_count() or 1), help="at a time on all cores")
    return parser.parse_args()


if __name__ == "__main__":
    main()
