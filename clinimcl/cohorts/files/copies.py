"""Scans that lie below a cohort's root in several folders: unpacked twice, or a derivative beside its original."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd


class Single(NamedTuple):
    scans: pd.DataFrame
    remarks: tuple[str, ...]


def without_copies(scans: pd.DataFrame, keys: Sequence[str]) -> Single:
    """Each scan from one folder: of those that hold it the one with most scans, then the first by name.

    Args:
        scans: with the columns `keys`, which name a scan, and `above`: the folder below the root in which its
            layout begins. Scans of one such folder are never each other's copies.
    """
    size = scans.groupby("above")["above"].transform("size")
    ranked = scans.assign(size=size).sort_values(["size", "above"], ascending=[False, True], kind="stable")
    chosen = ranked.groupby(list(keys))["above"].transform("first").reindex(scans.index)
    copy = scans["above"] != chosen
    count = int(copy.sum())
    if not count:
        return Single(scans, ())
    folders = scans.loc[copy, "above"].nunique()
    sentence = (
        f"{count} scans lie below cohort.root a second time, in {folders} further "
        f"{'folder' if folders == 1 else 'folders'}: these copies are left out; to read them instead, name their "
        "folder as cohort.root."
    )
    return Single(scans[~copy], (sentence,))
