"""The rows of a BIDS tree's TSV files that say something of its scans."""

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from clinimcl.cohorts.labels import spelled
from clinimcl.cohorts.tables.column_notes import Notes, TableNotes, missing_codes, sex_codes, unit_of
from clinimcl.cohorts.tables.parsing import MISSING, ages, column, sexes
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.errors import UserError
from clinimcl.storage.delimited import parse_table
from clinimcl.storage.tree import Tree

_TABLE = re.compile(r"(?:participants|sessions|scans)\.tsv|sub-[^/]+/(?:[^/]+/)*(?:[^/]*_)?(?:sessions|scans)\.tsv")
_SUBJECT_OF = re.compile(r"(?:^|/)sub-([^/_]+)[^/]*_(?:sessions|scans)\.tsv$")
_KEYS = {"scans": ("image",), "sessions": ("subject", "session"), "participants": ("subject",)}
_NAMING = ("participant_id", "session_id", "filename")
_SESSION = ("session_id", "session", "ses")
_THINGS = {"scans": "images", "sessions": "sessions", "participants": "people"}

Meaning = Callable[[pd.Series, str], pd.Series]


class Level(NamedTuple):
    """All tables of one kind as one, its index the row in its file; only rows of scans are left."""

    name: str
    rows: pd.DataFrame
    keys: tuple[str, ...]  # columns that find a scan's row, as key_columns has them


@dataclass(frozen=True)
class Tables:
    """The levels that there are, the most specific first, and what must be said of them."""

    levels: tuple[Level, ...]
    remarks: Remarks


def read_levels(tree: Tree, scans: pd.DataFrame) -> Tables:
    """scans.tsv, sessions.tsv and participants.tsv, read by the JSON files beside them.

    Ages are in years, sexes F or M.
    A sessions.tsv at the root, and a participants.tsv with a session_id, give their subject in
    participant_id. Rows find scans whose labels differ by case or leading zeros alone.

    Args: scans: subject, session and file (below the tables' root), one row a scan.

    Raises: UserError where a table lacks its first column, or rows of one thing contradict each
        other.
    """
    remarks = Remarks()
    named = key_columns(scans)
    tables: dict[str, list[_Rows]] = {"scans": [], "sessions": [], "participants": []}
    notes = TableNotes(tree, list(tables))
    for file, content in _contents(tree).items():
        kind = file.removesuffix(".tsv").replace("/", "_").rsplit("_", 1)[-1]
        rows = parse_table(content, f"{kind}.tsv", "\t")
        level = _level_of(rows, kind, remarks)
        tables[level].append(_Rows(_keyed(rows, level, kind, file), notes.of(file)))
    found = [_level(kind, parts, named, remarks) for kind, parts in tables.items() if parts]
    return Tables(tuple(found), remarks)


def key_columns(scans: pd.DataFrame) -> pd.DataFrame:
    """subject, session and image (the file without its ending): what names a scan's rows."""
    return scans[["subject", "session"]].assign(image=[_image(file) for file in scans["file"]])


def columns_of(levels: Sequence[Level]) -> list[str]:
    """The names of everything that tables tell, without the columns that only name rows."""
    own = {"subject", "session", "image", *_NAMING}
    return list(dict.fromkeys(str(name) for level in levels for name in level.rows if name not in own))


def look_up(levels: Iterable[Level], scans: pd.DataFrame, name: str, meaning: Meaning) -> pd.Series:
    """A column's value for each scan, from the most specific table that has one."""
    value = pd.Series(None, index=scans.index, dtype=object)
    wanted = key_columns(scans)
    for level in levels:
        if name not in level.rows:
            continue
        found = meaning(level.rows[name], level.name)
        found.index = _index(level.rows, level.keys)
        own = found.reindex(_index(wanted, level.keys)).set_axis(scans.index)
        value = value.where(value.notna(), own.astype(object))
    return value


class _Rows(NamedTuple):
    rows: pd.DataFrame
    notes: Notes


def _contents(tree: Tree) -> dict[str, bytes]:
    names = [file for file in tree.files if _TABLE.fullmatch(file)]
    content = tree.contents(names)
    lost = [file for file in names if file not in content]
    if lost:
        raise UserError(
            f"{len(lost)} of {len(names)} TSV files below {tree.root} cannot be read; the first "
            f"{tree.why_unreadable(lost[0])}"
        )
    return {file: content[file] for file in names}


def _level_of(rows: pd.DataFrame, kind: str, remarks: Remarks) -> str:
    """The level to which a file's rows belong: a participants.tsv may have a row a session."""
    if kind != "participants":
        return kind
    if "session_id" in rows:
        return "sessions"
    person, session = column(["participant_id"], list(rows.columns)), column(_SESSION, list(rows.columns))
    if person is None or session is None or not rows[person].duplicated().any():
        return kind
    if (rows.groupby(person)[session].nunique() <= 1).all():
        return kind
    remarks.count(len(rows), f"rows of participants.tsv are of a session each, that of its column {session}")
    return "sessions"


def _keyed(rows: pd.DataFrame, level: str, kind: str, file: str) -> pd.DataFrame:
    """The rows with the columns by which scans find them."""
    names = {"filename": column(["filename"], list(rows.columns)), "session_id": column(_SESSION, list(rows.columns))}
    names["participant_id"] = column(["participant_id"], list(rows.columns))
    owner = _SUBJECT_OF.search(file)
    needs = {"scans": ["filename"], "sessions": ["session_id"], "participants": ["participant_id"]}[level]
    if owner is None and level == "sessions":
        needs = ["participant_id", *needs]
    absent = [name for name in needs if names[name] is None]
    if absent:
        raise UserError(f"{kind}.tsv must have a column {absent[0]}, got {', '.join(rows.columns)}")
    if level == "scans":
        return rows.assign(image=[_named_image(name, posixpath.dirname(file)) for name in rows[names["filename"]]])
    subject = rows[names["participant_id"]].str.removeprefix("sub-") if owner is None else owner[1]
    session = rows[names["session_id"]].str.removeprefix("ses-") if level == "sessions" else ""
    return rows.assign(subject=subject, session=session)


