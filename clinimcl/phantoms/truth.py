"""What only a phantom knows: the pose in which each scan was taken, and the true value of a score."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import pandas as pd
from jaxtyping import Float, Float16

from clinimcl.cohorts.tables.parsing import column
from clinimcl.phantoms.brain.acquisition import undo_pose
from clinimcl.preparation.formats.reading import Scan
from clinimcl.preparation.pipeline import Pipeline

_COLUMNS = {"cdrsum": "stage", "cdrsb": "stage", "cdr_sum": "stage"}  # others have their own name


class Truth(NamedTuple):
    root: Path
    digest: str  # of the phantom's parameters
    poses: dict[str, np.ndarray]  # path below root → 4×4, from the head at rest to the scan, mm; none for a lung
    table: pd.DataFrame  # the truth file, its index the path below root


def read(root: str) -> Truth | None:
    """None where `root` is no phantom."""
    folder = Path(root)
    if not (folder / "phantom.json").is_file():
        return None
    table = pd.read_csv(folder / "phantom_truth.csv", index_col="path")
    digest = json.loads((folder / "phantom.json").read_text())["digest"]
    if "pose_00" not in table:
        return Truth(folder, digest, {}, table)
    rows = table[[f"pose_{row}{column}" for row in range(3) for column in range(4)]].to_numpy().reshape(-1, 3, 4)
    poses = {str(path): np.vstack([row, [0, 0, 0, 1]]) for path, row in zip(table.index, rows, strict=True)}
    return Truth(folder, digest, poses, table)


def scores(phantom: Truth, paths: Sequence[str], score_name: str) -> Float[np.ndarray, " scan"]:
    """What the score would be without a rater's error, NaN where the phantom does not know.

    MMSE, and the CDR's sum of boxes by any of its names; any other score by its own column of the truth file.
    """
    wanted = _COLUMNS.get(score_name.lower(), score_name)
    name = column([wanted], list(phantom.table.select_dtypes("number").columns))
    if name is None:
        return np.full(len(paths), np.nan)
    below = [path.removeprefix(f"{phantom.root.as_posix()}/") for path in paths]
    return phantom.table[name].astype(float).reindex(below).to_numpy()


def realigned(truth: Truth, path: str, pipeline: Pipeline) -> Float16[np.ndarray, "grid grid grid"]:
    """The scan with its head moved back to rest, then prepared."""
    image = nib.as_closest_canonical(nib.load(path))
    pose = truth.poses[Path(path).relative_to(truth.root).as_posix()]
    voxels = undo_pose(np.asarray(image.dataobj, np.float32), image.affine, pose, image.affine)
    x, y, z = (float(size) for size in nib.affines.voxel_sizes(image.affine))
    return pipeline.prepare(Scan(voxels, (x, y, z)))
