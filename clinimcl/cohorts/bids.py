"""A BIDS tree, with or without sessions."""

import re
from dataclasses import dataclass

from clinimcl.cohorts.cohort import Cohort, Reading, no_scans
from clinimcl.cohorts.files.bids_images import Wanted, elsewhere, list_scans
from clinimcl.cohorts.files.sidecar import scanners
from clinimcl.cohorts.files.unread import count_unread
from clinimcl.cohorts.schema import BRAIN_VOLUMES
from clinimcl.cohorts.session_labels import labelled_days, labels_remark
from clinimcl.cohorts.tables.bids_levels import read_levels
from clinimcl.cohorts.tables.bids_tables import people, with_score
from clinimcl.cohorts.tables.bids_times import days
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.visits import no_visits
from clinimcl.storage.tree import explore

OBTAIN = (
    "cohort.root is the folder that holds participants.tsv and the sub- folders (https://bids.neuroimaging.io; "
    "open data at https://openneuro.org); `python -m clinimcl.phantom layout=bids out=DIR subjects=60` writes a "
    "generated cohort in the same layout, with which cohort.root=DIR runs the same experiment today"
)


@dataclass(frozen=True, kw_only=True)
class Bids(Cohort):
    """Scores, times, age, sex, site and scanner come from scans.tsv, sessions.tsv and participants.tsv.

    Of a column that several of them have, the value of the most specific one counts (in the order above), wherever it
    is not n/a. Derivatives are not searched. suffix names the images to take, such as T1w, or with entities ce-gad_T1w.
    Scanner and site fall back to each scan's JSON, unless sidecars is false.
    """

    obtain = OBTAIN

    suffix: str
    sidecars: bool

    def read(self) -> Reading:
        """Scans in the order of time that their tables give; no audit, since tables name the scans' own sessions."""
        tree = explore(self.root, self.obtain)
        wanted, chosen = Wanted.of(self.suffix), Remarks()
        scans = list_scans(tree, wanted, chosen)
        if scans.empty:
            raise no_scans(
                f"{self.suffix} images",
                self.root,
                f"sub-01/ses-1/anat/sub-01_ses-1_{self.suffix}.nii.gz",
                elsewhere(tree, wanted.suffix) + self.obtain,
                tree.files,
            )
        count_unread(tree.files, re.compile(rf"^sub-.*_{re.escape(wanted.suffix)}$"), chosen)
        tables = read_levels(tree, scans)
        labelled = labelled_days(scans["session"])
        scans = scans.assign(day=days(tables, scans, labelled))
        scans = scans.join(people(tables, scans, [*self.extra_columns(), *BRAIN_VOLUMES]))
        scans = with_score(tables, scans, self.score, self.higher_is)
        if self.sidecars:
            scans = scans.combine_first(scanners(tree, scans["file"], chosen))
        remarks = chosen.sentences() + tables.remarks.sentences() + labels_remark(scans, labelled)
        return Reading(scans.drop(columns="file"), no_visits(), remarks)
