"""Health scores: which way they point, and between which values."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from clinimcl.cohorts.tables.parsing import column
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.errors import UserError


class Scale(NamedTuple):
    higher_is: str
    lowest: float
    highest: float


KNOWN = {
    "MMSE": Scale("better", 0, 30),  # Folstein et al. 1975
    "CDRSUM": Scale("worse", 0, 18),  # Morris 1993: sum of six boxes of 0 to 3
    "CDRTOT": Scale("worse", 0, 3),
    "CDR": Scale("worse", 0, 3),  # OASIS-2's name of CDRTOT
    "CDRSB": Scale("worse", 0, 18),  # ADNI's name of CDRSUM
    "ADAS11": Scale("worse", 0, 70),  # Rosen et al. 1984
    "ADAS13": Scale("worse", 0, 85),  # Mohs et al. 1997: with delayed recall and cancellation
    "NWBV": Scale("better", 0, 1),  # the whole brain as a share of the head: Fotenos et al. 2005
    "SF": Scale("better", 0, 500),  # SpO2 over FiO2; room air at 100 % gives 476
    "DX": Scale("worse", 0, 2),  # ADNI's diagnosis: normal, mild cognitive impairment, dementia
}


def direction(score: str, higher_is: str | None) -> str:
    """ "better" or "worse": what a higher value means.

    Raises: UserError for a score that is not known and comes without a direction.
    """
    if higher_is not in (None, "better", "worse"):
        raise UserError(f"cohort.higher_is must be better or worse, got {higher_is}")
    if higher_is is None and score.upper() not in KNOWN:
        raise UserError(
            f"cohort.score={score} has no known direction: say whether a higher value is healthier by "
            "cohort.higher_is=better or cohort.higher_is=worse"
        )
    return higher_is or KNOWN[score.upper()].higher_is


def on_scale(values: pd.Series, score: str, remarks: Remarks) -> pd.Series:
    """Values outside a known scale become missing, and are counted.

    The exports use numbers such as 88 and 95 to 98 as codes for missing ones.
    """
    scale = KNOWN.get(score.upper())
    if scale is None:
        return values
    inside = values.between(scale.lowest, scale.highest)
    remarks.count(
        int((values.notna() & ~inside).sum()),
        f"values of {score} lie outside its scale, {scale.lowest:g} to {scale.highest:g}: they count as missing",
    )
    return values.where(inside)


def column_of(score: str, columns: Sequence[str], where: str) -> str:
    """The column that holds the score, whatever its case.

    Raises: UserError that lists the columns there are.
    """
    found = score if score in columns else column([score], columns)
    if found is None:
        raise UserError(f"cohort.score={score}: no such column in {where}; there are {', '.join(columns) or 'none'}")
    return found
