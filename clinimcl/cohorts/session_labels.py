"""The day that a session's label means, where a study's convention is certain."""

import pandas as pd

_DAY = r"^d(\d{4,})$"  # OASIS-3: ses-d0129 is day 129 after entry
_MONTH = r"^M(\d+)$"  # Clinica: ses-M006 is half a year after the first
_DAYS_A_MONTH = 365.25 / 12


def labelled_days(sessions: pd.Series) -> pd.Series:
    """Days by OASIS-3's labels; NaN for all where any label is another: one alone is no convention."""
    days = sessions.str.extract(_DAY, expand=False).astype(float)
    return days if days.notna().all() else days.mask(days.notna())


def labelled_months(sessions: pd.Series) -> pd.Series:
    """Days by Clinica's labels of months; NaN for each other label."""
    return sessions.str.extract(_MONTH, expand=False).astype(float) * _DAYS_A_MONTH


def labels_remark(scans: pd.DataFrame, labelled: pd.Series) -> tuple[str, ...]:
    """Counts the subjects whose sessions are timed by nothing but their labels; none: no sentence.

    Args: labelled: the days that labels mean, missing where they mean none.
    """
    several = scans.groupby("subject")["session"].transform("nunique") > 1
    by_label = (scans["day"] == labelled).groupby(scans["subject"]).transform("all") & several
    form = scans["session"].str[0].map({"d": "d0129 is day 129, as OASIS-3 writes it"})
    form = form.fillna("M006 is month 6, as Clinica writes it")
    counts = scans["subject"][by_label].groupby(form[by_label]).nunique()
    return tuple(
        f"The sessions of {count} subjects are timed by their labels: {meaning}." for meaning, count in counts.items()
    )
