"""A BIDS tree, with or without sessions."""

import re
from dataclasses import dataclass

import pandas as pd

from clinimcl.cohorts.bids_tables import days, people, read_levels, with_score
from clinimcl.cohorts.cohort import Cohort, Reading, no_scans
from clinimcl.cohorts.names import entities, once
from clinimcl.cohorts.schema import BRAIN_VOLUMES
from clinimcl.cohorts.session_labels import labelled_days, labels_remark
from clinimcl.cohorts.sidecar import scanners
from clinimcl.cohorts.tree import Tree, explore
from clinimcl.cohorts.visits import no_visits

OBTAIN = (
    "cohort.root is the folder that holds participants.tsv and the sub- folders (https://bids.neuroimaging.io; "
    "open data at https://openneuro.org); `python -m clinimcl.phantom layout=bids out=DIR subjects=60` writes a "
    "generated cohort in the same layout, with which cohort.root=DIR runs the same experiment today"
)


@dataclass(frozen=True, kw_only=True)
class Bids(Cohort):
    """Scores, times, age, sex, site and scanner come from scans.tsv, sessions.tsv and participants.tsv.

    Of a column that several of them have, the value of the most specific one counts (in the order above), wherever it
    is not n/a. Derivatives are not searched. suffix names the images to take, such as T1w. Scanner and site fall back
    to each scan's JSON, unless sidecars is false.
    """

    obtain = OBTAIN

    suffix: str
    sidecars: bool

    def read(self) -> Reading:
        """Scans in the order of time that their tables give; no audit, since tables name the scans' own sessions."""
        tree = explore(self.root, self.obtain)
        scans = list_scans(tree, self.suffix)
        if scans.empty:
            raise no_scans(
                f"{self.suffix} images",
                self.root,
                f"sub-01/ses-1/anat/sub-01_ses-1_{self.suffix}.nii.gz",
                self.obtain,
            )
        levels = read_levels(tree)
        labelled = labelled_days(scans["session"])
        scans = scans.assign(day=days(levels, scans, labelled))
        scans = scans.join(people(levels, scans, [*self.extra_columns(), *BRAIN_VOLUMES]))
        scans = with_score(levels, scans, self.score, self.higher_is)
        if self.sidecars:
            scans = scans.combine_first(scanners(tree, scans["file"]))
        return Reading(scans.drop(columns="file"), no_visits(), labels_remark(scans, labelled))


def list_scans(tree: Tree, suffix: str) -> pd.DataFrame:
    """subject, session ("" without session level), path, run, modality and file, one row an image."""
    pattern = re.compile(
        r"sub-(?P<subject>[^/]+)/(?:ses-(?P<session>[^/]+)/)?[^/]+/(?P<name>[^/]+_"
        + re.escape(suffix)
        + r"\.nii(?:\.gz)?)"
    )
    found = [(file, pattern.fullmatch(file)) for file in once(tree.files)]
    rows = [hit.groupdict() | {"file": file} for file, hit in found if hit]
    scans = pd.DataFrame(rows, columns=["subject", "session", "name", "file"], dtype=str)
    return scans.drop(columns="name").assign(
        session=scans["session"].fillna(""),
        run=[entities(name) for name in scans["name"]],
        path=[tree.address(file) for file in scans["file"]],
        modality=suffix,
    )
