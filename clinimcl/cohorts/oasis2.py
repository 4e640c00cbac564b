"""OASIS-2 as it is downloaded: two archives of session folders with NIfTI pairs, and one table."""

import re
from dataclasses import dataclass

import pandas as pd

from clinimcl.cohorts.cohort import Cohort, Reading, no_scans
from clinimcl.cohorts.schema import BRAIN_VOLUMES
from clinimcl.cohorts.tables.oasis2_table import find, read_sessions, with_rows
from clinimcl.cohorts.visits import no_visits
from clinimcl.errors import UserError
from clinimcl.storage.tree import Tree, explore

OBTAIN = (
    "OASIS-2 is open to everybody who accepts its terms, at https://sites.wustl.edu/oasisbrains: unpack "
    "OAS2_RAW_PART1 and OAS2_RAW_PART2 into one folder and lay its table of demographics beside them; "
    "`python -m clinimcl.phantom layout=oasis2 out=DIR subjects=60` writes a generated cohort in the same "
    "layout, with which cohort.root=DIR runs the same experiment today"
)

_FILE = re.compile(r"(?:^|/)(?P<session>(?P<subject>OAS2_\d{4})_MR\d+)/(?P<below>(?:[^/]+/)*)(?P<name>[^/]+)$", re.I)
_RUN = re.compile(r"mpr-?(?P<run>\d+)(?:\.nifti)?\.(?P<kind>hdr|nii|nii\.gz)", re.I)
_IMAGE = re.compile(r"\.img(?:\.gz)?$", re.I)
_VOLUME = re.compile(r"\.(?:hdr|nii|nii\.gz)$", re.I)
_PROCESSED = re.compile(r"(?:^|/)(?:PROCESSED|FSL_SEG|derivatives)/", re.I)
_EXAMPLE = "OAS2_RAW_PART1/OAS2_0001_MR1/RAW/mpr-1.nifti.hdr beside mpr-1.nifti.img"


@dataclass(frozen=True, kw_only=True)
class Oasis2(Cohort):
    """One row a repeat of a session. The number behind MR is no visit's: the table has the day.

    clinical is the table (path or URL, CSV or Excel); None looks for oasis_longitudinal….csv, then
    for oasis_longitudinal….xlsx, below the root and then beside it.
    """

    obtain = OBTAIN

    clinical: str | None

    def read(self) -> Reading:
        """Scans with the age, sex and score of their session's row; no audit, since rows name them."""
        tree = explore(self.root, self.obtain)
        scans, remarks = list_scans(tree)
        if scans.empty:
            raise no_scans("scans of OASIS-2", self.root, _EXAMPLE, self.obtain, tree.files)
        address = self.clinical or find(tree)
        if address is None:
            raise UserError(
                f"OASIS-2's table tells when its sessions were: no oasis_longitudinal….csv or .xlsx below "
                f"{self.root} or beside it; download the longitudinal demographics from "
                "https://sites.wustl.edu/oasisbrains and name them with cohort.clinical=FILE"
            )
        sessions = read_sessions(address)
        carried = [*self.extra_columns(), *BRAIN_VOLUMES]
        scored = sessions.described(self.score, self.higher_is, carried)
        scans, missing = with_rows(scans, scored, address)
        return Reading(scans, no_visits(), (*remarks, *sessions.remarks.sentences(), *missing))


def list_scans(tree: Tree) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """subject, session, run and path, one row a repeat, and remarks that count what is left out.

    A pair's path is that of its header. A repeat that lies there more than once (a pair beside its
    converted copy, an archive that was unpacked twice) is one scan, the pair before a copy.
    """
    inside = {file: hit for file in tree.files if (hit := _FILE.search(file))}
    inside = {file: hit for file, hit in inside.items() if not _PROCESSED.search(hit["below"])}
    rows = []
    for file, hit in inside.items():
        run = _RUN.fullmatch(hit["name"])
        if run:
            own = {"subject": hit["subject"].upper(), "session": hit["session"].upper()}
            rows.append(own | run.groupdict() | {"path": tree.address(file)})
    scans = pd.DataFrame(rows, columns=["subject", "session", "run", "kind", "path"], dtype=str)
    scans["kind"] = scans["kind"].str.lower()
    scans = scans.sort_values(["kind", "path"])  # hdr, nii, nii.gz
    again = scans.duplicated(["subject", "session", "run"])
    kept = scans[~again].drop(columns="kind").sort_values("path", ignore_index=True)
    return kept, _remarks(set(inside), int(again.sum()))


def _remarks(files: set[str], again: int) -> tuple[str, ...]:
    runs = {file for file in files if _RUN.fullmatch(file.rpartition("/")[2])}
    stray = sum(bool(_VOLUME.search(file)) for file in files - runs)
    headers = {re.sub(r"\.hdr$", "", file, flags=re.I) for file in files}
    alone = sum(_IMAGE.sub("", file) not in headers for file in files if _IMAGE.search(file))
    counted = (
        (
            stray,
            "volumes in OASIS-2's session folders are not named mpr-1, mpr-2, … (OASIS-2 itself "
            "holds one stray copy): they are left out.",
        ),
        (again, "further copies of a repeat that is read already (converted, or unpacked twice) are left out."),
        (alone, "images (.img) have no header (.hdr) beside them and are left out."),
    )
    return tuple(f"{count} {sentence}" for count, sentence in counted if count)
