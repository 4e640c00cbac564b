"""Clinica's CAPS: T1w images that its t1-linear pipeline has brought to MNI space."""

import re
from dataclasses import dataclass

import pandas as pd

from clinimcl.cohorts.cohort import Cohort, Reading, no_scans
from clinimcl.cohorts.files.bids_names import entities, folders_like, once
from clinimcl.cohorts.schema import BRAIN_VOLUMES
from clinimcl.cohorts.session_labels import labelled_days, labelled_months, labels_remark
from clinimcl.cohorts.tables.bids_levels import read_levels
from clinimcl.cohorts.tables.bids_tables import people, with_score
from clinimcl.cohorts.tables.bids_times import days
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.visits import no_visits
from clinimcl.storage.tree import Tree, explore

OBTAIN = (
    "A CAPS tree is what Clinica's `clinica run t1-linear BIDS CAPS` writes (https://www.clinica.run); to try the "
    "experiment today, `python -m clinimcl.phantom layout=bids out=DIR subjects=60` and cohort=bids cohort.root=DIR"
)

_SCAN = re.compile(
    r"(?:^|/)sub-(?P<subject>[^/]+)/ses-(?P<session>[^/]+)/t1_linear/"
    r"(?P<source>[^/]+?)(?P<older>_T1w)?_space-MNI152NLin2009cSym(?P<crop>_desc-Crop)?_res-1x1x1"
    r"_T1w\.nii(?:\.gz)?$"
)
_EXAMPLE = "subjects/sub-X/ses-M000/t1_linear/sub-X_ses-M000_space-MNI152NLin2009cSym_desc-Crop_res-1x1x1_T1w.nii.gz"


@dataclass(frozen=True, kw_only=True)
class Caps(Cohort):
    """Times and scores come from the tables of the BIDS tree that Clinica started from (bids), as in
    cohort=bids.

    Where they give no times, labels of the form ses-M006 count as months, which is Clinica's
    convention, and labels that are all of the form ses-d0129 as days, which is OASIS-3's.
    """

    obtain = OBTAIN

    bids: str | None  # None looks for the tables in the CAPS tree itself

    def read(self) -> Reading:
        """Scans, cropped ones where a scan has both forms; no audit."""
        tree = explore(self.root, self.obtain)
        scans = list_scans(tree)
        folders, told = folders_like(tree.files, _SCAN), Remarks()
        told.count(folders, "folders are named like t1_linear images: nothing is read of them")
        if scans.empty:
            hint = f"{folders} folders are named like one. " if folders else ""
            raise no_scans("t1_linear images", self.root, _EXAMPLE, hint + self.obtain, tree.files)
        levels = read_levels(tree if self.bids is None else explore(self.bids, self.obtain), scans)
        labelled = labelled_months(scans["session"]).fillna(labelled_days(scans["session"]))
        scans = scans.assign(day=days(levels, scans, labelled))
        scans = scans.join(people(levels, scans, [*self.extra_columns(), *BRAIN_VOLUMES]))
        scans = with_score(levels, scans, self.score, self.higher_is)
        remarks = told.sentences() + _mixture(scans) + levels.remarks.sentences()
        remarks += labels_remark(scans, labelled_days(scans["session"]))
        return Reading(scans.drop(columns="file"), no_visits(), remarks)


def _mixture(scans: pd.DataFrame) -> tuple[str, ...]:
    whole = ~scans["path"].str.contains("_desc-Crop_", regex=False)
    remarks = Remarks()
    if not whole.all():
        remarks.count(
            int(whole.sum()), "scans have no cropped image: their whole one is read beside others' cropped ones"
        )
    return remarks.sentences()


def list_scans(tree: Tree) -> pd.DataFrame:
    """subject, session, path, run and file (the image in the BIDS tree that it was made from).

    Up to Clinica 0.7 another _T1w stood before _space-. One image under both names, cropped and
    not, or compressed and not, is one scan: the cropped form counts, and then the newer name.
    """
    found = [(file, _SCAN.search(file)) for file in once(tree.files)]
    rows = [hit.groupdict() | {"path": tree.address(file)} for file, hit in found if hit]
    scans = pd.DataFrame(rows, columns=[*_SCAN.groupindex, "path"], dtype=str)
    form = {"uncropped": scans["crop"].isna(), "older": scans["older"].notna()}
    scans = scans.assign(**form).sort_values(["uncropped", "older"], kind="stable")
    scans = scans.drop_duplicates(["subject", "session", "source"])
    folder = "sub-" + scans["subject"] + "/ses-" + scans["session"] + "/anat/"
    return pd.DataFrame(
        {
            "subject": scans["subject"],
            "session": scans["session"],
            "path": scans["path"],
            "run": [entities(f"{name}_T1w") for name in scans["source"]],
            "file": folder + scans["source"] + "_T1w.nii.gz",
        }
    ).reset_index(drop=True)
