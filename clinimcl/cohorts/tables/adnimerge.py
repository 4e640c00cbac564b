"""ADNI's clinical tables, one row a visit: ADNIMERGE, or the table of one instrument."""

import functools
import re
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.cohorts.scores import column_of, direction, on_scale
from clinimcl.cohorts.tables.parsing import ages, calendar_days, column, measures, numbers, sexes, words
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.tables.table_search import only_match
from clinimcl.cohorts.visits import match
from clinimcl.errors import UserError
from clinimcl.storage.tree import Tree, read_csv

_NAME = r"(?!.*dict)(?:All_Subjects_)?{}(?:[_-]?\d[A-Za-z0-9_-]*|[_-][A-Za-z0-9_-]+)?\.csv"
_SUBJECT = r"_S_(\d+)$"  # RID, at the end of PTID
_DATES = ("EXAMDATE", "VISDATE")
_ENTRY = "USERDATE"  # when a row was typed in
# the score, as ADNIMERGE calls it, in the table of its own instrument
_INSTRUMENTS = {"MMSE": "MMSCORE", "CDR": "CDGLOBAL", "FAQ": "FAQTOTAL", "ADAS13": "TOTAL13"}
_AMERICAN = r"^(\d{1,2})/(\d{1,2})/(\d{4})$"
_YEAR = 365.25
_EVER = 36525.0  # days: any visit of a subject tells its site
_CODES = r"-[124789](?:\.0*)?"  # -4 not collected, -1 known to be missing
_FAR_CODES = r"-(?:7{2,}|8{2,}|9{2,})(?:\.0*)?"
_SIGNED = re.compile(r"RAVLT.*(?:learning|forgetting)", re.IGNORECASE)  # differences of whole numbers
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
        found, name = _score_column(score, list(self.table.columns), self.address)
        text, missing, codes, kept = without_codes(self.table[found])
        ours = "ADNI's codes" if set(codes.split(" or ")) <= {"-4", "-1"} else "codes"
        where = f"values of {found} in {self.file}"
        self.remarks.count(missing, f"{where} are {codes}, {ours} for missing ones: they count as missing")
        self.remarks.count(
            kept, f"{where} are such as -4 or -1, and count as values, since the column has negative numbers"
        )
        is_diagnosis = name.upper() == "DX"
        values = _diagnoses(text, self.address) if is_diagnosis else measures(text, self.file, self.remarks)
        visits = pd.DataFrame({"subject": self.subject, "day": self.day, "score": on_scale(values, name, self.remarks)})
        return visits.dropna(subset="score"), name, direction(name, higher_is)

    def note_dates(self, own: pd.Series) -> None:
        """What is said of visits whose own day is missing, and of a table without ages."""
        self.remarks.count(
            int(own.isna().sum()),
            f"visits in {self.file} have no date of their own ({', '.join(_DATES)}): the day on "
            f"which they were entered ({_ENTRY}) counts",
        )
        if self._column(["age"]) is None:
            self.remarks.count(
                len(self.table),
                f"visits in {self.file} tell no age: ADNIMERGE does, and the CSV of the download (cohort.collection)",
            )

    def people(self, scans: pd.DataFrame, extra: Sequence[str]) -> pd.DataFrame:
        """age at the scan, sex, site (that of the nearest visit) and further columns, missing for who has no visit."""
        known = self._without(extra).groupby(self.subject).first()
        found = known.reindex(scans["subject"]).set_axis(scans.index, axis=0)
        found = found.assign(age=(scans["day"] - found.pop("born")) / _YEAR)
        sites = self._column(["site"])
        if sites is None:
            return found
        visits = pd.DataFrame({"subject": self.subject, "day": self.day, "site": words(sites).str.zfill(3)})
        asked = scans[["subject", "session", "run", "day"]]
        nearest = match(asked, visits.dropna(subset="site"), window_days=_EVER)
        return found.assign(site=nearest.scans["site"])

    def _without(self, extra: Sequence[str]) -> pd.DataFrame:
        """Of each visit: born (day since 1970, from the age at baseline and the years since), sex, further columns."""
        age, since = self._column(["age"]), self._column(["years_bl", "years.bl"])
        known = pd.DataFrame({"born": float("nan"), "sex": None}, index=self.table.index, dtype=object)
        if age is not None and since is not None:
            years = ages(age, self.file, self.remarks) + measures(since, self.file, self.remarks)
            known["born"] = self.day - _YEAR * years
        known["born"] = known["born"].astype(float)
        gender = self._column(["ptgender", "sex"])
        if gender is not None:
            known["sex"] = sexes(gender, self.file, self.remarks)
        for name in extra:
            found = self._column([name])
            if found is not None:
                known[name] = words(found)
        return known

    @property
    def file(self) -> str:
        """The table's name without its folder."""
        return self.address.rsplit("/", 1)[-1]

    def _column(self, names: Sequence[str]) -> pd.Series | None:
        found = column(names, list(self.table.columns))
        return None if found is None else without_codes(self.table[found]).text


def find(tree: Tree, score: str | None) -> str | None:
    """The address of ADNIMERGE, or else of the score's own table: below the root, or else beside it.

    Raises: UserError where several files could be meant.
    """
    below = [tree.address(file) for file in tree.files]
    names = ["ADNIMERGE"] if score is None else ["ADNIMERGE", re.escape(_canonical(score))]
    patterns = [re.compile(_NAME.format(name), re.IGNORECASE) for name in names]
    wanted = product(patterns, (below, tree.beside()))
    found = (only_match(paths, name.fullmatch, "cohort.clinical") for name, paths in wanted)
    return next(filter(None, found), None)


