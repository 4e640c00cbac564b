"""OASIS-3 as tensors, one file a session: OAS30001_d0129.pt."""

import re
from dataclasses import dataclass

import pandas as pd

from clinimcl.cohorts.cohort import no_scans
from clinimcl.cohorts.files.copies import without_copies
from clinimcl.cohorts.tables.oasis3_study import Listing, Oasis3Study
from clinimcl.storage.tree import Tree

_SCAN = re.compile(
    r"(?:^|/)(?:sub-)?(?P<subject>[A-Za-z0-9]+)_(?:MR_|sess?-)?(?P<session>d(?P<day>\d+))"
    r"(?:_run-(?P<run>[A-Za-z0-9]+))?(?:_T1w)?\.pt$"
)


@dataclass(frozen=True, kw_only=True)
class Oasis3Tensors(Oasis3Study):
    """Only lists the files: what is in them is read, weights-only, where scans are prepared."""

    def scans_of(self, tree: Tree) -> Listing:
        found = [(file, _SCAN.search(file)) for file in tree.files]
        hits = [(file, hit) for file, hit in found if hit]
        rows = [hit.groupdict("") | {"path": tree.address(file), "above": file[: hit.start()]} for file, hit in hits]
        if not rows:
            raise no_scans("tensors of OASIS-3", self.root, "OAS30001_d0129.pt", self.obtain, tree.files)
        scans, remarks = without_copies(pd.DataFrame(rows), ["subject", "session", "run"])
        return Listing(scans.assign(day=scans["day"].astype(float)).drop(columns="above"), remarks)
