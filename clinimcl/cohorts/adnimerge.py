"""ADNIMERGE: one row a clinical visit of ADNI."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from clinimcl.cohorts.cells import column, dates, measures, numbers, sexes, words
from clinimcl.cohorts.remarks import Remarks
from clinimcl.cohorts.scores import column_of, direction, on_scale
from clinimcl.cohorts.tree import Tree, read_csv
from clinimcl.cohorts.visits import match
from clinimcl.errors import UserError

_NAME = re.compile(r"(?!.*dict)ADNIMERGE(?:[_-]?[A-Za-z0-9_-]+)?\.csv", re.IGNORECASE)  # its dictionary is none
_AMERICAN = r"^(\d{1,2})/(\d{1,2})/(\d{4})$"
_YEAR = 365.25
_EVER = 36525.0  # days: any visit of a subject tells its site
_CODES = r"-[14](?:\.0*)?"  # -4 not collected, -1 known to be missing
_DIAGNOSES = {"cn": 0.0, "nl": 0.0, "mci": 1.0, "dementia": 2.0, "ad": 2.0}


class Visits(NamedTuple):
    """The rows that have a date, as text, with their subject and day (since 1970)."""

    table: pd.DataFrame
    address: str
    subject: pd.Series
    day: pd.Series
    remarks: Remarks

    def scores(self, score: str, higher_is: str | None) -> tuple[pd.DataFrame, str, str]:
        """subject, day and score of the visits that have it, the score's name and its direction.

        The diagnosis (DX) counts as a score: 0 normal, 1 mild cognitive impairment, 2 dementia.

        Raises: UserError.
        """
        name = column_of(score, list(self.table.columns), self.address)
        text, coded = without_codes(self.table[name])
        self.remarks.count(coded, f"values of {name} in {self._file} are -4 or -1, ADNI's codes: they count as missing")
        is_diagnosis = name.upper() == "DX"
        values = _diagnoses(text, self.address) if is_diagnosis else measures(text, self._file, self.remarks)
        visits = pd.DataFrame({"subject": self.subject, "day": self.day, "score": on_scale(values, name)})
        return visits.dropna(subset="score"), name, direction(name, higher_is)

    def people(self, scans: pd.DataFrame, extra: Sequence[str]) -> pd.DataFrame:
        """age at the scan, sex, site (that of the nearest visit) and further columns, missing for who has no visit."""
        known = self._known(extra).groupby(self.subject).first()
        found = known.reindex(scans["subject"]).set_axis(scans.index, axis=0)
        found = found.assign(age=(scans["day"] - found.pop("born")) / _YEAR)
        sites = self._column(["site"])
        if sites is None:
            return found
        visits = pd.DataFrame({"subject": self.subject, "day": self.day, "site": words(sites).str.zfill(3)})
        asked = scans[["subject", "session", "run", "day"]]
        nearest = match(asked, visits.dropna(subset="site"), window_days=_EVER)
        return found.assign(site=nearest.scans["site"])

    def _known(self, extra: Sequence[str]) -> pd.DataFrame:
        """Of each visit: born (day since 1970, from the age at baseline and the years since), sex, further columns."""
        age, since = self._column(["age"]), self._column(["years_bl", "years.bl"])
        known = pd.DataFrame({"born": float("nan"), "sex": None}, index=self.table.index, dtype=object)
        if age is not None and since is not None:
            known["born"] = self.day - _YEAR * (numbers(age, self.address) + numbers(since, self.address))
        known["born"] = known["born"].astype(float)
        gender = self._column(["ptgender", "sex"])
        if gender is not None:
            known["sex"] = sexes(gender)
        for name in extra:
            found = self._column([name])
            if found is not None:
                known[name] = words(found)
        return known

    @property
    def _file(self) -> str:
        return self.address.rsplit("/", 1)[-1]

    def _column(self, names: Sequence[str]) -> pd.Series | None:
        found = column(names, list(self.table.columns))
        return None if found is None else without_codes(self.table[found])[0]


def find(tree: Tree) -> str | None:
    """ADNIMERGE's address, below the root or else beside it.

    Raises: UserError where several files could be meant.
    """
    below = [tree.address(file) for file in tree.files]
    for addresses in (below, tree.beside()):
        found = [address for address in addresses if _NAME.fullmatch(address.rsplit("/", 1)[-1])]
        if len(found) > 1:
            raise UserError(
                f"{len(found)} tables could be meant by cohort.clinical: {', '.join(found)}; name the one to read"
            )
        if found:
            return found[0]
    return None


def read_visits(address: str) -> Visits:
    """The visits with a date.

    Raises: UserError if the file is no ADNIMERGE.
    """
    table = read_csv(address)
    names = {name: column([name], list(table.columns)) for name in ("PTID", "EXAMDATE")}
    for name, found in names.items():
        if found is None:
            raise UserError(f"{address} is no ADNIMERGE: no column {name}; there are {', '.join(table.columns)}")
    day = american_dates(table[names["EXAMDATE"]], address)
    table, day = table[day.notna()], day[day.notna()]
    return Visits(table, address, table[names["PTID"]].str.upper(), day, Remarks())


def without_codes(text: pd.Series) -> tuple[pd.Series, int]:
    """The cells with ADNI's codes for missing values (-4, -1) blank, and how many there were.

    Where a column has other negative numbers, as a composite or RAVLT's forgetting has, they are values.

    Source: ADNI, Clinical data FAQ.
    """
    coded = text.str.fullmatch(_CODES)
    below_zero = pd.to_numeric(text.mask(coded), errors="coerce") < 0
    if below_zero.any():
        return text, 0
    return text.mask(coded, ""), int(coded.sum())


def american_dates(text: pd.Series, where: str) -> pd.Series:
    """M/D/YYYY and ISO dates as days since 1970, NaN where missing.

    Raises: UserError that names the row.
    """
    iso = text.str.replace(_AMERICAN, lambda hit: f"{hit[3]}-{int(hit[1]):02d}-{int(hit[2]):02d}", regex=True)
    return dates(iso, where)


def _diagnoses(text: pd.Series, where: str) -> pd.Series:
    """Levels of the diagnosis; of a conversion ("MCI to Dementia") that to which it led."""
    present = words(text)
    levels = present.str.lower().str.rpartition(" to ")[2].map(_DIAGNOSES)
    wrong = levels.isna() & present.notna()
    if wrong.any():
        first = present[wrong].iloc[[0]]
        raise UserError(f"{where} row {first.index[0]}: DX must be CN, MCI or Dementia, got {first.iloc[0]}")
    return levels.astype(float)
