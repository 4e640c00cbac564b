"""Which subjects train, validate and test."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from clinimcl.cohorts.schema import SPLITS
from clinimcl.errors import UserError

FOLDS = 5


@dataclass(frozen=True)
class Splitting:
    """How subjects are divided. Shares are of subjects (of sites' subjects where whole sites are divided)."""

    by: str  # "subject", "site", or a column that holds train, validation and test
    stratify: Sequence[str]  # columns whose mix every split keeps; numbers count by quartile
    validation: float | int
    test: float | int
    seed: int

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test >= 1:
            raise UserError(
                "cohort.split.validation and cohort.split.test must be at least 0 and leave something to train on, "
                f"got {self.validation} and {self.test}"
            )

    @property
    def columns(self) -> list[str]:
        """The columns of the scan table that dividing needs, beyond subject."""
        return [*self.stratify, *([] if self.by == "subject" else [self.by])]

    @property
    def shares(self) -> np.ndarray:
        return np.array([1 - self.validation - self.test, self.validation, self.test])


def assign(scans: pd.DataFrame, splitting: Splitting, fold: int | None) -> pd.DataFrame:
    """The scans with their `split`.

    By subject, each goes where a hash of its id (and the seed) falls, so that adding subjects moves none of the
    others, unless a wanted split would be empty: it then takes the smallest group of the largest split. With a
    fold, hash fifth `fold` tests and the next one validates; the shares then have no say. Stratified subjects and
    whole sites are dealt out in the hash's order instead; sites that share a subject stay together.

    Raises: UserError for unknown columns, a fold outside 0 to 4 or one without test subjects.
    """
    _require_columns(scans, splitting.columns)
    if fold is not None and not 0 <= fold < FOLDS:
        raise UserError(f"cohort.fold must be 0 to {FOLDS - 1}, got {fold}")
    if splitting.by not in ("subject", "site"):
        return scans.assign(split=_from_column(scans, splitting, fold))
    groups = _sites(scans, wanted=int((splitting.shares > 0).sum())) if splitting.by == "site" else scans["subject"]
    return scans.assign(split=groups.map(_divide(_ranked(scans, groups, splitting), splitting, fold)))


def position(seed: int, name: str) -> float:
    """A uniform number in [0, 1) that belongs to a name, the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _ranked(scans: pd.DataFrame, groups: pd.Series, splitting: Splitting) -> pd.DataFrame:
    """One row a group (index): its hash position, stratum and number of subjects, in the order of dealing."""
    first = scans.assign(group=groups).drop_duplicates("group").set_index("group")
    names = pd.Series(first.index, index=first.index)
    strata = pd.Series("", index=first.index)
    for column in splitting.stratify:
        strata += "|" + _levels(scans.assign(group=groups).groupby("group")[column].first().reindex(first.index))
    table = pd.DataFrame({"position": names.map(lambda name: position(splitting.seed, name)), "stratum": strata})
    table["size"] = scans.groupby(groups)["subject"].nunique()
    return table.sort_values(["stratum", "position"])


def _levels(values: pd.Series) -> pd.Series:
    present = values.dropna().astype(str)
    numbers = pd.to_numeric(present, errors="coerce")
    if numbers.notna().all() and numbers.nunique() > 4:
        present = pd.qcut(numbers, 4, labels=False, duplicates="drop").astype(str)
    return present.reindex(values.index).fillna("missing").astype(str)


def _divide(groups: pd.DataFrame, splitting: Splitting, fold: int | None) -> pd.Series:
    dealt = bool(splitting.stratify) or splitting.by == "site"
    sizes = groups["size"].to_numpy(dtype=float)
    if fold is not None:
        shares = np.full(FOLDS, 1 / FOLDS)
        fifths = deal(sizes, shares) if dealt else (groups["position"].to_numpy() * FOLDS).astype(int)
        return _of_fold(pd.Series(fifths, index=groups.index), fold)
    shares = splitting.shares
    if dealt:
        choice = deal(sizes, shares)
    else:
        at = groups["position"].to_numpy()
        choice = np.where(at < splitting.test, 2, np.where(at < splitting.test + splitting.validation, 1, 0))
    return pd.Series(_none_empty(choice, sizes, shares), index=groups.index).map(dict(enumerate(SPLITS)))


def deal(sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Index of a share for each group in turn: always the one that is furthest below what it should have by now."""
    held = np.zeros(len(shares))
    choice = np.zeros(len(sizes), dtype=int)
    for index, (size, so_far) in enumerate(zip(sizes, np.cumsum(sizes), strict=True)):
        choice[index] = np.argmax(shares * so_far - held)
        held[choice[index]] += size
    return choice


def _none_empty(choice: np.ndarray, sizes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    choice = choice.copy()
    for wanted in np.flatnonzero(shares > 0):
        counts = np.bincount(choice, minlength=len(shares))
        if counts[wanted] == 0 and counts.max() > 1:
            rich = np.flatnonzero(choice == counts.argmax())
            choice[rich[np.argmin(sizes[rich])]] = wanted
    return choice


def _of_fold(fifths: pd.Series, fold: int) -> pd.Series:
    split = pd.Series("train", index=fifths.index)
    split[fifths == (fold + 1) % FOLDS] = "validation"
    split[fifths == fold] = "test"
    empty = [name for name in SPLITS if not (split == name).any()]
    if empty:
        raise UserError(
            f"cohort.fold={fold} leaves nothing for {' and '.join(empty)} among {len(fifths)} subjects or sites: set "
            "another cohort.split.seed, or cohort.split.stratify, which deals subjects out evenly"
        )
    return split


def _sites(scans: pd.DataFrame, *, wanted: int) -> pd.Series:
    """The group of sites of each scan, named by the first of them: sites that share a subject are one group."""
    missing = scans["site"].isna()
    if missing.any():
        raise UserError(f"cohort.split.by=site needs every scan's site; {missing.sum()} of {len(scans)} have none")
    subject, _ = pd.factorize(scans["subject"])
    site, names = pd.factorize(scans["site"], sort=True)
    edges = coo_array((np.ones(len(scans)), (site, subject + len(names))), shape=(len(names) + len(scans),) * 2)
    _, label = connected_components(edges, directed=False)
    first = pd.Series(names).groupby(label[: len(names)]).first()
    if len(first) < wanted:
        raise UserError(
            f"cohort.split.by=site needs at least {wanted} sites that share no subject, to fill as many splits; "
            f"got {len(first)}"
        )
    return pd.Series(label[site], index=scans.index).map(first)


def _from_column(scans: pd.DataFrame, splitting: Splitting, fold: int | None) -> pd.Series:
    if fold is not None or splitting.stratify:
        raise UserError(
            f"cohort.fold and cohort.split.stratify have no effect when cohort.split.by={splitting.by} names a "
            "column: leave them out"
        )
    values = scans[splitting.by].astype("str").str.strip()
    wrong = ~values.isin(SPLITS)
    if wrong.any():
        raise UserError(
            f"the column {splitting.by} must hold train, validation or test; {wrong.sum()} of {len(scans)} scans "
            f"have something else, the first {values[wrong].iloc[0]!r}"
        )
    return values


def _require_columns(scans: pd.DataFrame, columns: Sequence[str]) -> None:
    unknown = [name for name in columns if name not in scans]
    if unknown:
        raise UserError(
            f"cohort.split names the column {unknown[0]}, which this cohort does not have; there are "
            f"{', '.join(str(name) for name in scans if name != 'subject')}"
        )


def check(scans: pd.DataFrame) -> None:
    """Stop a run that would test on what it trained on.

    Looks at subjects and, once the cohort is prepared and has the column `content`, at files equal byte for byte.

    Raises: UserError with counts.
    """
    _check_apart(scans, "subject", "subject")
    if "content" in scans:
        known = scans["content"].fillna("") != ""
        _check_apart(scans.loc[known, ["content", "split"]], "content", "file, equal byte for byte,")


def _check_apart(scans: pd.DataFrame, column: str, what: str) -> None:
    number, names = scans[column].factorize()
    members = {split: np.zeros(len(names), bool) for split in SPLITS}
    for split, inside in members.items():
        inside[number[scans["split"] == split]] = True
    found = []
    for one, other in combinations(SPLITS, 2):
        shared = int((members[one] & members[other]).sum())
        if shared:
            noun = what if shared == 1 else what.replace("subject", "subjects").replace("file", "files")
            found.append(f"{shared} {noun} {'is' if shared == 1 else 'are'} in both {one} and {other}")
    if found:
        raise UserError("; ".join(found) + ": a subject and its scans must be on one side of a split")


def told(scans: pd.DataFrame) -> str:
    """How many subjects there are in each split."""
    counts = scans.groupby("split")["subject"].nunique()
    return "subjects: " + ", ".join(f"{counts.get(split, 0)} {split}" for split in ("train", "validation", "test"))


@dataclass(frozen=True)
class Sides:
    """The split of each subject, under a digest of its name, to be kept with a run.

    The salt keeps digests from being looked up in a list made beforehand, and the files of two runs from telling whom
    both know. It stands beside them, so that it hides no name that can be guessed, as a number among ten thousand can:
    whoever has the file can ask for each. Treat it like the weights.
    """

    salt: str  # empty in runs of before there were salts
    subjects: dict[str, str]

    @property
    def tested(self) -> list[str]:
        """Digests, sorted."""
        return sorted(subject for subject, split in self.subjects.items() if split == "test")


def sides(scans: pd.DataFrame, salt: str) -> Sides:
    """Sorted, so that their order tells nothing."""
    splits = scans.drop_duplicates("subject").set_index("subject")["split"]
    return Sides(salt, dict(sorted((_digest(str(subject), salt), split) for subject, split in splits.items())))


def _digest(subject: str, salt: str) -> str:
    return hashlib.sha256((salt + subject).encode()).hexdigest()[:16]


def read_sides(path: Path) -> Sides:
    found = json.loads(path.read_text("utf-8"))
    return Sides(**found) if "salt" in found else Sides("", found)


def check_unmoved(scans: pd.DataFrame, before: Sides) -> None:
    """A model may only be tested on, or go on training from, the division that it was trained with.

    Raises: UserError with the number of subjects that changed sides.
    """
    now = sides(scans, before.salt).subjects
    moved = sum(before.subjects.get(subject, split) != split for subject, split in now.items())  # new: not moved
    if moved:
        raise UserError(
            f"{moved} subjects are in another split than when the run was trained: give the same cohort.fold and "
            "cohort.split, and the cohort as it was, or train again"
        )


def require_pairs(scans: pd.DataFrame, split: str) -> None:
    """Contrastive pretraining needs two sessions of at least one subject.

    Raises: UserError with counts.
    """
    if (scans.groupby("subject")["session"].nunique() >= 2).any():
        return
    raise UserError(
        f"no {split} subject has two sessions: {len(scans)} usable scans of {scans['subject'].nunique()} subjects. "
        "Pairs are made of two sessions of one subject: choose a longitudinal cohort, or give the split more subjects "
        "by cohort.split.validation and cohort.split.test"
    )
