"""What is probed for: labels, and the items that carry one."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from clinimcl.cohorts.scores import KNOWN
from clinimcl.evaluation.statistics.metrics import Absent

# score: the edge beyond which, on the worse side, a value means a diagnosis
EDGES = {
    "CDRTOT": 0.0,
    "CDR": 0.0,
    "CDRSUM": 0.0,
    "CDRSB": 0.0,
    "DX": 0.0,  # impaired or demented
    "MMSE": 27.0,  # O'Bryant et al. 2008, Arch Neurol 65:963
}
CLASSES = ("diagnosis", "site", "scanner", "sex")
NUMBERS = ("score", "age")
CONFOUNDS = ("site", "scanner", "sex")
SIDES = ("train", "test")


class Items(NamedTuple):
    """What a probe learns from and is tested on: a row an item, which is the mean of some scans of one subject.

    Classes: a subject counts once for each label that it had. Numbers: a session is an item.
    """

    subject: Int[np.ndarray, " item"]
    train: Bool[np.ndarray, " item"]  # the others are tested
    label: Float[np.ndarray, " item"]  # a number, or that of a class, counted from 0
    of_scan: Int[np.ndarray, " scan"]  # −1: no label
    classes: list[str]  # [] for numbers
    left_out: int = 0  # test scans whose label no training subject has

    def mean(self, vectors: Float[np.ndarray, "scan dimension"]) -> Float[np.ndarray, "item dimension"]:
        known = self.of_scan >= 0
        total = np.zeros((len(self.label), vectors.shape[1]))
        np.add.at(total, self.of_scan[known], vectors[known])
        return total / np.bincount(self.of_scan[known], minlength=len(self.label))[:, None]


def items_of(scans: pd.DataFrame, name: str) -> Items | Absent:
    """Of one of CLASSES or NUMBERS; a label that only one side of the split has is left out."""
    if name == "diagnosis" and diagnosed(scans) is None:
        return Absent(f"no value of {score_name(scans) or 'a score'} is taken for a diagnosis")
    values = labels(scans, name)
    train, test = ((scans["split"] == split).to_numpy(bool) & values.notna().to_numpy(bool) for split in SIDES)
    if not train.any() or not test.any():
        return Absent(f"no {'test' if train.any() else 'training'} scan has a known {name}")
    if name in NUMBERS:
        return numbers(scans, values.where(train | test))
    shared = sorted(set(values[train]) & set(values[test]))
    if len(shared) < 2:
        return Absent(f"training and test subjects have {len(shared)} values of {name} in common, and 2 are needed")
    items = classified(scans, values.where((train | test) & values.isin(shared)), shared)
    return items._replace(left_out=int((test & ~values.isin(shared).to_numpy(bool)).sum()))


def labels(scans: pd.DataFrame, name: str) -> pd.Series:
    """Of each scan; missing where there is none."""
    if name == "diagnosis":
        found = diagnosed(scans)
        assert found is not None
        return found
    values = scans[name]
    return values.astype(float) if name in NUMBERS else values.astype(object).where(values.notna() & (values != ""))


def score_name(scans: pd.DataFrame) -> str:
    names = scans.loc[scans["score"].notna(), "score_name"]
    return "" if names.empty else str(names.iloc[0])


def diagnosed(scans: pd.DataFrame) -> pd.Series | None:
    """ "healthy" or "ill"; None where the score has no known edge."""
    name = score_name(scans).upper()
    if name not in EDGES:
        return None
    score = scans["score"].astype(float)
    beyond = score < EDGES[name] if KNOWN[name].higher_is == "better" else score > EDGES[name]
    return beyond.map({True: "ill", False: "healthy"}).astype(object).where(score.notna())


def diagnosis_sentence(scans: pd.DataFrame) -> str:
    """ "" where nothing is diagnosed."""
    name = score_name(scans).upper()
    if name not in EDGES:
        return ""
    side = "below" if KNOWN[name].higher_is == "better" else "above"
    return f"Diagnosis means {score_name(scans)} {side} {EDGES[name]:g}."


def numbers(scans: pd.DataFrame, values: pd.Series) -> Items:
    """A session an item, its label the mean over its scans."""
    return grouped(scans, values.astype(float), scans["session"], [])


def classified(scans: pd.DataFrame, values: pd.Series, classes: list[str]) -> Items:
    numbered = values.map({label: float(number) for number, label in enumerate(classes)}).astype(float)
    return grouped(scans, numbered, numbered, [str(label) for label in classes])


def grouped(scans: pd.DataFrame, label: pd.Series, by: pd.Series, classes: list[str]) -> Items:
    known = label.notna().to_numpy(bool)
    table = pd.DataFrame({"subject": scans["subject"], "by": by, "label": label, "train": scans["split"] == "train"})
    groups = table[known].groupby(["subject", "by"], sort=False)
    of_scan = np.full(len(scans), -1)
    of_scan[known] = groups.ngroup().to_numpy(int)
    items = groups.agg(label=("label", "mean"), train=("train", "first")).reset_index()
    subject = np.asarray(items["subject"].factorize()[0], dtype=int)
    return Items(subject, items["train"].to_numpy(bool), items["label"].to_numpy(float), of_scan, classes)
