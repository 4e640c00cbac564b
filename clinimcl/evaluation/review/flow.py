"""From the scans that were found to the scans that were tested, with every exclusion and its reason."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool

from clinimcl.cohorts.schema import SPLITS
from clinimcl.pseudonyms import without_ids

FIRST_FIGURE = re.compile(r"[:(\d].*")
Mask = Bool[np.ndarray, " scan"]


class Count(NamedTuple):
    scans: int
    subjects: int


class Exclusion(NamedTuple):
    """Scans that go no further. Their subjects may go on with other scans."""

    reason: str
    size: Count


class Use(NamedTuple):
    """What scans of a split were taken for."""

    split: str
    purpose: str  # such as "train the encoder"
    paths: frozenset[str]  # of the scans that were used
    needs: tuple[str, ...]  # keys of NEEDS that a scan had to meet, in the order of the reasons
    otherwise: str  # why a scan that meets them all was not used


class Branch(NamedTuple):
    """A use, counted: the scans of the split are those used and those excluded."""

    split: str
    purpose: str
    used: Count
    excluded: list[Exclusion]


class Flow(NamedTuple):
    """Found scans are those set aside and the usable ones; usable ones are those of the splits."""

    found: Count
    set_aside: list[Exclusion]
    usable: Count
    splits: dict[str, Count]
    branches: list[Branch]


def _without_score(scans: pd.DataFrame) -> Mask:
    return scans["score"].isna().to_numpy()


def _only_session(scans: pd.DataFrame) -> Mask:
    return (scans.groupby("subject")["session"].transform("nunique") < 2).to_numpy()


def _other_run(scans: pd.DataFrame) -> Mask:
    return scans.duplicated(["subject", "session", "zone"]).to_numpy()


NEEDS: dict[str, tuple[str, Callable[[pd.DataFrame], Mask]]] = {
    "score": ("no health score", _without_score),
    "other session": ("the only session of its subject", _only_session),
    "first run": ("another run of the same session", _other_run),
}


def flow(table: pd.DataFrame, uses: list[Use], names: dict[str, str]) -> Flow:
    """Counts of a prepared scan table, whose `reason` says why a scan was set aside, "" of usable ones.

    Subjects' ids are taken out of the reasons by `names`, their pseudonyms.
    """
    aside = table[table["reason"] != ""]
    usable = table[table["reason"] == ""]
    return Flow(
        count(table),
        exclusions(aside, kinds(aside, names)),
        count(usable),
        {split: count(usable[usable["split"] == split]) for split in SPLITS},
        [branch(usable[usable["split"] == use.split], use) for use in uses],
    )


def count(scans: pd.DataFrame) -> Count:
    return Count(len(scans), int(scans["subject"].nunique()))


def exclusions(scans: pd.DataFrame, reasons: pd.Series) -> list[Exclusion]:
    """Commonest reason first."""
    grouped = [Exclusion(str(reason), count(rows)) for reason, rows in scans.groupby(reasons)]
    return sorted(grouped, key=lambda exclusion: (-exclusion.size.scans, exclusion.reason))


def kinds(aside: pd.DataFrame, names: dict[str, str]) -> pd.Series:
    """Reasons up to their first figure, so that `truncated: 5 bytes` and `truncated: 7 bytes` are one."""
    rows = zip(aside["reason"], aside["path"], strict=True)
    reasons = [without_ids(str(reason), str(path), names) for reason, path in rows]
    shortened = [FIRST_FIGURE.sub("", reason).strip() or reason for reason in reasons]
    return pd.Series(shortened, index=aside.index, dtype=object)


def branch(scans: pd.DataFrame, use: Use) -> Branch:
    """Of a split's usable scans, those used, and the first reason that holds of each of the others."""
    used = scans["path"].isin(use.paths)
    reason = pd.Series(use.otherwise, index=scans.index, dtype=object)
    for need in reversed(use.needs):
        sentence, unmet = NEEDS[need]
        reason[unmet(scans)] = sentence
    return Branch(use.split, use.purpose, count(scans[used]), exclusions(scans[~used], reason[~used]))


def flow_entry(flow: Flow) -> dict[str, Any]:
    """As it stands in flow.json."""
    return {
        "found": flow.found._asdict(),
        "set_aside": [_excluded(exclusion) for exclusion in flow.set_aside],
        "usable": flow.usable._asdict(),
        "splits": {split: counted._asdict() for split, counted in flow.splits.items()},
        "uses": [_branch_entry(branch) for branch in flow.branches],
    }


def _excluded(exclusion: Exclusion) -> dict[str, Any]:
    return {"reason": exclusion.reason, **exclusion.size._asdict()}


def _branch_entry(branch: Branch) -> dict[str, Any]:
    excluded = [_excluded(exclusion) for exclusion in branch.excluded]
    head = {"split": branch.split, "purpose": branch.purpose}
    return head | {"used": branch.used._asdict(), "excluded": excluded}
