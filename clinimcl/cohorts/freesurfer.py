"""A FreeSurfer subjects folder: one run of recon-all a folder, cross-sectional or longitudinal."""

import re
from dataclasses import dataclass

from clinimcl.cohorts.cohort import Cohort, Reading, no_scans
from clinimcl.cohorts.files.freesurfer_runs import alone, list_runs, name_runs
from clinimcl.cohorts.schema import BRAIN_VOLUMES
from clinimcl.cohorts.tables.freesurfer_table import find, tells_subjects, with_table, without_table
from clinimcl.cohorts.tables.spreadsheet import read_table
from clinimcl.cohorts.visits import no_visits
from clinimcl.errors import UserError
from clinimcl.storage.tree import explore

OBTAIN = (
    "cohort.root is FreeSurfer's SUBJECTS_DIR, whose folders hold mri/T1.mgz "
    "(https://surfer.nmr.mgh.harvard.edu; open scans to run it on: https://sites.wustl.edu/oasisbrains); to try "
    "the experiment today, `python -m clinimcl.phantom layout=bids out=DIR subjects=60` and cohort=bids "
    "cohort.root=DIR"
)


@dataclass(frozen=True, kw_only=True)
class FreeSurfer(Cohort):
    """One row a run of recon-all. Averages such as fsaverage, and bases, are no scans.

    Where there are longitudinal runs (<time point>.long.<base>), these alone are read, unless
    longitudinal is false. pattern is a regular expression with the groups subject and session that
    a run's name (a time point's, of a longitudinal run) must match as a whole; None: names after
    BIDS, a longitudinal run's base as its subject, or else each run another person, where names do
    not look like sessions. clinical is a table of subjects, sessions, times and scores.
    """

    obtain = OBTAIN

    image: str  # of mri/: T1 (the whole head), norm or brain (without skull), …
    pattern: str | None
    longitudinal: bool
    clinical: str | None  # CSV, TSV or Excel; None: runs, sessions, scans or participants, found beside the folders

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[\w.-]+", self.image):
            raise UserError(f"cohort.image must be the name of a volume such as T1, got {self.image}")
        try:
            groups = set(re.compile(self.pattern or "(?P<subject>)(?P<session>)").groupindex)
        except re.error as error:
            raise UserError(f"cohort.pattern={self.pattern} is not a regular expression: {error}") from error
        if "subject" not in groups:
            raise UserError(
                f"cohort.pattern={self.pattern} must have a group (?P<subject>…), and (?P<session>…) where "
                "a person has several sessions"
            )

    def read(self) -> Reading:
        """Scans with what the table tells of them; no audit, since its rows name them."""
        tree = explore(self.root, self.obtain)
        runs, remarks, elsewhere = list_runs(tree, self.image.removesuffix(".mgz"), self.longitudinal)
        if runs.empty:
            example = f"SUBJECT/mri/{self.image.removesuffix('.mgz')}.mgz"
            wanted = f"runs of FreeSurfer with this image{elsewhere}"
            raise no_scans(wanted, self.root, example, self.obtain, tree.files)
        address = self.clinical or find(tree)
        if address is None:
            if self.score is not None:
                raise UserError(
                    f"cohort.score={self.score} needs a table: a CSV, TSV or Excel file with a column fsid (the run's "
                    "folder), or subject and session, named with cohort.clinical=FILE"
                )
            named = name_runs(runs, self.pattern)
            scans, by_label = without_table(named)
            return Reading(scans, no_visits(), (*remarks, *alone(named, self.pattern), *by_label))
        table = read_table(address)
        scans = name_runs(runs, self.pattern, told=tells_subjects(table))
        carried = [*self.extra_columns(), *BRAIN_VOLUMES]
        found = with_table(scans, table, address, (self.score, self.higher_is), carried)
        return Reading(found.scans, no_visits(), (*remarks, *found.remarks))
