"""OASIS-3 as it is downloaded: one folder a session, NIfTI files with JSON sidecars."""

import posixpath
import re
from dataclasses import dataclass

import pandas as pd

from clinimcl.cohorts.cohort import no_scans
from clinimcl.cohorts.names import entities, once
from clinimcl.cohorts.oasis3_study import Oasis3Study
from clinimcl.cohorts.sidecar import scanners
from clinimcl.cohorts.tree import Tree

_SCAN = re.compile(
    r"(?:^|/)(?P<subject>[A-Za-z0-9]+)_MR_(?P<session>d(?P<day>\d+))/(?:.*/)?(?P<name>[^/]+_T1w\.nii(?:\.gz)?)$"
)
_EXAMPLE = "OAS30001_MR_d0129/anat2/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz"


@dataclass(frozen=True, kw_only=True)
class Oasis3(Oasis3Study):
    """Subject and day come from the session folder: file names differ between downloads.

    sidecars says whether each scan's JSON is read for scanner and site; on a bucket that is one small request a scan.
    """

    sidecars: bool

    def scans_of(self, tree: Tree) -> pd.DataFrame:
        scans = list_scans(tree)
        if scans.empty:
            raise no_scans("T1w scans of OASIS-3", self.root, _EXAMPLE, self.obtain)
        known = scanners(tree, scans["file"]) if self.sidecars else scans[[]]
        return scans.drop(columns="file").join(known)


def list_scans(tree: Tree) -> pd.DataFrame:
    """subject, session, day, path, run and file (relative to the root), one row a T1w scan.

    A volume that lies there both compressed and not is one scan. Where two scans of a session have one run, or none,
    the name of their folder (anat2) tells them apart.
    """
    found = [(file, _SCAN.search(file)) for file in once(tree.files)]
    rows = [hit.groupdict() | {"file": file} for file, hit in found if hit]
    scans = pd.DataFrame(rows, columns=["subject", "session", "day", "name", "file"])
    scans["run"] = [entities(name) for name in scans.pop("name")]
    same = scans.duplicated(["subject", "session", "run"], keep=False)
    scans.loc[same, "run"] = [_with_folder(file, run) for file, run in scans.loc[same, ["file", "run"]].to_numpy()]
    return scans.assign(day=scans["day"].astype(float), path=[tree.address(file) for file in scans["file"]])


def _with_folder(file: str, run: str) -> str:
    folder = posixpath.dirname(file).removesuffix("/NIFTI").rsplit("/", 1)[-1]
    return f"{run}_{folder}".lstrip("_")
