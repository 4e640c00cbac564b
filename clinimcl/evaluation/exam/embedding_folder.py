"""Embeddings as a folder: a float32 vector a scan in a .npy file, as FOMO26's linear probes read them, and an index."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from clinimcl.errors import UserError

INDEX = "index.csv"


def check_folder(out: Path) -> None:
    """Raises UserError: it is there, and not such a folder."""
    if not out.exists() and not out.is_symlink():
        return
    names = [path.name for path in out.iterdir()] if out.is_dir() and not out.is_symlink() else [""]
    written = all(name == INDEX or name.endswith(".npy") for name in names)
    if not written or (names and INDEX not in names):
        raise UserError(f"out={out} must be a new folder, or one of an earlier format=fomo and nothing else in it")


def write_folder(table: pd.DataFrame, out: Path) -> None:
    """Of an `embedding_table`: `<pseudonym>-<number of the scan>.npy`, and which scan each is in index.csv.

    The folder takes its place when all of it is written.

    Raises:
        UserError: as `check_folder`.
    """
    check_folder(out)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(table, partial)
        shutil.rmtree(out, ignore_errors=True)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(table: pd.DataFrame, folder: Path) -> None:
    numbered = [name for name in table if str(name).startswith("embedding_")]
    scan = table.groupby("pseudonym").cumcount() + 1
    files = [f"{name}-{number}.npy" for name, number in zip(table["pseudonym"], scan, strict=True)]
    for file, vector in zip(files, table[numbered].to_numpy(np.float32), strict=True):
        np.save(folder / file, vector, allow_pickle=False)
    index = table.drop(columns=numbered)
    index.insert(0, "file", files)
    index.to_csv(folder / INDEX, index=False)
