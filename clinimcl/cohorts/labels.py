"""When two labels are one name: spellings that differ by case, leading zeros or blanks alone."""

import re
import unicodedata
from collections.abc import Iterable

import pandas as pd

from clinimcl.errors import UserError

_ZEROS = re.compile(r"(?<!\d)(?<!\d\.)0+(?=\d)")
_FLOAT = re.compile(r"(\d+)\.0+")  # of a whole number that a program read as a float
_BLANKS = re.compile(r"(?<!\d) | (?!\d)")  # between digits a blank parts two numbers
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def name_of(label: str) -> str:
    """What labels of one name have in common.

    >>> name_of("sub-P001"), name_of("p1 "), name_of("1.0")
    ('p1', 'p1', '1')
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", label)).casefold()
    plain = _BLANKS.sub("", " ".join(plain.split())).removeprefix("sub-").removeprefix("ses-")
    whole = _FLOAT.fullmatch(plain)
    return _ZEROS.sub("", whole[1] if whole else plain)


def spelled(labels: pd.Series, known: Iterable[str]) -> pd.Series:
    """The labels as the known ones are spelled, where only one of them can be meant."""
    spellings: dict[str, set[str]] = {}
    for label in set(known):
        spellings.setdefault(name_of(label), set()).add(label)
    single = {name: next(iter(found)) for name, found in spellings.items() if len(found) == 1}
    exact = {label for found in spellings.values() for label in found}
    wanted = {label: label if label in exact else single.get(name_of(label), label) for label in labels.unique()}
    return labels.map(wanted)


def refuse_two_names(scans: pd.DataFrame) -> None:
    """Stop where one subject, or one session of a subject, goes by two labels.

    Raises: UserError with the number of names.
    """
    subjects = pd.Series(scans["subject"].unique())
    twice = int(subjects.map(name_of).value_counts().gt(1).sum())
    if twice:
        raise UserError(
            f"{twice} {'person goes' if twice == 1 else 'people go'} by two names: subjects whose "
            "labels differ by case, leading zeros or blanks alone (P01 and p01, 1 and 001) count "
            "as one person, who must not train and test; write each person's label in one way, or, "
            "if they are different people, give them labels that differ otherwise"
        )
    sessions = scans[["subject", "session"]].drop_duplicates()
    names = sessions.assign(session=[name_of(label) for label in sessions["session"]])
    twice = int(names.duplicated().sum())
    if twice:
        raise UserError(
            f"{twice} {'session goes' if twice == 1 else 'sessions go'} by two names: labels of one "
            "subject's sessions that differ by case, leading zeros or blanks alone (V1 and v1, 1 "
            "and 01) count as one session; write each in one way, or give them labels that differ "
            "otherwise"
        )
