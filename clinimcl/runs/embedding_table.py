"""Embeddings as a table that may leave the machine: subjects under keyed pseudonyms, no dates, no paths."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.errors import UserError
from clinimcl.pseudonyms import keyed
from clinimcl.storage.files import whole

ALWAYS = ("day", "zone", "run", "split")
SCORES = ("score", "score_name")
OF_THE_MACHINE = ("subject", "session", "path", "mask", "key", "checksum", "reason")


def embedding_table(
    scans: pd.DataFrame,
    vectors: Float[np.ndarray, "scan embedding"],
    key: bytes,
    *,
    scores: bool,
    columns: Sequence[str] = (),
) -> pd.DataFrame:
    """A row a scan: pseudonym, session (counted from 1 in time order), day since the first session, zone, run, split,
    the score and its name if wanted, other columns of the scan table that are wanted, embedding_0, ….

    Sorted by pseudonym, so that the order tells nothing of the ids.

    Raises:
        UserError: a column is not there, or names a subject or a file.
    """
    _check(columns, scans)
    names = keyed(scans["subject"].unique(), key)
    table = pd.DataFrame({"pseudonym": scans["subject"].map(names), "session": session_numbers(scans)})
    kept = list(dict.fromkeys([*ALWAYS, *(SCORES if scores else ()), *columns]))
    numbered = [f"embedding_{number}" for number in range(vectors.shape[1])]
    embedding = pd.DataFrame(vectors.astype(np.float32), columns=numbered, index=scans.index)
    whole_table = pd.concat([table, scans[kept], embedding], axis=1)
    return whole_table.sort_values(["pseudonym", "session", "zone", "run"], ignore_index=True)


def session_numbers(scans: pd.DataFrame) -> pd.Series:
    """1 for a subject's first session that is there; a session's scans share its number."""
    days = scans.groupby(["subject", "session"])["day"].transform("min")
    ordered = scans.assign(day=days)[["subject", "day", "session"]].drop_duplicates()
    ordered = ordered.sort_values(["subject", "day", "session"])
    number = ordered.groupby("subject").cumcount() + 1
    found = dict(zip(zip(ordered["subject"], ordered["session"], strict=True), number, strict=True))
    pairs = zip(scans["subject"], scans["session"], strict=True)
    return pd.Series([int(found[pair]) for pair in pairs], index=scans.index)


def _check(columns: Sequence[str], scans: pd.DataFrame) -> None:
    offered = [name for name in scans.columns if name not in OF_THE_MACHINE]
    wrong = [name for name in columns if name not in offered]
    if wrong:
        raise UserError(f"columns={wrong[0]} is not among those that may leave the machine: {', '.join(offered)}")


def write_table(table: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as temporary:
        table.to_parquet(temporary, index=False)