def _named_image(name: str, folder: str) -> str:
    """The path below the root of what scans.tsv names from its own folder, or from the root."""
    plain = name.replace("\\", "/").removeprefix("bids::").removeprefix("/")
    whole = plain if plain.startswith("sub-") and "/" in plain else f"{folder}/{plain}"
    return _image(posixpath.normpath(whole))


def _image(file: str) -> str:
    return file.removesuffix(".gz").removesuffix(".nii")


def _level(kind: str, parts: Sequence[_Rows], named: pd.DataFrame, remarks: Remarks) -> Level:
    name, keys = f"{kind}.tsv", _KEYS[kind]
    known = _index(named, keys)
    groups: dict[str, list[pd.DataFrame]] = {}
    notes: dict[str, Notes] = {}
    for part in parts:
        same = repr(part.notes)
        groups.setdefault(same, []).append(part.rows)
        notes[same] = part.notes
    decoded, strangers, like_ours = [], 0, 0
    for same, tables in groups.items():
        rows = _of_suffix(_spelled(pd.concat(tables).fillna(""), kind, named, remarks), kind, named)
        ours = rows[_index(rows, keys).isin(known)]
        strangers, like_ours = strangers + len(rows) - len(ours), like_ours + len(rows)
        decoded.append(_decoded(ours, name, notes[same], remarks))
    rows = _one_each(pd.concat(decoded).fillna(""), keys, kind, remarks)
    remarks.count(strangers, f"rows of {name} name {_THINGS[kind]} of which no scan is read")
    lacking = int((~known.unique().isin(_index(rows, keys))).sum()) if like_ours else 0
    remarks.count(lacking, f"of {known.nunique()} {_THINGS[kind]} of the scans are in no row of {name}")
    return Level(name, rows, keys)


def _of_suffix(rows: pd.DataFrame, kind: str, named: pd.DataFrame) -> pd.DataFrame:
    """Of scans.tsv, the rows of images such as the scans are (T1w): others tell nothing."""
    if kind != "scans":
        return rows
    suffixes = set(named["image"].str.rpartition("_")[2])
    return rows[rows["image"].str.rpartition("_")[2].isin(suffixes)]


def _spelled(rows: pd.DataFrame, kind: str, named: pd.DataFrame, remarks: Remarks) -> pd.DataFrame:
    """The rows with labels as the scans' folders have them."""
    if kind == "scans":
        return rows
    spelling = rows.assign(subject=spelled(rows["subject"], named["subject"]))
    if kind == "sessions":
        known = named["subject"] + "/" + named["session"]
        whole = spelled(spelling["subject"] + "/" + spelling["session"], known)
        spelling = spelling.assign(session=whole.str.partition("/")[2])
    moved = (spelling["subject"] != rows["subject"]) | (spelling["session"] != rows["session"])
    remarks.count(
        int(moved.sum()),
        f"rows of {kind}.tsv write a label otherwise than the folders do (case, leading zeros or "
        "blanks): they are taken for the same",
    )
    return spelling


def _decoded(rows: pd.DataFrame, name: str, notes: Notes, remarks: Remarks) -> pd.DataFrame:
    """The rows with ages in years and sexes as F and M, each by the JSON beside its table."""
    for coded, codes in missing_codes(notes).items():
        if coded in rows:
            missing = rows[coded].isin(codes)
            remarks.count(int(missing.sum()), f"cells of {coded} in {name} mean a missing value, as its JSON says")
            rows = rows.assign(**{coded: rows[coded].mask(missing, "")})
    age = column(["age"], list(rows.columns))
    if age is not None:
        years = ages(rows[age], name, remarks, unit_of(notes, age))
        rows = rows.assign(**{age: years.map(repr).where(years.notna(), "").astype("str")})
    for wanted in ("sex", "gender"):
        sex = column([wanted], list(rows.columns))
        if sex is not None:
            rows = rows.assign(**{sex: sexes(rows[sex], name, remarks, sex_codes(notes, sex)).fillna("").astype("str")})
    return rows


def _one_each(rows: pd.DataFrame, keys: Sequence[str], kind: str, remarks: Remarks) -> pd.DataFrame:
    """One row of each thing: rows that say the same, or leave out what another says, are one.

    Raises: UserError where they contradict each other.
    """
    again = rows.duplicated(list(keys))
    if not again.any():
        return rows
    told = rows.mask(rows.apply(lambda cells: cells.str.lower().isin(MISSING)))
    key = [rows[name] for name in keys]
    for name in told.columns.difference([*_NAMING, *keys], sort=False):
        values = told[name].str.removesuffix(".0").groupby(key).nunique()
        if (values > 1).any():
            raise UserError(
                f"{kind}.tsv lists {(values > 1).sum()} {kind} twice, with different values of {name}: each must have "
                "one row; in a table of sessions, a column session_id names them"
            )
    remarks.count(int(again.sum()), f"rows of {kind}.tsv stand there again, and contradict nothing: they count once")
    merged = told.groupby(key, sort=False).first()
    return (
        merged.assign(**{name: rows.loc[~again, name].to_numpy() for name in keys})
        .fillna("")
        .set_axis(rows.index[~again])
    )


def _index(rows: pd.DataFrame, keys: Sequence[str]) -> pd.Index:
    return pd.Index(rows[keys[0]]) if len(keys) == 1 else pd.MultiIndex.from_frame(rows[list(keys)])
