"""One embedding per session: the mean over its scans."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float


class Sessions(NamedTuple):
    """`table` has subject, session and day, a row a session, in time order within each subject."""

    table: pd.DataFrame
    vectors: Float[np.ndarray, "session dimension"]  # unit length


def unit(vectors: Float[np.ndarray, "*batch dimension"]) -> Float[np.ndarray, "*batch dimension"]:
    """Scales to length 1; a vector of zeros stays one."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def sessions_of(scans: pd.DataFrame, vectors: Float[np.ndarray, "scan dimension"]) -> Sessions:
    """Runs of a session are averaged, so that no session counts twice."""
    groups = scans.groupby(["subject", "session"], sort=False)
    number = groups.ngroup().to_numpy()
    sums = np.zeros((groups.ngroups, vectors.shape[1]))
    np.add.at(sums, number, unit(vectors))
    table = groups.agg(day=("day", "min")).reset_index()
    order = np.lexsort((table["day"], table["subject"].factorize()[0]))
    return Sessions(table.iloc[order].reset_index(drop=True), unit(sums[order]))


def repeated(sessions: Sessions, least: int = 2) -> Sessions:
    """Only subjects with at least `least` sessions."""
    counts = sessions.table.groupby("subject")["session"].transform("size")
    kept = (counts >= least).to_numpy()
    return Sessions(sessions.table[kept].reset_index(drop=True), sessions.vectors[kept])
