"""Who was scanned when, and on which scanner: what the shares of variance can be told from."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from clinimcl.evaluation.statistics.metrics import Absent
from clinimcl.harmonisation.of_cohort import FACTORS

VISIT_DAYS = 30.0  # scans of a subject within so many days of a visit's first one belong to that visit
MOST_SCANNERS = 100  # whose products are held for every subject
LEAST_REPEATED = 3  # subjects with two scans


class Design(NamedTuple):
    """Scans by subject, visit and scanner, each counted from 0; rows are sorted by subject.

    Without `factor` all scanners count as one. Without `timed` all scans of a subject count as one visit.
    """

    rows: Int[np.ndarray, " row"]  # of the scan table
    subject: Int[np.ndarray, " row"]
    visit: Int[np.ndarray, " row"]  # a number of its own for each subject's visit
    scanner: Int[np.ndarray, " row"]
    factor: str  # "scanner", "site", or "" where no subject has scans from two of them
    timed: bool  # whether time can be told from subject and rest
    unknown: int  # scans whose scanner is not known, which are left out

    @property
    def scanners(self) -> int:
        return int(self.scanner.max()) + 1

    @property
    def subjects(self) -> int:
        return int(self.subject.max()) + 1

    @property
    def visits_repeated(self) -> bool:
        """Whether a visit has two scans."""
        return len(np.unique(self.visit)) < len(self.visit)


def design_of(scans: pd.DataFrame) -> Design | Absent:
    """Of a scan table: subject, day, scanner, site.

    Scans are grouped by scanner where a subject has scans from two of them, and they are at most 100; else by site,
    else not at all.
    """
    factor = next((name for name in FACTORS if crossed(scans, name)), "")
    known = named(scans[factor]) if factor else np.ones(len(scans), bool)
    rows = np.flatnonzero(known)
    rows = rows[np.argsort(scans["subject"].iloc[rows].factorize()[0], kind="stable")]
    table = scans.iloc[rows]
    repeated = int((table["subject"].value_counts() > 1).sum())
    if repeated < LEAST_REPEATED:
        few = "no subject has" if repeated == 0 else f"only {repeated} subjects have"
        return Absent(f"{few} two scans, and shares of variance need {LEAST_REPEATED} who have")
    subject = codes(table["subject"])
    visit = visits_of(subject, table["day"].to_numpy(float))
    scanner = codes(table[factor]) if factor else np.zeros(len(rows), int)
    timed = separable(subject, visit)
    return Design(rows, subject, visit, scanner, factor, timed, int((~known).sum()))


def codes(values: pd.Series) -> Int[np.ndarray, " row"]:
    """Numbers from 0, in the order of first appearance."""
    return np.asarray(values.factorize()[0], dtype=int)


def named(values: pd.Series) -> Bool[np.ndarray, " scan"]:
    return (values.notna() & (values.astype(str) != "")).to_numpy(bool)


def crossed(scans: pd.DataFrame, factor: str) -> bool:
    """Whether a subject has scans from two scanners (or sites), which are not too many."""
    known = scans[named(scans[factor])]
    if known[factor].nunique() > MOST_SCANNERS:
        return False
    return bool((known.groupby("subject")[factor].nunique() > 1).any())


def visits_of(subject: Int[np.ndarray, " row"], day: Float[np.ndarray, " row"]) -> Int[np.ndarray, " row"]:
    """A visit begins with a scan more than 30 days after the first one of the visit before."""
    visit = np.zeros(len(subject), int)
    latest = -1
    for person in range(int(subject.max()) + 1):
        rows = np.flatnonzero(subject == person)
        start = -np.inf
        for row in rows[np.argsort(day[rows], kind="stable")]:
            if not day[row] - start <= VISIT_DAYS:
                latest += 1
                start = day[row]
            visit[row] = latest
    return visit


def separable(subject: Int[np.ndarray, " row"], visit: Int[np.ndarray, " row"]) -> bool:
    """Time can be told from the rest by two scans of a visit, and from the subject by two visits."""
    visits = np.unique(visit)
    return len(np.unique(subject)) < len(visits) < len(visit)
