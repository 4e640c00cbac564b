"""OASIS-3 as it is downloaded: one folder a session, or the BIDS tree of its own script."""

import posixpath
import re
from dataclasses import dataclass

import pandas as pd

from clinimcl.cohorts.cohort import no_scans
from clinimcl.cohorts.files.bids_names import entities, once
from clinimcl.cohorts.files.copies import without_copies
from clinimcl.cohorts.files.sidecar import scanners
from clinimcl.cohorts.tables.oasis3_study import Listing, Oasis3Study
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.storage.tree import Tree

_NAME = r"(?P<name>[^/]+_T1w\.nii(?:\.gz)?)$"
_LAYOUTS = {
    "folders": re.compile(r"(?:^|/)(?P<subject>[A-Za-z0-9]+)_MR_(?P<session>d(?P<day>\d+))/(?:.*/)?" + _NAME),
    "bids": re.compile(r"(?:^|/)sub-(?P<subject>[A-Za-z0-9]+)/sess?-(?P<session>d(?P<day>\d+))/(?:anat/)?" + _NAME),
}
_DERIVED = re.compile(r"(?:^|/)derivatives/|_(?:desc|space)-[^/]*$")
_EXAMPLE = (
    "OAS30001_MR_d0129/anat2/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz or "
    "sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz"
)


@dataclass(frozen=True, kw_only=True)
class Oasis3(Oasis3Study):
    """Subject and day come from the session's folder: file names differ between downloads.

    download_oasis_scans_bids.sh moves the same files to sub-OAS30001/ses-d0129/anat. A session that
    lies in both ways is read once.

    sidecars says whether each scan's JSON is read for scanner and site; on a bucket that is one small request a scan.
    """

    sidecars: bool

    def scans_of(self, tree: Tree) -> Listing:
        scans, remarks = list_scans(tree)
        if scans.empty:
            raise no_scans("T1w scans of OASIS-3", self.root, _EXAMPLE, self.obtain, tree.files)
        told = Remarks()
        known = scanners(tree, scans["file"], told) if self.sidecars else scans[[]]
        return Listing(scans.drop(columns="file").join(known), remarks + told.sentences())


def list_scans(tree: Tree) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """subject, session, day, path, run and file (relative to the root), one row a T1w scan; remarks.

    Of sessions that lie both in folders of their own and in a BIDS tree, the BIDS tree is left out.
    Derivatives are never read. A volume that lies there both compressed and not, or in two folders,
    is one scan. Where two scans of a session have one run, or none, the name of their
    folder (anat2) tells them apart.
    """
    rows = [row for file in once(tree.files) if not _DERIVED.search(file) for row in _rows(file)]
    scans = pd.DataFrame(rows, columns=["subject", "session", "day", "name", "file", "layout", "above"])
    plain = scans.assign(name=scans["name"].str.removesuffix(".gz"))
    scans, copied = without_copies(plain, ["subject", "session", "name", "layout"])
    both = scans.groupby(["subject", "session"])["layout"].transform("nunique") > 1
    left = both & (scans["layout"] == "bids")
    twice = len(scans.loc[left, ["subject", "session"]].drop_duplicates())
    scans = scans[~left].drop(columns=["layout", "above"]).reset_index(drop=True)
    scans["run"] = [entities(name) for name in scans.pop("name")]
    same = scans.duplicated(["subject", "session", "run"], keep=False)
    scans.loc[same, "run"] = [_with_folder(file, run) for file, run in scans.loc[same, ["file", "run"]].to_numpy()]
    path = [tree.address(file) for file in scans["file"]]
    return scans.assign(day=scans["day"].astype(float), path=path), copied + _remarks(twice)


def _rows(file: str) -> list[dict[str, str]]:
    """One row, or none where the file is no T1w scan."""
    found = {layout: pattern.search(file) for layout, pattern in _LAYOUTS.items()}
    hits = {name: hit for name, hit in found.items() if hit}
    rows = [
        hit.groupdict() | {"file": file, "layout": name, "above": file[: hit.start()]} for name, hit in hits.items()
    ]
    return rows[:1]


def _remarks(twice: int) -> tuple[str, ...]:
    if not twice:
        return ()
    return (
        f"{twice} sessions lie below cohort.root twice, in folders of their own and in a BIDS tree: "
        "the BIDS tree's copies are left out.",
    )


def _with_folder(file: str, run: str) -> str:
    folder = posixpath.dirname(file).removesuffix("/NIFTI").rsplit("/", 1)[-1]
    return f"{run}_{folder}".lstrip("_")
