"""The scan table: one row a scan, the form in which every cohort leaves this room."""

import numpy as np
import pandas as pd
import pandera.pandas as pa

from clinimcl.errors import UserError

SPLITS = ("train", "validation", "test")
# The whole brain as a share of the head, and the head in ml: carried where a session's table has them.
BRAIN_VOLUMES = ("nWBV", "eTIV")

SCANS = pa.DataFrameSchema(
    {
        "subject": pa.Column(str),
        "session": pa.Column(str),
        "day": pa.Column(float, pa.Check(np.isfinite, error="a finite number of days")),
        "path": pa.Column(str, unique=True),
        "modality": pa.Column(str),
        "run": pa.Column(str),
        "zone": pa.Column(str),
        "score": pa.Column(float, pa.Check(np.isfinite, error="a finite number"), nullable=True),
        "score_name": pa.Column(str),
        "higher_is": pa.Column(str, pa.Check.isin(["better", "worse", ""])),
        "age": pa.Column(float, pa.Check(np.isfinite, error="a finite number of years"), nullable=True),
        "sex": pa.Column(str, pa.Check.isin(["F", "M"]), nullable=True),
        "site": pa.Column(str, nullable=True),
        "scanner": pa.Column(str, nullable=True),
        "mask": pa.Column(str, nullable=True),
        "split": pa.Column(str, pa.Check.isin(SPLITS), required=False),
    },
    strict=False,
    coerce=True,
)
"""day counts from the subject's first session and keeps fractions; age is in years at the scan; path and mask
are local paths or fsspec URLs; zone is the point of the body where scans of a session differ, "" without. Columns
beside these are carried through untouched."""

_NAMES_A_SUBJECT = {"subject", "session", "path", "mask"}


def validate(scans: pd.DataFrame) -> pd.DataFrame:
    """The table with the schema's types.

    Raises: UserError that names the first column at fault, its rows (counted from 0), what was expected and what came.
    """
    try:
        return SCANS.validate(scans, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise UserError(_sentence(error.failure_cases)) from None


def _sentence(failures: pd.DataFrame) -> str:
    first = failures.iloc[0]
    if first["check"] == "column_in_dataframe":
        return f"the scan table must have the column {first['failure_case']}"
    same = failures[(failures["column"] == first["column"]) & (failures["check"] == first["check"])]
    rows = ", ".join(str(row) for row in same["index"].head(5))
    got = "" if first["column"] in _NAMES_A_SUBJECT else f", got {first['failure_case']}"
    more = f" and {len(same) - 5} more" if len(same) > 5 else ""
    return f"scan table, column {first['column']}, row {rows}{more}: expected {first['check']}{got}"


def complete(scans: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns a reader did not fill in as missing values, in the schema's order.

    Sorted by subject, day, session and run, so that no file system's order is left in it.
    """
    blank: dict[str, str | float] = {
        "modality": "T1w",
        "run": "",
        "zone": "",
        "score_name": "",
        "higher_is": "",
        "score": np.nan,
        "age": np.nan,
    }
    wanted = [name for name in SCANS.columns if name != "split"]
    absent = {name: blank.get(name, np.nan) for name in wanted if name not in scans}
    extra = [name for name in scans if name not in wanted]
    ordered = scans.assign(**absent)[[*wanted, *extra]]
    return ordered.sort_values(["subject", "day", "session", "zone", "run", "path"], ignore_index=True)
