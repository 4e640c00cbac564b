"""What the TSV files of a BIDS tree say of its scans beside their time: who, how old, which score."""

from collections.abc import Sequence

import pandas as pd

from clinimcl.cohorts.scores import column_of, direction, on_scale
from clinimcl.cohorts.tables.bids_levels import Meaning, Tables, columns_of, look_up
from clinimcl.cohorts.tables.parsing import column, measures, numbers, sexes, words

_YEAR = 365.25


def people(tables: Tables, scans: pd.DataFrame, extra: Sequence[str]) -> pd.DataFrame:
    """age, sex, site, scanner and further columns of each scan, missing where no table tells.

    The age of participants.tsv is that at the first session; the days since are added.
    """
    known = columns_of(tables.levels)
    text: dict[str, tuple[list[str], Meaning]] = {
        "sex": (["sex", "gender"], sexes),
        "site": (["site"], words),
        "scanner": (["scanner"], words),
    }
    text |= {name: ([name], words) for name in extra}
    found = {"age": _age(tables, scans)}
    for name, (names, meaning) in text.items():
        present = column(names, known)
        if present is not None:
            found[name] = look_up(tables.levels, scans, present, meaning)
    return pd.DataFrame(found, index=scans.index)


def _age(tables: Tables, scans: pd.DataFrame) -> pd.Series:
    name = column(["age"], columns_of(tables.levels))
    if name is None:
        return pd.Series(float("nan"), index=scans.index)
    timed = [level for level in tables.levels if level.name != "participants.tsv"]
    whole = [level for level in tables.levels if level.name == "participants.tsv"]
    passed = scans["day"] - scans.groupby("subject")["day"].transform("min")
    at_scan = look_up(timed, scans, name, numbers).astype(float)
    return at_scan.fillna(look_up(whole, scans, name, numbers).astype(float) + passed / _YEAR)


def with_score(tables: Tables, scans: pd.DataFrame, score: str | None, higher_is: str | None) -> pd.DataFrame:
    """The scans with score, score_name and higher_is. The score `age` is the age at the scan.

    Raises: UserError for a column that no table has, or a score without direction.
    """
    if score is None:
        return scans
    name = column_of(score, columns_of(tables.levels), "scans.tsv, sessions.tsv or participants.tsv")
    if name.lower() == "age":
        values = scans["age"]
    else:
        values = look_up(tables.levels, scans, name, lambda text, where: measures(text, where, tables.remarks))
    values = on_scale(values.astype(float), name, tables.remarks)
    return scans.assign(score=values, score_name=name, higher_is=direction(name, higher_is))
