"""By what people and scans are grouped, and where the bands of numbers end.

Bands are thirds of the training scans: nobody who is tested has a say in them, they suit a cohort
of children and one of old people alike, and each holds enough people where training and test are
alike. An edge that two thirds share falls away, so a score with few values has fewer bands.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.cohorts.decimals import rounding, short_decimals
from clinimcl.cohorts.schema import SCANS
from clinimcl.cohorts.tables.parsing import names_each
from clinimcl.config.settings import GROUPS, Node
from clinimcl.errors import UserError
from clinimcl.evaluation.contrastive.retrieval import DAYS_PER_YEAR
from clinimcl.evaluation.durations import time_unit
from clinimcl.evaluation.groups.headlines import Headline
from clinimcl.evaluation.statistics.metrics import Absent
from clinimcl.preparation.store.store import Record

COLUMNS = {"severity": "score"}  # grouping → column, where it is called otherwise
UNITS = {"age": " years"}
MIXED = "mixed"  # the two scans of an item are of two groups
NAMES = tuple(name for name in SCANS.columns if name not in ("age", "score"))  # never numbers
MOST_VALUES = 8  # of a further column of numbers that are taken as they are
NAMING = ("subject", "session", "path", "mask", *Record._fields)
NO_GROUPS = (*NAMING, "day", "score", "score_name", "higher_is", "split")

Labels = pd.Series  # of each item, its group; missing where it is not known


class Bands(NamedTuple):
    """Bands of a number; a value that equals an edge, but for the rounding of decimals, lies above it."""

    edges: tuple[float, ...]
    unit: str = ""
    shown_by: float = 1.0  # names tell edges times this

    @property
    def names(self) -> list[str]:
        """From the lowest to the highest."""
        texts = [f"{self.shown_by * edge:.12g}".replace("-", "−") for edge in self.edges]
        if not texts:
            return ["all"]
        between = [f"{low} to {high}" for low, high in pairwise(texts)]
        names = [f"below {texts[0]}", *between, f"{texts[-1]} and more"]
        return [name + self.unit for name in names]

    def labels(self, values: "pd.Series[float]") -> Labels:
        names = np.array(self.names, dtype=object)
        edges = np.asarray(self.edges)
        band = np.searchsorted(edges - rounding(edges), values.to_numpy(float), side="right")
        return pd.Series(names[band], index=values.index).where(values.notna())


def thirds(values: Float[np.ndarray, " value"], unit: str = "") -> Bands:
    """Edges of few digits; none where there is no value."""
    known = values[np.isfinite(values)]
    if not len(known):
        return Bands((), unit)
    edges = set(short_decimals(np.quantile(known, [1 / 3, 2 / 3]), float(np.ptp(known))))
    return Bands(tuple(sorted(edge for edge in edges if edge > known.min())), unit)


def bands_of(training: pd.DataFrame, groupings: Sequence[str]) -> dict[str, Bands]:
    """Of every grouping by a number; `training` are the rows of the training subjects."""
    found = {}
    for name in groupings:
        if name == "interval":
            found[name] = interval_bands(intervals(training))
        elif (numbers := numbers_of(training, name)) is not None:
            found[name] = thirds(numbers.to_numpy(float), UNITS.get(name, ""))
    return found


def interval_bands(years: Float[np.ndarray, " pair"]) -> Bands:
    """Edges are years, whatever unit names tell."""
    unit, per_year = time_unit(years)
    bands = thirds(per_year * years, f" {unit}")
    edges = tuple(edge / per_year for edge in bands.edges)
    return bands._replace(edges=edges, shown_by=per_year)


def intervals(training: pd.DataFrame) -> Float[np.ndarray, " pair"]:
    """Years between every two sessions of one person."""
    days = training.groupby(["subject", "session"], sort=False)["day"].min()
    found = [np.zeros(0)]
    for _, own in days.groupby(level="subject", sort=False):
        first, second = np.triu_indices(len(own), 1)
        found.append(np.abs(own.to_numpy()[second] - own.to_numpy()[first]))
    return np.concatenate(found) / DAYS_PER_YEAR


def numbers_of(scans: pd.DataFrame, grouping: str) -> "pd.Series[float] | None":
    """The column as numbers; None where it holds words, or few numbers, which are names then."""
    values = column_of(scans, grouping)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    if grouping in ("age", "severity"):
        return numbers
    words = grouping in NAMES or bool((numbers.isna() & values.notna()).any())
    return None if words or values.nunique() <= MOST_VALUES else numbers


def column_of(scans: pd.DataFrame, grouping: str) -> pd.Series:
    """Missing all over where the table has no such column."""
    name = COLUMNS.get(grouping, grouping)
    if name not in scans:
        return pd.Series(np.nan, index=scans.index, dtype=object)
    values = scans[name].astype(object)
    return values.where(values.notna() & (values != ""))


def labels_of(headline: Headline, grouping: str, bands: dict[str, Bands]) -> Labels | Absent:
    """The group of each item.

    A number is that of the earlier scan. Two scans of two groups, as of two scanners, are mixed.
    """
    if grouping == "interval":
        if headline.years is None:
            return Absent("its items are single scans, or of two people")
        return bands[grouping].labels(pd.Series(headline.years))
    if grouping in bands:
        numbers = pd.to_numeric(column_of(headline.earlier, grouping), errors="coerce")
        return bands[grouping].labels(numbers.astype(float).reset_index(drop=True))
    earlier, later = (
        column_of(scans, grouping).reset_index(drop=True).map(str, na_action="ignore")
        for scans in (headline.earlier, headline.later)
    )
    known = earlier.notna() & later.notna()
    return earlier.where(earlier == later, MIXED).where(known)


def available(scans: pd.DataFrame) -> list[str]:
    """What the table can be grouped by."""
    names = [str(name) for name in scans if name not in (*NO_GROUPS, *GROUPS)]
    known = [name for name in names if column_of(scans, name).notna().any()]
    return [*GROUPS, *(name for name in known if not names_people(scans, name))]


def names_people(scans: pd.DataFrame, grouping: str) -> bool:
    """Whether the column holds subjects' names, or as many words as there are subjects."""
    if grouping in GROUPS or grouping not in scans:
        return False
    values = column_of(scans, grouping).dropna().astype(str)
    subject = scans["subject"][values.index].astype(str)
    return values.nunique() > 1 and (set(values) <= set(subject) or names_each(subject, values))


def carrying(cohort: Node, groupings: Sequence[str]) -> Node:
    """The cohort's settings; its reader then looks for the columns of these groupings as well."""
    further = [name for name in groupings if name not in (*GROUPS, *SCANS.columns)]
    return cohort | {"groups": further} if further else cohort


def check_groups(scans: pd.DataFrame, groupings: Sequence[str]) -> None:
    """
    Raises:
        UserError: a grouping names subjects or scans, is there twice, or is no column of the table.
    """
    there = available(scans)
    if len(set(groupings)) < len(groupings):
        raise UserError(f"groups must name each grouping once, got {', '.join(groupings)}")
    for name in groupings:
        if name in NAMING or names_people(scans, name):
            raise UserError(f"groups={name} would name single people or scans: leave it out")
        if name not in there:
            missing = f"groups={name} is no column with a value in the cohort's tables"
            raise UserError(f"{missing}: expected some of {', '.join(there)}")
