"""Embeddings as others write them: a table, or a folder with a vector a file."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.errors import UserError
from clinimcl.evaluation.exam.embedding_folder import INDEX
from clinimcl.storage.delimited import parse_table

SUBJECT = ("pseudonym", "subject", "participant_id", "subject_id", "subject id", "oasisid", "ptid")
FOLDERS = ("embeddings", "beside")  # settings that may name a folder
_COLUMN = re.compile(r"embedding_(\d+)")


class Embeddings(NamedTuple):
    """A row a scan: `rows` is text, with whose scan it is in `subject`."""

    rows: pd.DataFrame
    vectors: Float[np.ndarray, "scan dimension"]


def read_embeddings(path: Path, setting: str) -> Embeddings:
    """A table (.parquet or .csv) with columns embedding_0, …, or a folder of .npy files.

    A folder's index.csv says whose each `file` is. Without one, a file is named by its subject.

    Raises:
        UserError: it is not there or of another form, or a number is missing or infinite.
    """
    embeddings = _of_folder(path, setting) if path.is_dir() else _of_table(path, setting)
    _check(embeddings.vectors, f"{setting}={path}")
    return embeddings


def read_table(path: Path, setting: str) -> pd.DataFrame:
    """A CSV, TSV or parquet file as text, missing cells as "".

    Raises:
        UserError: there is no such file, or it is no table.
    """
    if not path.is_file():
        folder = ", or a folder of .npy files" if setting in FOLDERS else ""
        raise UserError(f"{setting}={path} is not there: expected a .csv, .tsv or .parquet file{folder}")
    if path.suffix == ".parquet":
        return _as_text(_of_parquet(path, setting))
    if path.suffix not in (".csv", ".tsv"):
        raise UserError(f"{setting}={path} must end with .csv, .tsv or .parquet")
    separator = "\t" if path.suffix == ".tsv" else ","
    return parse_table(path.read_bytes(), f"{setting}={path}", separator).reset_index(drop=True)


def with_subject(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """The table with its column of subjects called `subject`.

    Raises:
        UserError: none of its columns is known to name them.
    """
    columns = {str(name).lower(): name for name in table}
    known = [columns[name] for name in SUBJECT if name in columns]
    if not known:
        named = ", ".join(map(str, table.columns[:20]))
        raise UserError(f"{where} must have a column {', '.join(SUBJECT)}; there are {named}")
    return table.drop(columns="subject", errors="ignore").assign(subject=table[known[0]])


def _of_table(path: Path, setting: str) -> Embeddings:
    table = read_table(path, setting)
    numbered = {int(match[1]): name for name in table if (match := _COLUMN.fullmatch(str(name)))}
    if sorted(numbered) != list(range(len(numbered))) or not numbered:
        raise UserError(f"{setting}={path} must have the columns embedding_0, embedding_1, … without a gap")
    columns = [numbered[number] for number in range(len(numbered))]
    vectors = table[columns].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    return Embeddings(with_subject(table.drop(columns=columns), f"{setting}={path}"), vectors)


def _of_parquet(path: Path, setting: str) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are of these kinds
        raise UserError(f"{setting}={path} is no parquet file ({type(error).__name__})") from None


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers without a point, so that they match those of a CSV file."""
    return table.apply(lambda column: column.map(_cell, na_action="ignore")).fillna("").astype(str)


def _cell(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if isinstance(value, float) and whole else str(value)


def _of_folder(folder: Path, setting: str) -> Embeddings:
    index = _index(folder, setting)
    paths = [folder / name for name in index["file"]]
    missing = sum(not path.is_file() for path in paths)
    if missing:
        raise UserError(f"{setting}={folder}: {missing} of the {len(paths)} files of {INDEX} are not there")
    pickled = sum(_holds_objects(path) for path in paths)
    if pickled:
        raise UserError(
            f"{setting}={folder}: {pickled} of {len(paths)} files hold objects, which are not "
            "unpickled: save arrays of numbers"
        )
    vectors = [_vector(path) for path in paths]
    sizes = {0 if vector is None else len(vector) for vector in vectors}
    if len(sizes) != 1 or 0 in sizes:
        lengths = ", ".join(map(str, sorted(sizes)))
        raise UserError(f"{setting}={folder}: every file must hold one vector, all as long, got lengths {lengths}")
    return Embeddings(index.drop(columns="file"), np.stack([one for one in vectors if one is not None]))


def _index(folder: Path, setting: str) -> pd.DataFrame:
    if (folder / INDEX).is_file():
        table = read_table(folder / INDEX, setting)
        if "file" not in table or not all(Path(name).name == name for name in table["file"]):
            raise UserError(f"{setting}={folder}/{INDEX} must have a column file, of names of files beside it")
        return with_subject(table, f"{setting}={folder}/{INDEX}")
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".npy", ".npz"))
    if not paths:
        raise UserError(f"{setting}={folder} must hold .npy files, a vector each")
    return pd.DataFrame({"file": [path.name for path in paths], "subject": [path.stem for path in paths]})


def _holds_objects(path: Path) -> bool:
    """Of a .npy file, by its header."""
    if path.suffix != ".npy":
        return False
    try:
        np.lib.format.open_memmap(path, mode="r")
    except (OSError, EOFError):
        return False
    except ValueError as error:
        return "Python objects" in str(error)
    return False


def _vector(path: Path) -> Float[np.ndarray, " dimension"] | None:
    """The one array of a .npy or .npz file; None where it is no vector of numbers."""
    try:
        read = np.load(path, allow_pickle=False)
        arrays = list(read.values()) if isinstance(read, np.lib.npyio.NpzFile) else [read]
        vector = np.squeeze(arrays[0]).astype(float)
    except (OSError, ValueError, EOFError, IndexError, TypeError):
        return None
    return vector if len(arrays) == 1 and vector.ndim == 1 else None


def _check(vectors: Float[np.ndarray, "scan dimension"], where: str) -> None:
    if not len(vectors):
        raise UserError(f"{where} has no scan")
    broken = int((~np.isfinite(vectors).all(axis=1)).sum())
    if broken:
        raise UserError(f"{where}: embeddings must be finite numbers, and {broken} of {len(vectors)} are not")
    if len(vectors) > 1 and np.ptp(vectors, axis=0).max() == 0:
        raise UserError(f"{where}: all {len(vectors)} embeddings are the same, so nothing can be read from them")
