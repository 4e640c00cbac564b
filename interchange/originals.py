"""The scan and the clip that take all forms: real ones of CLINIMCL_REAL_DATA, else a phantom's."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import nibabel as nib
import numpy as np
from jaxtyping import Float, Int16, UInt8

from clinimcl.phantoms.writing import write_cohort

ROWS, COLUMNS = 240, 320  # of the clip: not square, so that a turn is seen
FRAMES = 50
QUICK = 10  # frames before a clip that slows down does: the slow step is the usual one, which the last frame takes
BLACK = 6  # planes of air at the left and the front, which forms fill with what means nothing


class Volume(NamedTuple):
    """A head along RAS axes, in whole numbers, which every format holds."""

    voxels: Int16[np.ndarray, "x y z"]
    affine: Float[np.ndarray, "4 4"]  # to mm, without a turn

    @property
    def spacing(self) -> tuple[float, float, float]:
        x, y, z = nib.affines.voxel_sizes(self.affine)
        return float(x), float(y), float(z)


def scan() -> Volume:
    with _folder("ixi_bids", "bids") as folder:
        image = nib.as_closest_canonical(nib.load(min(folder.rglob("*_T1w.nii.gz"))))
        voxels = np.rint(image.get_fdata()).astype(np.int16)
    voxels[:BLACK], voxels[:, -BLACK:] = 0, 0
    spacing = nib.affines.voxel_sizes(image.affine)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -(np.array(voxels.shape) - 1) / 2 * spacing
    return Volume(voxels, affine)


def clip() -> UInt8[np.ndarray, "frame row column"]:
    """The middle of a loop, its luma of 16 to 235 stretched to 0 to 255 here, not by a reader."""
    with (
        _folder("covid_blues", "lung") as folder,
        av.open(str(min(folder.rglob("*.mp4")))) as container,
    ):
        frames = islice(container.decode(video=0), FRAMES)
        luma = [frame.to_ndarray()[: frame.height, : frame.width] for frame in frames]
    stack = np.stack(luma).astype(np.float32)
    grey = np.rint((stack - 16) * (255 / 219)).clip(0, 255).astype(np.uint8)
    return _middle(_middle(grey, 1, ROWS), 2, COLUMNS)


def _middle(
    frames: UInt8[np.ndarray, "frame row column"], axis: int, most: int
) -> UInt8[np.ndarray, "frame row column"]:
    """At most so many rows or columns: a phantom's frame is smaller than a scanner's."""
    size = min(frames.shape[axis], most)
    first = (frames.shape[axis] - size) // 2
    return frames.take(range(first, first + size), axis)


@contextmanager
def _folder(real: str, layout: str) -> Iterator[Path]:
    if data := os.environ.get("CLINIMCL_REAL_DATA"):
        yield Path(data) / real
        return
    with tempfile.TemporaryDirectory() as folder:
        write_cohort(Path(folder) / "phantom", layout=layout, subjects=1, seed=0, workers=1)
        yield Path(folder) / "phantom"
