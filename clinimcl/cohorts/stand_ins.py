"""Dates that stand in for others: what anonymisation leaves of them orders nothing."""

import pandas as pd

_LONGEST = 40 * 365.25  # days between two sessions of one person
_LONG = 15 * 365.25  # where one of the dates may be none
_BARE = ("19800101", "20000101")  # what clocks and programs write that know no date
_BUSY = 4  # people who can be scanned twice on one day of a scanner


def stands_in(times: pd.Series, text: pd.Series, scans: pd.DataFrame) -> pd.Series:
    """Whether the dates of a scan's subject are no true ones: their times of day give no order.

    They are not where all of its sessions lie on one day that is everybody's, that most people with
    such a day have, or more than a scanner can see, or that programs write without knowing a date
    (New Year's Day up to 1970); and where they lie a lifetime apart.

    Args:
        times: days since 1970, one a scan. text: the dates as they are written.
        scans: subject and session.
    """
    date = text.str.replace("-", "").str[:8].where(times.notna())
    subject = scans["subject"]
    by_subject = times.groupby(subject)
    span = by_subject.transform("max") - by_subject.transform("min")
    unknown = (date.astype("str").str.endswith("0101") & (times < 1)) | date.isin(_BARE)
    doubtful = unknown.groupby(subject).transform("any")
    too_long = (span > _LONGEST) | (doubtful & (span > _LONG))
    sessions = scans["session"].where(times.notna()).groupby(subject).transform("nunique")
    one_day = (sessions > 1) & (date.groupby(subject).transform("nunique") == 1)
    others = date.map(subject[one_day].groupby(date[one_day]).nunique())
    shared = (others > _BUSY) | ((others > 1) & (others > subject[one_day].nunique() / 2))
    return too_long | (one_day & (unknown | shared | (date.nunique() == 1)))
