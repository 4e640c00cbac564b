"""What the TSV files of a BIDS tree say of its scans: when, how old, which score."""

import posixpath
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from clinimcl.cohorts.cells import column, dates, numbers, sexes, words
from clinimcl.cohorts.scores import column_of, direction, on_scale
from clinimcl.cohorts.tree import Tree, parse_table
from clinimcl.errors import UserError

_YEAR = 365.25
_SUBJECT_OF = re.compile(r"(?:^|/)sub-([^/_]+)[^/]*_(?:sessions|scans)\.tsv$")
_Meaning = Callable[[pd.Series, str], pd.Series]


class Level(NamedTuple):
    """All tables of one kind as one, its index the row in its file."""

    name: str
    rows: pd.DataFrame
    keys: tuple[str, ...]  # columns of the scan table that find a row


def read_levels(tree: Tree) -> list[Level]:
    """scans.tsv, sessions.tsv and participants.tsv, in this order: the most specific first.

    A sessions.tsv at the root, and a participants.tsv with a session_id, give their subject in
    participant_id.

    Raises: UserError where a table lacks its first column or lists something twice.
    """
    names = [file for file in tree.files if re.search(r"(^|[/_])(scans|sessions|participants)\.tsv$", file)]
    names = [file for file in names if file.startswith("sub-") or "/" not in file]
    content = tree.contents(names)
    if len(content) < len(names):
        raise UserError(f"{len(names) - len(content)} of {len(names)} TSV files below {tree.root} cannot be read")
    found: dict[str, list[pd.DataFrame]] = {"scans": [], "sessions": [], "participants": []}
    for file in names:
        kind = file.removesuffix(".tsv").replace("/", "_").rsplit("_", 1)[-1]
        rows = parse_table(content[file], f"{kind}.tsv", "\t")
        if kind == "participants" and "session_id" in rows:
            kind = "sessions"
        found[kind].append(_keyed(rows, kind, file))
    keys = {"scans": ("file",), "sessions": ("subject", "session"), "participants": ("subject",)}
    return [_level(kind, tables, keys[kind]) for kind, tables in found.items() if tables]


def _keyed(rows: pd.DataFrame, kind: str, file: str) -> pd.DataFrame:
    """The rows with the columns by which scans find them."""
    subject = _SUBJECT_OF.search(file)
    needs = {"scans": ["filename"], "sessions": ["session_id"], "participants": ["participant_id"]}[kind]
    if subject is None and kind == "sessions":
        needs = ["participant_id", *needs]
    absent = [name for name in needs if name not in rows]
    if absent:
        raise UserError(f"{kind}.tsv must have a column {absent[0]}, got {', '.join(rows.columns)}")
    if kind == "scans":
        return rows.assign(file=[posixpath.normpath(f"{posixpath.dirname(file)}/{name}") for name in rows["filename"]])
    own = rows["participant_id"].str.removeprefix("sub-") if subject is None else subject[1]
    return rows.assign(subject=own, session=rows["session_id"].str.removeprefix("ses-") if kind == "sessions" else "")


def _level(kind: str, tables: list[pd.DataFrame], keys: tuple[str, ...]) -> Level:
    rows = pd.concat(tables).fillna("")
    twice = rows.duplicated(list(keys)).sum()
    if twice:
        raise UserError(f"{kind}.tsv lists {twice} {kind} twice: each must have one row")
    return Level(f"{kind}.tsv", rows, keys)


def columns_of(levels: Sequence[Level]) -> list[str]:
    """The names of everything that tables tell, without the columns that only name rows."""
    own = {"subject", "session", "file", "participant_id", "session_id", "filename"}
    return list(dict.fromkeys(str(name) for level in levels for name in level.rows if name not in own))


def look_up(levels: Sequence[Level], scans: pd.DataFrame, name: str, meaning: _Meaning) -> pd.Series:
    """A column's value for each scan, from the most specific table that has one."""
    value = pd.Series(None, index=scans.index, dtype=object)
    for level in levels:
        if name not in level.rows:
            continue
        found = meaning(level.rows[name], level.name)
        if len(level.keys) == 1:
            found.index = pd.Index(level.rows[level.keys[0]])
            wanted = pd.Index(scans[level.keys[0]])
        else:
            found.index = pd.MultiIndex.from_frame(level.rows[list(level.keys)])
            wanted = pd.MultiIndex.from_frame(scans[list(level.keys)])
        value = value.where(value.notna(), found.reindex(wanted).set_axis(scans.index).astype(object))
    return value


