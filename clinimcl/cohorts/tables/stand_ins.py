"""Dates that stand in for others: what anonymisation leaves of them orders nothing."""

import pandas as pd

_LONGEST = 40 * 365.25  # days between two sessions of one person
_LONG = 15 * 365.25  # where one of the dates may be none
_BARE = ("19800101", "20000101")  # what clocks and programs write that know no date
_BUSY = 4  # people who can be scanned twice on one day of a scanner
_FEW = 3  # dates that may share their day of the month by chance


def stands_in(times: pd.Series, text: pd.Series, scans: pd.DataFrame) -> pd.Series:
    """Whether the dates of a scan's subject are no true ones: their times of day give no order.

    They are not where several of its sessions lie on one day that is everybody's, that most people
    with such a day have, of whatever year, that more people have than a scanner can see, or that
    is New Year's Day, as where only the year was kept; and where they lie a lifetime apart.

    Args:
        times: days since 1970, one a scan. text: the dates as they are written.
        scans: subject and session.
    """
    date = text.str.replace("-", "").str[:8].where(times.notna())
    subject = scans["subject"]
    repeated = scans["session"].groupby([subject, date]).transform("nunique") > 1
    wrong = repeated & (_is_kept(date) | _are_many(date, subject, repeated) | (date.nunique() == 1))
    return (wrong | _is_long(times, date, subject)).groupby(subject).transform("any")


def _is_kept(date: pd.Series) -> pd.Series:
    """Whether a date is what is left of one: its year, or (of all dates) its month."""
    of_month = date.str[6:]
    rounded = of_month.nunique() == 1 and date.nunique() > _FEW
    return (date.str[4:] == "0101") | (of_month.notna() & rounded)


def _are_many(date: pd.Series, subject: pd.Series, repeated: pd.Series) -> pd.Series:
    """Whether more people are said to have had several sessions on a day than can have had them."""
    people = subject[repeated]
    busy = date.map(people.groupby(date[repeated]).nunique()) > _BUSY
    day = date.str[4:]
    others = day.map(people.groupby(day[repeated]).nunique())
    return busy | ((others > 1) & (others > people.nunique() / 2))


def _is_long(times: pd.Series, date: pd.Series, subject: pd.Series) -> pd.Series:
    span = times.groupby(subject).transform("max") - times.groupby(subject).transform("min")
    unknown = ((date.str[4:] == "0101") & (times < 1)) | date.isin(_BARE)
    return (span > _LONGEST) | (unknown.groupby(subject).transform("any") & (span > _LONG))
