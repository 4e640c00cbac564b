"""What only a phantom knows: the pose in which each scan was taken."""

import json
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import pandas as pd
from jaxtyping import Float16

from clinimcl.phantoms.acquisition import undo_pose
from clinimcl.preparation.pipeline import Pipeline
from clinimcl.preparation.reading import Scan


class Truth(NamedTuple):
    root: Path
    digest: str  # of the phantom's parameters
    poses: dict[str, np.ndarray]  # path below root → 4×4, from the head at rest to the scan, mm


def read(root: str) -> Truth | None:
    """None where `root` is no phantom."""
    folder = Path(root)
    if not (folder / "phantom.json").is_file():
        return None
    table = pd.read_csv(folder / "phantom_truth.csv")
    rows = table[[f"pose_{row}{column}" for row in range(3) for column in range(4)]].to_numpy().reshape(-1, 3, 4)
    poses = {path: np.vstack([row, [0, 0, 0, 1]]) for path, row in zip(table["path"], rows, strict=True)}
    return Truth(folder, json.loads((folder / "phantom.json").read_text())["digest"], poses)


def realigned(truth: Truth, path: str, pipeline: Pipeline) -> Float16[np.ndarray, "grid grid grid"]:
    """The scan with its head moved back to rest, then prepared."""
    image = nib.as_closest_canonical(nib.Nifti1Image.from_filename(path))
    pose = truth.poses[Path(path).relative_to(truth.root).as_posix()]
    voxels = undo_pose(np.asarray(image.dataobj, np.float32), image.affine, pose, image.affine)
    x, y, z = (float(size) for size in nib.affines.voxel_sizes(image.affine))
    return pipeline.prepare(Scan(voxels, (x, y, z)))
