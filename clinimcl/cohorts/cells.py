"""What the text in a table's cells means."""

from collections.abc import Sequence

import pandas as pd

from clinimcl.errors import UserError

MISSING = frozenset({"", "n/a", "na", "nan", "none", "null", "."})
_EPOCH = pd.Timestamp("1970-01-01", tz="UTC")


def words(text: pd.Series, where: str = "") -> pd.Series:
    """The text, missing where it says so in one of the usual ways."""
    return text.mask(text.str.lower().isin(MISSING))


def numbers(text: pd.Series, where: str) -> pd.Series:
    """A text column as floats, NaN where missing ("89+", BIDS's way to hide an age, reads as 89).

    Raises: UserError that names the table, the row (the series' index), the column and the value.
    """
    present = words(text)
    values = pd.to_numeric(present.str.removesuffix("+"), errors="coerce").astype(float)
    wrong = values.isna() & present.notna()
    if wrong.any():
        first = text[wrong].iloc[[0]]
        raise UserError(f"{where} row {first.index[0]}: {text.name} must be a number, got {first.iloc[0]}")
    return values


def dates(text: pd.Series, where: str) -> pd.Series:
    """ISO dates, with or without time, as days since 1970; NaN where missing.

    Raises: UserError as numbers does.
    """
    present = words(text)
    moments = pd.to_datetime(present, format="ISO8601", errors="coerce", utc=True)
    wrong = moments.isna() & present.notna()
    if wrong.any():
        first = text[wrong].iloc[[0]]
        raise UserError(f"{where} row {first.index[0]}: session date {first.iloc[0]} is not a date; write YYYY-MM-DD")
    return (moments - _EPOCH) / pd.Timedelta(days=1)


def sexes(text: pd.Series, where: str = "") -> pd.Series:
    """F, M or missing, from the ways in which tables write it (M, male, man, 1 and F, female, woman, 2)."""
    meaning = {"m": "M", "male": "M", "man": "M", "1": "M", "f": "F", "female": "F", "woman": "F", "2": "F"}
    return text.str.lower().str.removesuffix(".0").map(meaning)


def column(names: Sequence[str], columns: Sequence[str]) -> str | None:
    """The first of some names that is among the columns, whatever its case."""
    lower = {name.lower(): name for name in reversed(columns)}
    return next((lower[name.lower()] for name in names if name.lower() in lower), None)
