"""Prepared scans, gathered into batches from where they lie."""

from collections.abc import Sequence
from typing import final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float16
from torch import Tensor

from clinimcl.preparation.frames import as_frames
from clinimcl.preparation.store import Store

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
        self._held: Float16[Tensor, "scan 1 x y z"] | None = None

    def gather(self, rows: Sequence[int]) -> Float16[Tensor, "batch 1 x y z"]:
        """A batch of its own memory.

        Raises:
            UserError: a file of the store is damaged.
        """
        if self._held is not None:
            return torch.stack([self._held[row] for row in rows])
        arrays = list(zip(self._keys.take(rows), self._checksums.take(rows), strict=True))
        self._store.bring(arrays)
        whole = np.empty((len(rows), *self._store.shape(*arrays[0])), np.float16)
        for place, array in zip(whole, arrays, strict=True):
            self._store.read_into(*array, place)
        return torch.from_numpy(whole if self._slices is None else as_frames(whole, self._slices))[:, None]

    def hold(self, device: torch.device) -> None:
        """Read all of them now, to be gathered on `device`; a second time does nothing."""
        if self._held is None or self._held.device != device:
            rows = range(len(self._keys))
            held = torch.empty((len(rows), *self.gather(rows[:1]).shape[1:]), dtype=torch.float16, device=device)
            for start in rows[::BLOCK]:
                held[start : start + BLOCK] = self.gather(rows[start : start + BLOCK])
            self._held = held
