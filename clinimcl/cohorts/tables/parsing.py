"""What the text in a table's cells means."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.errors import UserError

MISSING = frozenset(
    {
        *("", "n/a", "na", "nan", "none", "null", ".", "-", "--", "?", "unknown", "missing"),
        *("not available", "<na>", "nat", "#n/a"),
    }
)
_UNDEFINED = r"[+-]?inf(?:inity)?|#div/0!|#num!|#value!"
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_DATE = (
    r"(?:\d{4}-\d\d-\d\d|(?:18|19|20|21)\d{6})"
    r"(?:[T ]\d\d:?\d\d(?::?\d\d(?:\.\d*)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_DICOM_AGE = r"(\d{1,3})([DWMY])"  # the value representation AS: 045Y, 018M
_EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
_SEXES = {
    **dict.fromkeys(("m", "male", "man", "männlich", "mann", "hombre", "homme", "homem", "uomo"), "M"),
    **dict.fromkeys(("f", "female", "woman", "w", "weiblich", "frau", "mujer", "femme", "mulher", "donna"), "F"),
}
# hombre, homem, varón: beside these, and without F, M is mujer or mulher (but a man where V is vrouw)
_MEN_ELSEWHERE = {"h", "v"}
_NEITHER = {"o", "other", "intersex", "diverse"}
OLDEST = 120.0  # years

YEARS: dict[str, float] = {"d": 1 / 365.25, "w": 7 / 365.25, "m": 1 / 12, "y": 1.0}
"""Years in a day, week, month and year, by their first letters."""


def words(text: pd.Series, where: str = "") -> pd.Series:
    """The text, missing where it says so in one of the usual ways."""
    return text.mask(text.str.lower().isin(MISSING))


def numbers(text: pd.Series, where: str) -> pd.Series:
    """A text column as floats, NaN where missing.

    Raises: UserError that names the table, the row (the series' index), the column and the value,
        also of an infinite number.
    """
    present = words(text)
    values = _floats(present.where(present.fillna("").str.fullmatch(_NUMBER)))
    wrong = present.notna() & ~np.isfinite(values)
    if wrong.any():
        first = text[wrong].iloc[[0]]
        point = "; write a point, as in 27.5" if "," in str(first.iloc[0]) else ""
        raise UserError(f"{where} row {first.index[0]}: {text.name} must be a number, got {first.iloc[0]}{point}")
    return values


def measures(text: pd.Series, where: str, remarks: Remarks) -> pd.Series:
    """A score's column as floats, NaN where missing; infinite values are missing with a remark.

    Raises: UserError as numbers does.
    """
    infinite = text.str.lower().str.fullmatch(_UNDEFINED)
    infinite |= text.str.fullmatch(_NUMBER) & np.isinf(_floats(text.where(text.str.fullmatch(_NUMBER))))
    remarks.count(
        int(infinite.sum()),
        f"values of {text.name} in {where} are infinite or undefined, as a division by zero is: they count as missing",
    )
    return numbers(text.mask(infinite, ""), where)


def ages(text: pd.Series, where: str, remarks: Remarks, unit: float | None = YEARS["y"]) -> pd.Series:
    """Ages in years, NaN for whatever is none, which is counted: a range, a bound (89+), a word.

    DICOM's form (045Y, 018M) says its own unit. Numbers that no person's age can be are missing;
    where they are more than a few, the column has another unit, and all of its numbers are.

    Args: unit: in years; None where nobody can tell it.
    """
    present = words(text)
    plain = present.fillna("").str.fullmatch(_NUMBER)
    coded = present.str.upper().str.extract(rf"^{_DICOM_AGE}$")
    own = coded[0].astype(float) * coded[1].str.lower().map(YEARS).astype(float)
    wrong = present.notna() & ~plain & own.isna()
    remarks.count(
        int(wrong.sum()),
        f"ages in {where} are no number (a range, a bound such as 89+, a word): they count as missing",
    )
    if unit is None:
        remarks.count(int(plain.sum()), f"ages in {where} have an unknown unit: they count as missing")
        return own
    values = _floats(present.where(plain)) * unit
    impossible = values.notna() & ~values.between(0, OLDEST)
    if impossible.sum() > max(1.0, 0.05 * plain.sum()):
        remarks.count(
            int(plain.sum()),
            f"ages in {where} count as missing: many of them are no age of a person in years, so "
            "that they must be in another unit, which the table does not tell",
        )
        return own
    remarks.count(
        int(impossible.sum()),
        f"ages in {where} lie outside 0 to {OLDEST:g} years: they count as missing",
    )
    return values.mask(impossible).fillna(own)


def dates(text: pd.Series, where: str) -> pd.Series:
    """ISO dates (a whole day at least), with or without time, as days since 1970; NaN if missing.

    Raises: UserError as numbers does.
    """
    moments = calendar_days(text)
    wrong = moments.isna() & words(text).notna()
    if wrong.any():
        first = text[wrong].iloc[[0]]
        raise UserError(f"{where} row {first.index[0]}: session date {first.iloc[0]} is not a date; write YYYY-MM-DD")
    return moments


def calendar_days(text: pd.Series) -> pd.Series:
    """As `dates`, NaN also for what is no date."""
    whole = text.where(text.str.fullmatch(_DATE))
    moments = pd.to_datetime(whole, format="ISO8601", errors="coerce", utc=True)
    return (moments - _EPOCH) / pd.Timedelta(days=1)


def sexes(
    text: pd.Series,
    where: str = "",
    remarks: Remarks | None = None,
    codes: Mapping[str, str] | None = None,
) -> pd.Series:
    """F, M or missing, from the ways in which tables write it; a number is a sex by `codes` alone.

    Args: codes: F, M or "" by what a cell holds, in lower case; they go before the usual words.
    """
    lower = text.str.lower().str.removesuffix(".0")
    meaning = _SEXES | dict(codes or {})
    found = lower.map({code: sex or None for code, sex in meaning.items()})
    if "m" not in (codes or {}) and lower.isin(_MEN_ELSEWHERE - set(codes or {})).any() and not (found == "F").any():
        found = found.mask(lower == "m")
    if remarks is not None:
        doubtful = (lower == "m") & found.isna() & ("m" not in (codes or {}))
        remarks.count(
            int(doubtful.sum()),
            f"cells of {text.name} in {where} are M beside H or V, and none is F: M may mean a woman (mujer) and "
            "counts as missing",
        )
        unread = words(text).notna() & found.isna() & ~lower.isin(_NEITHER | set(meaning))
        numeric = lower.str.fullmatch(_NUMBER)
        remarks.count(
            int((unread & numeric).sum()),
            f"cells of {text.name} in {where} are numbers, and nothing says which sex they mean: "
            "they count as missing (write M and F, or Levels in the JSON beside a table of BIDS)",
        )
        remarks.count(
            int((unread & ~numeric).sum()),
            f"cells of {text.name} in {where} are neither M nor F: they count as missing",
        )
    return found


def column(names: Sequence[str], columns: Sequence[str]) -> str | None:
    """The first of some names that is among the columns, whatever its case."""
    lower = {name.lower(): name for name in reversed(columns)}
    return next((lower[name.lower()] for name in names if name.lower() in lower), None)


def _floats(text: pd.Series) -> pd.Series:
    return pd.to_numeric(text, errors="coerce").astype(float)


def names_each(subject: "pd.Series[str]", values: "pd.Series[str]") -> bool:
    """Whether a column has as many words as there are subjects whose cell is known: it names each of them, then.

    Numbers are measured, and name nobody.
    """
    known = values.dropna()
    are_words = bool(pd.to_numeric(known, errors="coerce").isna().any())
    return are_words and known.nunique() >= max(subject[known.index].nunique(), 2)
