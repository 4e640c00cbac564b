"""Clinical visits find their scans: by subject and nearest day, with an account of every match."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.cohorts.decimals import rounding

AUDIT = ("subject", "session", "run", "scan_day", "visit_day", "gap_days", "status", "duplicates")


class Match(NamedTuple):
    scans: pd.DataFrame  # with the visits' further columns
    audit: pd.DataFrame  # one row a scan, columns AUDIT


def match(scans: pd.DataFrame, visits: pd.DataFrame, *, window_days: float | int) -> Match:
    """Give each scan its own subject's visit of the nearest day, if one lies within the window.

    Of two equally near visits the earlier wins and the audit says `tie`. Of several visits of one subject on
    one day the first row counts; `duplicates` is the number of the others. gap_days is visit minus scan. Days may be
    decimals, ages for example: what differs by their rounding alone is equally near, or still within the window.
    Both tables count days from the same origin. The scans keep their order and index.
    """
    once, duplicates = _one_a_day(visits)
    asked = scans[["subject"]].assign(day=scans["day"].astype(float), place=np.arange(len(scans)))
    asked = asked.sort_values("day", kind="stable")
    slack = float(rounding(max(asked["day"].abs().max(), once["day"].abs().max())))
    before, after = (_nearest(asked, once, direction, window_days + slack) for direction in ("backward", "forward"))
    gap_before, gap_after = before["day"] - before["visit_day"], after["visit_day"] - after["day"]
    later = (gap_after < gap_before - slack) | gap_before.isna()
    tie = ((gap_after - gap_before).abs() <= slack) & (gap_after > slack)
    chosen = after["visit"].where(later, before["visit"])
    order = np.argsort(asked["place"].to_numpy())
    visit = chosen.to_numpy()[order]
    return Match(
        _with_columns(scans, once, visit),
        _audit(scans, once, duplicates, visit, tie.to_numpy()[order]),
    )


def _one_a_day(visits: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    visits = visits.assign(day=visits["day"].astype(float))
    size = visits.groupby(["subject", "day"])["day"].transform("size")
    first = ~visits.duplicated(["subject", "day"])
    once = visits[first].assign(others=size[first] - 1).sort_values("day", kind="stable", ignore_index=True)
    return once.drop(columns="others"), once["others"].to_numpy()


def _nearest(asked: pd.DataFrame, once: pd.DataFrame, direction: str, window_days: float | int) -> pd.DataFrame:
    places = once[["subject", "day"]].assign(visit=np.arange(len(once), dtype=float), visit_day=once["day"])
    return pd.merge_asof(
        asked,
        places.astype({"subject": asked["subject"].dtype}),
        on="day",
        by="subject",
        direction=direction,  # type: ignore[arg-type]
        tolerance=float(window_days),  # type: ignore[arg-type]  # the stubs know times only
    )


def _with_columns(scans: pd.DataFrame, once: pd.DataFrame, visit: np.ndarray) -> pd.DataFrame:
    values = once.drop(columns=["subject", "day"]).reindex(visit).set_axis(scans.index, axis=0)
    return scans.assign(**{str(name): values[name] for name in values})


def _audit(
    scans: pd.DataFrame, once: pd.DataFrame, duplicates: np.ndarray, visit: np.ndarray, tie: np.ndarray
) -> pd.DataFrame:
    found = ~np.isnan(visit)
    visit_day = once["day"].reindex(visit).to_numpy()
    others = pd.Series(duplicates, dtype=float).reindex(visit).fillna(0).to_numpy(dtype=int)
    return pd.DataFrame(
        {
            "subject": scans["subject"].to_numpy(),
            "session": scans["session"].to_numpy(),
            "run": scans["run"].to_numpy(),
            "scan_day": scans["day"].to_numpy(dtype=float),
            "visit_day": visit_day,
            "gap_days": visit_day - scans["day"].to_numpy(dtype=float),
            "status": np.where(~found, "unmatched", np.where(tie, "tie", "matched")),
            "duplicates": others,
        }
    )


def no_visits() -> pd.DataFrame:
    """The audit of a cohort whose scores need no matching."""
    return pd.DataFrame(columns=pd.Index(AUDIT))


def summary(audit: pd.DataFrame) -> dict[str, float]:
    """Counts of scans by status, and quantiles of the distance in days between scan and visit where one was
    found.

    `matched` includes ties. `duplicates` counts further visits on a matched day. Quantiles are NaN without a
    match.
    """
    gaps = audit.loc[audit["status"] != "unmatched", "gap_days"].astype(float).abs()
    matched = audit[audit["status"] != "unmatched"].drop_duplicates(["subject", "visit_day"])
    return {
        "scans": float(len(audit)),
        "matched": float(len(gaps)),
        "ties": float((audit["status"] == "tie").sum()),
        "unmatched": float((audit["status"] == "unmatched").sum()),
        "duplicates": float(matched["duplicates"].sum()),
        "gap_days_median": float(gaps.median()),
        "gap_days_p90": float(gaps.quantile(0.9)),
        "gap_days_max": float(gaps.max()),
    }
