"""Any cohort, told by one CSV file: a row a scan."""

import os
import posixpath
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from clinimcl.cohorts.cohort import Cohort, Reading
from clinimcl.cohorts.files.endings import TENSOR, VOLUMES
from clinimcl.cohorts.schema import BRAIN_VOLUMES
from clinimcl.cohorts.scores import column_of, direction, on_scale
from clinimcl.cohorts.session_order import Times, session_days
from clinimcl.cohorts.tables.parsing import ages, calendar_days, column, dates, measures, numbers, sexes, words
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.tables.stand_ins import stands_in
from clinimcl.cohorts.visits import no_visits
from clinimcl.errors import UserError
from clinimcl.storage.pointers import dangling
from clinimcl.storage.tree import connect, read_csv

OBTAIN = (
    "cohort.root is a CSV file, or a folder with a scans.csv, of the columns subject, path (relative to the CSV) "
    "and day, or session and date; score columns, age, sex, site, scanner, mask, modality, zone and run are optional. "
    "To try the experiment today, `python -m clinimcl.phantom layout=bids out=DIR subjects=60` and cohort=bids "
    "cohort.root=DIR"
)

_IMAGE_OF_PAIR = re.compile(r"\.(?:img|hdr)(\.gz)?$", re.IGNORECASE)
_OF_WINDOWS = r"[A-Za-z]:[\\/]|\\\\|//"  # a drive, or a server


@dataclass(frozen=True, kw_only=True)
class Table(Cohort):
    """Rows in error messages are counted as an editor does: the header is row 1."""

    obtain = OBTAIN

    modality: str | None  # of rows that do not say; None: told by the file

    def read(self) -> Reading:
        """One scan a row, rows that are equal counted once; no audit."""
        remarks = Remarks()
        address, folder = self._file()
        table = read_csv(address)
        name = address.rsplit("/", 1)[-1]
        if table.empty:
            raise UserError(f"{address} has no rows. {self.obtain}")
        again = table.duplicated()
        remarks.count(int(again.sum()), f"rows of {name} stand there again, every cell equal: they count once")
        table = table[~again]
        scans = _who_and_when(table, name).assign(path=_paths(table, name, folder))
        scans = scans.assign(**_described(table, name, remarks))
        told = scans["path"].map(_modality) if self.modality is None else self.modality
        scans["modality"] = scans["modality"].fillna(told) if "modality" in scans else told
        if "mask" in table:
            masks = words(table["mask"])
            _refuse_drives(masks.dropna(), name)
            scans["mask"] = masks.map(lambda path: _absolute(path, folder), na_action="ignore")
        extra = [name for name in (*self.extra_columns(), *BRAIN_VOLUMES) if name in table]
        scans = scans.assign(**{name: words(table[name]) for name in extra})
        scored = self._scored(scans, table, name, remarks)
        return Reading(scored, no_visits(), remarks.sentences())

    def _file(self) -> tuple[str, str]:
        """The CSV's address and that of its folder."""
        is_csv = self.root.lower().endswith(".csv")
        address = self.root if is_csv else f"{self.root.rstrip('/')}/scans.csv"
        if "://" not in address:
            address = connect(address)[1]
            if not os.path.isfile(address):
                link = dangling(address)
                raise UserError(f"{address} {link}" if link else f"no such file: {address}. {self.obtain}")
        return address, address.rsplit("/", 1)[0]

    def _scored(self, scans: pd.DataFrame, table: pd.DataFrame, name: str, remarks: Remarks) -> pd.DataFrame:
        if self.score is None:
            return scans
        found = column_of(self.score, list(table.columns), name)
        is_age = found.lower() == "age"
        values = scans["age"] if is_age else on_scale(measures(table[found], name, remarks), found, remarks)
        return scans.assign(score=values, score_name=found, higher_is=direction(found, self.higher_is))


def _required(table: pd.DataFrame, name: str, where: str) -> pd.Series:
    found = column([name], list(table.columns))
    if found is None:
        raise UserError(f"{where} has no column {name}; there are {', '.join(table.columns)}")
    values = words(table[found])
    if values.isna().any():
        raise UserError(f"{where} row {values.index[values.isna()][0]}: {name} must not be empty")
    return values


