"""Which series of an ADNI download are scans: by name, without masks, one copy of each acquisition."""

import re
from typing import NamedTuple

import pandas as pd

_MASK = r"mask(?!ed)"
# what LONI writes of ADNI's own corrections: "MPR; GradWarp; B1 Correction; N3; Scaled", blanks as _
_CORRECTED = re.compile(r"(?:^|_)(?:gradwarp|b1_correction|n3m?|scaled|masked|spatially_normalized)(?=[_,]|$)", re.I)
_NAMED = 12  # series left out that a remark names


class Chosen(NamedTuple):
    scans: pd.DataFrame
    remarks: tuple[str, ...]  # what was left out, with counts and the series' names


def choose_series(scans: pd.DataFrame, pattern: str | None) -> Chosen:
    """The scans of series whose name contains the pattern, whatever its case; None takes all.

    Masks are no scans. Of one acquisition (one time, or one series number, of a subject) the
    image as acquired counts before ADNI's corrected copies, and of these the most corrected one.
    Needs subject, series, time and acquisition, which are "" where unknown.
    """
    names = scans["series"]
    other = _contains(names, _MASK)
    if pattern is not None:
        other |= ~_contains(names, pattern)
    asked = scans[~other]
    copies = _copies(asked)
    remarks = (_left_out(names[other], pattern), _corrected(asked.loc[copies, "series"]))
    return Chosen(asked[~copies], tuple(remark for remark in remarks if remark))


def series_counts(names: pd.Series) -> str:
    """ "MP-RAGE (12), Axial_T2 (3)", commonest first; names beyond the twelfth are counted."""
    counts = names.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    listed = ", ".join(f"{name} ({count})" for name, count in counts.head(_NAMED).items())
    further = len(counts) - _NAMED
    return listed + (f" and {further} further names" if further > 0 else "")


def _contains(names: pd.Series, pattern: str) -> pd.Series:
    return names.map(lambda name: re.search(pattern, name, re.IGNORECASE) is not None).astype(bool)


def _copies(scans: pd.DataFrame) -> pd.Series:
    corrected = _contains(scans["series"], _CORRECTED.pattern)
    original = scans[~corrected]
    copy = corrected & (_shared(scans, original, "time") | _shared(scans, original, "acquisition"))
    rest = scans[corrected & ~copy]
    steps = rest["series"].str.count("__")
    key = rest["acquisition"].where(rest["acquisition"] != "", rest["time"])
    ranked = rest.assign(steps=steps, key=key).sort_values(["steps", "series", "path"])
    lesser = ranked.duplicated(["subject", "key"], keep="last") & (ranked["key"] != "")
    return copy | lesser.reindex(scans.index, fill_value=False)


def _shared(scans: pd.DataFrame, original: pd.DataFrame, by: str) -> pd.Series:
    """Whether an original of the same subject has the same value; "" is none."""
    found = pd.MultiIndex.from_frame(scans[["subject", by]]).isin(pd.MultiIndex.from_frame(original[["subject", by]]))
    return pd.Series(found, index=scans.index) & (scans[by] != "")


def _left_out(names: pd.Series, pattern: str | None) -> str:
    if names.empty:
        return ""
    rule = "masks are no scans" if pattern is None else f"cohort.series={pattern}; masks are no scans"
    return f"{len(names)} images of other series are left out ({rule}): {series_counts(names)}."


def _corrected(names: pd.Series) -> str:
    if names.empty:
        return ""
    return (
        f"{len(names)} corrected copies of scans that are read already are left out: "
        f"{series_counts(names)}. To take them instead of the scans as acquired, name them with "
        "cohort.series."
    )
