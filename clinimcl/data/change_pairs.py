"""Which two scans the change classifier is trained and tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from clinimcl.cohorts.change import CHANGES, ChangeRule
from clinimcl.cohorts.decimals import rounding
from clinimcl.errors import UserError

KINDS = {"intra": "intra-subject", "inter": "inter-subject", "zone": "zone contrast"}
MATCHABLE = ("age", "sex", "site")
SAME_AGE = 5.0  # years


@final
@dataclass(frozen=True)
class ChangePairs:
    """The pairs of one experiment. Scans are named by their row in the cohort's table.

    Source: LEARNER, section 2.3: pairs of different people train, pairs of one person test.
    """

    per_scan: int  # inter-subject pairs for each scan
    match: Sequence[str]  # what the two people of an inter-subject pair share: age (within 5 years), sex, site
    train: str  # inter, intra, or both
    test: str  # auto, intra, inter, or zone
    seed: int

    def __post_init__(self) -> None:
        if self.per_scan < 1:
            raise ValueError(f"per_scan must be at least 1, got {self.per_scan}")
        if self.train not in ("inter", "intra", "both"):
            raise ValueError(f"train must be inter, intra or both, got {self.train}")
        if self.test not in ("auto", *KINDS):
            raise ValueError(f"test must be auto, intra, inter or zone, got {self.test}")
        unknown = sorted(set(self.match) - set(MATCHABLE))
        if unknown:
            raise ValueError(f"match may hold {', '.join(MATCHABLE)}, got {', '.join(unknown)}")

    def learned(self, scans: pd.DataFrame, split: str, rule: ChangeRule) -> pd.DataFrame:
        """Pairs of a split to learn from (`train`) or to choose by (`validation`).

        Raises:
            UserError: there is none, or training pairs know fewer than three classes.
        """
        own = scored(scans, split)
        generator = np.random.default_rng((self.seed, 3 if split == "train" else 4))
        kinds = ("inter", "intra") if self.train == "both" else (self.train,)
        found = [inter_pairs(own, self.per_scan, self.match, generator) if kind == "inter" else intra_pairs(own)
                 for kind in kinds]  # fmt: skip
        pairs = with_change(pd.concat(found, ignore_index=True), scans, rule)
        if pairs.empty:
            raise UserError(
                f"no two {split} scans with a score make a pair of change.pairs.train={self.train}: give {split} more "
                "subjects by cohort.split, match less by change.pairs.match, or set change.pairs.train=inter|intra"
            )
        absent = [name for number, name in enumerate(CHANGES) if not (pairs["change"] == number).any()]
        if absent and split == "train":
            raise UserError(
                f"no training pair is {' or '.join(absent)}: {rule.sentence} Set another cohort.change_threshold or "
                "cohort.change_bins"
            )
        return pairs

    def tested(self, scans: pd.DataFrame, rule: ChangeRule, split: str = "test") -> tuple[str, pd.DataFrame]:
        """The kind of the test, in words, and its pairs; `auto` takes one person's pairs wherever there are any.

        Raises:
            UserError: there is no such pair.
        """
        own = scored(scans, split)
        kind, pairs = self.test, pd.DataFrame()
        if kind in ("auto", "intra"):
            pairs = intra_pairs(own)
            kind = "intra" if self.test == "intra" or len(pairs) else "inter"
        if kind == "inter":
            pairs = inter_pairs(own, self.per_scan, self.match, np.random.default_rng((self.seed, 5)))
        if kind == "zone":
            pairs = zone_pairs(own)
        if pairs.empty:
            there = f"{len(own)} {split} scans that have a score, of {own['subject'].nunique()} subjects"
            raise UserError(
                f"no two of the {there}, make a pair of change.pairs.test={self.test}: set a larger "
                f"cohort.split.{split}, another change.pairs.test, or check cohort.score"
            )
        return KINDS[kind], with_change(pairs, scans, rule)


def scored(scans: pd.DataFrame, split: str) -> pd.DataFrame:
    """The scans of a split that have a score; of a session's runs of one zone, the first."""
    own = scans[(scans["split"] == split) & scans["score"].notna()]
    return own.drop_duplicates(["subject", "session", "zone"])


