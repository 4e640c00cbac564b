"""What orders the sessions of a subject: the first of several sources that times all of them."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd


class Times(NamedTuple):
    days: pd.Series  # of each scan, missing where the source tells none
    may_tie: bool = False  # whether two sessions may have one time, as two on one date


def session_days(scans: pd.DataFrame, sources: Iterable[Times]) -> pd.Series:
    """The day of each scan's session (the first of its scans'), from any origin, one for each subject.

    A subject's sessions are timed by the first source that times all of them and tells them apart,
    else by the first that times all of them and may tie. It is missing where there is none, but 0
    where the subject has one session.
    """
    labels = scans.groupby("subject")["session"].transform("nunique")
    chosen = pd.Series(float("nan"), index=scans.index)
    tied = chosen.copy()
    for times in sources:
        days = times.days.astype(float).groupby([scans["subject"], scans["session"]]).transform("min")
        is_whole = days.notna().groupby(scans["subject"]).transform("all")
        tells_apart = days.groupby(scans["subject"]).transform("nunique") == labels
        chosen = chosen.where(chosen.notna() | ~(is_whole & tells_apart), days)
        if times.may_tie:
            tied = tied.where(tied.notna() | ~is_whole, days)
    chosen = chosen.fillna(tied)
    return chosen.mask((labels == 1) & chosen.isna(), 0.0)
