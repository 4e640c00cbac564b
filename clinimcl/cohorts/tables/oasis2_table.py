"""OASIS-2's table of demographics: one row a session."""

import re
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import pandas as pd

from clinimcl.cohorts.scores import column_of, direction, on_scale
from clinimcl.cohorts.tables.parsing import ages, column, measures, numbers, sexes, words
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.tables.spreadsheet import read_table
from clinimcl.cohorts.tables.table_search import only_match
from clinimcl.errors import UserError
from clinimcl.storage.tree import Tree

_NAMES = (r"oasis[-_ ]?(?:2[-_ ])?longitudinal[^/]*\.csv", r"oasis[-_ ]?(?:2[-_ ])?longitudinal[^/]*\.xlsx")
_NAMED = "OASIS-2's table"
_SUBJECT, _SESSION, _DAY = "Subject ID", "MRI ID", "MR Delay"


class Sessions(NamedTuple):
    """The rows as text, each with its session, subject and day (from the subject's first session)."""

    table: pd.DataFrame
    address: str
    session: pd.Series
    day: pd.Series  # missing where the row gives none
    remarks: Remarks

    def described(self, score: str | None, higher_is: str | None, extra: Sequence[str]) -> pd.DataFrame:
        """By session: day, age, sex, the further columns there are, and the score if one is wanted.

        Raises: UserError for a score that is no column, or has no direction.
        """
        known = pd.DataFrame({"day": self.day})
        for name, names in {"age": ["age"], "sex": ["m/f", "sex", "gender"]}.items():
            found = column(names, list(self.table.columns))
            if found is not None:
                text = self.table[found]
                meaning = ages if name == "age" else sexes
                known[name] = meaning(text, _NAMED, self.remarks)
        for name in extra:
            found = column([name], list(self.table.columns))
            if found is not None:
                known[name] = words(self.table[found])
        if score is not None:
            found = column_of(score, list(self.table.columns), self.address)
            values = on_scale(measures(self.table[found], _NAMED, self.remarks), found, self.remarks)
            known = known.assign(score=values, score_name=found, higher_is=direction(found, higher_is))
        return known.set_axis(pd.Index(self.session), axis=0)


def find(tree: Tree) -> str | None:
    """The table's address, a CSV before a workbook, below the root before beside it.

    Raises: UserError where several files could be meant.
    """
    below = [tree.address(file) for file in tree.files]
    patterns = [re.compile(name, re.IGNORECASE) for name in _NAMES]
    wanted = product((below, tree.beside()), patterns)
    found = (only_match(paths, name.fullmatch, "cohort.clinical") for paths, name in wanted)
    return next(filter(None, found), None)


def read_sessions(address: str) -> Sessions:
    """
    Raises: UserError if the file is no such table, lists a session twice with different rows, or gives
        a session to another subject than its name does.
    """
    table = read_table(address)
    names = {name: column([name], list(table.columns)) for name in (_SUBJECT, _SESSION, _DAY)}
    absent = [name for name, found in names.items() if found is None]
    if absent:
        raise UserError(
            f"{address} is not OASIS-2's longitudinal table: no column {absent[0]}; there are "
            f"{', '.join(table.columns)}"
        )
    table = table[table[names[_SESSION]] != ""].drop_duplicates()
    session, subject = (table[names[name]].str.upper() for name in (_SESSION, _SUBJECT))
    twice = int(session.duplicated().sum())
    if twice:
        raise UserError(f"{address} lists {twice} sessions twice ({_SESSION}): each must have one row")
    others = int((session.str.replace(r"_MR\d+$", "", regex=True) != subject).sum())
    if others:
        raise UserError(
            f"{address}: in {others} rows the {_SESSION} is one of another person than the {_SUBJECT} names"
        )
    return Sessions(table, address, session, numbers(table[names[_DAY]], address), Remarks())


def with_rows(scans: pd.DataFrame, sessions: pd.DataFrame, address: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The scans with what their session's row tells; sessions without a day are left out, and counted.

    Raises: UserError where no session has a row with a day, or two of a subject have the same.
    """
    found = sessions.reindex(scans["session"]).set_axis(scans.index, axis=0)
    timed = found["day"].notna()
    if not timed.any():
        raise UserError(
            f"{address}: no row with an {_DAY} is of one of the {scans['session'].nunique()} sessions below "
            f"cohort.root; its {_SESSION} must be the name of a session's folder, such as OAS2_0001_MR1"
        )
    days = found["day"][timed].groupby(scans["subject"][timed]).nunique()
    tied = int((days < scans[timed].groupby("subject")["session"].nunique()).sum())
    if tied:
        raise UserError(
            f"{address}: {tied} subjects have several sessions of one {_DAY}, so that nothing orders them: "
            "each session needs the days since the first"
        )
    lost = scans.loc[~timed, "session"].nunique()
    without = int((~sessions.index.isin(scans["session"])).sum())
    counted = (
        (lost, f"sessions have no row with an {_DAY} in OASIS-2's table, which tells their day: they are left out."),
        (without, "rows of OASIS-2's table are of sessions that have no scan below cohort.root."),
    )
    remarks = tuple(f"{count} {sentence}" for count, sentence in counted if count)
    return scans[timed].join(found[timed]).reset_index(drop=True), remarks
