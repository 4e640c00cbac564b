"""Dates that stand in for others: what anonymisation leaves of them orders nothing."""

import pandas as pd

_LONGEST = 100 * 365.25  # days between two sessions of one person
_BARE = ("19800101", "20000101")  # what clocks and programs write that know no date


def stands_in(times: pd.Series, text: pd.Series, scans: pd.DataFrame) -> pd.Series:
    """Whether the dates of a scan's subject are no true ones: their times of day give no order.

    They are not where all of its sessions lie on one day that is everybody's, that is such a day of
    others too, or that programs write without knowing a date (New Year's Day up to 1970); and where
    they lie a lifetime apart.

    Args:
        times: days since 1970, one a scan. text: the dates as they are written.
        scans: subject and session.
    """
    date = text.str.replace("-", "").str[:8].where(times.notna())
    subject = scans["subject"]
    by_subject = times.groupby(subject)
    too_long = (by_subject.transform("max") - by_subject.transform("min")) > _LONGEST
    sessions = scans["session"].where(times.notna()).groupby(subject).transform("nunique")
    one_day = (sessions > 1) & (date.groupby(subject).transform("nunique") == 1)
    others = date.map(subject[one_day].groupby(date[one_day]).nunique())
    new_year = date.astype("str").str.endswith("0101") & (times < 1)
    return too_long | (one_day & (new_year | date.isin(_BARE) | others.gt(1) | (date.nunique() == 1)))