def read_visits(address: str, scanned: pd.Series) -> Visits:
    """The visits of known subjects that have a date.

    Args:
        scanned: subjects' names (PTID), by which rows that give only the RID find theirs.

    Raises: UserError if the file is no table of ADNI's visits.
    """
    table = read_csv(address)
    subject = _subjects(table, address, scanned)
    day = _first_date(table, _DATES, address)
    entry = _first_date(table, (_ENTRY,), address)
    if day is None and entry is None:
        expected = ", ".join((*_DATES, _ENTRY))
        raise _no_table(address, f"{expected.replace(', ' + _ENTRY, '')} or {_ENTRY}", table)
    own = pd.Series(np.nan, index=table.index) if day is None else day
    day = own if entry is None else own.fillna(entry)
    kept = day.notna() & subject.notna()
    visits = Visits(table[kept], address, subject[kept], day[kept], Remarks())
    visits.note_dates(own[kept])
    visits.remarks.count_strangers(scanned, subject, visits.file)
    no_day = int((day.isna() & subject.isin(scanned)).sum())
    visits.remarks.count(no_day, f"visits of scanned people in {visits.file} have no date: they are left out")
    return visits


def _subjects(table: pd.DataFrame, address: str, scanned: pd.Series) -> pd.Series:
    """PTID of each row, or else the scanned subject whose name ends with its RID."""
    names = {name: column([name], list(table.columns)) for name in ("PTID", "RID")}
    if names["PTID"] is None and names["RID"] is None:
        raise _no_table(address, "PTID or RID", table)
    subject = pd.Series(None, index=table.index, dtype=object)
    if names["PTID"] is not None:
        subject = words(_without(table[names["PTID"]])).str.upper().astype(object)
    if names["RID"] is None or subject.notna().all():
        return subject
    known = pd.Series(scanned.unique())
    numbered = pd.Series(known.to_numpy(), index=known.str.extract(_SUBJECT, expand=False).astype(float))
    several = int(numbered.index.duplicated().sum())
    if several:
        raise UserError(
            f"{address} names subjects by RID alone, and {several} RIDs are those of several scanned "
            "subjects: it needs a column PTID"
        )
    return subject.fillna(numbers(_without(table[names["RID"]]), address).map(numbered))


def _first_date(table: pd.DataFrame, names: Sequence[str], address: str) -> pd.Series | None:
    """Days since 1970 by the first column that tells a row's; None where there is none of them."""
    there = [found for name in names if (found := column([name], list(table.columns)))]
    days = [american_dates(_without(table[found]), address) for found in there]
    return functools.reduce(lambda first, other: first.fillna(other), days) if days else None


def _no_table(address: str, lacking: str, table: pd.DataFrame) -> UserError:
    return UserError(
        f"{address} is no ADNIMERGE and no table of ADNI's visits: no column {lacking}; there are "
        f"{', '.join(table.columns)}"
    )


class Coded(NamedTuple):
    text: pd.Series  # codes are blank
    missing: int  # cells that held a code
    codes: str  # "-4 or -1": those that were found
    kept: int  # cells that look like a code and are values


def without_codes(text: pd.Series) -> Coded:
    """The cells with codes of missing values blank: ADNI's -4 and -1, and the usual -2, -7, -8 and -9.

    Where a column has other negative numbers, as a composite has, or is RAVLT's learning or
    forgetting, the codes of one digit are values; those such as -99 and -999 never are.

    Source: ADNI, Clinical data FAQ.
    """
    coded, far = text.str.fullmatch(_CODES), text.str.fullmatch(_FAR_CODES)
    others = pd.to_numeric(text.mask(coded | far), errors="coerce") < 0
    is_signed = bool(_SIGNED.search(str(text.name))) or bool(others.any())
    missing = far if is_signed else coded | far
    found = sorted({float(code) for code in text[missing]})
    told = " or ".join(f"{code:g}" for code in found)
    return Coded(text.mask(missing, ""), int(missing.sum()), told, int((coded & ~missing).sum()))


def _without(text: pd.Series) -> pd.Series:
    return without_codes(text).text


def _canonical(score: str) -> str:
    """The score as ADNIMERGE calls it."""
    known = {own: name for name, own in _INSTRUMENTS.items()}
    return known.get(score.upper(), score)


def _score_column(score: str, columns: list[str], address: str) -> tuple[str, str]:
    """The column that holds a score, and the score's name."""
    name = _canonical(score)
    own = _INSTRUMENTS.get(name.upper())
    found = column([name, *([] if own is None else [own])], columns)
    found = found or column_of(score, columns, address)
    return found, _canonical(found)


def american_dates(text: pd.Series, where: str) -> pd.Series:
    """M/D/YYYY and ISO dates as days since 1970, NaN where missing.

    Raises: UserError that names the row.
    """
    iso = text.str.replace(_AMERICAN, lambda hit: f"{hit[3]}-{int(hit[1]):02d}-{int(hit[2]):02d}", regex=True)
    days = calendar_days(iso)
    wrong = days.isna() & words(text).notna()
    if wrong.any():
        first = text[wrong].iloc[[0]]
        raise UserError(
            f"{where} row {first.index[0]}: {text.name} must be a date, M/D/YYYY or YYYY-MM-DD, got {first.iloc[0]}"
        )
    return days


def _diagnoses(text: pd.Series, where: str) -> pd.Series:
    """Levels of the diagnosis; of a conversion ("MCI to Dementia") that to which it led."""
    present = words(text)
    levels = present.str.lower().str.rpartition(" to ")[2].map(_DIAGNOSES)
    wrong = levels.isna() & present.notna()
    if wrong.any():
        first = present[wrong].iloc[[0]]
        raise UserError(f"{where} row {first.index[0]}: DX must be CN, MCI or Dementia, got {first.iloc[0]}")
    return levels.astype(float)
