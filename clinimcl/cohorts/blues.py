"""COVID-BLUES as it is downloaded: videos of six points of the chest, and two tables."""

import re
from dataclasses import dataclass
from typing import NamedTuple, final

import pandas as pd

from clinimcl.cohorts.cohort import Cohort, Reading, no_scans
from clinimcl.cohorts.files.copies import without_copies
from clinimcl.cohorts.files.unread import count_unread
from clinimcl.cohorts.scores import column_of, direction
from clinimcl.cohorts.tables.parsing import numbers, words
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.visits import no_visits
from clinimcl.errors import UserError
from clinimcl.storage.tree import Tree, explore

OBTAIN = (
    "COVID-BLUES is public: `git clone https://github.com/NinaWie/COVID-BLUES`. Without it, "
    "`python -m clinimcl.phantom layout=lung out=DIR subjects=60` writes a generated lung cohort, for cohort=lus "
    "cohort.root=DIR"
)

_VIDEO = re.compile(r"(?:^|/)(?P<video>patient_(?P<subject>\d+)_(?P<zone>[LR][123])(?:_(?P<run>\d+))?)\.mp4$")
_NAME = re.compile(r"(?:^|/)patient_\d+_[LR][123](?:_\d+)?$")
_EXAMPLE = "lus_videos/patient_1_L3.mp4"
_SEVERITY = "Severity Score"  # Soldati et al. 2020: 0 to 3, 3 the worst
_SEXES = {0.0: "F", 1.0: "M"}  # variable_explanations.csv
_MISSING = (-99.0, -96.0)
_RANGE = r"^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$"


@final
@dataclass(frozen=True, kw_only=True)
class Blues(Cohort):
    """One visit a patient. The score is "Severity Score" (of a video) or a clinical variable (of a patient)."""

    obtain = OBTAIN

    def read(self) -> Reading:
        """A scan a video that is there; most rows of the tables may have none. No audit."""
        tree = explore(self.root, self.obtain)
        videos, copied = without_copies(list_videos(tree), ["video"])
        if videos.empty:
            raise no_scans("videos of COVID-BLUES", self.root, _EXAMPLE, self.obtain, tree.files)
        clinical = _read(tree, "clinical_variables.csv", "patient_id", self.obtain)
        extra = {name: words(clinical.cells[name]) for name in self.extra_columns() if name in clinical.cells}
        wanted = {"age": clinical.numbers("pat_age"), "sex": clinical.numbers("pat_sex").map(_SEXES), **extra}
        scans = videos.assign(
            session="visit",
            day=0.0,
            modality="lus",
            **{name: clinical.of(videos["subject"], values) for name, values in wanted.items()},
        )
        remarks = Remarks()
        count_unread(tree.files, _NAME, remarks)
        people = set(videos["subject"])
        unknown = people - set(clinical.cells[clinical.key])
        remarks.count(len(unknown), f"of {len(people)} patients with videos are in no row of {clinical.name}")
        scans = self._scored(scans, clinical, tree).drop(columns=["video", "above"])
        return Reading(scans, no_visits(), copied + remarks.sentences())

    def _scored(self, scans: pd.DataFrame, clinical: "Rows", tree: Tree) -> pd.DataFrame:
        if self.score is None:
            return scans
        severity = _read(tree, "severity.csv", "video_file", self.obtain)
        columns = [*severity.cells.columns, *clinical.cells.columns]
        found = column_of(self.score, columns, "severity.csv and clinical_variables.csv")
        rows, asked = (severity, scans["video"]) if found in severity.cells else (clinical, scans["subject"])
        higher_is = direction(found, self.higher_is or ("worse" if found == _SEVERITY else None))
        return scans.assign(score=rows.of(asked, rows.numbers(found)), score_name=found, higher_is=higher_is)


class Rows(NamedTuple):
    """One of the cohort's tables."""

    name: str
    key: str  # the column that tells whose row it is
    cells: pd.DataFrame

    def numbers(self, column: str) -> pd.Series:
        """Blank, -99 and -96 are missing, and a range such as 90-92 is its middle.

        Raises: UserError for anything else.
        """
        text = self.cells[column]
        ends = text.str.extract(_RANGE).astype(float)
        values = numbers(text.mask(ends[0].notna(), ""), self.name).fillna(ends.mean(axis=1))
        return values.mask(values.isin(_MISSING))

    def of(self, asked: pd.Series, values: pd.Series) -> pd.Series:
        """The values of the asked keys' rows, missing where there is no row."""
        return asked.map(pd.Series(values.to_numpy(), index=self.cells[self.key]))


def list_videos(tree: Tree) -> pd.DataFrame:
    """subject, zone, run, path, video (the name without its ending) and above (its folder), one row a video."""
    found = [(file, hit) for file in tree.files if (hit := _VIDEO.search(file))]
    rows = [
        hit.groupdict(default="") | {"path": tree.address(file), "above": file[: hit.start()]} for file, hit in found
    ]
    return pd.DataFrame(rows, columns=["video", "subject", "zone", "run", "path", "above"])


def _read(tree: Tree, name: str, key: str, obtain: str) -> Rows:
    file = next((file for file in tree.files if file.rsplit("/", 1)[-1] == name), None)
    if file is None:
        raise UserError(f"no {name} below {tree.root}, which COVID-BLUES has beside its videos. {obtain}")
    cells = tree.table(file).drop_duplicates()
    if key not in cells or cells[key].duplicated().any():
        raise UserError(f"{name} must have a column {key}, each value once; there are {', '.join(cells.columns)}")
    return Rows(name, key, cells)
