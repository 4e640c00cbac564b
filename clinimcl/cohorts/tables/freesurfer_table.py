"""A table beside a FreeSurfer subjects folder: when its runs' scans were made, of whom, and scores."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from clinimcl.cohorts.labels import spelled
from clinimcl.cohorts.scores import column_of, direction, on_scale
from clinimcl.cohorts.session_labels import labelled_days, labelled_months, labels_remark
from clinimcl.cohorts.session_order import Times, session_days
from clinimcl.cohorts.tables.parsing import ages, column, dates, measures, numbers, sexes, words
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.tables.stand_ins import stands_in
from clinimcl.cohorts.tables.table_search import only_match
from clinimcl.errors import UserError
from clinimcl.storage.tree import Tree

_NAME = re.compile(r"(?:runs|sessions|scans|participants|demographics)\.(?:csv|tsv|xlsx)", re.I)
_RUN = ("fsid", "run", "folder", "freesurfer_id")  # fsid, fsid-base and years are FreeSurfer's own names
_SUBJECT = ("subject", "subject_id", "participant_id", "fsid-base", "fsid_base")
_SESSION = ("session", "session_id")
_NAMED = "the cohort's table"
_YEAR = 365.25
# column: days in one of its units; the first that times all sessions of a person apart counts
_TIMES = {"date": 0.0, "acq_time": 0.0, "day": 1.0, "days": 1.0, "years": _YEAR, "age": _YEAR}


class Told(NamedTuple):
    scans: pd.DataFrame
    remarks: tuple[str, ...]


def find(tree: Tree) -> str | None:
    """The table's address, in the subjects folder or else beside it.

    Raises: UserError where several files could be meant.
    """
    below = [tree.address(file) for file in tree.files if "/" not in file]
    places = (below, tree.beside())
    found = (only_match(addresses, _NAME.fullmatch, "cohort.clinical") for addresses in places)
    return next(filter(None, found), None)


def without_table(scans: pd.DataFrame) -> Told:
    """The scans with days, where their labels tell them or nobody has a second session."""
    return _timed(scans, [])


def names_of(table: pd.DataFrame) -> dict[str, str | None]:
    """The columns that say of which run, subject and session a row is."""
    known = {"run": _RUN, "subject": _SUBJECT, "session": _SESSION}
    return {key: column(names, list(table.columns)) for key, names in known.items()}


def tells_subjects(table: pd.DataFrame) -> bool:
    """Whether each row says whose run it is of: names then need not tell."""
    names = names_of(table)
    return names["run"] is not None and names["subject"] is not None


def with_table(
    scans: pd.DataFrame,
    table: pd.DataFrame,
    address: str,
    score: tuple[str | None, str | None],
    extra: Sequence[str],
) -> Told:
    """The scans with what their row tells, found by the run's folder, or subject and session.

    Where rows tell whose run they are of, runs without one are left out: they could be anybody's.

    Args:
        score: its name and what a higher value is, as in the cohort.

    Raises: UserError where rows cannot be found, or a person's sessions have no order.
    """
    told = Remarks()
    again = table.duplicated()
    told.count(int(again.sum()), f"rows of {_NAMED} stand there again, every cell equal: they count once")
    table = table[~again]
    names = names_of(table)
    place = _rows_of(scans, table, names, address)
    rows = table.reindex(place).set_axis(scans.index, axis=0).fillna("")
    matched = pd.Series(place, index=scans.index).notna()
    if not matched.any():
        raise UserError(f"{address}: no row is of one of the {len(scans)} runs below cohort.root")
    nobody = tells_subjects(table) & ~matched
    scans, rows = _renamed(scans, rows, names)[~nobody], rows[~nobody]
    there = {name: found for name in _TIMES if (found := column([name], list(table.columns)))}
    times = [_days(rows[found], name, address, scans) for name, found in there.items()]
    scans, by_label = _timed(scans, times)
    scans = scans.assign(**_people(rows, extra, told))
    if score[0] is not None:
        found = column_of(score[0], list(table.columns), address)
        values = on_scale(measures(rows[found], _NAMED, told), found, told)
        scans = scans.assign(score=values, score_name=found, higher_is=direction(found, score[1]))
    without = len(table) - pd.Series(place).dropna().nunique()
    counted = (
        (int(nobody.sum()), "runs have no row in the cohort's table, which tells whose they are: they are left out."),
        (int((~matched & ~nobody).sum()), "runs have no row in the cohort's table."),
        (without, "rows of the cohort's table are of no run below cohort.root."),
    )
    for count, sentence in counted:
        told.count(count, sentence)
    return Told(scans, told.sentences() + by_label)


def _rows_of(
    scans: pd.DataFrame, table: pd.DataFrame, names: dict[str, str | None], address: str
) -> list[float | None]:
    """Of each run the index of its row; None where it has none."""
    run, subject, session = (None if name is None else table[name] for name in names.values())
    if run is not None:
        keys, wanted = run, [scans["folder"], scans["point"]]
    elif subject is not None:
        subject = subject.str.removeprefix("sub-")
        own = scans["subject"].str.removeprefix("sub-")
        keys = subject if session is None else subject + "/" + session.str.removeprefix("ses-")
        sessions = scans["session"].str.removeprefix("ses-")
        wanted = [own if session is None else own + "/" + sessions]
        wanted += [] if session is None else [own + "/" + scans["folder"]]
    else:
        raise UserError(
            f"{address} must name its rows by a column fsid (the run's folder), or subject and session; "
            f"there are {', '.join(table.columns)}"
        )
    twice = int(keys.duplicated().sum())
    if twice:
        raise UserError(
            f"{address} lists {twice} {'runs' if run is not None else 'sessions'} twice: each must have one row"
        )
    keys = spelled(keys, pd.concat(wanted))
    if keys.duplicated().any():
        raise UserError(f"{address} names one run by two labels, which differ by case or leading zeros alone")
    places = {key: float(index) for key, index in zip(keys, table.index, strict=True)}
    pairs = zip(*wanted, strict=True)
    return [next((places[key] for key in keys if key in places), None) for keys in pairs]


def _renamed(scans: pd.DataFrame, rows: pd.DataFrame, names: dict[str, str | None]) -> pd.DataFrame:
    """Where rows are found by the run, they say whose session it is, too."""
    if names["run"] is None:
        return scans
    for key in ("subject", "session"):
        found = names[key]
        if found is not None:
            scans = scans.assign(**{key: rows[found].where(rows[found] != "", scans[key])})
    alone = names["session"] is None and not (scans["session"] != "").any()
    return scans.assign(session=scans["point"]) if alone else scans


def _days(text: pd.Series, name: str, address: str, scans: pd.DataFrame) -> pd.Series:
    unit = _TIMES[name]
    if name == "age":
        return ages(text, address, Remarks()) * unit
    if unit:
        return numbers(text, address) * unit
    times = dates(text, address)
    return times.mask(stands_in(times, text, scans))


def _timed(scans: pd.DataFrame, times: list[pd.Series]) -> Told:
    """The scans with their day, by the first of these that tells all sessions of a subject apart.

    Labels such as d0129 (OASIS-3) and M006 (Clinica) come last.

    Raises: UserError that counts the subjects whose sessions have no order.
    """
    labelled = labelled_days(scans["session"]).fillna(labelled_months(scans["session"]))
    day = session_days(scans, [Times(own) for own in (*times, labelled)])
    lost = scans.loc[day.isna(), "subject"].nunique()
    if lost:
        raise UserError(
            f"{lost} of {scans['subject'].nunique()} subjects have several sessions and nothing orders them: "
            "give a table (cohort.clinical=FILE) with a column fsid (the run's folder) and date (YYYY-MM-DD), day, "
            "years or age; names of time points are not an order, nor are times of day on one stand-in date"
        )
    scans = scans.assign(day=day).drop(columns=["folder", "point", "base"])
    return Told(scans, labels_remark(scans, labelled))


def _people(rows: pd.DataFrame, extra: Sequence[str], told: Remarks) -> dict[str, pd.Series]:
    names = {"age": ["age"], "sex": ["sex", "gender"]}
    names |= {name: [name] for name in ("site", "scanner", *extra)}
    found = {name: column(known, list(rows.columns)) for name, known in names.items()}
    cells = {name: rows[there] for name, there in found.items() if there is not None}
    values = {name: words(text) for name, text in cells.items()}
    if "age" in cells:
        values["age"] = ages(cells["age"], _NAMED, told)
    if "sex" in cells:
        values["sex"] = sexes(cells["sex"], _NAMED, told)
    return values
