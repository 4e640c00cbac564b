"""Lung ultrasound, told by one CSV file as `Table`'s, with the oxygen that each patient needed."""

from dataclasses import dataclass
from typing import final

import numpy as np
import pandas as pd

from clinimcl.cohorts.scores import direction
from clinimcl.cohorts.table import Table
from clinimcl.cohorts.tables.parsing import column, numbers
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.errors import UserError

OBTAIN = (
    "cohort.root is a CSV file, or a folder with a scans.csv, of the columns subject, path (to a video, a still or a "
    "DICOM cine loop, relative to the CSV), day or date, zone, and SF, or spo2 with fio2 or litres. To try the "
    "experiment today, `python -m clinimcl.phantom layout=lung out=DIR subjects=60` and cohort.root=DIR"
)


@dataclass(frozen=True)
class InspiredOxygen:
    """FiO2, the share of oxygen breathed in, of whom only the litres of oxygen a minute are known."""

    base: float  # of room air
    per_litre: float

    def fio2(self, litres: pd.Series) -> pd.Series:
        """At most 1: the line is meant for nasal prongs, and no mixture holds more than oxygen alone."""
        return (self.base + self.per_litre * litres).clip(upper=1.0)


@final
@dataclass(frozen=True, kw_only=True)
class Lus(Table):
    """The score SF is the column SF or, without one, spo2 (percent) over fio2 (a fraction) or what litres give for it.

    Above an SpO2 of 97 % S/F saturates: the haemoglobin is full, and a healthier lung cannot show.

    Source: LEARNER, section 2.1.
    """

    obtain = OBTAIN

    fio2: InspiredOxygen

    def _scored(self, scans: pd.DataFrame, table: pd.DataFrame, name: str, remarks: Remarks) -> pd.DataFrame:
        names = list(table.columns)
        if self.score is None or self.score.upper() != "SF" or column(["SF"], names) is not None:
            return super()._scored(scans, table, name, remarks)
        if column(["spo2"], names) is None or column(["fio2", "litres"], names) is None:
            raise UserError(
                f"{name} has neither a column SF nor spo2 with fio2 or litres; there are {', '.join(names)}. "
                f"{self.obtain}"
            )
        fio2 = _cells(table, "fio2", name).fillna(self.fio2.fio2(_cells(table, "litres", name)))
        ratio = _cells(table, "spo2", name) / fio2
        return scans.assign(score=ratio, score_name="SF", higher_is=direction("SF", self.higher_is))


_UNITS = {"spo2": (20, 100, "percent"), "fio2": (0.2, 1, "a fraction"), "litres": (0, 100, "litres a minute")}


def _cells(table: pd.DataFrame, wanted: str, where: str) -> pd.Series:
    """A column's numbers, all NaN where there is no such column."""
    found = column([wanted], list(table.columns))
    if found is None:
        return pd.Series(np.nan, index=table.index)
    values, (least, most, unit) = numbers(table[found], where), _UNITS[wanted]
    wrong = values[values.notna() & ~values.between(least, most)]
    if len(wrong):
        raise UserError(
            f"{where} row {wrong.index[0]}: {found} must be {unit} from {least:g} to {most:g}, got {wrong.iloc[0]:g}"
        )
    return values