def days(levels: Sequence[Level], scans: pd.DataFrame, months: pd.Series | None = None) -> pd.Series:
    """The day of each scan's session, from any origin, one for each subject.

    A subject's sessions are timed by the first of these that times all of them and tells them apart: acq_time
    (dates, of the session or of its first scan), a column day, days or days_…, age in sessions.tsv or
    scans.tsv, and last `months` (days that session labels mean by convention). Two sessions on one date are
    accepted, two at one age are not. The sessions' labels alone are no order.

    Raises: UserError that counts the subjects without an order.
    """
    session = [scans["subject"], scans["session"]]
    chosen = pd.Series(float("nan"), index=scans.index)
    tied = chosen.copy()
    for times, may_tie in _times(levels, scans, months):
        of_session = times.astype(float).groupby(session).transform("min")
        complete = of_session.notna().groupby(scans["subject"]).transform("all")
        labels = scans.groupby("subject")["session"].transform("nunique")
        apart = of_session.groupby(scans["subject"]).transform("nunique") == labels
        chosen = chosen.where(chosen.notna() | ~(complete & apart), of_session)
        if may_tie:
            tied = tied.where(tied.notna() | ~complete, of_session)
    chosen = chosen.fillna(tied)
    single = scans.groupby("subject")["session"].transform("nunique") == 1
    chosen = chosen.mask(single & chosen.isna(), 0.0)
    lost = scans.loc[chosen.isna(), "subject"].nunique()
    if lost:
        raise UserError(
            f"{lost} of {scans['subject'].nunique()} subjects have several sessions and nothing that orders all of "
            "them: their sessions.tsv needs a column acq_time (YYYY-MM-DD), days or age, without gaps or ties; labels "
            "such as ses-01 are not an order"
        )
    return chosen


def _times(levels: Sequence[Level], scans: pd.DataFrame, months: pd.Series | None) -> list[tuple[pd.Series, bool]]:
    timed = [level for level in levels if level.name != "participants.tsv"]
    named = [name for name in columns_of(timed) if re.fullmatch(r"days?|days_.*", name, re.IGNORECASE)]
    found = [(look_up(timed, scans, "acq_time", dates), True)]
    found += [(look_up(timed, scans, name, numbers), True) for name in named]
    age = column(["age"], columns_of(timed))
    if age is not None:
        found.append((look_up(timed, scans, age, numbers).astype(float) * _YEAR, False))
    if months is not None:
        found.append((months, False))
    # one and the same time for the whole cohort is what anonymisation leaves: no time
    return [(times, may_tie) for times, may_tie in found if times.nunique() > 1]


def people(levels: Sequence[Level], scans: pd.DataFrame, extra: Sequence[str]) -> pd.DataFrame:
    """age, sex, site, scanner and further columns of each scan, missing where no table tells.

    The age of participants.tsv is that at the first session; the days since are added.
    """
    known = columns_of(levels)
    text: dict[str, tuple[list[str], _Meaning]] = {
        "sex": (["sex", "gender"], lambda cells, where: sexes(cells)),
        "site": (["site"], words),
        "scanner": (["scanner"], words),
    }
    text |= {name: ([name], words) for name in extra}
    found = {"age": _age(levels, scans)}
    for name, (names, meaning) in text.items():
        present = column(names, known)
        if present is not None:
            found[name] = look_up(levels, scans, present, meaning)
    return pd.DataFrame(found, index=scans.index)


def _age(levels: Sequence[Level], scans: pd.DataFrame) -> pd.Series:
    name = column(["age"], columns_of(levels))
    if name is None:
        return pd.Series(float("nan"), index=scans.index)
    timed = [level for level in levels if level.name != "participants.tsv"]
    whole = [level for level in levels if level.name == "participants.tsv"]
    passed = scans["day"] - scans.groupby("subject")["day"].transform("min")
    at_scan = look_up(timed, scans, name, numbers).astype(float)
    return at_scan.fillna(look_up(whole, scans, name, numbers).astype(float) + passed / _YEAR)


def with_score(levels: Sequence[Level], scans: pd.DataFrame, score: str | None, higher_is: str | None) -> pd.DataFrame:
    """The scans with score, score_name and higher_is. The score `age` is the age at the scan.

    Raises: UserError for a column that no table has, or a score without direction.
    """
    if score is None:
        return scans
    name = column_of(score, columns_of(levels), "scans.tsv, sessions.tsv or participants.tsv")
    values = scans["age"] if name.lower() == "age" else look_up(levels, scans, name, numbers).astype(float)
    return scans.assign(score=on_scale(values, name), score_name=name, higher_is=direction(name, higher_is))