def with_change(pairs: pd.DataFrame, scans: pd.DataFrame, rule: ChangeRule) -> pd.DataFrame:
    """The pairs with their `change`, and years from the earlier to the later scan (`interval`)."""
    if pairs.empty:
        return pairs.assign(change=pd.Series(dtype=int), interval=pd.Series(dtype=float))
    score, day = scans["score"].to_numpy(float), scans["day"].to_numpy(float)
    earlier, later = pairs["earlier"].to_numpy(), pairs["later"].to_numpy()
    change = rule.change(score[earlier], score[later])
    return pairs.assign(change=change, interval=(day[later] - day[earlier]) / 365.25)


def inter_pairs(
    scans: pd.DataFrame, per_scan: int, match: Sequence[str], generator: np.random.Generator
) -> pd.DataFrame:
    """Each scan as the earlier one of up to `per_scan` pairs with scans of the same zone of other people."""
    columns = {name: scans[name].to_numpy() for name in ("subject", "zone", *match)}
    found = []
    for place in range(len(scans)):
        fits = columns["subject"] != columns["subject"][place]
        for name in ("zone", *match):
            own = columns[name][place]
            fits &= same_age(columns[name], own) if name == "age" else columns[name] == own
        others = np.flatnonzero(fits)
        chosen = generator.choice(others, size=min(per_scan, len(others)), replace=False)
        found += [(place, int(other)) for other in chosen]
    return _pairs(scans, found, list(range(len(found))))


def same_age(ages: Float[np.ndarray, " scan"], age: float) -> Bool[np.ndarray, " scan"]:
    """Within 5 years. 64.3 and 69.3 are, whatever their difference in binary; an unknown age is near none."""
    return np.abs(ages - age) <= SAME_AGE + rounding(ages, float(age))


def intra_pairs(scans: pd.DataFrame) -> pd.DataFrame:
    """Every two sessions of a person, earlier first, zone by zone; one answer a pair of sessions."""
    found, answers = [], []
    for _, own in scans.assign(place=np.arange(len(scans))).groupby("subject", sort=True):
        days = own.groupby("session")["day"].min().sort_values(kind="stable")
        for first, second in combinations(days.index, 2):
            if days[first] == days[second]:
                continue  # nothing tells which came earlier
            by_zone = own.set_index(["session", "zone"])["place"]
            zones = [zone for zone in by_zone.loc[first].index if zone in by_zone.loc[second].index]
            found += [(int(by_zone[first, zone]), int(by_zone[second, zone])) for zone in zones]
            answers += [(own["subject"].iloc[0], first, second)] * len(zones)
    return _pairs(scans, found, pd.factorize(pd.Series(answers, dtype=object))[0].tolist())


def zone_pairs(scans: pd.DataFrame) -> pd.DataFrame:
    """Every two zones of a session: how one place differs from another, which is no health change."""
    found = []
    for _, own in scans.assign(place=np.arange(len(scans))).groupby(["subject", "session"], sort=True):
        places = own.drop_duplicates("zone").sort_values("zone")["place"]
        found += [(int(first), int(second)) for first, second in combinations(places, 2)]
    return _pairs(scans, found, list(range(len(found))))


def _pairs(scans: pd.DataFrame, found: list[tuple[int, int]], answers: list[int]) -> pd.DataFrame:
    """Places among `scans` as rows of the cohort's table."""
    places = np.array(found, dtype=int).reshape(-1, 2)
    rows = scans.index.to_numpy()
    return pd.DataFrame({"earlier": rows[places[:, 0]], "later": rows[places[:, 1]], "answer": answers})