def _who_and_when(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """subject, session, day; the session is the day or date where no column names it."""
    subject = _required(table, "subject", where)
    names = {name: column([name], list(table.columns)) for name in ("day", "date", "session")}
    if names["day"] is not None:
        when, day = table[names["day"]], numbers(table[names["day"]], where)
        if names["date"] is not None:
            _require_one_order(subject, day, calendar_days(table[names["date"]]), where)
    elif names["date"] is not None:
        when, day = table[names["date"]], dates(table[names["date"]], where)
    else:
        when, day = None, pd.Series(np.nan, index=table.index)
    if when is None and names["session"] is None:
        raise UserError(f"{where} has no column day, date or session; there are {', '.join(table.columns)}")
    if when is not None and day.isna().any():
        raise UserError(f"{where} row {day.index[day.isna()][0]}: {when.name} must not be empty")
    same = day.astype(str) if names["day"] is not None else when  # 1 and 1.0 are one day
    session = same if names["session"] is None else table[names["session"]].where(table[names["session"]] != "", same)
    scans = pd.DataFrame({"subject": subject, "session": session, "day": day})
    if when is None:
        _require_order(scans, day, where)
        return scans.assign(day=0.0)
    is_date = names["day"] is None
    untimed = stands_in(day, when, scans) if is_date else pd.Series(day.nunique() == 1, index=scans.index)
    _require_order(scans, day.mask(untimed), where)
    return scans


def _require_one_order(subject: pd.Series, day: pd.Series, date: pd.Series, where: str) -> None:
    both = pd.DataFrame({"subject": subject, "day": day, "date": date}).dropna().sort_values(["subject", "day", "date"])
    back = both.loc[both.groupby("subject")["date"].diff() < 0, "subject"].nunique()
    if back:
        raise UserError(
            f"{where}: the columns day and date put the scans of {back} subjects in different orders: mend one of them "
            "or take it away"
        )


def _require_order(scans: pd.DataFrame, day: pd.Series, where: str) -> None:
    """Stop where someone has several sessions whose times are none."""
    lost = session_days(scans, [Times(day, may_tie=True)]).isna()
    several = scans.loc[lost, "subject"].nunique()
    if several:
        raise UserError(
            f"{where}: {several} subjects have several sessions and nothing orders them: add a column day "
            "(a number) or date (YYYY-MM-DD); session names are not an order, nor are times of day on one stand-in "
            "date, nor days and dates that are the same for everybody"
        )


def _paths(table: pd.DataFrame, where: str, folder: str) -> list[str]:
    paths = _required(table, "path", where)
    _refuse_drives(paths, where)
    whole = paths.map(lambda path: _absolute(path, folder))
    twice = whole.map(_scan_of).duplicated()
    if twice.any():
        raise UserError(
            f"{where} row {paths.index[twice][0]}: the path stands in an earlier row already, or the other half of "
            "its pair (.hdr and .img) does; each scan has one"
        )
    return list(whole)


def _scan_of(path: str) -> str:
    """What paths of one scan have in common: the halves of a pair, a folder with and without its slash."""
    return _IMAGE_OF_PAIR.sub(r".hdr\1", path.rstrip("/"))


def _refuse_drives(paths: pd.Series, where: str) -> None:
    of_windows = paths.str.match(_OF_WINDOWS)
    if of_windows.any():
        raise UserError(
            f"{where} row {paths.index[of_windows][0]}: the path is that of a Windows drive or server, which this "
            f"machine does not know by that name: write it relative to {where}, with / between folders"
        )


def _absolute(path: str, folder: str) -> str:
    """The path or URL of a file that a table names, with Windows' separators as /, where no file has them."""
    if "://" in path:
        return path
    slashed = path.replace("\\", "/")
    if "://" in folder:
        return f"{folder}/{slashed.removeprefix('./')}"
    spellings = [path, slashed, *(unicodedata.normalize(form, slashed) for form in ("NFC", "NFD"))]
    found = [_below(folder, spelling) for spelling in dict.fromkeys(spellings)]
    known = (place for place in found if len(found) > 1 and os.path.exists(place))
    return next(known, _below(folder, slashed))


def _below(folder: str, path: str) -> str:
    series = "/" if path.endswith("/") else ""  # a folder of DICOM slices
    return posixpath.normpath(posixpath.join(folder, path)) + series


def _modality(path: str) -> str:
    """What the ending tells; of volumes T1w, the contrast that is commonest."""
    ending = path.lower()
    if ending.endswith((*VOLUMES, TENSOR, "/")):
        return "T1w"
    return "still" if ending.endswith((".png", ".jpg", ".jpeg")) else "video"


def _described(table: pd.DataFrame, where: str, remarks: Remarks) -> dict[str, pd.Series]:
    meanings: dict[str, Callable[[pd.Series, str], pd.Series]] = {
        "age": lambda cells, table_name: ages(cells, table_name, remarks),
        "sex": lambda cells, table_name: sexes(cells, table_name, remarks),
        "site": words,
        "scanner": words,
        "modality": words,
        "zone": words,
        "run": words,
    }
    found = {name: column([name], list(table.columns)) for name in meanings}
    described = {name: meanings[name](table[there], where) for name, there in found.items() if there is not None}
    return described | {name: described[name].fillna("") for name in ("zone", "run") if name in described}
