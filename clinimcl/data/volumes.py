"""Prepared scans, gathered into batches from where they lie."""

from collections.abc import Sequence
from typing import final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float16, Shaped
from torch import Tensor

from clinimcl.preparation.frames import as_frames
from clinimcl.preparation.store.shards import Row
from clinimcl.preparation.store.store import Store
from clinimcl.preparation.store.uint8 import STEPS

UNPACKED = 2**21  # voxels at a time: torch takes 8 bytes for each meanwhile, and threads meet after each operation
BLOCK = 64  # scans that are read at a time to be held: of more, a bucket's cache may drop some before they are read


@final
class Volumes:
    """The scans of a table by their row: in the store's files until `hold` takes them elsewhere.

    `slices` axial slices of a volume stand as frames of a clip, for 2-D encoders; None leaves the volume.
    """

    def __init__(self, scans: pd.DataFrame, store: Store, slices: int | None) -> None:
        self._keys, self._checksums = scans["key"].array, scans["checksum"].array
        self._store = store
        self._slices = slices
        self._held: Shaped[Tensor, "scan 1 x y z"] | _Mapped | None = None

    def gather(self, rows: Sequence[int]) -> Float16[Tensor, "batch 1 x y z"]:
        """A batch of its own memory.

        Raises:
            UserError: a file of the store is damaged.
        """
        if self._held is None:
            return _intensities(self._read(rows))
        return _intensities([self._held[row] for row in rows])

    def hold(self, device: torch.device) -> None:
        """Read all of them now, to be gathered on `device`; a second time does nothing.

        Volumes that lie in shards are mapped into main memory: all processes of a machine share theirs.
        """
        if self._held is not None and self._held.device == device:
            return
        mapped = device.type == "cpu" and self._slices is None
        in_shards = self._store.in_shards(list(zip(self._keys, self._checksums, strict=True))) if mapped else None
        if in_shards is not None:
            self._held = _Mapped(in_shards)
        else:
            rows = range(len(self._keys))
            first = self._read(rows[:1])
            held = torch.empty((len(rows), *first.shape[1:]), dtype=first.dtype, device=device)
            for start in rows[::BLOCK]:
                held[start : start + BLOCK] = self._read(rows[start : start + BLOCK])
            self._held = held

    def _read(self, rows: Sequence[int]) -> Shaped[Tensor, "batch 1 x y z"]:
        """As they are stored."""
        arrays = list(zip(self._keys.take(rows), self._checksums.take(rows), strict=True))
        self._store.bring(arrays)
        first = self._store.stored(*arrays[0])
        whole = np.empty((len(rows), *first.shape), first.dtype)
        for place, array in zip(whole, arrays, strict=True):
            self._store.read_into(*array, place)
        return torch.from_numpy(whole if self._slices is None else as_frames(whole, self._slices))[:, None]


@final
class _Mapped:
    """Scans as they lie in shards; the page cache has them, as all were read to compare them."""

    device = torch.device("cpu")

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __getitem__(self, row: int) -> Shaped[Tensor, "1 x y z"]:
        """To be read only, of which `from_numpy` would warn."""
        return torch.from_dlpack(self._rows[row].array())[None]


def _intensities(stored: Sequence[Tensor] | Tensor) -> Float16[Tensor, "batch 1 x y z"]:
    whole = stored if isinstance(stored, Tensor) else torch.stack(list(stored))
    if whole.dtype == torch.float16:
        return whole
    unpacked, scans = torch.empty_like(whole, dtype=torch.float16), max(1, UNPACKED // whole[0].numel())
    for place, steps in zip(unpacked.split(scans), whole.split(scans), strict=True):
        torch.mul(steps, 1 / STEPS, out=place)
    return unpacked
