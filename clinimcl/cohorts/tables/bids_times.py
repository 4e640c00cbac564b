"""When the sessions of a BIDS tree were, as its tables tell."""

import re
from collections.abc import Callable

import pandas as pd

from clinimcl.cohorts.session_order import Times, session_days
from clinimcl.cohorts.tables.bids_levels import Level, Tables, columns_of, look_up
from clinimcl.cohorts.tables.parsing import calendar_days, column, dates, numbers, words
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.cohorts.tables.stand_ins import stands_in
from clinimcl.errors import UserError

_YEAR = 365.25
_SINCE = re.compile(r"since|from|to_|after|post|base|entry|visit|scan|follow|elapsed|bl$", re.IGNORECASE)
# days that run backward, toward something, and those between one session and the next
_NOT_SINCE = re.compile(
    r"before|until|till|prior|prev|last|_left$|remain|between|interval|gap|apart"
    r"|to_(?!(?:the_)?(?:visit|scan|session|mri?(?:_|$)|follow|fu(?:_|$)|exam|assess|test|imag|acq))",
    re.IGNORECASE,
)


def days(tables: Tables, scans: pd.DataFrame, months: pd.Series | None = None) -> pd.Series:
    """The day of each scan's session, from any origin, one for each subject.

    A subject's sessions are timed by the first of these that times all of them and tells them
    apart: acq_time (dates, of the session or of its first scan), a column day, days or
    days_since_… (from, after, to_visit, ...), age in sessions.tsv or scans.tsv, and last `months` (days
    that session labels mean by convention). Two sessions on one date are accepted, two at one age
    are not. A date that stands in for another is none. The sessions' labels alone are no order.

    Raises: UserError that counts the subjects without an order.
    """
    chosen = session_days(scans, _times(tables, scans, months))
    lost = scans.loc[chosen.isna(), "subject"].nunique()
    if lost:
        raise UserError(
            f"{lost} of {scans['subject'].nunique()} subjects have several sessions and nothing that orders all of "
            "them: their sessions.tsv needs a column acq_time (YYYY-MM-DD), days or age, without gaps or ties; labels "
            "such as ses-01 are not an order, nor are times of day on one stand-in date"
        )
    return chosen


def _times(tables: Tables, scans: pd.DataFrame, months: pd.Series | None) -> list[Times]:
    timed = [level for level in tables.levels if level.name != "participants.tsv"]
    named = [name for name in columns_of(timed) if _is_time(name)]
    found = [Times(_acquired(timed, scans, tables.remarks), may_tie=True)]
    found += [Times(look_up(timed, scans, name, _days(tables.remarks)), may_tie=True) for name in named]
    age = column(["age"], columns_of(timed))
    if age is not None:
        found.append(Times(look_up(timed, scans, age, numbers).astype(float) * _YEAR))
    if months is not None:
        found.append(Times(months))
    # one and the same time for the whole cohort is what anonymisation leaves: no time
    return [times for times in found if times.days.nunique() > 1]


def _is_time(name: str) -> bool:
    """Days since something are a time; others (days_abstinent, days_to_surgery, days_since_last_visit) are not."""
    if re.fullmatch(r"days?", name, re.IGNORECASE):
        return True
    counted = re.fullmatch(r"days_.*", name, re.IGNORECASE)
    return bool(counted and _SINCE.search(name)) and not _NOT_SINCE.search(name)


def _acquired(levels: list[Level], scans: pd.DataFrame, remarks: Remarks) -> pd.Series:
    """acq_time, each table's for itself: where one has a stand-in, the next may have the date."""
    value = pd.Series(float("nan"), index=scans.index)
    for level in levels:
        name = column(["acq_time"], list(level.rows.columns))
        if name is None:
            continue
        dated = level._replace(rows=level.rows.assign(**{name: _legible(level, name, scans, remarks)}))
        times = look_up([dated], scans, name, dates).astype(float)
        text = look_up([dated], scans, name, words).astype("str")
        standing_in = stands_in(times, text, scans)
        remarks.count(
            scans.loc[standing_in, "subject"].nunique(),
            f"people have in acq_time of {level.name} one stand-in date for several sessions, or "
            "dates a lifetime apart: they give no order",
        )
        value = value.fillna(times.mask(standing_in))
    return value


def _legible(level: Level, name: str, scans: pd.DataFrame, remarks: Remarks) -> pd.Series:
    """The cells; those that are no date are missing, where nothing hangs on them."""
    text = level.rows[name]
    several = scans.groupby("subject")["session"].transform("nunique") > 1
    first = scans.assign(several=several)
    asked = look_up([level], first, name, lambda cells, where: pd.Series(range(len(cells)), cells.index))
    needed = pd.Series(range(len(text)), text.index).isin(asked[several])
    illegible = calendar_days(text).isna() & ~needed
    told = illegible & ~text.str.lower().isin({"", "n/a"})
    remarks.count(int(told.sum()), f"cells of {name} in {level.name} are no date: they count as missing")
    return text.mask(illegible, "")


def _days(remarks: Remarks) -> Callable[[pd.Series, str], pd.Series]:
    def meaning(text: pd.Series, where: str) -> pd.Series:
        values = pd.to_numeric(text, errors="coerce").astype(float)
        values = values.where(values.abs() < float("inf"))
        wrong = values.isna() & ~text.str.lower().isin({"", "n/a"})
        remarks.count(int(wrong.sum()), f"cells of {text.name} in {where} are no number: they count as missing")
        return values

    return meaning
