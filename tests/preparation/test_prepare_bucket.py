"""Scans in a bucket, prepared."""

import gzip

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from clinimcl.preparation.engines.engine import Local
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.prepare import prepare
from clinimcl.preparation.store.store import Store
from clinimcl.storage.tree import connect, explore

PIPELINE = FieldOfView(grid=8, spacing=None, field_of_view=80.0, percentile=99.5, align="none")


def cohort(root, subjects=12):
    """A scan each; one voxel is 10 mm."""
    rows = []
    for index in range(subjects):
        voxels = np.random.default_rng(index).random((12, 12, 12), dtype=np.float32)
        content = gzip.compress(nib.Nifti1Image(voxels, np.diag([10, 10, 10, 1])).to_bytes(), mtime=0)
        path = f"{root}/scan {index}.nii.gz"
        connect(path)[0].pipe_file(connect(path)[1], content)
        rows.append(
            {"subject": f"s{index}", "path": str(path), "mask": None, "split": "test" if index % 2 else "train"}
        )
    return pd.DataFrame(rows)


def prepared(scans, folder):
    return prepare(scans, PIPELINE, Store(folder), Local(1), most_set_aside=0.0).tally


def arrays(folder):
    return {path.name: path.read_bytes() for path in (folder / "arrays").iterdir()}


@pytest.mark.parametrize("faults", [[], ["429", "503", "reset", "cut", "flip"] * 4], ids=["well", "with faults"])
def test_scans_of_a_bucket_are_prepared_like_those_of_a_disk(link, tmp_path, faults):
    (tmp_path / "raw").mkdir()
    prepared(cohort(tmp_path / "raw"), tmp_path / "local")
    scans = cohort("gs://bucket/study")
    link.link.faults = faults
    assert prepared(scans, tmp_path / "remote") == (12, 0, 0)
    assert link.link.faults == []
    assert arrays(tmp_path / "remote") == arrays(tmp_path / "local")


def test_a_second_preparation_asks_for_the_listing_alone(link, tmp_path):
    scans = cohort("gs://bucket/study")
    prepared(scans, tmp_path / "store")
    link.counts.clear()
    explore("gs://bucket/study", "")
    assert prepared(scans, tmp_path / "store") == (0, 12, 0)
    assert link.counts["objects"] == 0
    assert link.counts["other"] <= 4
