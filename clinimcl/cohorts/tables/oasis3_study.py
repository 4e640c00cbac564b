"""What the two forms of OASIS-3 share: clinical visits and demographics, which count days as the scans do."""

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.cohorts.cohort import Cohort, Reading
from clinimcl.cohorts.scores import column_of, direction, on_scale
from clinimcl.cohorts.tables.parsing import ages, column, measures, numbers, sexes, words
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.tables.table_search import only_match
from clinimcl.cohorts.visits import match, no_visits
from clinimcl.errors import UserError
from clinimcl.storage.tree import Tree, explore, read_csv

OBTAIN = (
    "OASIS-3 is given to researchers on request at https://www.oasis-brains.org; "
    "`python -m clinimcl.phantom layout=oasis3 out=DIR subjects=60` writes a generated cohort in the same layout, "
    "with which cohort.root=DIR runs the same experiment today"
)

# first the current export, then the older ADRC one, then whatever calls itself clinical
_CLINICAL = (r"UDSb4.*\.csv$", r"ADRC.*clin.*\.csv$", r"clinical.*\.csv$")
_DEMOGRAPHICS = (r"demograph.*\.csv$",)
_CLINICAL_TABLE, _DEMOGRAPHIC_TABLE = "OASIS-3's clinical table", "OASIS-3's demographics"
_SUBJECT = ("oasisid", "subject", "subject_id", "participant_id")
_OLDER_NAMES = {"mmse": "MMSE", "sumbox": "CDRSUM", "cdr": "CDRTOT"}
_YEAR = 365.25


class Listing(NamedTuple):
    scans: pd.DataFrame  # subject, session, day (from entry), path, run; scanner, site where told
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Oasis3Study(Cohort):
    """The study behind both forms.

    clinical and demographics are CSV files (paths or URLs); None looks for them by name below the root, then beside
    it. The clinical one may be the current export (OASIS3_UDSb4_cdr.csv) or the older ADRC one.
    """

    obtain = OBTAIN

    clinical: str | None
    demographics: str | None
    window_days: float | int  # a visit further than this from a scan says nothing about it

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window_days < 0:
            raise UserError(f"cohort.window_days must be at least 0, got {self.window_days:g}")

    @abstractmethod
    def scans_of(self, tree: Tree) -> Listing:
        """The scans as the files tell them.

        Raises: UserError where there are none.
        """

    def read(self) -> Reading:
        """Scans with score, age and sex, and the audit of the matching. Days count from the subject's entry."""
        tree = explore(self.root, self.obtain)
        listing = self.scans_of(tree)
        remarks = Remarks()
        scans = self._with_people(listing.scans, tree, remarks)
        if self.score is None:
            return Reading(scans, no_visits(), listing.remarks + remarks.sentences())
        visits, name, higher_is = self._visits(tree, scans["subject"], remarks)
        matched = match(scans, visits, window_days=self.window_days)
        scans = matched.scans.assign(score_name=name, higher_is=higher_is)
        return Reading(scans, matched.audit, listing.remarks + remarks.sentences())

    def _visits(self, tree: Tree, scanned: pd.Series, remarks: Remarks) -> tuple[pd.DataFrame, str, str]:
        address = self.clinical or _find(tree, _CLINICAL, "cohort.clinical")
        if address is None:
            raise UserError(
                f"cohort.score={self.score} needs the clinical table: no OASIS3_UDSb4_cdr.csv or ADRC clinical CSV "
                f"below {self.root} or beside it; name it with cohort.clinical=FILE"
            )
        table = read_csv(address)
        found, name = _score_column(str(self.score), list(table.columns), address)
        score = on_scale(measures(table[found], _CLINICAL_TABLE, remarks), name, remarks)
        subject = _subjects(table, address)
        remarks.count_strangers(scanned, subject, _CLINICAL_TABLE)
        visits = pd.DataFrame({"subject": subject, "day": _days(table, address), "score": score})
        return visits.dropna(subset="score"), name, direction(name, self.higher_is)

    def _with_people(self, scans: pd.DataFrame, tree: Tree, remarks: Remarks) -> pd.DataFrame:
        address = self.demographics or _find(tree, _DEMOGRAPHICS, "cohort.demographics")
        if address is None:
            return scans
        people = _people(address, self.extra_columns(), remarks)
        remarks.count_strangers(scans["subject"], people.index.to_series(), _DEMOGRAPHIC_TABLE)
        found = people.reindex(scans["subject"]).set_axis(scans.index, axis=0)
        age = found.pop("entry") + scans["day"] / _YEAR
        return scans.assign(age=age, **{str(name): found[name] for name in found})


def _find(tree: Tree, patterns: Sequence[str], key: str) -> str | None:
    below = [tree.address(file) for file in tree.files if file.endswith(".csv")]
    names = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
    wanted = product((below, tree.beside()), names)
    found = (only_match(paths, name.search, key) for paths, name in wanted)
    return next(filter(None, found), None)


def _column(table: pd.DataFrame, names: Sequence[str]) -> pd.Series | None:
    found = column(names, list(table.columns))
    return None if found is None else table[found]


def _subjects(table: pd.DataFrame, address: str) -> pd.Series:
    found = _column(table, _SUBJECT)
    if found is None:
        raise UserError(f"{address} has no column OASISID or Subject; there are {', '.join(table.columns)}")
    return found


def _days(table: pd.DataFrame, address: str) -> pd.Series:
    """Days from entry, from days_to_visit or the end of the session label (OAS30001_ClinicalData_d0000)."""
    days = _column(table, ["days_to_visit"])
    if days is None:
        labels = _column(table, ["oasis_session_label", "adrc_adrcclinicaldata id", "label"])
        if labels is None:
            raise UserError(f"{address} has no column days_to_visit, OASIS_session_label or ADRC_ADRCCLINICALDATA ID")
        days = labels.str.extract(r"_d(-?\d+)$", expand=False).fillna("no day").rename("day in the session label")
    values = numbers(days, address)
    if values.isna().any():
        raise UserError(f"{address} row {values.index[values.isna()][0]}: {days.name} must be a number, got nothing")
    return values


def _score_column(score: str, columns: list[str], address: str) -> tuple[str, str]:
    """The column of a score in either export, and its name in the current one."""
    name = _OLDER_NAMES.get(score.lower(), score)
    older = [old for old, new in _OLDER_NAMES.items() if new.lower() == name.lower()]
    found = column([name, *older], columns) or column_of(score, columns, address)
    return found, _OLDER_NAMES.get(found.lower(), found)


def _people(address: str, extra: Sequence[str], remarks: Remarks) -> pd.DataFrame:
    """entry (age in years), sex and further columns, one row a subject (index)."""
    table = read_csv(address)
    entry, gender = _column(table, ["ageatentry"]), _column(table, ["gender", "sex", "m/f"])
    people = pd.DataFrame({"subject": _subjects(table, address)})
    people["entry"] = np.nan if entry is None else ages(entry, _DEMOGRAPHIC_TABLE, remarks)
    people["sex"] = None if gender is None else sexes(gender, _DEMOGRAPHIC_TABLE, remarks, {"1": "M", "2": "F"})
    for name in extra:
        found = _column(table, [name])
        if found is not None:
            people[name] = words(found)
    people = people.drop_duplicates()
    again = people.duplicated("subject")
    remarks.count(
        int(again.sum()),
        f"rows of {_DEMOGRAPHIC_TABLE} differ from an earlier row of the same person: they are left out",
    )
    return people[~again].set_index("subject")
